package session

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/log"
	pahosession "github.com/eclipse/paho.golang/paho/session"

	"iotwasm/wasm/internal/wire"
)

// link is one connection of a Session. paho.Client calls it as its
// SessionManager, from the goroutine that reads the connection and the one that
// routes what was read.
type link struct {
	session  *Session
	client   *paho.Client
	conn     *guardedConn
	pinger   *pinger
	clientID string

	// Set in ConAckReceived, before the link is shared.
	connack     *packets.Connack
	server      serverLimits
	connectedAt time.Time

	// Guarded by session.mu.
	quota   int // PUBLISH packets that may still be sent unacknowledged
	acks    acks
	aliases sentAliases
	names   receivedAliases

	serving   sync.Once
	inService chan struct{} // closed when the link is, or was given up
	inbound   inbound
	outbound  outbound
	once      sync.Once
	lost      *wire.Error // guarded by session.mu; why the link ended
}

var _ pahosession.SessionManager = (*link)(nil)

func newLink(s *Session, conn net.Conn) *link {
	l := &link{session: s, inService: make(chan struct{})}
	l.conn = guard(conn, s.cfg.Connect.Properties, &s.counters, l.take)
	l.conn.over = l.serve
	if p := s.cfg.Connect.Properties; p != nil && p.TopicAliasMaximum != nil {
		l.names.maximum = *p.TopicAliasMaximum
	}
	l.pinger = newPinger(func(sent bool) {
		p := wire.Packet{Sent: sent, Type: packets.PINGRESP}
		if sent {
			p.Type = packets.PINGREQ
			s.counters.packetsOut.Add(1)
		}
		s.traced(p)
	}, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if l.lost == nil {
			l.lost = linkError(errKeepAlive, "")
		}
	})
	return l
}

// serverLimits are what a CONNACK tells of the server, with the defaults of MQTT
// 5, section 3.2.2.3.
type serverLimits struct {
	receiveMaximum         uint16
	maximumQoS             byte
	retain                 bool
	maximumPacketSize      uint32 // 0: no limit
	topicAliasMaximum      uint16
	wildcards, ids, shared bool
}

func noServerLimits() serverLimits {
	return serverLimits{receiveMaximum: 65535, maximumQoS: 2, retain: true, wildcards: true, ids: true, shared: true}
}

func readServerLimits(p *packets.Properties) serverLimits {
	limits := noServerLimits()
	if p == nil {
		return limits
	}
	take(&limits.receiveMaximum, p.ReceiveMaximum)
	take(&limits.maximumQoS, p.MaximumQOS)
	take(&limits.maximumPacketSize, p.MaximumPacketSize)
	take(&limits.topicAliasMaximum, p.TopicAliasMaximum)
	takeFlag(&limits.retain, p.RetainAvailable)
	takeFlag(&limits.wildcards, p.WildcardSubAvailable)
	takeFlag(&limits.ids, p.SubIDAvailable)
	takeFlag(&limits.shared, p.SharedSubAvailable)
	return limits
}

func take[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func takeFlag(to *bool, from *byte) {
	if from != nil {
		*to = *from == 1
	}
}

// serve lets what the server publishes through.
func (l *link) serve() { l.serving.Do(func() { close(l.inService) }) }

// ConAckReceived takes the server's limits, before anything else is read.
func (l *link) ConAckReceived(_ io.Writer, _ *packets.Connect, c *packets.Connack) error {
	l.connack = c
	l.server = readServerLimits(c.Properties)
	l.connectedAt = time.Now()
	if l.session.cfg.Connect.TopicAliases {
		l.aliases.maximum = l.server.topicAliasMaximum
	}
	if !c.SessionPresent {
		l.session.mu.Lock()
		clear(l.session.received)
		l.session.mu.Unlock()
	}
	return nil
}

// ConnectionLost notes a DISCONNECT of the server; paho also calls it, with nil,
// whenever the connection ends.
func (l *link) ConnectionLost(d *packets.Disconnect) error {
	if d == nil {
		return nil
	}
	s := l.session
	s.traced(wire.Packet{Type: packets.DISCONNECT, ReasonCodes: []byte{d.ReasonCode}, Properties: d.Properties})
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.lost == nil {
		l.lost = disconnectError(d)
		if s.link == l {
			s.cfg.Events.ServerDisconnect(d)
		}
	}
	return nil
}

// PacketReceived handles the acknowledgements.
func (l *link) PacketReceived(recv *packets.ControlPacket, _ chan<- *packets.Publish) error {
	s := l.session
	switch p := recv.Content.(type) {
	case *packets.Pubrec:
		s.acknowledged(l, p.PacketID, packets.PUBREC, wire.Acknowledgement{ReasonCode: p.ReasonCode, Properties: p.Properties})
	case *packets.Pubcomp:
		s.acknowledged(l, p.PacketID, packets.PUBCOMP, wire.Acknowledgement{ReasonCode: p.ReasonCode, Properties: p.Properties})
	case *packets.Pubrel:
		s.traced(wire.Packet{Type: packets.PUBREL, ID: p.PacketID, ReasonCodes: []byte{p.ReasonCode}, Properties: p.Properties})
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.received, p.PacketID)
		s.traced(wire.Packet{Sent: true, Type: packets.PUBCOMP, ID: p.PacketID})
		l.write(&packets.Pubcomp{PacketID: p.PacketID})
	case *packets.Suback:
		s.answered(l, packets.SUBACK, p.PacketID, p.Reasons, p.Properties)
	case *packets.Unsuback:
		s.answered(l, packets.UNSUBACK, p.PacketID, p.Reasons, p.Properties)
	}
	return nil
}

// Ack does nothing: publish acknowledges, in its own order.
func (l *link) Ack(*packets.Publish) error { return nil }

// AddToSession is for paho's own Publish and Subscribe, which are not used.
func (l *link) AddToSession(context.Context, pahosession.Packet, chan<- packets.ControlPacket) error {
	return errors.ErrUnsupported
}

// Close does nothing: the Session outlives its links.
func (l *link) Close() error { return nil }

// SetErrorLogger does nothing: paho's texts may hold what must not be logged.
func (l *link) SetErrorLogger(log.Logger) {}

// SetDebugLogger does nothing.
func (l *link) SetDebugLogger(log.Logger) {}

// violated ends a link whose server broke the protocol. The mutex is held.
func (l *link) violated(what string, reasonCode byte) {
	if l.lost == nil {
		l.lost = &wire.Error{Code: wire.ProtocolError, Message: what}
	}
	l.session.lost(l, l.lost)
	go l.disconnectWithin(&packets.Disconnect{ReasonCode: reasonCode}, closeTimeout)
}

// violation is how the server broke the protocol, if it did.
func (l *link) violation() *wire.Error {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	if l.lost != nil && l.lost.Code == wire.ProtocolError {
		return l.lost
	}
	return nil
}

// ended is told by paho that the connection has ended, more than once at times.
func (l *link) ended(err error) {
	l.once.Do(func() {
		s := l.session
		s.mu.Lock()
		defer s.mu.Unlock()
		if l.lost == nil {
			l.lost = linkError(err, "the connection to the server was lost")
		}
		s.lost(l, l.lost)
	})
}

// disconnect sends a DISCONNECT and returns when the connection has ended.
func (l *link) disconnect(d *packets.Disconnect) {
	if d.Properties == nil {
		d.Properties = &packets.Properties{}
	}
	l.once.Do(func() {})
	l.session.traced(wire.Packet{Sent: true, Type: packets.DISCONNECT, ReasonCodes: []byte{d.ReasonCode}, Properties: d.Properties})
	l.session.counters.packetsOut.Add(1)
	_ = l.client.Disconnect(paho.DisconnectFromPacketDisconnect(d))
}

// abandon ends the connection without a DISCONNECT.
func (l *link) abandon() {
	l.once.Do(func() {})
	_ = l.conn.Close()
}

// disconnectWithin is disconnect, given up after a time.
func (l *link) disconnectWithin(d *packets.Disconnect, timeout time.Duration) {
	ended := make(chan struct{})
	go func() { l.disconnect(d); close(ended) }()
	select {
	case <-ended:
	case <-time.After(timeout):
	}
}

// packetWriter is a control packet of paho's.
type packetWriter interface {
	WriteTo(io.Writer) (int64, error)
}

// write sends a control packet. A failure shows as the end of the connection.
func (l *link) write(p packetWriter) {
	_, _ = p.WriteTo(l.conn)
	l.session.counters.packetsOut.Add(1)
	l.pinger.PacketSent()
}
