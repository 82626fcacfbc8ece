package broker

import (
	"bytes"
	"encoding/binary"
	"math"

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

// encodeReason makes what PUBACK, CONNACK and DISCONNECT of MQTT 5 end with: a reason
// code and the text as Reason String.
func encodeReason(code byte, text string) []byte {
	properties := appendText([]byte{packets.PropReasonString}, text)
	out := append([]byte{code}, binary.AppendUvarint(nil, uint64(len(properties)))...)
	return append(out, properties...)
}

func encodeDisconnect(code byte, text string) []byte {
	return withHeader(packets.Disconnect<<4, encodeReason(code, text))
}

// encodeRefusedAck makes a PUBACK or PUBREC that refuses; MQTT 3.1.1 has none.
func encodeRefusedAck(kind byte, id uint16, code byte, text string) []byte {
	return withHeader(kind<<4, append(binary.BigEndian.AppendUint16(nil, id), encodeReason(code, text)...))
}

func encodeAck(kind byte, id uint16) []byte {
	flags := byte(0)
	if kind == packets.Pubrel {
		flags = 2
	}
	return withHeader(kind<<4|flags, binary.BigEndian.AppendUint16(nil, id))
}

// encodeRefusal makes a CONNACK that refuses.
func encodeRefusal(version, code byte, text string) []byte {
	if version < 5 {
		return []byte{packets.Connack << 4, 2, 0, code}
	}
	return withHeader(packets.Connack<<4, append([]byte{0}, encodeReason(code, text)...))
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
