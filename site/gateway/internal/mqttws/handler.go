// Package mqttws owns the way from an HTTP request for /mqtt to a byte stream of MQTT
// packets: the checks before the upgrade, the refusal in AWS's form, and the net.Conn
// over WebSocket messages. It imports loopback. Who a client is it asks one function,
// and hands the connection to another; what MQTT is it does not know, but for the type
// of a packet. The handler runs on net/http's goroutines; a connection is read by one
// goroutine and written by any.
package mqttws

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"iotwasm/site/gateway/internal/loopback"
)

// Path is where AWS IoT Core takes WebSockets.
const Path = "/mqtt"

// Handler upgrades requests of those who are known and hands over the connection.
type Handler struct {
	// Identify finds out who sent a request. Its error is for the log and holds no
	// secret.
	Identify func(*http.Request) (Identity, error)
	// Serve takes a connection and returns when it is done with it.
	Serve func(context.Context, *Conn, Identity) error
	Log   *slog.Logger
}

// ServeHTTP answers GET /mqtt, and anything else with a refusal.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Not AWS's rule: it keeps foreign pages from talking to this machine's gateway.
	for _, origin := range r.Header.Values("Origin") {
		if !loopback.IsOrigin(origin) {
			h.refuse(w, r, "origin is not on this machine")
			return
		}
	}
	if r.Method != http.MethodGet || r.URL.EscapedPath() != Path {
		h.refuse(w, r, "not GET "+Path)
		return
	}
	identity, err := h.Identify(r)
	if err != nil {
		h.refuse(w, r, err.Error())
		return
	}

	hijacker := &hijacker{ResponseWriter: w}
	ws, err := websocket.Accept(hijacker, r, &websocket.AcceptOptions{
		// The latter is what 3.1.1 clients of AWS's SDKs offer. A client that offers
		// none is served too: nothing says that AWS refuses it.
		Subprotocols:       []string{"mqtt", "mqttv3.1"},
		InsecureSkipVerify: true, // checked above, by our own rule
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		h.Log.Warn("upgrade failed", "remote", r.RemoteAddr, "reason", "not a WebSocket upgrade")
		return
	}
	conn := newConn(ws, hijacker.conn)
	defer conn.finish()
	if err := h.Serve(context.WithoutCancel(r.Context()), conn, identity); err != nil {
		h.Log.Info("connection ended", "remote", r.RemoteAddr, "reason", err.Error())
	}
}

// refuse answers as AWS IoT Core does, which tells nothing; the log tells why. The
// query holds the signature and the token, and is logged nowhere.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, reason string) {
	h.Log.Warn("upgrade refused", "remote", r.RemoteAddr, "status", http.StatusForbidden, "reason", reason)
	Refuse(w, http.StatusForbidden, "ForbiddenException:", "Forbidden")
}

// Refuse answers an upgrade in AWS's form, with the kind of error and a message.
func Refuse(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(struct { // of two strings: cannot fail
		Message string `json:"message"`
		TraceID string `json:"traceId"`
	}{message, uuid()})
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	if header.Get("Connection") == "" { // or it belongs to an Upgrade
		header.Set("Connection", "keep-alive")
	}
	// As AWS writes them, which is not the canonical form.
	header["x-amzn-RequestId"] = []string{uuid()}
	header["x-amzn-ErrorType"] = []string{kind}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// hijacker remembers the connection under the WebSocket, for deadlines which
// websocket.Conn does not have.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack: %w", err)
	}
	h.conn = conn
	return conn, rw, nil
}

// uuid returns a random (version 4) UUID.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
