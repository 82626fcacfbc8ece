package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/session"
	"iotwasm/wasm/internal/wire"
)

// client is one client of the page: its session, and what the page was asked on
// its behalf.
type client struct {
	bridge  *bridge
	id      uint32
	session *session.Session

	mu      sync.Mutex
	last    uint32
	answers map[uint32]chan answer
}

type answer struct {
	target wire.Target
	err    *wire.Error
}

// target asks the page what to dial.
func (c *client) target(ctx context.Context) (wire.Target, *wire.Error) {
	c.mu.Lock()
	c.last++
	request, reply := c.last, make(chan answer, 1)
	c.answers[request] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.answers, request)
		c.mu.Unlock()
	}()
	c.bridge.out.put(func(w *wire.Writer) { w.TargetRequest(c.id, request) })
	select {
	case a := <-reply:
		return a.target, a.err
	case <-ctx.Done():
		return wire.Target{}, &wire.Error{Code: wire.CredentialsFailed, Retryable: true, Message: "the page did not say what to connect to"}
	}
}

func (c *client) answer(request uint32, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reply := c.answers[request]; reply != nil {
		delete(c.answers, request)
		reply <- a
	}
}

// State tells the page, and the delayed runs of the client.
func (c *client) State(s wire.State, err *wire.Error) {
	if s == wire.Closed {
		c.bridge.scheduler.Close(c.id, &wire.Error{Code: wire.ClientClosed, Message: "the client closed before the step was sent"})
	} else {
		c.bridge.scheduler.Link(c.id, s == wire.Connected)
	}
	c.bridge.out.put(func(w *wire.Writer) { w.State(c.id, s, err) })
}

// Linked tells the page.
func (c *client) Linked(clientID string, ack *packets.Connack) {
	c.bridge.out.put(func(w *wire.Writer) { w.Linked(c.id, clientID, ack) })
}

// Retry tells the page.
func (c *client) Retry(attempt int, delay time.Duration, err *wire.Error) {
	c.bridge.out.put(func(w *wire.Writer) { w.Retry(c.id, uint32(attempt), delay, err) })
}

// Message hands the message to the page.
func (c *client) Message(subscriptions []uint32, token uint32, p *packets.Publish) {
	c.bridge.out.put(func(w *wire.Writer) { w.Message(c.id, subscriptions, token, p, time.Now()) })
}

// ServerDisconnect tells the page.
func (c *client) ServerDisconnect(d *packets.Disconnect) {
	c.bridge.out.put(func(w *wire.Writer) { w.ServerDisconnect(c.id, d) })
}

// Fault tells the page.
func (c *client) Fault(err *wire.Error) {
	c.bridge.out.put(func(w *wire.Writer) { w.Fault(c.id, err) })
}

// Packet tells the page.
func (c *client) Packet(p wire.Packet) {
	c.bridge.out.put(func(w *wire.Writer) { w.Packet(c.id, p) })
}
