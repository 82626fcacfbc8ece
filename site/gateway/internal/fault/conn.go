package fault

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// maxSeen is the largest packet of a client that is looked at.
const maxSeen = 1 << 20

// Stream is what carries a connection, as mqttws.Conn does.
type Stream interface {
	net.Conn
	// LastWords lets waiting writers go.
	LastWords()
	// Abort ends the stream without a word. Close follows.
	Abort()
	// SetShape has a function decide which messages and frames carry what goes out.
	SetShape(func(out []byte) [][][]byte)
}

// Conn is a stream with faults. To who reads and writes it, what is lost has been sent.
type Conn struct {
	Stream
	injector *Injector

	clientID atomic.Pointer[string] // nil before CONNECT
	version  atomic.Uint32
	frozen   atomic.Bool
	over     atomic.Bool // nothing follows any more
	ended    chan struct{}
	end      func()

	// Of the goroutine that reads.
	begun   bool
	early   []byte // was read with CONNECT
	in      framer
	blind   bool // what comes makes no sense
	aliases map[uint16]string

	topicsMu sync.Mutex
	topics   map[uint32][]string // by topicsKey, until that packet comes

	mu      sync.Mutex // held while writing
	out     framer
	late    []*parcel // by when they are due
	timer   *time.Timer
	floor   time.Time // nothing goes out before
	swap    *parcel   // of late, which the next PUBLISH overtakes
	merging bool
	merged  []byte
}

// parcel is a packet that goes out later.
type parcel struct {
	due    time.Time
	packet []byte
}

// Wrap puts a connection under the rules.
func (i *Injector) Wrap(stream Stream) *Conn {
	c := &Conn{
		Stream: stream, injector: i, ended: make(chan struct{}),
		in: framer{limit: maxSeen}, aliases: map[uint16]string{}, topics: map[uint32][]string{},
	}
	c.end = sync.OnceFunc(func() {
		close(c.ended)
		if id := c.clientID.Load(); id != nil {
			i.dismiss(*id, c)
		}
	})
	stream.SetShape(c.shape)
	return c
}

// Read reads what the client sends.
func (c *Conn) Read(p []byte) (int, error) {
	if !c.begun {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	slow := c.strike(func(r *Rule) bool { return r.Fault == Read })
	if slow != nil {
		p = p[:min(len(p), slow.Bytes)]
	}
	n, err := c.Stream.Read(p)
	c.see(p[:n])
	// After reading: what was written before has gone out when the next read began.
	if slow != nil {
		c.pause(slow.wait())
	}
	if gone := c.gone(); gone != nil {
		return 0, gone
	}
	return n, err
}

// gone waits for the end of a frozen connection.
func (c *Conn) gone() error {
	switch {
	case c.over.Load():
		return io.EOF
	case c.frozen.Load():
		<-c.ended
		return net.ErrClosed
	}
	return nil
}

func (c *Conn) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ended:
	}
}

// begin reads a CONNECT, before the broker knows of it, and refuses it if it has to.
func (c *Conn) begin() error {
	buffer := make([]byte, 4<<10)
	for {
		n, err := c.Stream.Read(buffer)
		if err != nil {
			return err
		}
		c.early = append(c.early, buffer[:n]...)
		size, err := packetSize(c.early)
		if err != nil || size > 0 && len(c.early) >= size || size > maxSeen || c.early[0]>>4 != typeConnect {
			break // the broker says what is wrong with it
		}
	}
	c.begun = true
	c.see(c.early)
	if c.clientID.Load() == nil {
		return nil
	}
	rule := c.strike(func(r *Rule) bool { return r.Fault == Connack && r.Action == refuse })
	if rule == nil {
		return c.gone()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish(connack(byte(c.version.Load()), rule.code()))
	return io.EOF
}

// see learns from what the client sends.
func (c *Conn) see(p []byte) {
	if !c.blind && c.in.feed(p, c.learn) != nil {
		c.blind = true
	}
}

func topicsKey(kind byte, id uint16) uint32 { return uint32(kind)<<16 | uint32(id) }

func (c *Conn) learn(packet []byte) error {
	version := byte(c.version.Load())
	switch packet[0] >> 4 {
	case typeConnect:
		version, clientID, ok := parseConnect(packet)
		if !ok || c.clientID.Load() != nil {
			return errLength
		}
		c.version.Store(uint32(version))
		c.identify(clientID)
	case typePublish:
		topic, id, alias, ok := published(packet, version)
		if !ok {
			return errLength
		}
		if alias != 0 && topic != "" {
			c.aliases[alias] = topic
		} else if alias != 0 {
			topic = c.aliases[alias]
		}
		switch packet[0] >> 1 & 3 {
		case 1:
			c.expect(typePuback, id, topic)
		case 2:
			c.expect(typePubrec, id, topic)
			c.expect(typePubcomp, id, topic)
		}
	case typeSubscribe, typeUnsubscribe:
		id, filters, ok := filtered(packet, version)
		if !ok {
			return errLength
		}
		c.expect(packet[0]>>4+1, id, filters...) // SUBACK and UNSUBACK
	}
	return nil
}

// identify makes the client known. One without an identifier gets it by CONNACK, which
// tells it from MQTT 5 on.
func (c *Conn) identify(clientID string) {
	c.clientID.Store(&clientID)
	if clientID == "" {
		return
	}
	c.injector.enrol(clientID, c)
	select {
	case <-c.ended: // meanwhile, and nobody else dismisses it
		c.injector.dismiss(clientID, c)
	default:
	}
}

// expect notes what a packet to the client will be about.
func (c *Conn) expect(kind byte, id uint16, topics ...string) {
	c.topicsMu.Lock()
	defer c.topicsMu.Unlock()
	c.topics[topicsKey(kind, id)] = topics
}

// expected returns what a packet to the client is about, if that was noted.
func (c *Conn) expected(packet []byte) []string {
	key := topicsKey(packet[0]>>4, body(packet).number())
	c.topicsMu.Lock()
	defer c.topicsMu.Unlock()
	topics := c.topics[key]
	delete(c.topics, key)
	return topics
}

// strike returns the rule for this client which strikes, if one does.
func (c *Conn) strike(fits func(*Rule) bool) *Rule {
	id := c.clientID.Load()
	if id == nil {
		return nil
	}
	return c.injector.strike(func(r *Rule) bool { return fits(r) && glob(r.Match.ClientID, *id) })
}

// Close ends the connection.
func (c *Conn) Close() error {
	c.end()
	c.Stream.LastWords() // whoever writes must not keep us
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late, c.swap = nil, nil
	if c.timer != nil {
		c.timer.Stop()
	}
	_ = c.flushMerged() // the peer may be gone
	c.over.Store(true)
	if c.frozen.Load() {
		c.Stream.Abort() // not even a close frame
	}
	return c.Stream.Close()
}

// kill lets a reader go that is frozen: nobody else tells the broker of the end.
func (c *Conn) kill() {
	c.Stream.Abort()
	c.end()
}

func (c *Conn) freeze() { c.frozen.Store(true) }

func (c *Conn) disconnect(code byte) {
	c.Stream.LastWords()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnectNow(code)
}

func (c *Conn) disconnectNow(code byte) {
	switch {
	case c.frozen.Load():
		c.kill()
	case c.version.Load() >= version5:
		c.finish(disconnect(code))
	default: // has no DISCONNECT from a server
		c.finish(nil)
	}
}

// finish writes a last packet and closes. c.mu is held.
func (c *Conn) finish(packet []byte) {
	if c.over.Swap(true) {
		return
	}
	c.Stream.LastWords()
	_ = c.flushMerged() // the peer may be gone, here and below
	if packet != nil {
		_, _ = c.Stream.Write(packet)
	}
	_ = c.Stream.Close()
}
