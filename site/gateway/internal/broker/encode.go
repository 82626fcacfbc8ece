package broker

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/mochi-mqtt/server/v2/packets"
)

// encodePublish makes a PUBLISH. mochi's codec cannot say that a message expires in
// less than a second, which is 0.
func encodePublish(version byte, i *item, dup bool, remaining int64) []byte {
	m := i.message
	var properties []byte
	if version >= 5 {
		properties = encodeProperties(m, i.identifiers, remaining)
	}
	first := packets.Publish<<4 | i.qos<<1
	if dup {
		first |= 1 << 3
	}
	if i.retain {
		first |= 1
	}
	length := 2 + len(m.topic) + len(properties) + len(m.payload)
	if i.qos > 0 {
		length += 2
	}
	out := make([]byte, 0, 5+length)
	out = append(out, first)
	out = binary.AppendUvarint(out, uint64(length))
	out = appendText(out, m.topic)
	if i.qos > 0 {
		out = binary.BigEndian.AppendUint16(out, i.id)
	}
	out = append(out, properties...)
	return append(out, m.payload...)
}

func encodeProperties(m *message, identifiers []int, remaining int64) []byte {
	var p []byte
	if m.properties.PayloadFormatFlag {
		p = append(p, packets.PropPayloadFormat, m.properties.PayloadFormat)
	}
	if !m.expires.IsZero() {
		p = append(p, packets.PropMessageExpiryInterval)
		p = binary.BigEndian.AppendUint32(p, uint32(min(max(remaining, 0), math.MaxUint32)))
	}
	if m.properties.ContentType != "" {
		p = appendText(append(p, packets.PropContentType), m.properties.ContentType)
	}
	if m.properties.ResponseTopic != "" {
		p = appendText(append(p, packets.PropResponseTopic), m.properties.ResponseTopic)
	}
	if m.properties.CorrelationData != nil {
		p = appendText(append(p, packets.PropCorrelationData), string(m.properties.CorrelationData))
	}
	for _, id := range identifiers {
		p = binary.AppendUvarint(append(p, packets.PropSubscriptionIdentifier), uint64(id))
	}
	for _, user := range m.properties.User {
		p = appendText(appendText(append(p, packets.PropUser), user.Key), user.Val)
	}
	return append(binary.AppendUvarint(nil, uint64(len(p))), p...)
}

func appendText(out []byte, text string) []byte {
	out = binary.BigEndian.AppendUint16(out, uint16(len(text)))
	return append(out, text...)
}

// encodeReason makes a packet of MQTT 5 that ends with a reason code, and with text as
// Reason String if there is any; it is left out where it would take the packet over
// limit [MQTT-3.2.2-19, 3.4.2-2, 3.14.2-3], of which 0 is none.
func encodeReason(first byte, head []byte, code byte, text string, limit uint32) []byte {
	bare := append(head, code)
	if text != "" {
		properties := appendText([]byte{packets.PropReasonString}, text)
		body := append(binary.AppendUvarint(slices.Clone(bare), uint64(len(properties))), properties...)
		if out := withHeader(first, body); limit == 0 || uint32(len(out)) <= limit {
			return out
		}
	}
	return withHeader(first, append(bare, 0))
}

func encodeDisconnect(code byte, text string, limit uint32) []byte {
	return encodeReason(packets.Disconnect<<4, nil, code, text, limit)
}

// encodeRefusedAck makes a PUBACK or PUBREC that refuses; MQTT 3.1.1 has none.
func encodeRefusedAck(kind byte, id uint16, code byte, text string, limit uint32) []byte {
	return encodeReason(kind<<4, binary.BigEndian.AppendUint16(nil, id), code, text, limit)
}

func encodeAck(kind byte, id uint16) []byte {
	flags := byte(0)
	if kind == packets.Pubrel {
		flags = 2
	}
	return withHeader(kind<<4|flags, binary.BigEndian.AppendUint16(nil, id))
}

// encodeRefusal makes a CONNACK that refuses.
func encodeRefusal(version, code byte, text string, limit uint32) []byte {
	if version < 5 {
		return []byte{packets.Connack << 4, 2, 0, code}
	}
	return encodeReason(packets.Connack<<4, []byte{0}, code, text, limit)
}

func withHeader(first byte, body []byte) []byte {
	out := binary.AppendUvarint([]byte{first}, uint64(len(body)))
	return append(out, body...)
}

// encodeConnect makes the CONNECT which mochi gets: without will, user name and
// password, which are not its business.
func encodeConnect(p packets.Packet) ([]byte, error) {
	p.Connect.WillFlag, p.Connect.WillQos, p.Connect.WillRetain = false, 0, false
	p.Connect.UsernameFlag, p.Connect.PasswordFlag = false, false
	var out bytes.Buffer
	if err := p.ConnectEncode(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
