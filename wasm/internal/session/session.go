package session

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// closeTimeout bounds how long Close waits for a connection to end: a peer that
// is gone answers nothing.
const closeTimeout = 500 * time.Millisecond

// Links that live shorter than shortLife, suspicious of them in a row, look like
// two clients with one identifier that throw each other out.
const (
	shortLife  = 10 * time.Second
	suspicious = 3
)

// Config is what a Session needs from outside.
type Config struct {
	Connect wire.Connect
	// Target gives what to dial; it is asked at each attempt.
	Target func(context.Context) (wire.Target, *wire.Error)
	// Dial opens the connection. Its errors must not hold the URL.
	Dial   func(ctx context.Context, url string) (net.Conn, error)
	Events Events
}

// Events hears of what no call asked for.
type Events interface {
	// State tells a new state; err says why where it was not asked for.
	State(s wire.State, err *wire.Error)
	// Linked tells of a new link, before the State that follows it.
	Linked(clientID string, c *packets.Connack)
	// Retry tells that the next attempt begins after delay. err is why the last
	// one, or the link, failed.
	Retry(attempt int, delay time.Duration, err *wire.Error)
	// Message hands over a received PUBLISH with the subscriptions it matches.
	// token, if not 0, must be given to Acknowledge. p is good during the call only.
	Message(subscriptions []uint32, token uint32, p *packets.Publish)
	// ServerDisconnect tells that the server sent a DISCONNECT.
	ServerDisconnect(d *packets.Disconnect)
	// Fault tells of a failure that no call reports.
	Fault(err *wire.Error)
	// Packet tells of a control packet while tracing is on.
	Packet(p wire.Packet)
}

// Session is one MQTT 5 session. Use New.
type Session struct {
	cfg      Config
	trace    atomic.Uint32 // a wire.TraceDetail
	counters counters

	mu     sync.Mutex
	state  wire.State
	cancel context.CancelCauseFunc // ends the attempt under way
	wakeup chan struct{}           // holds one token when the reconnect loop must look again
	link   *link                   // nil where there is no connection
	server serverLimits            // of the last CONNACK

	clientID    string // as the server knows it
	backoff     backoff
	suspended   bool
	held        bool // no attempt is made until the page asks for one
	hurried     bool // it asked
	lastAttempt time.Time
	renewal     renewal
	connections uint32
	shortLived  int // links in a row

	lastID      uint16
	queue       fifo
	inFlight    map[uint16]*outgoing
	order       []*outgoing // what is in inFlight, in the order of sending, and some that was
	resend      []*outgoing // of inFlight: not yet on the present link
	pace        pace
	watchingAge bool // a timer runs for the head of queue
	dropped     uint32
	scratch     packets.Publish // the PUBLISH being written, reused

	requests      map[uint16]*request
	asked         []*request      // what is in requests, in the order of sending, and some that was
	unsent        []*request      // wait for a link
	subscriptions []*subscription // in the order of the calls
	routes        routes

	received  map[uint16]bool // QoS 2 identifiers between PUBREC and PUBREL
	lastToken uint32

	manualAcks bool
}

// New returns a Session that is connecting: call Open.
func New(cfg Config) *Session {
	s := &Session{
		cfg:      cfg,
		state:    wire.Connecting,
		clientID: cfg.Connect.ClientID,
		wakeup:   make(chan struct{}, 1),
		server:   noServerLimits(),
		inFlight: make(map[uint16]*outgoing),
		requests: make(map[uint16]*request),
		received: make(map[uint16]bool),
	}
	s.pace.limits = cfg.Connect.Limits
	return s
}

// Opened is the outcome of a connect.
type Opened struct {
	ClientID string
	Connack  *packets.Connack
}

// Open connects for the first time. It returns when the server accepted the
// CONNECT, or else closes the session and says why. From then on the session
// replaces a lost link by itself, if it is configured to. A session that outlives
// refusals is open from the start: Open then returns when it has its first link,
// or was closed.
func (s *Session) Open(ctx context.Context) (Opened, *wire.Error) {
	l, err := s.attempt(ctx, wire.Connecting)
	s.mu.Lock()
	if err != nil && s.outlives() && s.state == wire.Connecting {
		return s.openLater(err)
	}
	defer s.mu.Unlock()
	if err == nil && s.state != wire.Connecting {
		// Closed while the CONNACK was on its way.
		go l.disconnect(&packets.Disconnect{})
		err = closedError()
	}
	if err != nil {
		s.end(err)
		return Opened{}, err
	}
	s.linked(l)
	return Opened{ClientID: s.clientID, Connack: l.connack}, nil
}

// openLater makes the attempts after a first one that failed. The mutex is held,
// and released.
func (s *Session) openLater(cause *wire.Error) (Opened, *wire.Error) {
	s.state = wire.Reconnecting
	s.cfg.Events.State(wire.Reconnecting, cause)
	s.mu.Unlock()
	s.reconnect(cause, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return Opened{}, closedError()
	}
	return Opened{ClientID: s.clientID, Connack: s.link.connack}, nil
}

// outlives reports whether the session lives on whatever fails.
func (s *Session) outlives() bool { return s.cfg.Connect.Reconnect.OnRefusal != wire.RefusalCloses }

// retries reports whether what failed with err is tried again.
func (s *Session) retries(err *wire.Error) bool {
	r := s.cfg.Connect.Reconnect
	switch {
	case !r.Enabled:
		return false
	case !s.outlives(), err.Code == wire.InvalidArgument, err.Code == wire.CredentialsFailed:
		return err.Retryable
	case err.Code == wire.ConnackRefused:
		return r.OnRefusal == wire.RefusalRetries
	}
	return true
}

// linked takes a link into service. The mutex is held.
func (s *Session) linked(l *link) {
	s.link, s.server = l, l.server
	l.serve()
	s.held = false
	s.connections++
	s.clientID = l.clientID
	l.quota = int(l.server.receiveMaximum)
	if n := int(s.cfg.Connect.Limits.InFlight); n > 0 {
		l.quota = min(l.quota, n)
	}
	s.cfg.Events.Linked(l.clientID, l.connack)
	s.state = wire.Connected
	s.cfg.Events.State(wire.Connected, nil)
	s.resumeSubscriptions(l.connack.SessionPresent) // first: what is published may be answered there
	s.resumePublishes(l.connack.SessionPresent)
	s.pump()
	s.renewal.linked(s)
	if l.lost != nil {
		s.lost(l, l.lost) // it ended between its CONNACK and here
	}
}

// lost takes a link that ended out of service. The mutex is held.
func (s *Session) lost(l *link, err *wire.Error) {
	if s.link != l {
		return
	}
	if !s.retries(err) && !s.outlives() {
		s.end(err)
		return
	}
	s.unlink()
	if time.Since(l.connectedAt) >= shortLife {
		s.shortLived = 0
	} else if s.shortLived++; s.shortLived == suspicious {
		s.cfg.Events.Fault(&wire.Error{Code: wire.TransportClosed, Field: "clientId", Retryable: true, Message: "the connection was lost soon after it was made, several times in a row",
			Hint: "Does another tab or device use the same client identifier? Servers close the older connection then, and not all of them say so."})
	}
	s.cfg.Events.State(wire.Reconnecting, err)
	go s.reconnect(err, false)
}

// unlink leaves the session without a link: what is open waits for the next.
func (s *Session) unlink() {
	l := s.link
	s.link, s.state = nil, wire.Reconnecting
	s.hurried = false
	s.resend = nil
	s.renewal.unlinked()
	if time.Since(l.connectedAt) >= s.cfg.Connect.Reconnect.StableAfter {
		s.backoff = backoff{}
	}
	select {
	case <-s.wakeup: // of before the outage
	default:
	}
	s.shelveRequests()
}

// Close ends the session with a DISCONNECT where it is connected, or with none
// where d is nil. done is called once the connection has ended, within
// closeTimeout.
func (s *Session) Close(d *packets.Disconnect, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.link
	s.end(nil)
	if l == nil {
		done()
		return
	}
	go func() {
		if d == nil {
			l.abandon()
		} else {
			l.disconnectWithin(d, closeTimeout)
		}
		done()
	}()
}

// end closes the session and settles all that is open. err is nil where the page
// asked for it. The mutex is held.
func (s *Session) end(err *wire.Error) {
	if s.state == wire.Closed {
		return
	}
	s.state = wire.Closed
	s.link = nil
	if s.cancel != nil {
		s.cancel(nil)
	}
	s.wake()
	s.pace.stop()
	s.renewal.end()
	s.failPublishes()
	s.failRequests()
	s.routes = routes{}
	s.subscriptions = nil
	s.cfg.Events.State(wire.Closed, err)
}

// packetID returns a packet identifier that is not in use: wanted, if that is not,
// or 0 where all are.
func (s *Session) packetID(wanted uint16) uint16 {
	if wanted != 0 && s.inFlight[wanted] == nil && s.requests[wanted] == nil {
		return wanted
	}
	for range 65535 {
		s.lastID++
		if s.lastID == 0 {
			s.lastID = 1
		}
		if s.inFlight[s.lastID] == nil && s.requests[s.lastID] == nil {
			return s.lastID
		}
	}
	return 0
}
