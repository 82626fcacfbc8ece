package session

import (
	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// acks are the received QoS 1 and 2 messages of a link that are not acknowledged
// yet, oldest first: acknowledgements go out in the order of the messages
// [MQTT-4.6.0-2], also where the page gives them in another.
type acks struct{ pending []*ack }

type ack struct {
	id         uint16
	qos        byte
	token      uint32 // 0: acknowledged without the page
	ready      bool
	reasonCode byte
}

// add notes a message and returns the token by which the page acknowledges it, or
// 0 where it need not.
func (a *acks) add(s *Session, p *packets.Publish, manual bool) uint32 {
	entry := &ack{id: p.PacketID, qos: p.QoS, ready: !manual}
	if manual {
		s.lastToken++
		entry.token = s.lastToken
	}
	a.pending = append(a.pending, entry)
	return entry.token
}

// flushAcks acknowledges what is ready. The mutex is held.
func (l *link) flushAcks() {
	n := 0
	for n < len(l.acks.pending) && l.acks.pending[n].ready {
		e := l.acks.pending[n]
		n++
		sent := wire.Packet{Sent: true, ID: e.id, ReasonCodes: []byte{e.reasonCode}}
		switch {
		case e.qos == 1 && e.reasonCode == 0:
			sent.Type = packets.PUBACK
			l.writePuback(e.id)
		case e.qos == 1:
			sent.Type = packets.PUBACK
			l.write(&packets.Puback{PacketID: e.id, ReasonCode: e.reasonCode})
		default:
			sent.Type = packets.PUBREC
			l.write(&packets.Pubrec{PacketID: e.id, ReasonCode: e.reasonCode})
		}
		l.session.traced(sent)
	}
	if n > 0 {
		l.acks.pending = append(l.acks.pending[:0], l.acks.pending[n:]...)
	}
}

// acknowledge acknowledges a message that was handed over before. The mutex is
// held.
func (l *link) acknowledge(p *packets.Publish) {
	for _, e := range l.acks.pending {
		if e.id == p.PacketID {
			return // it waits for the page
		}
	}
	l.acks.add(l.session, p, false)
	l.flushAcks()
}

// Acknowledge acknowledges the message of token. A reason code of 0x80 or above
// refuses it. It does nothing where the link of the message is gone: the server
// sends it again.
func (s *Session) Acknowledge(token uint32, reasonCode byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return
	}
	for _, e := range s.link.acks.pending {
		if e.token == token {
			e.ready, e.reasonCode = true, reasonCode
			if e.qos == 2 && reasonCode >= 0x80 {
				delete(s.received, e.id) // the exchange ends with the PUBREC [MQTT-4.3.3-13]
			}
			s.link.flushAcks()
			return
		}
	}
}

// SetManualAcks says whether every message waits for Acknowledge, whatever
// subscription it is for.
func (s *Session) SetManualAcks(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manualAcks = on
}

func (s *Session) isManual(ids []uint32) bool {
	if s.manualAcks {
		return true
	}
	for _, sub := range s.subscriptions {
		if !sub.manual {
			continue
		}
		for _, id := range ids {
			if id == sub.id {
				return true
			}
		}
	}
	return false
}
