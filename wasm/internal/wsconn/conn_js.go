package wsconn

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strconv"
	"sync"
	"syscall/js"
	"time"

	"github.com/coder/websocket"
)

// Sockets is the page's side of the sockets, an object of jsglue/src/socket.ts.
type Sockets struct {
	object js.Value

	mu   sync.Mutex
	last int
}

// NewSockets wraps the page's object.
func NewSockets(object js.Value) *Sockets { return &Sockets{object: object} }

// ErrHandshake says that the WebSocket did not open.
var ErrHandshake = errors.New("WebSocket handshake failed")

// readLimit bounds one WebSocket message; the packets in it have a limit of their
// own.
const readLimit = 64 << 20

// Dial opens a WebSocket with the subprotocol mqtt. It returns when the socket
// is open, has failed, or ctx ends; then the socket is closed.
func (s *Sockets) Dial(ctx context.Context, url string) (net.Conn, error) {
	s.mu.Lock()
	s.last++
	key := s.last
	s.mu.Unlock()
	s.object.Call("prepare", key, url)

	type result struct {
		ws  *websocket.Conn
		err error
	}
	opened := make(chan result, 1)
	go func() {
		// Its context must not end: coder/websocket would then close with a code
		// that browsers refuse.
		ws, _, err := websocket.Dial(context.Background(), strconv.Itoa(key), &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
		opened <- result{ws, err}
	}()
	select {
	case r := <-opened:
		if r.err != nil {
			return nil, ErrHandshake
		}
		return s.newConn(r.ws, key), nil
	case <-ctx.Done():
		s.object.Call("discard", key) // ends the dial above as a failed one
		if r := <-opened; r.err == nil {
			_ = r.ws.Close(websocket.StatusNormalClosure, "")
		}
		return nil, ctx.Err()
	}
}

// Conn is an open connection.
type Conn struct {
	ws      *websocket.Conn
	sockets *Sockets
	key     int
	packet  sync.Mutex

	mu     sync.Mutex
	out    []byte // written, not yet handed to the browser
	spare  []byte
	in     [][]byte
	err    error // why it ended
	closed bool

	readable chan struct{} // holds one token when in or err changed
	writable chan struct{} // likewise for out
}

func (s *Sockets) newConn(ws *websocket.Conn, key int) *Conn {
	ws.SetReadLimit(readLimit)
	c := &Conn{ws: ws, sockets: s, key: key, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
	go c.receive()
	go c.transmit()
	return c
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// receive is always parked in Read: a message that arrives together with the
// close is lost otherwise.
func (c *Conn) receive() {
	for {
		typ, b, err := c.ws.Read(context.Background())
		if err == nil && typ != websocket.MessageBinary {
			err = errors.New("text message") // [MQTT-6.0.0-1]
		}
		c.mu.Lock()
		if err != nil {
			if c.err == nil {
				c.err = c.sockets.closeError(c.key)
			}
			c.mu.Unlock()
			wake(c.readable)
			_ = c.Close()
			return
		}
		c.in = append(c.in, b)
		c.mu.Unlock()
		wake(c.readable)
	}
}

func (s *Sockets) closeError(key int) error {
	info := s.object.Call("closed", key)
	return &CloseError{Code: info.Get("code").Int(), Reason: info.Get("reason").String()}
}

// transmit sends what the writers of one turn left.
func (c *Conn) transmit() {
	for range c.writable {
		runtime.Gosched() // let whoever is ready to write go first
		c.flush()
		c.mu.Lock()
		over := c.closed
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// Lock keeps what is written from being sent until Unlock: paho locks the
// connection while it writes the parts of one packet.
func (c *Conn) Lock() { c.packet.Lock() }

// Unlock ends Lock.
func (c *Conn) Unlock() { c.packet.Unlock() }

func (c *Conn) flush() {
	c.packet.Lock()
	defer c.packet.Unlock()
	c.mu.Lock()
	out := c.out
	c.out, c.spare = c.spare[:0], nil
	c.mu.Unlock()
	if len(out) > 0 {
		_ = c.ws.Write(context.Background(), websocket.MessageBinary, out) // copies
	}
	c.mu.Lock()
	if cap(out) <= 1<<20 {
		c.spare = out
	}
	c.mu.Unlock()
}

// Write takes b to be sent. It does not wait.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	if len(c.out) == 0 && len(b) > 0 {
		wake(c.writable)
	}
	c.out = append(c.out, b...)
	return len(b), nil
}

// Read waits for bytes. At the end it returns a *CloseError, or net.ErrClosed
// after Close.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		c.mu.Lock()
		if len(c.in) > 0 {
			n := copy(b, c.in[0])
			if c.in[0] = c.in[0][n:]; len(c.in[0]) == 0 {
				c.in[0] = nil
				c.in = c.in[1:]
			}
			c.mu.Unlock()
			return n, nil
		}
		if c.err != nil || c.closed {
			err := c.err
			if err == nil {
				err = net.ErrClosed
			}
			c.mu.Unlock()
			wake(c.readable) // for another reader
			return 0, err
		}
		c.mu.Unlock()
		<-c.readable
	}
}

// Close sends what was written and closes the socket. It does not wait for the
// peer.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	c.flush()
	c.mu.Lock()
	c.closed = true
	if c.err == nil {
		c.err = net.ErrClosed
	}
	c.mu.Unlock()
	wake(c.writable)
	wake(c.readable)
	go func() { _ = c.ws.Close(websocket.StatusNormalClosure, "") }()
	return nil
}

type addr struct{}

func (addr) Network() string { return "websocket" }
func (addr) String() string  { return "websocket" }

// LocalAddr returns a placeholder.
func (c *Conn) LocalAddr() net.Addr { return addr{} }

// RemoteAddr returns a placeholder.
func (c *Conn) RemoteAddr() net.Addr { return addr{} }

// SetDeadline is not supported: coder/websocket would close the socket with a
// code that browsers refuse.
func (c *Conn) SetDeadline(time.Time) error { return errors.ErrUnsupported }

// SetReadDeadline is not supported.
func (c *Conn) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline is not supported.
func (c *Conn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
