package session

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// Delivery hears what becomes of a message.
type Delivery interface {
	// Sent tells that the PUBLISH was handed to the connection.
	Sent(at time.Time)
	// Settled tells the outcome, once. sentAt is zero where it was never sent.
	Settled(sentAt time.Time, a wire.Acknowledgement, err *wire.Error)
}

type outgoing struct {
	wire.Outgoing
	op       uint32
	delivery Delivery
	sentAt   time.Time
	released bool // QoS 2: the PUBREL was sent
}

// Publish sends m, after what was published before it, as soon as the server's
// Receive Maximum allows. op names it for Abort; 0 for none.
func (s *Session) Publish(op uint32, m wire.Outgoing, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		d.Settled(time.Time{}, wire.Acknowledgement{}, closedError())
		return
	}
	if err := s.link.check(m); err != nil {
		d.Settled(time.Time{}, wire.Acknowledgement{}, err)
		return
	}
	o := &outgoing{Outgoing: m, op: op, delivery: d}
	// What is behind a waiting message waits too: order is kept over all QoS.
	if s.queue.len() > 0 || !s.send(o) {
		s.queue.push(o)
	}
}

// check refuses what the server said it would not take.
func (l *link) check(m wire.Outgoing) *wire.Error {
	switch {
	case m.QoS > l.maximumQoS:
		return &wire.Error{Code: wire.InvalidArgument, Field: "qos", Message: "qos must be at most " + digit(l.maximumQoS) + ", the server's Maximum QoS",
			Hint: "AWS IoT Core does not support QoS 2."}
	case m.Retain && !l.retain:
		return &wire.Error{Code: wire.InvalidArgument, Field: "retain", Message: "retain must be false: the server does not support retained messages"}
	case l.maxPacket > 0 && publishSize(m) > int64(l.maxPacket):
		return &wire.Error{Code: wire.InvalidArgument, Field: "payload", Message: "payload must be smaller: the packet would exceed the server's Maximum Packet Size"}
	}
	return nil
}

// publishSize is the size of the whole PUBLISH packet.
func publishSize(m wire.Outgoing) int64 {
	props := len(m.Properties.Pack(packets.PUBLISH))
	n := 2 + len(m.Topic) + varIntSize(props) + props + len(m.Payload)
	if m.QoS > 0 {
		n += 2
	}
	return int64(1 + varIntSize(n) + n)
}

func varIntSize(n int) int {
	size := 1
	for n >= 128 {
		n >>= 7
		size++
	}
	return size
}

// send writes o unless the Receive Maximum or the packet identifiers are used up.
func (s *Session) send(o *outgoing) bool {
	l := s.link
	p := &s.scratch
	*p = packets.Publish{Topic: o.Topic, Payload: o.Payload, QoS: o.QoS, Retain: o.Retain, Properties: o.Properties}
	if o.QoS > 0 {
		if l.quota == 0 {
			return false
		}
		if p.PacketID = s.nextID(); p.PacketID == 0 {
			return false
		}
		l.quota--
		s.inFlight[p.PacketID] = o
	}
	_ = l.write(p)
	o.sentAt = time.Now()
	o.delivery.Sent(o.sentAt)
	if o.QoS == 0 {
		o.delivery.Settled(o.sentAt, wire.Acknowledgement{}, nil)
	} else {
		o.Payload, o.Properties = nil, nil // sent, and never again on another link
	}
	return true
}

// acknowledged takes a PUBACK, PUBREC or PUBCOMP.
func (s *Session) acknowledged(l *link, id uint16, packetType byte, a wire.Acknowledgement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.inFlight[id]
	if s.link != l || o == nil {
		return
	}
	if packetType == packets.PUBREC && a.ReasonCode < 0x80 {
		if o.QoS == 2 {
			o.released = true
			_ = l.write(&packets.Pubrel{PacketID: id})
		}
		return
	}
	if (o.QoS == 1) != (packetType == packets.PUBACK) {
		return // an acknowledgement of another QoS settles nothing
	}
	delete(s.inFlight, id)
	l.quota++
	var err *wire.Error
	if a.ReasonCode >= 0x80 {
		err = publishError(a)
	}
	o.delivery.Settled(o.sentAt, a, err)
	for s.queue.len() > 0 && s.send(s.queue.front()) {
		s.queue.pop()
	}
}

// AbortPublish takes the message of op back if it still waits.
func (s *Session) AbortPublish(op uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.queue.remove(op); o != nil {
		o.delivery.Settled(time.Time{}, wire.Acknowledgement{}, &wire.Error{Code: wire.Aborted, Message: "the publish was aborted before it was sent"})
	}
}

// failPublishes settles every message that is not settled yet.
func (s *Session) failPublishes() {
	for id := range s.inFlight {
		o := s.inFlight[id]
		delete(s.inFlight, id)
		o.delivery.Settled(o.sentAt, wire.Acknowledgement{}, &wire.Error{Code: wire.TransportClosed, Retryable: true,
			Message: "the connection ended before the server acknowledged the message; whether it arrived is unknown"})
	}
	for s.queue.len() > 0 {
		s.queue.front().delivery.Settled(time.Time{}, wire.Acknowledgement{}, &wire.Error{Code: wire.ClientClosed, Retryable: true,
			Message: "the connection ended before the message was sent"})
		s.queue.pop()
	}
}

// fifo is a queue of messages that gives memory back as it empties.
type fifo struct {
	items []*outgoing
	head  int
}

func (f *fifo) len() int         { return len(f.items) - f.head }
func (f *fifo) front() *outgoing { return f.items[f.head] }
func (f *fifo) push(o *outgoing) { f.items = append(f.items, o) }

func (f *fifo) pop() {
	f.items[f.head] = nil
	f.head++
	if f.head*2 >= len(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
}

func (f *fifo) remove(op uint32) *outgoing {
	for i := f.head; i < len(f.items); i++ {
		if o := f.items[i]; o.op == op && op != 0 {
			f.items = append(f.items[:i], f.items[i+1:]...)
			return o
		}
	}
	return nil
}

func digit(b byte) string { return string('0' + rune(b)) }
