package session

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"iotwasm/wasm/internal/presign"
	"iotwasm/wasm/internal/wire"
)

var (
	errConnectTimeout = errors.New("connect timeout")
	errSuspended      = errors.New("page suspended")
)

// attempt makes one connection up to its CONNACK, within the connect timeout. It
// gives up where the session leaves the state that it was in.
func (s *Session) attempt(ctx context.Context, in wire.State) (*link, *wire.Error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, s.cfg.Connect.ConnectTimeout, errConnectTimeout)
	defer stop()
	s.mu.Lock()
	if s.state != in || s.cancel != nil {
		s.mu.Unlock()
		return nil, closedError()
	}
	s.cancel = cancel
	s.lastAttempt = time.Now()
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.cancel = nil
		s.mu.Unlock()
	}()

	target, terr := s.cfg.Target(ctx)
	if terr != nil {
		if errors.Is(context.Cause(ctx), errConnectTimeout) {
			return nil, &wire.Error{Code: wire.CredentialsFailed, Field: "credentials", Retryable: true, Message: "a function of the page did not answer within connectTimeout",
				Hint: "Does credentials, url or clockOffset wait for something without a limit?"}
		}
		return nil, contextError(ctx, terr)
	}
	url, terr := targetURL(target, time.Now().Add(target.ClockOffset))
	if terr != nil {
		return nil, terr
	}
	conn, err := s.cfg.Dial(ctx, url)
	if err != nil {
		return nil, contextError(ctx, handshakeError(target))
	}
	return s.connect(ctx, conn, target.Login)
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
func (s *Session) connect(ctx context.Context, conn net.Conn, login *wire.Login) (*link, *wire.Error) {
	p := s.connectPacket(login)
	l := newLink(s, conn)
	l.clientID = p.ClientID
	l.client = paho.NewClient(paho.ClientConfig{
		Conn:               l.conn,
		Session:            l,
		AuthHandler:        noAuth{l},
		PingHandler:        l.pinger,
		PacketTimeout:      2 * s.cfg.Connect.ConnectTimeout, // ctx ends first
		OnServerDisconnect: func(*paho.Disconnect) { l.ended(nil) },
		OnClientError:      l.ended,
	})
	if p.WillProperties != nil {
		l.conn.will = newWillPatch(p.WillProperties)
	}
	s.traced(wire.Packet{Sent: true, Type: packets.CONNECT})
	s.counters.packetsOut.Add(1)
	connack, err := l.client.Connect(ctx, p)
	if connack != nil {
		s.traced(wire.Packet{Type: packets.CONNACK, ReasonCodes: []byte{connack.ReasonCode}})
	}
	violation := l.violation()
	switch {
	case err != nil && connack != nil && connack.ReasonCode >= 0x80:
		return nil, connackError(connack)
	case err != nil && violation != nil:
		return nil, violation
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

// connectPacket is the CONNECT of the next attempt, as login where that is given.
// A session that was opened is resumed, where the server keeps it.
func (s *Session) connectPacket(login *wire.Login) *paho.Connect {
	c := s.cfg.Connect
	s.mu.Lock()
	resume := s.connections > 0
	id := s.clientID
	s.mu.Unlock()
	if login != nil {
		if login.ClientID != c.ClientID {
			id = login.ClientID
		}
		c.Login = *login
	}
	p := &paho.Connect{
		ClientID: id, KeepAlive: c.KeepAlive, CleanStart: c.CleanStart && !resume,
		UsernameFlag: c.HasUsername, Username: c.Username, PasswordFlag: c.HasPassword, Password: c.Password,
		Properties: &paho.ConnectProperties{RequestProblemInfo: true},
	}
	// AWS IoT refuses the identifiers that it assigned itself, $GEN/….
	if strings.HasPrefix(id, "$") && resume {
		p.ClientID = c.ClientID
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
		p.Properties.TopicAliasMaximum = props.TopicAliasMaximum
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

// noAuth hears of an AUTH packet, which no server may send since the CONNECT names
// no authentication method [MQTT-4.12.0-6]; paho panics without a handler.
type noAuth struct{ link *link }

func (a noAuth) Authenticate(*paho.Auth) *paho.Auth {
	a.link.session.mu.Lock()
	defer a.link.session.mu.Unlock()
	a.link.violated("the server sent an AUTH packet, which it was not asked for", packets.DisconnectProtocolError)
	return &paho.Auth{}
}

func (noAuth) Authenticated() {}
