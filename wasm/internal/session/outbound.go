package session

import (
	"encoding/binary"

	"github.com/eclipse/paho.golang/packets"
)

// outbound writes PUBLISH packets into memory that it keeps; paho's own writer
// reserves ten pieces for each.
type outbound struct{ head []byte }

// write returns a PUBLISH up to its payload. It is good until the next one.
func (out *outbound) write(p *packets.Publish) []byte {
	var properties []byte
	if p.Properties != nil {
		properties = p.Properties.Pack(packets.PUBLISH)
	}
	length := 2 + len(p.Topic) + varIntSize(len(properties)) + len(properties) + len(p.Payload)
	header := packets.PUBLISH<<4 | p.QoS<<1
	if p.QoS > 0 {
		length += 2
	}
	if p.Duplicate {
		header |= 8
	}
	if p.Retain {
		header |= 1
	}
	b := appendVarInt(append(out.head[:0], header), length)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Topic)))
	b = append(b, p.Topic...)
	if p.QoS > 0 {
		b = binary.BigEndian.AppendUint16(b, p.PacketID)
	}
	b = append(appendVarInt(b, len(properties)), properties...)
	out.head = b
	return b
}

func appendVarInt(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// writePuback sends a PUBACK of success.
func (l *link) writePuback(id uint16) {
	out := append(l.outbound.head[:0], packets.PUBACK<<4, 2, byte(id>>8), byte(id))
	l.outbound.head = out
	l.send(out, nil)
}

// writePublish sends a PUBLISH.
func (l *link) writePublish(p *packets.Publish) { l.send(l.outbound.write(p), p.Payload) }

// send sends a packet in two pieces. A failure shows as the end of the connection.
func (l *link) send(head, payload []byte) {
	l.conn.Lock()
	_, _ = l.conn.Write(head)
	_, _ = l.conn.Write(payload)
	l.conn.Unlock()
	l.session.counters.packetsOut.Add(1)
	l.pinger.PacketSent()
}
