package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"iotwasm/wasm/internal/presign"
	"iotwasm/wasm/internal/wire"
)

// closeTimeout bounds how long Close waits for a connection to end: a peer that
// is gone answers nothing.
const closeTimeout = 500 * time.Millisecond

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
	// Message hands over a received PUBLISH with the subscriptions it matches.
	Message(subscriptions []uint32, p *packets.Publish)
	// ServerDisconnect tells that the server sent a DISCONNECT.
	ServerDisconnect(d *packets.Disconnect)
}

// Session is one MQTT 5 session. Use New.
type Session struct {
	cfg Config

	mu       sync.Mutex
	state    wire.State
	cancel   context.CancelFunc // ends the attempt under way
	link     *link              // nil until connected
	lastID   uint16
	queue    fifo
	inFlight map[uint16]*outgoing
	requests map[uint16]*request
	received map[uint16]bool // QoS 2 identifiers between PUBREC and PUBREL
	routes   routes
	scratch  packets.Publish // the PUBLISH being written, reused
}

// New returns a Session that is connecting: call Open.
func New(cfg Config) *Session {
	return &Session{
		cfg:      cfg,
		state:    wire.Connecting,
		inFlight: make(map[uint16]*outgoing),
		requests: make(map[uint16]*request),
		received: make(map[uint16]bool),
	}
}

// Opened is the outcome of a connect.
type Opened struct {
	ClientID string
	Connack  *packets.Connack
}

// Open connects. It returns when the server accepted the CONNECT, or else closes
// the session and says why.
func (s *Session) Open(ctx context.Context) (Opened, *wire.Error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Connect.ConnectTimeout, errConnectTimeout)
	defer cancel()
	s.mu.Lock()
	if s.state != wire.Connecting || s.cancel != nil {
		s.mu.Unlock()
		return Opened{}, closedError()
	}
	s.cancel = cancel
	s.mu.Unlock()

	l, err := s.attempt(ctx)

	s.mu.Lock()
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
	s.link = l
	s.state = wire.Connected
	s.cfg.Events.State(wire.Connected, nil)
	if l.lost != nil {
		s.end(l.lost) // it ended between its CONNACK and here
	}
	return Opened{ClientID: l.clientID, Connack: l.connack}, nil
}

var errConnectTimeout = errors.New("connect timeout")

// attempt makes one connection up to its CONNACK.
func (s *Session) attempt(ctx context.Context) (*link, *wire.Error) {
	target, terr := s.cfg.Target(ctx)
	if terr != nil {
		return nil, contextError(ctx, terr)
	}
	signedAt := time.Now().Add(target.ClockOffset)
	url, terr := targetURL(target, signedAt)
	if terr != nil {
		return nil, terr
	}
	conn, err := s.cfg.Dial(ctx, url)
	if err != nil {
		return nil, contextError(ctx, handshakeError(target, signedAt))
	}
	return s.connect(ctx, conn)
}

// targetURL returns the URL to dial, signed where the target asks for it.
func targetURL(t wire.Target, now time.Time) (string, *wire.Error) {
	if t.URL != "" {
		if err := presign.CheckURL(t.URL); err != nil {
			return "", InvalidArgument(err)
		}
		return t.URL, nil
	}
	return PresignURL(t.Presign, now)
}

// PresignURL signs the URL that p asks for, at now where p sets no time.
func PresignURL(p wire.Presign, now time.Time) (string, *wire.Error) {
	if !p.Time.IsZero() {
		now = p.Time
	}
	url, err := presign.URL(presign.Request{
		Endpoint: p.Endpoint, Region: p.Region, Expires: p.Expires,
		Credentials: presign.Credentials{AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, SessionToken: p.SessionToken},
	}, now)
	if err != nil {
		return "", InvalidArgument(err)
	}
	return url, nil
}

// connect makes the MQTT handshake on conn, which it owns from here on.
func (s *Session) connect(ctx context.Context, conn net.Conn) (*link, *wire.Error) {
	c := s.cfg.Connect
	l := &link{session: s, conn: guard(conn, c.Properties), clientID: c.ClientID}
	l.pinger = newPinger()
	l.client = paho.NewClient(paho.ClientConfig{
		Conn:               l.conn,
		Session:            l,
		AuthHandler:        noAuth{},
		PingHandler:        l.pinger,
		PacketTimeout:      c.ConnectTimeout,
		OnPublishReceived:  []func(paho.PublishReceived) (bool, error){l.published},
		OnServerDisconnect: func(*paho.Disconnect) { l.ended(nil) },
		OnClientError:      l.ended,
	})
	connack, err := l.client.Connect(ctx, connectPacket(c))
	switch {
	case err != nil && connack != nil && connack.ReasonCode >= 0x80:
		return nil, connackError(connack)
	case err != nil && ctx.Err() != nil:
		return nil, contextError(ctx, closedError())
	case err != nil:
		return nil, linkError(err, "the server closed the connection before its CONNACK")
	}
	if id := l.connack.Properties.AssignedClientID; id != "" {
		l.clientID = id
	}
	return l, nil
}

func connectPacket(c wire.Connect) *paho.Connect {
	p := &paho.Connect{
		ClientID: c.ClientID, KeepAlive: c.KeepAlive, CleanStart: c.CleanStart,
		UsernameFlag: c.HasUsername, Username: c.Username, PasswordFlag: c.HasPassword, Password: c.Password,
		Properties: &paho.ConnectProperties{RequestProblemInfo: true},
	}
	// paho reserves memory for as many messages as the server may send
	// unacknowledged, 65535 unless told otherwise.
	receiveMaximum := uint16(100)
	if props := c.Properties; props != nil {
		if props.ReceiveMaximum != nil {
			receiveMaximum = *props.ReceiveMaximum
		}
		p.Properties.SessionExpiryInterval = props.SessionExpiryInterval
		p.Properties.MaximumPacketSize = props.MaximumPacketSize
		p.Properties.RequestResponseInfo = props.RequestResponseInfo != nil && *props.RequestResponseInfo == 1
		p.Properties.RequestProblemInfo = props.RequestProblemInfo == nil || *props.RequestProblemInfo == 1
		p.Properties.User = userProperties(props.User)
	}
	p.Properties.ReceiveMaximum = &receiveMaximum
	if w := c.Will; w != nil {
		p.WillMessage = &paho.WillMessage{Topic: w.Topic, Payload: w.Payload, QoS: w.QoS, Retain: w.Retain}
		p.WillProperties = &paho.WillProperties{}
		if props := w.Properties; props != nil {
			p.WillProperties = &paho.WillProperties{
				WillDelayInterval: props.WillDelayInterval, PayloadFormat: props.PayloadFormat, MessageExpiry: props.MessageExpiry,
				ContentType: props.ContentType, ResponseTopic: props.ResponseTopic, CorrelationData: props.CorrelationData,
				User: userProperties(props.User),
			}
		}
	}
	return p
}

func userProperties(in []packets.User) paho.UserProperties {
	var out paho.UserProperties
	for _, u := range in {
		out.Add(u.Key, u.Value)
	}
	return out
}

// Close ends the session with a DISCONNECT where it is connected. done is called
// once the connection has ended, within closeTimeout.
func (s *Session) Close(d *packets.Disconnect, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.link
	if s.cancel != nil {
		s.cancel()
	}
	s.end(nil)
	if l == nil {
		done()
		return
	}
	go func() {
		ended := make(chan struct{})
		go func() { l.disconnect(d); close(ended) }()
		select {
		case <-ended:
		case <-time.After(closeTimeout):
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
	s.failPublishes()
	s.failRequests()
	s.routes = routes{}
	s.cfg.Events.State(wire.Closed, err)
}

// nextID returns a packet identifier that is not in use, or 0 where all are.
func (s *Session) nextID() uint16 {
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

// noAuth answers an AUTH packet, which no server may send since the CONNECT
// names no authentication method [MQTT-4.12.0-6]; paho panics without a handler.
type noAuth struct{}

func (noAuth) Authenticate(*paho.Auth) *paho.Auth { return &paho.Auth{ReasonCode: packets.AuthSuccess} }
func (noAuth) Authenticated()                     {}
