package session

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

var (
	errMalformedPublish = errors.New("malformed PUBLISH")
	errMalformedPuback  = errors.New("malformed PUBACK")
)

// maxTopicNames bounds the memory that a link spends on topic names seen.
const maxTopicNames = 1024

// inbound reads PUBLISH packets without memory of their own, but for a topic name
// that is new and properties.
type inbound struct {
	packet packets.Publish
	topics map[string]string
}

// read reads a PUBLISH. What it returns is good until the next one, its payload
// as long as body is. Its properties are nil where it has none.
func (in *inbound) read(header byte, body []byte) (*packets.Publish, error) {
	p := &in.packet
	*p = packets.Publish{Duplicate: header&8 != 0, QoS: header >> 1 & 3, Retain: header&1 != 0}
	if len(body) < 2 || p.QoS == 3 { // [MQTT-3.3.1-4]
		return nil, errMalformedPublish
	}
	n := int(binary.BigEndian.Uint16(body))
	if body = body[2:]; len(body) < n {
		return nil, errMalformedPublish
	}
	p.Topic = in.topic(body[:n])
	body = body[n:]
	if p.QoS > 0 {
		if len(body) < 2 || (body[0] == 0 && body[1] == 0) { // [MQTT-2.2.1-3]
			return nil, errMalformedPublish
		}
		p.PacketID = binary.BigEndian.Uint16(body)
		body = body[2:]
	}
	if len(body) == 0 {
		return nil, errMalformedPublish
	}
	if body[0] == 0 {
		p.Payload = body[1:]
		return p, nil
	}
	rest := bytes.NewBuffer(body)
	p.Properties = new(packets.Properties)
	if err := p.Properties.Unpack(rest, packets.PUBLISH); err != nil {
		return nil, errMalformedPublish
	}
	p.Payload = rest.Bytes()
	return p, nil
}

// topic is b as a string, the same one for the same topic name.
func (in *inbound) topic(b []byte) string {
	if t, ok := in.topics[string(b)]; ok {
		return t
	}
	if in.topics == nil || len(in.topics) >= maxTopicNames {
		in.topics = make(map[string]string)
	}
	t := string(b)
	in.topics[t] = t
	return t
}

// readPuback reads a PUBACK.
func readPuback(body []byte) (id uint16, a wire.Acknowledgement, err error) {
	if len(body) < 2 {
		return 0, a, errMalformedPuback
	}
	id = binary.BigEndian.Uint16(body)
	if len(body) > 2 {
		a.ReasonCode = body[2]
	}
	if len(body) > 3 && body[3] > 0 {
		a.Properties = new(packets.Properties)
		if err := a.Properties.Unpack(bytes.NewBuffer(body[3:]), packets.PUBACK); err != nil {
			return 0, a, errMalformedPuback
		}
	}
	return id, a, nil
}

// take gets a PUBLISH or PUBACK from the goroutine that reads the connection. It
// waits for the link to be in service, so that nothing comes before its CONNACK
// is told.
func (l *link) take(header byte, body []byte) error {
	<-l.inService
	l.pinger.PacketReceived()
	if header>>4 == packets.PUBACK {
		id, a, err := readPuback(body)
		if err == nil {
			l.session.acknowledged(l, id, packets.PUBACK, a)
		}
		return err
	}
	p, err := l.inbound.read(header, body)
	if err == nil {
		l.publish(p)
	}
	return err
}

// publish hands a message over.
func (l *link) publish(p *packets.Publish) {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.names.resolve(p) {
		l.violated("the server used a topic alias that it had not set, or was not allowed to", packets.DisconnectTopicAliasInvalid)
		return
	}
	s.counters.messagesIn.Add(1)
	s.tracedPublish(false, p, p.Topic)
	if s.state == wire.Closed || s.link != l {
		return // of a link that was given up: the server sends it again
	}
	if p.QoS == 2 {
		if s.received[p.PacketID] { // it was handed over before [MQTT-4.3.3-10]
			l.acknowledge(p)
			return
		}
		s.received[p.PacketID] = true
	}
	matches := s.routes.match(p.Topic)
	token := uint32(0)
	if p.QoS > 0 {
		token = l.acks.add(s, p, s.isManual(matches))
	}
	s.cfg.Events.Message(matches, token, p)
	l.flushAcks()
}
