// Package shadowapi owns the HTTPS data API for shadows: GetThingShadow,
// UpdateThingShadow, DeleteThingShadow and ListNamedShadowsForThing, with their paths
// and errors. It imports shadow, whose Desk carries the requests out, and sigv4, which
// checks the signatures. Its handler runs on net/http's goroutines; web calls it for
// Paths, and has then seen to it that host and origin are this machine's and that pages
// may read the answer.
package shadowapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"iotwasm/site/gateway/internal/shadow"
)

// maxBody is the most of a request that is read: AWS IoT's largest payload.
const maxBody = 128 << 10

// Desk is where requests are carried out.
type Desk interface {
	Ask(context.Context, shadow.Request) (shadow.Answer, error)
}

// Verifier says whether a request is signed by someone who is known. body is the whole
// of what was sent.
type Verifier interface {
	Verify(r *http.Request, body []byte, now time.Time) error
}

// Handler answers the requests for Paths.
type Handler struct {
	Desk     Desk
	Verifier Verifier
	// Allow says whether who signed r may do action ("iot:GetThingShadow" and so on)
	// with the shadow; nil allows everything.
	Allow func(r *http.Request, action, thing, name string) bool
	Now   func() time.Time
	Log   *slog.Logger
}

// failure is an error as the API shows it.
type failure struct {
	status  int
	kind    string // x-amzn-ErrorType
	message string
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header["x-amzn-RequestId"] = []string{uuid()} // as AWS writes it, which is not the canonical form
	request, f := route(r)
	if f != nil {
		h.refuse(w, r, *f, f.message)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		f := *invalid("Invalid request body")
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			f = failure{413, kinds[413], "The payload exceeds the maximum size allowed"}
		}
		h.refuse(w, r, f, err.Error())
		return
	}
	if err := h.Verifier.Verify(r, body, h.Now()); err != nil {
		f := forbidden
		if errors.Is(err, ErrUnsigned) {
			f = unsigned
		}
		h.refuse(w, r, f, err.Error())
		return
	}
	if h.Allow != nil && !h.Allow(r, actions[request.Operation], request.Thing, request.Shadow) {
		h.refuse(w, r, forbidden, "no policy allows "+actions[request.Operation])
		return
	}
	if request.Operation == shadow.Update {
		request.Payload = body
	}
	h.ask(w, r, request)
}

var (
	forbidden = failure{http.StatusForbidden, "ForbiddenException:", "Forbidden"}
	unsigned  = failure{http.StatusForbidden, "MissingAuthenticationTokenException:", "Missing Authentication Token"}

	actions = map[shadow.Operation]string{
		shadow.Get: "iot:GetThingShadow", shadow.Update: "iot:UpdateThingShadow",
		shadow.Delete: "iot:DeleteThingShadow", shadow.List: "iot:ListNamedShadowsForThing",
	}

	// kinds are the names of the data API's errors.
	kinds = map[int]string{
		400: "InvalidRequestException",
		401: "UnauthorizedException",
		403: "ForbiddenException:",
		404: "ResourceNotFoundException",
		405: "MethodNotAllowedException",
		409: "ConflictException",
		413: "RequestEntityTooLargeException",
		415: "UnsupportedDocumentEncodingException",
		429: "ThrottlingException",
		500: "InternalFailureException",
		503: "ServiceUnavailableException",
	}
)

func (h *Handler) ask(w http.ResponseWriter, r *http.Request, request shadow.Request) {
	answer, err := h.Desk.Ask(r.Context(), request)
	switch {
	case err != nil && r.Context().Err() != nil: // the client is gone
	case err != nil:
		h.refuse(w, r, failure{503, kinds[503], "Service unavailable"}, err.Error())
	case answer.Lost:
		panic(http.ErrAbortHandler) // net/http's way to end a connection without an answer
	case answer.Code != http.StatusOK:
		// Not logged: the service did what it is for.
		write(w, failure{answer.Code, kinds[answer.Code], answer.Reason})
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer.Reply.Payload) // the client may be gone
	}
}

// refuse answers without the service. The log tells why, and never with the query or
// the headers, which hold the signature and the token.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, f failure, reason string) {
	h.Log.Warn("shadow request refused", "remote", r.RemoteAddr, "status", f.status, "reason", reason)
	write(w, f)
}

func write(w http.ResponseWriter, f failure) {
	body, _ := json.Marshal(struct { // of two strings: cannot fail
		Message string `json:"message"`
		TraceID string `json:"traceId"`
	}{f.message, uuid()})
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header["x-amzn-ErrorType"] = []string{f.kind}
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client may be gone
}

// uuid returns a random (version 4) UUID.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
