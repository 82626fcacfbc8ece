package session

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// pipeEnd is one end of an in-memory connection whose writes do not wait.
type pipeEnd struct {
	net.Conn
	in, out *stream
}

type stream struct {
	mu     sync.Mutex
	change *sync.Cond
	buf    []byte
	closed bool
}

func newStream() *stream {
	s := new(stream)
	s.change = sync.NewCond(&s.mu)
	return s
}

func pipe() (a, b *pipeEnd) {
	x, y := newStream(), newStream()
	return &pipeEnd{in: x, out: y}, &pipeEnd{in: y, out: x}
}

func (p *pipeEnd) Write(b []byte) (int, error) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.out.closed {
		return 0, net.ErrClosed
	}
	p.out.buf = append(p.out.buf, b...)
	p.out.change.Broadcast()
	return len(b), nil
}

func (p *pipeEnd) Read(b []byte) (int, error) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for len(p.in.buf) == 0 {
		if p.in.closed {
			return 0, io.EOF
		}
		p.in.change.Wait()
	}
	n := copy(b, p.in.buf)
	p.in.buf = p.in.buf[n:]
	return n, nil
}

func (p *pipeEnd) Close() error {
	for _, s := range []*stream{p.in, p.out} {
		s.mu.Lock()
		s.closed = true
		s.change.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

// peer is a server made by hand, for what no real server can be made to do.
type peer struct {
	t    *testing.T
	conn net.Conn
}

func (p peer) read() *packets.ControlPacket {
	p.t.Helper()
	cp, err := packets.ReadPacket(p.conn)
	if err != nil {
		p.t.Errorf("the peer expected a packet: %v", err)
		panic(errPeer)
	}
	return cp
}

var errPeer = errors.New("peer failed")

func (p peer) write(c packetWriter) {
	if _, err := c.WriteTo(p.conn); err != nil {
		p.t.Errorf("the peer could not write: %v", err)
	}
}

// accept reads the CONNECT and answers with a CONNACK of these properties.
func (p peer) accept(props *packets.Properties) *packets.Connect {
	c, ok := p.read().Content.(*packets.Connect)
	if !ok {
		p.t.Error("the first packet is not a CONNECT")
		panic(errPeer)
	}
	if props == nil {
		props = &packets.Properties{}
	}
	p.write(&packets.Connack{Properties: props})
	return c
}

// ack reads packets and answers each PUBLISH, SUBSCRIBE and UNSUBSCRIBE well,
// until the connection ends.
func (p peer) ack() {
	for {
		cp, err := packets.ReadPacket(p.conn)
		if err != nil {
			return
		}
		switch c := cp.Content.(type) {
		case *packets.Publish:
			if c.QoS == 1 {
				p.write(&packets.Puback{PacketID: c.PacketID})
			}
		case *packets.Subscribe:
			p.write(&packets.Suback{PacketID: c.PacketID, Reasons: make([]byte, len(c.Subscriptions)), Properties: &packets.Properties{}})
		case *packets.Unsubscribe:
			p.write(&packets.Unsuback{PacketID: c.PacketID, Reasons: make([]byte, len(c.Topics)), Properties: &packets.Properties{}})
		case *packets.Pingreq:
			p.write(packets.NewControlPacket(packets.PINGRESP))
		}
	}
}

// recorder is the Events of a test.
type recorder struct {
	mu          sync.Mutex
	states      []wire.State
	err         *wire.Error
	messages    []received
	disconnects []byte
	closed      chan struct{}
}

type received struct {
	subscriptions []uint32
	topic         string
	payload       string
	qos           byte
}

func (r *recorder) State(s wire.State, err *wire.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, s)
	if s == wire.Closed {
		r.err = err
		close(r.closed)
	}
}

func (r *recorder) Message(subscriptions []uint32, p *packets.Publish) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, received{subscriptions, p.Topic, string(p.Payload), p.QoS})
}

func (r *recorder) ServerDisconnect(d *packets.Disconnect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disconnects = append(r.disconnects, d.ReasonCode)
}

func (r *recorder) waitMessages(t *testing.T, n int) []received {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		got := append([]received(nil), r.messages...)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
	}
	t.Fatalf("got %d messages, want %d", len(r.messages), n)
	return nil
}

// newSession returns a session that dials what dial returns.
func newSession(dial func() (net.Conn, error), change func(*wire.Connect)) (*Session, *recorder) {
	c := wire.Connect{ClientID: "test", CleanStart: true, ConnectTimeout: 5 * time.Second}
	if change != nil {
		change(&c)
	}
	r := &recorder{closed: make(chan struct{})}
	s := New(Config{
		Connect: c,
		Target: func(context.Context) (wire.Target, *wire.Error) {
			return wire.Target{URL: "ws://localhost/mqtt"}, nil
		},
		Dial:   func(context.Context, string) (net.Conn, error) { return dial() },
		Events: r,
	})
	return s, r
}

// withPeer returns a session and runs serve as its server.
func withPeer(t *testing.T, change func(*wire.Connect), serve func(peer)) (*Session, *recorder) {
	ours, theirs := pipe()
	t.Cleanup(func() { ours.Close() })
	go func() {
		defer func() {
			if r := recover(); r != nil && r != any(errPeer) {
				panic(r)
			}
		}()
		serve(peer{t, theirs})
	}()
	return newSession(func() (net.Conn, error) { return ours, nil }, change)
}

// outcome is the Delivery of a test.
type outcome struct {
	sent chan time.Time
	done chan settlement
}

type settlement struct {
	sentAt time.Time
	ack    wire.Acknowledgement
	err    *wire.Error
}

func newOutcome() outcome {
	return outcome{make(chan time.Time, 1), make(chan settlement, 2)}
}

func (o outcome) Sent(at time.Time) { o.sent <- at }
func (o outcome) Settled(at time.Time, a wire.Acknowledgement, err *wire.Error) {
	o.done <- settlement{at, a, err}
}

func mustOpen(t *testing.T, s *Session) Opened {
	t.Helper()
	opened, err := s.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func subscribe(t *testing.T, s *Session, id uint32, qos byte, filters ...string) []byte {
	t.Helper()
	c := wire.Subscribe{Op: id, Subscription: id}
	for _, f := range filters {
		c.Filters = append(c.Filters, wire.Filter{Topic: f, QoS: qos})
	}
	type answer struct {
		codes []byte
		err   *wire.Error
	}
	done := make(chan answer, 1)
	s.Subscribe(c, func(codes []byte, err *wire.Error) { done <- answer{codes, err} })
	a := <-done
	if a.err != nil {
		t.Fatalf("subscribe: %v", a.err)
	}
	return a.codes
}

func closeSession(s *Session) {
	done := make(chan struct{})
	s.Close(&packets.Disconnect{}, func() { close(done) })
	<-done
}
