package broker

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	// recordedPackets is how many of the last packets are kept.
	recordedPackets = 200
	// recordedTopic is how much of a topic is, in bytes.
	recordedTopic = 256
)

// PacketInfo is what is kept of a packet: neither payload nor properties, user names
// or passwords.
type PacketInfo struct {
	Time     time.Time
	ClientID string
	// Sent is the direction: by the broker, or else by the client.
	Sent bool
	Type string // as MQTT calls it: PUBLISH
	// Topics is the topic of a PUBLISH, or the filters of SUBSCRIBE and UNSUBSCRIBE;
	// long ones end early.
	Topics      []string
	ID          uint16
	QoS         byte
	Retain, Dup bool
	Size        int
	// Reasons are codes of answers; SUBACK and UNSUBACK may have more than one.
	Reasons []byte
}

// Counters count since the start.
type Counters struct {
	Connections                      int64 // that reached the broker, whatever became of them
	PacketsReceived, PacketsSent     int64
	BytesReceived, BytesSent         int64
	PublishesReceived, PublishesSent int64
}

// recorder keeps the last packets. It may be called from any goroutine.
type recorder struct {
	mu       sync.Mutex
	counters Counters
	ring     [recordedPackets]PacketInfo
	next     int // where in the ring the next packet goes
	full     bool
}

func (r *recorder) connection() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counters.Connections++
}

func (r *recorder) add(p PacketInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	count, bytes, publishes := &r.counters.PacketsReceived, &r.counters.BytesReceived, &r.counters.PublishesReceived
	if p.Sent {
		count, bytes, publishes = &r.counters.PacketsSent, &r.counters.BytesSent, &r.counters.PublishesSent
	}
	*count++
	*bytes += int64(p.Size)
	if p.Type == "PUBLISH" {
		*publishes++
	}
	r.ring[r.next] = p
	r.next = (r.next + 1) % len(r.ring)
	r.full = r.full || r.next == 0
}

// snapshot returns the packets, oldest first.
func (r *recorder) snapshot() (Counters, []PacketInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []PacketInfo
	if r.full {
		all = append(all, r.ring[r.next:]...)
	}
	return r.counters, append(all, r.ring[:r.next]...)
}

// watched records what is about to be written to a connection, so that the peer's answer
// comes after it.
type watched struct {
	Conn
	link *link
}

func (w watched) Write(p []byte) (int, error) {
	w.link.broker.recorder.add(describePacket(p, w.link.version, w.link.clientID, true))
	return w.Conn.Write(p)
}

// recordReceived is for the goroutine that reads, before the packet is let in or not.
func (l *link) recordReceived(f frame) {
	p := describePacket(f.raw, l.version, l.clientID, false)
	if f.kind == packets.Publish && len(p.Topics) == 1 && p.Topics[0] == "" {
		if publish, err := f.decode(l.version); err == nil {
			p.Topics[0] = shorten(l.aliases[publish.Properties.TopicAlias])
		}
	}
	l.broker.recorder.add(p)
}

// packetTypes are the names of MQTT.
var packetTypes = [16]string{
	"0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
	"UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
}

// describePacket reads what is kept of a packet, as far as it is not malformed. No
// text of the result shares the packet's bytes. The version is that of the connection;
// CONNECT has its own.
func describePacket(raw []byte, version byte, clientID string, sent bool) PacketInfo {
	p := PacketInfo{Time: time.Now(), ClientID: clientID, Sent: sent, Size: len(raw)}
	if len(raw) == 0 {
		return p
	}
	kind, flags := raw[0]>>4, raw[0]&0x0f
	p.Type = packetTypes[kind]
	c := cursor{raw[1:]}
	c.length() // the remaining length
	switch kind {
	case packets.Connect:
		c.text() // MQTT
		version = c.octet()
		c.take(3) // flags and keep alive
		c.properties(version)
		p.ClientID = shorten(c.text())
	case packets.Connack:
		c.take(1)
		p.Reasons = c.reason()
	case packets.Publish:
		p.QoS, p.Retain, p.Dup = flags>>1&3, flags&1 != 0, flags&8 != 0
		p.Topics = []string{shorten(c.text())}
		if p.QoS > 0 {
			p.ID = c.id()
		}
	case packets.Puback, packets.Pubrec, packets.Pubrel, packets.Pubcomp:
		p.ID = c.id()
		p.Reasons = c.reason()
	case packets.Subscribe, packets.Unsubscribe:
		p.ID = c.id()
		c.properties(version)
		for len(c.rest) > 0 && len(p.Topics) < 8 {
			p.Topics = append(p.Topics, shorten(c.text()))
			if kind == packets.Subscribe {
				p.QoS = max(p.QoS, c.octet()&3)
			}
		}
	case packets.Suback, packets.Unsuback:
		p.ID = c.id()
		c.properties(version)
		p.Reasons = append(p.Reasons, c.take(min(len(c.rest), 8))...)
	case packets.Disconnect:
		p.Reasons = c.reason()
	}
	return p
}

// shorten returns a topic, or a copy of its beginning.
func shorten(topic string) string {
	if len(topic) <= recordedTopic {
		return topic
	}
	return strings.ToValidUTF8(topic[:recordedTopic], "") + "…"
}

// cursor reads fields; past the end they are empty.
type cursor struct{ rest []byte }

func (c *cursor) take(n int) []byte {
	n = min(n, len(c.rest))
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) octet() byte {
	for _, b := range c.take(1) {
		return b
	}
	return 0
}

func (c *cursor) id() uint16 {
	if b := c.take(2); len(b) == 2 {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) text() string { return string(c.take(int(c.id()))) }

func (c *cursor) length() int {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 || n > maximumRemaining {
		c.rest = nil
		return 0
	}
	c.rest = c.rest[size:]
	return int(n)
}

func (c *cursor) properties(version byte) {
	if version >= 5 {
		c.take(c.length())
	}
}

// reason is one reason code; where it is left out, there is nothing to say.
func (c *cursor) reason() []byte { return append([]byte(nil), c.take(1)...) }
