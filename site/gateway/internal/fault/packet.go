package fault

import (
	"encoding/binary"
	"errors"
)

// The types of packets which matter here.
const (
	typeConnect     = 1
	typeConnack     = 2
	typePublish     = 3
	typePuback      = 4
	typePubrec      = 5
	typePubrel      = 6
	typePubcomp     = 7
	typeSubscribe   = 8
	typeSuback      = 9
	typeUnsubscribe = 10
	typeUnsuback    = 11
	typePingresp    = 13

	version5 = 5
)

// The properties of MQTT 5 which matter here.
const (
	propertyAssignedID = 0x12
	propertyTopicAlias = 0x23
)

var errLength = errors.New("fault: malformed length of a packet")

// framer cuts a stream into packets, however its bytes come.
type framer struct {
	// limit is the size of a packet that is passed over; 0 is none.
	limit int
	have  []byte
	skip  int
}

// feed calls each with every packet that p completes; its bytes are good until each
// returns.
func (f *framer) feed(p []byte, each func([]byte) error) error {
	rest := p
	if len(f.have) > 0 {
		f.have = append(f.have, p...)
		rest = f.have
	}
	for {
		over := min(f.skip, len(rest))
		f.skip -= over
		rest = rest[over:]
		size, err := packetSize(rest)
		if err != nil {
			return err
		}
		if f.limit > 0 && size > f.limit {
			f.skip = size
			continue
		}
		if size == 0 || len(rest) < size {
			f.have = append(f.have[:0], rest...)
			return nil
		}
		if err := each(rest[:size:size]); err != nil {
			return err
		}
		rest = rest[size:]
	}
}

// packetSize is the whole size of the first packet of p, or 0 while p does not tell.
func packetSize(p []byte) (int, error) {
	length := 0
	for i := 1; i < len(p); i++ {
		length |= int(p[i]&0x7f) << (7 * (i - 1))
		if p[i] < 0x80 {
			return 1 + i + length, nil
		}
		if i == 4 {
			return 0, errLength
		}
	}
	return 0, nil
}

// body is what follows a packet's fixed header.
func body(packet []byte) *cursor {
	i := 1
	for i < len(packet) && packet[i] >= 0x80 {
		i++
	}
	return &cursor{rest: packet[min(i+1, len(packet)):]}
}

// cursor takes fields from a packet. When there are not enough bytes, it is short, and
// what it returns from then on is empty.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if n > len(c.rest) {
		c.rest, c.short = nil, true
		return make([]byte, min(n, 4))
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) number() uint16 { return binary.BigEndian.Uint16(c.bytes(2)) }

func (c *cursor) text() string {
	text := string(c.bytes(int(c.number())))
	if c.short {
		return ""
	}
	return text
}

// properties takes the properties of MQTT 5.
func (c *cursor) properties() []byte {
	length, n := binary.Uvarint(c.rest)
	if n <= 0 || n > 4 || length > uint64(len(c.rest)-n) {
		c.rest, c.short = nil, true
		return nil
	}
	c.bytes(n)
	return c.bytes(int(length))
}

// property returns the value of a property, or nil.
func property(properties []byte, wanted byte) []byte {
	c := cursor{rest: properties}
	for len(c.rest) > 0 {
		id := c.bytes(1)[0]
		var value []byte
		switch id {
		case 0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a:
			value = c.bytes(1)
		case 0x13, 0x21, 0x22, propertyTopicAlias:
			value = c.bytes(2)
		case 0x02, 0x11, 0x18, 0x27:
			value = c.bytes(4)
		case 0x0b:
			_, n := binary.Uvarint(c.rest)
			value = c.bytes(max(n, 1))
		case 0x26:
			c.text()
			c.text()
		case 0x03, 0x08, 0x09, propertyAssignedID, 0x15, 0x16, 0x1a, 0x1c, 0x1f:
			value = c.bytes(int(c.number()))
		default:
			return nil
		}
		if c.short {
			return nil
		}
		if id == wanted {
			return value
		}
	}
	return nil
}

// parseConnect returns what a CONNECT says about who it is from.
func parseConnect(packet []byte) (version byte, clientID string, ok bool) {
	c := body(packet)
	c.text()
	version = c.bytes(1)[0]
	c.bytes(3) // flags, and keep alive
	if version >= version5 {
		c.properties()
	}
	clientID = c.text()
	return version, clientID, !c.short
}

// published returns what a PUBLISH says about itself; the packet identifier is 0 for
// QoS 0, and so is the alias where there is none.
func published(packet []byte, version byte) (topic string, id, alias uint16, ok bool) {
	c := body(packet)
	topic = c.text()
	if packet[0]&0x06 != 0 {
		id = c.number()
	}
	if version >= version5 {
		if value := property(c.properties(), propertyTopicAlias); value != nil {
			alias = binary.BigEndian.Uint16(value)
		}
	}
	return topic, id, alias, !c.short
}

// filtered returns the packet identifier and the filters of a SUBSCRIBE or UNSUBSCRIBE.
func filtered(packet []byte, version byte) (id uint16, filters []string, ok bool) {
	c := body(packet)
	id = c.number()
	if version >= version5 {
		c.properties()
	}
	for len(c.rest) > 0 {
		filters = append(filters, c.text())
		if packet[0]>>4 == typeSubscribe {
			c.bytes(1) // options
		}
	}
	return id, filters, !c.short
}

// connack is a refusal.
func connack(version, code byte) []byte {
	if version >= version5 {
		return []byte{typeConnack << 4, 3, 0, code, 0}
	}
	return []byte{typeConnack << 4, 2, 0, code}
}

func disconnect(code byte) []byte { return []byte{0xe0, 2, code, 0} }

// refused is the acknowledgement with another reason code; nil if there is no such
// thing, which is so for a PUBACK and an UNSUBACK before MQTT 5.
func refused(packet []byte, version, code byte) []byte {
	if packet[0]>>4 == typePuback {
		if version < version5 {
			return nil
		}
		id := body(packet).bytes(2)
		return []byte{typePuback << 4, 4, id[0], id[1], code, 0}
	}
	if packet[0]>>4 == typeUnsuback && version < version5 {
		return nil
	}
	changed := append([]byte(nil), packet...)
	c := body(changed)
	c.bytes(2)
	if version >= version5 {
		c.properties()
	}
	for i := range c.rest {
		c.rest[i] = code
	}
	return changed
}
