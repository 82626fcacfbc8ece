package session

import (
	"context"
	"errors"
	"io"
	"sync"

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
	connack    *packets.Connack
	quota      int // PUBLISH packets that may still be sent unacknowledged
	maximumQoS byte
	retain     bool
	maxPacket  uint32

	once sync.Once
	lost *wire.Error // guarded by session.mu; why the link ended
}

var _ pahosession.SessionManager = (*link)(nil)

// ConAckReceived takes the server's limits.
func (l *link) ConAckReceived(_ io.Writer, _ *packets.Connect, c *packets.Connack) error {
	l.connack = c
	l.quota, l.maximumQoS, l.retain = 65535, 2, true
	if p := c.Properties; p != nil {
		if p.ReceiveMaximum != nil {
			l.quota = int(*p.ReceiveMaximum)
		}
		if p.MaximumQOS != nil {
			l.maximumQoS = *p.MaximumQOS
		}
		if p.RetainAvailable != nil {
			l.retain = *p.RetainAvailable == 1
		}
		if p.MaximumPacketSize != nil {
			l.maxPacket = *p.MaximumPacketSize
		}
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

// PacketReceived handles the acknowledgements, and passes a QoS 1 or 2 PUBLISH
// on to routing, in order with those of QoS 0.
func (l *link) PacketReceived(recv *packets.ControlPacket, publishes chan<- *packets.Publish) error {
	s := l.session
	switch p := recv.Content.(type) {
	case *packets.Publish:
		if p.QoS == 2 && l.isDuplicate(p.PacketID) {
			return l.Ack(p)
		}
		publishes <- p
	case *packets.Puback:
		s.acknowledged(l, p.PacketID, packets.PUBACK, wire.Acknowledgement{ReasonCode: p.ReasonCode, Properties: p.Properties})
	case *packets.Pubrec:
		s.acknowledged(l, p.PacketID, packets.PUBREC, wire.Acknowledgement{ReasonCode: p.ReasonCode, Properties: p.Properties})
	case *packets.Pubcomp:
		s.acknowledged(l, p.PacketID, packets.PUBCOMP, wire.Acknowledgement{ReasonCode: p.ReasonCode, Properties: p.Properties})
	case *packets.Pubrel:
		s.mu.Lock()
		delete(s.received, p.PacketID)
		s.mu.Unlock()
		return l.write(&packets.Pubcomp{PacketID: p.PacketID})
	case *packets.Suback:
		s.answered(l, p.PacketID, p.Reasons)
	case *packets.Unsuback:
		s.answered(l, p.PacketID, p.Reasons)
	}
	return nil
}

// isDuplicate notes a QoS 2 identifier and reports whether it was known: its
// message has been handed over then [MQTT-4.3.3-10].
func (l *link) isDuplicate(id uint16) bool {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.received[id]
	s.received[id] = true
	return known
}

// Ack acknowledges a PUBLISH that was handed over.
func (l *link) Ack(p *packets.Publish) error {
	switch p.QoS {
	case 1:
		return l.write(&packets.Puback{PacketID: p.PacketID})
	case 2:
		return l.write(&packets.Pubrec{PacketID: p.PacketID})
	}
	return nil
}

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

// published hands a received PUBLISH over.
func (l *link) published(r paho.PublishReceived) (bool, error) {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == l || (s.link == nil && s.state == wire.Connecting) {
		p := r.Packet.Packet()
		p.Duplicate = r.Packet.Duplicate()
		s.cfg.Events.Message(s.routes.match(p.Topic), p)
	}
	return true, nil
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
		if s.link == l {
			s.end(l.lost)
		}
	})
}

// disconnect sends a DISCONNECT and returns when the connection has ended.
func (l *link) disconnect(d *packets.Disconnect) {
	if d.Properties == nil {
		d.Properties = &packets.Properties{}
	}
	l.once.Do(func() {})
	_ = l.client.Disconnect(paho.DisconnectFromPacketDisconnect(d))
}

// packetWriter is a control packet of paho's.
type packetWriter interface {
	WriteTo(io.Writer) (int64, error)
}

// write sends a control packet. A failure shows as the end of the connection.
func (l *link) write(p packetWriter) error {
	_, err := p.WriteTo(l.conn)
	l.pinger.PacketSent()
	return err
}
