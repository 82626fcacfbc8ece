package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"iotwasm/site/gateway/internal/access"
	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/fault"
	"iotwasm/site/gateway/internal/mqttws"
	"iotwasm/site/gateway/internal/policy"
)

const (
	// plainWriteTimeout is how long a peer may take no data at all.
	plainWriteTimeout = 30 * time.Second
	// plainCloseTimeout bounds the last words, and the wait for the peer's end.
	plainCloseTimeout = time.Second
)

// plainFlag is about MQTT over TCP, for clients that know nothing of WebSockets.
type plainFlag struct{ addr string }

func (p *plainFlag) add(flags *flag.FlagSet) {
	flags.StringVar(&p.addr, "mqtt-addr", "", "loopback `address` where MQTT is taken over TCP, for example 127.0.0.1:1883, from clients that do not sign; it wants -profile generic or -authorizers")
}

// plain takes MQTT over TCP.
type plain struct {
	listener net.Listener
	gate     *access.Gate
}

// open listens; without the flag it returns nil. Nothing is signed there, so that
// AWS's rules leave custom authorizers only.
func (p *plainFlag) open(ctx context.Context, profile string, shake *handshake) (*plain, error) {
	if p.addr == "" {
		return nil, nil
	}
	if profile == "aws" && shake.gate.Authorizers == nil {
		return nil, errors.New("-mqtt-addr: clients cannot sign there, and the profile aws takes no others: give -profile generic, or -authorizers, which decide by user name")
	}
	listener, err := listen(ctx, "-mqtt-addr", p.addr)
	if err != nil {
		return nil, err
	}
	return &plain{listener, shake.gate}, nil
}

// describe says where.
func (p *plain) describe() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("mqtt        mqtt://%s\n", p.listener.Addr())
}

// accept serves until close. It counts connections as long as they last.
func (p *plain) accept(mqtt *broker.Broker, injector *fault.Injector, connections *sync.WaitGroup, log *slog.Logger) {
	if p == nil {
		return
	}
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Warn("plain MQTT: no connection", "reason", err.Error())
			time.Sleep(100 * time.Millisecond) // out of file descriptors, say
			continue
		}
		connections.Go(func() { p.serve(mqtt, injector, conn, log) })
	}
}

func (p *plain) serve(mqtt *broker.Broker, injector *fault.Injector, conn net.Conn, log *slog.Logger) {
	c := &plainConn{Conn: conn}
	defer c.finish()
	identity, err := p.identify(conn)
	if err == nil {
		err = mqtt.Serve(context.Background(), injector.Wrap(c), principal(identity))
	}
	if err != nil {
		log.Info("connection ended", "remote", conn.RemoteAddr().String(), "reason", err.Error())
	}
}

// identify asks the authorizers, who decide by CONNECT where there is nothing else.
// Without them everybody is let in, by the policy of those who sign elsewhere.
func (p *plain) identify(conn net.Conn) (mqttws.Identity, error) {
	nothing := &http.Request{Header: http.Header{}, URL: &url.URL{}, Host: conn.LocalAddr().String(), RemoteAddr: conn.RemoteAddr().String()}
	if p.gate.Authorizers != nil {
		return p.gate.Identify(nothing)
	}
	return mqttws.Identity{ID: "plain", Allows: policy.NewConnection(p.gate.Policies, p.gate.Variables(nothing)).Allows}, nil
}

// close lets nobody else in.
func (p *plain) close() {
	if p != nil {
		_ = p.listener.Close() // it ends with the gateway in any case
	}
}

// plainConn is a fault.Stream over TCP.
type plainConn struct {
	net.Conn
	writing sync.Mutex
	cut     error // a packet was sent in part: nothing may follow

	mu   sync.Mutex
	last bool // the deadline is that of the end
}

// Write writes whole packets, one after another.
func (c *plainConn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.cut != nil {
		return 0, c.cut
	}
	c.mu.Lock()
	if !c.last {
		_ = c.SetWriteDeadline(time.Now().Add(plainWriteTimeout)) // a broken connection shows in Write
	}
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	if err != nil {
		c.cut = fmt.Errorf("write: %w", err)
		_ = c.SetReadDeadline(time.Now()) // the reader ends the connection
	}
	return n, c.cut
}

// LastWords bounds the writes that wait for a slow peer, and what follows them.
func (c *plainConn) LastWords() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	_ = c.SetWriteDeadline(time.Now().Add(plainCloseTimeout))
}

// Abort resets the connection.
func (c *plainConn) Abort() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the peer may be gone
	}
	_ = c.Conn.Close()
}

// SetShape does nothing: there are neither messages nor frames.
func (c *plainConn) SetShape(func(out []byte) [][][]byte) {}

// Close ends what is sent, and reading. The socket stays until finish: to close it on
// data that came too late would take the last packet back.
func (c *plainConn) Close() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the peer may be gone
	}
	return c.SetReadDeadline(time.Now())
}

// finish waits for the peer's end, not for long.
func (c *plainConn) finish() {
	_ = c.SetReadDeadline(time.Now().Add(plainCloseTimeout))
	_, _ = io.Copy(io.Discard, c.Conn)
	_ = c.Conn.Close()
}
