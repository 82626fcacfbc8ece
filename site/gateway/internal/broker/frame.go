package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/mochi-mqtt/server/v2/packets"
)

// maximumRemaining is the most that a remaining length can say [MQTT-1.5.5].
const maximumRemaining = 268435455

var errTooLarge = errors.New("packet too large")

// frame is one packet as it came; its bytes are valid until the next is read.
type frame struct {
	kind byte
	raw  []byte // all of it
	body []byte // what follows the fixed header
}

// frameReader cuts a stream into packets and bounds them before it makes room.
type frameReader struct {
	in     *bufio.Reader
	buffer []byte
}

func (r *frameReader) next(limit int) (frame, error) {
	head := r.buffer[:0]
	length, shift := 0, 0
	for {
		b, err := r.in.ReadByte()
		if err != nil {
			return frame{}, fmt.Errorf("read packet: %w", err)
		}
		head = append(head, b)
		if len(head) == 1 {
			continue
		}
		length |= int(b&0x7f) << shift
		shift += 7
		if b < 0x80 {
			break
		}
		if shift == 28 {
			return frame{}, packets.ErrMalformedVariableByteInteger
		}
	}
	if len(head)+length > limit {
		return frame{}, errTooLarge
	}
	start := len(head)
	if cap(head) < start+length {
		head = append(make([]byte, 0, start+length), head...)
	}
	r.buffer = head[:start+length]
	if _, err := io.ReadFull(r.in, r.buffer[start:]); err != nil {
		return frame{}, fmt.Errorf("read packet: %w", err)
	}
	f := frame{kind: head[0] >> 4, raw: r.buffer, body: r.buffer[start:]}
	if cap(r.buffer) > keepBuffer {
		r.buffer = nil // an idle connection keeps none of this size
	}
	return f, nil
}

// decode reads a packet by mochi's codec, which panics on some that are malformed.
// Text in the result may share the frame's bytes.
func (f frame) decode(version byte) (p packets.Packet, err error) {
	defer func() {
		if recover() != nil {
			err = packets.ErrMalformedPacket
		}
	}()
	p.ProtocolVersion = version
	if err := p.FixedHeader.Decode(f.raw[0]); err != nil {
		return p, packets.ErrMalformedFlags
	}
	p.FixedHeader.Remaining = len(f.body)
	switch f.kind {
	case packets.Connect:
		err = p.ConnectDecode(f.body)
	case packets.Publish:
		if err = f.checkPublish(version); err == nil {
			err = p.PublishDecode(f.body)
		}
	case packets.Puback, packets.Pubrec, packets.Pubrel, packets.Pubcomp:
		err = p.PubackDecode(f.body) // all four are made alike
	case packets.Subscribe:
		err = p.SubscribeDecode(f.body)
	case packets.Unsubscribe:
		err = p.UnsubscribeDecode(f.body)
	case packets.Disconnect:
		err = p.DisconnectDecode(f.body)
		if len(f.body) > 0 {
			p.ReasonCode = f.body[0] // mochi leaves it out where it stands alone
		}
	case packets.Pingreq:
	default:
		err = packets.ErrProtocolViolation
	}
	if err != nil {
		return p, fmt.Errorf("decode: %w", err)
	}
	return p, nil
}

// publishProperties returns the properties of a PUBLISH of MQTT 5.
func (f frame) publishProperties() ([]byte, error) {
	rest := f.body
	if len(rest) < 2 {
		return nil, packets.ErrMalformedPacket
	}
	skip := 2 + int(binary.BigEndian.Uint16(rest))
	if f.raw[0]&0x06 != 0 {
		skip += 2
	}
	if len(rest) < skip {
		return nil, packets.ErrMalformedPacket
	}
	rest = rest[skip:]
	length, n := binary.Uvarint(rest) // at most 4 bytes: a longer one is over the packet's length
	if n <= 0 || uint64(len(rest)-n) < length {
		return nil, packets.ErrMalformedPacket
	}
	return rest[n : n+int(length)], nil
}

// checkPublish refuses properties that reach into the payload, or come twice, which
// mochi's codec does not notice.
func (f frame) checkPublish(version byte) error {
	if version < 5 {
		return nil
	}
	properties, err := f.publishProperties()
	if err != nil {
		return err
	}
	return walkProperties(properties, func(byte) {})
}

// hasExpiry reports whether a PUBLISH has a Message Expiry Interval: mochi's codec
// cannot tell 0 from none.
func (f frame) hasExpiry() bool {
	properties, err := f.publishProperties()
	return err == nil && expires(properties)
}

// willExpires is hasExpiry for the will of a CONNECT of MQTT 5.
func (f frame) willExpires() bool {
	c := cursor{f.body}
	c.text()  // MQTT
	c.take(4) // version, flags and keep alive
	c.properties(5)
	c.text() // the client identifier
	return expires(c.take(c.length()))
}

// expires reports whether there is a Message Expiry Interval among a message's
// properties, which were decoded before.
func expires(properties []byte) (found bool) {
	_ = walkProperties(properties, func(id byte) { found = found || id == packets.PropMessageExpiryInterval })
	return found
}

// walkProperties calls see with the identifier of each of a message's properties. Only
// user properties and subscription identifiers may come more than once [MQTT-3.3.2.3].
func walkProperties(p []byte, see func(id byte)) error {
	var seen [256]bool
	for len(p) > 0 {
		id := p[0]
		size := 1
		switch id {
		case packets.PropPayloadFormat:
			size += 1
		case packets.PropTopicAlias:
			size += 2
		case packets.PropMessageExpiryInterval, packets.PropWillDelayInterval:
			size += 4
		case packets.PropContentType, packets.PropResponseTopic, packets.PropCorrelationData:
			size += textSize(p[size:])
		case packets.PropSubscriptionIdentifier:
			_, n := binary.Uvarint(p[size:])
			size += max(n, 1)
		case packets.PropUser:
			size += textSize(p[size:])
			if size < len(p) {
				size += textSize(p[size:])
			} else {
				size++ // the value is missing
			}
		default:
			return packets.ErrMalformedBadProperty
		}
		if size > len(p) {
			return packets.ErrMalformedProperties
		}
		if seen[id] && id != packets.PropUser && id != packets.PropSubscriptionIdentifier {
			return packets.ErrProtocolViolation
		}
		seen[id] = true
		see(id)
		p = p[size:]
	}
	return nil
}

// textSize is what a string or binary data takes; more than there is if it is cut short.
func textSize(p []byte) int {
	if len(p) < 2 {
		return len(p) + 1
	}
	return 2 + int(binary.BigEndian.Uint16(p))
}
