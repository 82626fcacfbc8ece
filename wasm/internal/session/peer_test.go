package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	retries     []time.Duration
	faults      []*wire.Error
	links       int
	dials       []time.Time
	change      sync.Cond // of states and dials
	seen        int       // states that await passed
	packets     []wire.Packet
	closed      chan struct{}
}

type received struct {
	subscriptions []uint32
	topic         string
	payload       string
	qos           byte
	token         uint32
}

func (r *recorder) State(s wire.State, err *wire.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, s)
	r.change.Broadcast()
	if s == wire.Closed {
		r.err = err
		close(r.closed)
	}
}

func (r *recorder) Message(subscriptions []uint32, token uint32, p *packets.Publish) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, received{subscriptions, p.Topic, string(p.Payload), p.QoS, token})
}

func (r *recorder) ServerDisconnect(d *packets.Disconnect) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disconnects = append(r.disconnects, d.ReasonCode)
}

func (r *recorder) Linked(string, *packets.Connack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links++
}

func (r *recorder) Retry(_ int, delay time.Duration, _ *wire.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retries = append(r.retries, delay)
}

func (r *recorder) Fault(err *wire.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

func (r *recorder) Packet(p wire.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Payload = slices.Clone(p.Payload)
	r.packets = append(r.packets, p)
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
	c := wire.Connect{
		Login: wire.Login{ClientID: "test"}, CleanStart: true, ConnectTimeout: 5 * time.Second,
		Queue:  wire.Queue{MaxMessages: 1000, MaxBytes: 1 << 20},
		Limits: wire.Limits{FiltersPerPacket: 8},
	}
	if change != nil {
		change(&c)
	}
	r := &recorder{closed: make(chan struct{})}
	r.change.L = &r.mu
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
	ours := serving(t, serve)
	return newSession(func() (net.Conn, error) { return ours, nil }, change)
}

// serving returns a connection whose other end serve has.
func serving(t *testing.T, serve func(peer)) net.Conn {
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
	return ours
}

// reconnects turns reconnecting on, with the settings that a page has by default.
func reconnects(c *wire.Connect) {
	c.Reconnect = wire.Reconnect{Enabled: true, MinDelay: time.Second, MaxDelay: time.Minute, StableAfter: 30 * time.Second}
	c.Resubscribe = true
	expiry := uint32(300)
	c.Properties = &packets.Properties{SessionExpiryInterval: &expiry}
}

// withPeers returns a session that reconnects, whose first link the first of
// links serves, and so on. A nil link, and what is dialled beyond the last, is
// refused.
func withPeers(t *testing.T, change func(*wire.Connect), links ...func(peer)) (*Session, *recorder) {
	var s *Session
	var r *recorder
	n := 0
	s, r = newSession(func() (net.Conn, error) {
		r.mu.Lock()
		r.dials = append(r.dials, time.Now())
		r.change.Broadcast()
		r.mu.Unlock()
		n++
		if n > len(links) || links[n-1] == nil {
			return nil, net.ErrClosed
		}
		return serving(t, links[n-1]), nil
	}, func(c *wire.Connect) {
		reconnects(c)
		if change != nil {
			change(c)
		}
	})
	t.Cleanup(func() { closeSession(s) })
	return s, r
}

// transcript is what the servers of a test received, a line for each packet.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func (tr *transcript) note(line string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, line)
}

// take waits until nothing moves and returns what came since the last call.
func (tr *transcript) take() []string {
	synctest.Wait()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	lines := tr.lines
	tr.lines = nil
	return lines
}

// expect compares what came since the last call.
func (tr *transcript) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := tr.take(); !slices.Equal(got, want) {
		t.Errorf("%s the server received\n\t%s\nwant\n\t%s", when, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// script is how a server treats one link.
type script struct {
	present bool                // the session, in the CONNACK
	props   *packets.Properties // of the CONNACK
	refuse  byte                // reason code of the CONNACK
	mute    bool                // acknowledges nothing
	drop    int                 // ends the connection at so many packets after the CONNECT; 0: never
	bye     *packets.Disconnect // is sent before
	lives   time.Duration       // ends the connection then; 0: never
	// answer, if it is not nil and returns true, treats a packet instead.
	answer func(peer, *packets.ControlPacket) bool
}

// link returns the server of a link, which writes down what it receives.
func (tr *transcript) link(sc script) func(peer) {
	return func(p peer) {
		tr.note(describe(p.read()))
		props := sc.props
		if props == nil {
			props = &packets.Properties{}
		}
		p.write(&packets.Connack{SessionPresent: sc.present, ReasonCode: sc.refuse, Properties: props})
		end := func() {
			if sc.bye != nil {
				p.write(sc.bye)
			}
			p.conn.Close()
		}
		switch {
		case sc.refuse >= 0x80:
			p.conn.Close()
			return
		case sc.drop < 0:
			end()
			return
		case sc.lives > 0:
			defer time.AfterFunc(sc.lives, end).Stop()
		}
		for n := 1; ; n++ {
			cp, err := packets.ReadPacket(p.conn)
			if err != nil {
				return
			}
			tr.note(describe(cp))
			if n == sc.drop {
				end()
				return
			}
			if sc.mute || (sc.answer != nil && sc.answer(p, cp)) {
				continue
			}
			p.answer(cp)
		}
	}
}

// answer answers a packet well.
func (p peer) answer(cp *packets.ControlPacket) {
	switch c := cp.Content.(type) {
	case *packets.Publish:
		switch c.QoS {
		case 1:
			p.write(&packets.Puback{PacketID: c.PacketID})
		case 2:
			p.write(&packets.Pubrec{PacketID: c.PacketID})
		}
	case *packets.Pubrel:
		p.write(&packets.Pubcomp{PacketID: c.PacketID})
	case *packets.Subscribe:
		p.write(&packets.Suback{PacketID: c.PacketID, Reasons: make([]byte, len(c.Subscriptions)), Properties: &packets.Properties{}})
	case *packets.Unsubscribe:
		p.write(&packets.Unsuback{PacketID: c.PacketID, Reasons: make([]byte, len(c.Topics)), Properties: &packets.Properties{}})
	case *packets.Pingreq:
		p.write(packets.NewControlPacket(packets.PINGRESP))
	}
}

// describe tells of a packet in a line. Packet identifiers are left out but for
// those of QoS 1 and 2 messages.
func describe(cp *packets.ControlPacket) string {
	switch c := cp.Content.(type) {
	case *packets.Connect:
		return fmt.Sprintf("CONNECT %q clean=%v", c.ClientID, c.CleanStart)
	case *packets.Publish:
		out := fmt.Sprintf("PUBLISH q%d", c.QoS)
		if c.QoS > 0 {
			out += fmt.Sprintf(" #%d", c.PacketID)
		}
		if c.Duplicate {
			out += " dup"
		}
		if c.Topic != "" {
			out += " " + c.Topic
		}
		if c.Properties != nil && c.Properties.TopicAlias != nil {
			out += fmt.Sprintf(" alias=%d", *c.Properties.TopicAlias)
		}
		if len(c.Payload) > 0 {
			out += fmt.Sprintf(" %q", c.Payload)
		}
		return out
	case *packets.Puback:
		return fmt.Sprintf("PUBACK #%d 0x%02X", c.PacketID, c.ReasonCode)
	case *packets.Pubrec:
		return fmt.Sprintf("PUBREC #%d 0x%02X", c.PacketID, c.ReasonCode)
	case *packets.Pubrel:
		return fmt.Sprintf("PUBREL #%d", c.PacketID)
	case *packets.Pubcomp:
		return fmt.Sprintf("PUBCOMP #%d", c.PacketID)
	case *packets.Subscribe:
		out := "SUBSCRIBE"
		for _, f := range c.Subscriptions {
			out += fmt.Sprintf(" %s:%d", f.Topic, f.QoS)
			if f.NoLocal {
				out += "n"
			}
			if f.RetainAsPublished {
				out += "r"
			}
			if f.RetainHandling > 0 {
				out += fmt.Sprint("h", f.RetainHandling)
			}
		}
		if c.Properties != nil && c.Properties.SubscriptionIdentifier != nil {
			out += fmt.Sprint(" id=", *c.Properties.SubscriptionIdentifier)
		}
		return out
	case *packets.Unsubscribe:
		return "UNSUBSCRIBE " + strings.Join(c.Topics, " ")
	case *packets.Disconnect:
		return fmt.Sprintf("DISCONNECT 0x%02X", c.ReasonCode)
	case *packets.Pingreq:
		return "PINGREQ"
	}
	return fmt.Sprint("packet of type ", cp.Type)
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
	c := wire.Subscribe{Op: id, Subscription: id, Timeout: 30 * time.Second}
	for _, f := range filters {
		c.Filters = append(c.Filters, wire.Filter{Topic: f, QoS: qos})
	}
	type answer struct {
		codes []byte
		err   *wire.Error
	}
	done := make(chan answer, 1)
	s.Subscribe(c, func(a wire.Answer, err *wire.Error) { done <- answer{a.ReasonCodes, err} })
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

// publish publishes and returns what will become of it.
func publish(s *Session, qos byte, payload string) outcome {
	o := newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: qos, Payload: []byte(payload)}, o)
	return o
}

// settled returns the outcome of a publish, which must be there already.
func (o outcome) settled(t *testing.T) settlement {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-o.done:
		return got
	default:
		t.Fatal("the publish is not settled")
		return settlement{}
	}
}

// open fails the test where a publish is settled.
func (o outcome) open(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-o.done:
		t.Fatalf("the publish is settled: %+v", got)
	default:
	}
}

// await waits for the next change to a state.
func (r *recorder) await(want wire.State) {
	r.mu.Lock()
	for seen := false; !seen; {
		for len(r.states) == r.seen {
			r.change.Wait()
		}
		seen = r.states[r.seen] == want
		r.seen++
	}
	r.mu.Unlock()
	synctest.Wait()
}

// awaitDials waits until n connections were dialled.
func (r *recorder) awaitDials(n int) {
	r.mu.Lock()
	for len(r.dials) < n {
		r.change.Wait()
	}
	r.mu.Unlock()
	synctest.Wait()
}
