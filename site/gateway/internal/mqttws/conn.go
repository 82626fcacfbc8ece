package mqttws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// readLimit bounds one WebSocket message. A client may put all that it has to say
	// in one, it is read as it comes, and packets have a limit of their own.
	readLimit = 64 << 20
	// pendingLimit is how much may wait for a slow peer before writers wait too.
	pendingLimit = 256 << 10
	// keepLimit is the largest buffer which an idle connection keeps.
	keepLimit = 128 << 10
	// earlyFlush is how much acknowledgement may gather while packets are worked through.
	earlyFlush = 16 << 10
	// writeTimeout is how long a peer may take over what goes out together.
	writeTimeout = 30 * time.Second
	// closeTimeout bounds the last words and the close handshake.
	closeTimeout = time.Second

	packetTypePublish = 3
)

// Conn is a net.Conn over binary WebSocket messages. What is written while an earlier
// write is on its way goes out together as one message (MQTT packets need not align
// with WebSocket frames [MQTT-6.0.0-3]); nothing waits for a timer.
type Conn struct {
	ws  *websocket.Conn
	raw net.Conn

	message io.Reader // the message being read; the reader's own

	mu      sync.Mutex
	changed sync.Cond // on mu: pending shrank, or one of the flags below was set
	pending []byte
	shape   func([]byte) [][][]byte // see SetShape
	working bool                    // the reader is away with bytes it was given
	last    bool                    // LastWords was called
	closed  bool
	err     error
	wake    chan struct{} // to the flusher
	ended   chan struct{} // closed by the flusher when the WebSocket is closed
}

func newConn(ws *websocket.Conn, raw net.Conn) *Conn {
	ws.SetReadLimit(readLimit)
	c := &Conn{ws: ws, raw: raw, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	c.changed.L = &c.mu
	go c.flushLoop()
	return c
}

// Read reads from the messages in order; where one ends has no meaning.
func (c *Conn) Read(p []byte) (int, error) {
	c.setWorking(false)
	for {
		if c.message == nil {
			if err := c.nextMessage(); err != nil {
				return 0, err
			}
		}
		n, err := c.message.Read(p)
		if err != nil {
			c.message = nil
			if !errors.Is(err, io.EOF) {
				return n, fmt.Errorf("read WebSocket message: %w", err)
			}
		}
		if n > 0 {
			c.setWorking(true)
			return n, nil
		}
	}
}

// setWorking notes whether answers are on their way; when no more are, they go out.
func (c *Conn) setWorking(working bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working = working
	if !working && len(c.pending) > 0 {
		c.signal()
	}
}

func (c *Conn) nextMessage() error {
	kind, message, err := c.ws.Reader(context.Background())
	if err != nil {
		switch websocket.CloseStatus(err) {
		case websocket.StatusNormalClosure, websocket.StatusGoingAway:
			return io.EOF
		}
		return fmt.Errorf("read WebSocket message: %w", err)
	}
	if kind != websocket.MessageBinary { // [MQTT-6.0.0-1]
		_ = c.ws.Close(websocket.StatusUnsupportedData, "MQTT needs binary frames")
		return errors.New("text frame: MQTT needs binary frames")
	}
	c.message = message
	return nil
}

// Write queues whole packets. It waits while a slow peer has too much to take.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) > pendingLimit && c.err == nil && !c.closed && !c.last {
		c.changed.Wait()
	}
	switch {
	case c.err != nil:
		return 0, c.err
	case c.closed:
		return 0, net.ErrClosed
	}
	c.pending = append(c.pending, p...)
	// Answers to packets read together go out together; messages do not wait for them.
	isPublish := len(p) > 0 && p[0]>>4 == packetTypePublish
	if !c.working || isPublish || c.last || len(c.pending) >= earlyFlush {
		c.signal()
	}
	return len(p), nil
}

// LastWords lets waiting writers go, so that a final packet can be written however
// slow the peer is. Close must follow.
func (c *Conn) LastWords() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	c.changed.Broadcast()
}

// Close sends what is pending and closes the WebSocket, in the background and within
// a second.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.changed.Broadcast()
	c.signal()
	if err := c.raw.SetDeadline(time.Now().Add(closeTimeout)); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// Abort ends the connection at once: what is pending is lost, and the peer gets no
// close frame. Close must follow all the same.
func (c *Conn) Abort() { _ = c.raw.Close() }

// SetShape has shape decide from now on which messages, each of one frame or several,
// carry the bytes that go out together; nil from it is one message of one frame. It is
// for trying out clients, and is called by one goroutine at a time.
func (c *Conn) SetShape(shape func(out []byte) [][][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shape = shape
}

// finish closes the connection and waits until nothing of it is left.
func (c *Conn) finish() {
	_ = c.Close() // the flusher reports no error either: the peer is gone
	<-c.ended
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// flushLoop is the only writer of messages.
func (c *Conn) flushLoop() {
	defer close(c.ended)
	defer func() { _ = c.ws.CloseNow() }()
	var spare []byte
	for range c.wake {
		c.mu.Lock()
		out, closing, shape := c.pending, c.closed, c.shape
		c.pending, spare = spare[:0], nil
		c.changed.Broadcast()
		c.mu.Unlock()

		if len(out) > 0 {
			if err := c.send(out, closing, shape); err != nil {
				c.fail(err)
				return
			}
		}
		if cap(out) <= keepLimit {
			spare = out
		}
		if closing {
			_ = c.ws.Close(websocket.StatusNormalClosure, "") // within the deadline which Close set
			return
		}
	}
}

func (c *Conn) send(out []byte, closing bool, shape func([]byte) [][][]byte) error {
	if !closing {
		c.mu.Lock()
		if !c.closed { // or the deadline is the one of Close
			_ = c.raw.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		c.mu.Unlock()
	}
	var messages [][][]byte
	if shape != nil {
		messages = shape(out)
	}
	if messages == nil {
		messages = [][][]byte{{out}}
	}
	for _, frames := range messages {
		if err := c.sendMessage(frames); err != nil {
			return fmt.Errorf("write WebSocket message: %w", err)
		}
	}
	return nil
}

func (c *Conn) sendMessage(frames [][]byte) error {
	if len(frames) == 1 {
		return c.ws.Write(context.Background(), websocket.MessageBinary, frames[0])
	}
	message, err := c.ws.Writer(context.Background(), websocket.MessageBinary)
	if err != nil {
		return err
	}
	for _, frame := range frames {
		if _, err := message.Write(frame); err != nil {
			return err
		}
	}
	return message.Close() // with an empty frame, which is the last
}

// fail ends writers; closing the socket, which follows, ends the reader.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.changed.Broadcast()
}

// LocalAddr returns the address of the socket under the WebSocket.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline bounds reading; writing has a bound of its own.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline bounds reading. The connection does not survive a deadline.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if err := c.raw.SetReadDeadline(t); err != nil {
		return fmt.Errorf("set read deadline: %w", err)
	}
	return nil
}

// SetWriteDeadline does nothing: see SetDeadline.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
