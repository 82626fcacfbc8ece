package session

import (
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// Delivery hears what becomes of a message.
type Delivery interface {
	// Sent tells that the PUBLISH was handed to the connection for the first time.
	Sent(at time.Time)
	// Settled tells the outcome, once. sentAt is zero where it was never sent.
	Settled(sentAt time.Time, a wire.Acknowledgement, err *wire.Error)
}

// outgoing is a message on its way out: in the queue, and with QoS 1 or 2 then in
// flight, until it is settled.
type outgoing struct {
	wire.Outgoing
	op       uint32
	delivery Delivery // nil once settled
	wanted   uint16   // packet identifier that the page would have
	id       uint16   // packet identifier, where in flight
	link     *link    // that counts it in its quota
	size     int64    // of the packet
	queuedAt time.Time
	sentAt   time.Time
	released bool // QoS 2: the PUBREC came, the PUBREL was sent
	timer    *time.Timer
}

func (o *outgoing) settle(a wire.Acknowledgement, err *wire.Error) {
	if o.delivery == nil {
		return
	}
	if o.timer != nil {
		o.timer.Stop()
	}
	d := o.delivery
	o.delivery = nil
	d.Settled(o.sentAt, a, err)
}

// Publish sends m, after what was published before it, as soon as there is a link
// and the limits allow. timeout, if not 0, bounds the whole of it. op names it for
// AbortPublish; 0 for none.
func (s *Session) Publish(op uint32, timeout time.Duration, m wire.Outgoing, d Delivery) {
	s.PublishAs(op, 0, timeout, m, d)
}

// PublishAs is Publish with a packet identifier to use where it is free.
func (s *Session) PublishAs(op uint32, packetID uint16, timeout time.Duration, m wire.Outgoing, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == wire.Closed {
		d.Settled(time.Time{}, wire.Acknowledgement{}, closedError())
		return
	}
	if err := s.check(m); err != nil {
		d.Settled(time.Time{}, wire.Acknowledgement{}, err)
		return
	}
	o := &outgoing{Outgoing: m, op: op, wanted: packetID, delivery: d}
	// What is behind a waiting message waits too: order is kept over all QoS.
	if s.queue.len() > 0 || !s.canSend() || !s.send(o) {
		s.enqueue(o)
	}
	if timeout > 0 && o.delivery != nil {
		o.timer = time.AfterFunc(timeout, func() { s.expire(o) })
	}
}

// check refuses what the server said it would not take. The page has checked the
// limits that no CONNACK tells.
func (s *Session) check(m wire.Outgoing) *wire.Error {
	invalid := func(field, message, hint string) *wire.Error {
		return &wire.Error{Code: wire.InvalidArgument, Field: field, Message: field + " must " + message, Hint: hint}
	}
	switch server := s.server; {
	case m.QoS > server.maximumQoS:
		return invalid("qos", "be at most "+digit(server.maximumQoS)+", the server's Maximum QoS", "AWS IoT Core does not support QoS 2.")
	case m.Retain && !server.retain:
		return invalid("retain", "be false: the server does not support retained messages", "")
	case server.maximumPacketSize > 0 && publishSize(m) > int64(server.maximumPacketSize):
		return invalid("payload", "be smaller: the packet would exceed the server's Maximum Packet Size", "")
	}
	return nil
}

// publishSize is the size of the whole PUBLISH packet.
func publishSize(m wire.Outgoing) int64 {
	props := 0
	if m.Properties != nil {
		props = len(m.Properties.Pack(packets.PUBLISH))
	}
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

// enqueue lets o wait, within the bounds of the queue.
func (s *Session) enqueue(o *outgoing) {
	q := s.cfg.Connect.Queue
	o.size, o.queuedAt = publishSize(o.Outgoing), time.Now()
	full := func() bool {
		return (q.MaxMessages > 0 && s.queue.len() >= int(q.MaxMessages)) || (q.MaxBytes > 0 && s.queue.bytes+o.size > int64(q.MaxBytes))
	}
	fits := q.MaxBytes == 0 || o.size <= int64(q.MaxBytes)
	for q.DropOldest && fits && full() && s.queue.len() > 0 {
		s.drop(s.queue.pop(), "it waited to be sent and made room for a newer one")
	}
	if full() {
		s.drop(o, "the queue of waiting messages is full")
		return
	}
	s.queue.push(o)
	s.watchAge()
}

func (s *Session) drop(o *outgoing, why string) {
	s.dropped++
	if !o.sentAt.IsZero() {
		o.settle(wire.Acknowledgement{}, unknownOutcome("the message was about to be sent anew: "+why))
		return
	}
	o.settle(wire.Acknowledgement{}, &wire.Error{Code: wire.QuotaExceeded, Retryable: true, Message: "the message was not sent: " + why,
		Hint: "Publish less while offline, or raise queue.maxMessages and queue.maxBytes."})
}

// watchAge ends the wait of the message at the head when it gets too old. One
// timer does for all.
func (s *Session) watchAge() {
	maxAge := s.cfg.Connect.Queue.MaxAge
	if maxAge == 0 || s.watchingAge || s.queue.len() == 0 || s.state == wire.Closed {
		return
	}
	s.watchingAge = true
	time.AfterFunc(maxAge-time.Since(s.queue.front().queuedAt), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watchingAge = false
		for s.queue.len() > 0 && time.Since(s.queue.front().queuedAt) >= maxAge {
			s.dropped++
			s.queue.pop().giveUp("the message was not sent within queue.maxAge")
		}
		s.watchAge()
	})
}

// canSend reports whether anything may go out now.
func (s *Session) canSend() bool {
	return s.link != nil && !s.renewal.draining && len(s.resend) == 0
}

// pump sends what waits, as far as the limits allow. The mutex is held.
func (s *Session) pump() {
	if s.link == nil {
		return
	}
	for len(s.resend) > 0 && s.sendAgain(s.resend[0]) {
		s.resend = s.resend[1:]
	}
	for s.canSend() && s.queue.len() > 0 && s.send(s.queue.front()) {
		s.queue.pop()
	}
}

// send writes o unless the Receive Maximum, the packet identifiers or the pace
// are used up. What the server of this link would not take is settled.
func (s *Session) send(o *outgoing) bool {
	if o.delivery == nil {
		return true
	}
	if !o.queuedAt.IsZero() {
		if err := s.check(o.Outgoing); err != nil { // it was queued before this link told its limits
			o.settle(wire.Acknowledgement{}, err)
			return true
		}
	}
	if !s.inPace() {
		return false
	}
	if o.QoS > 0 {
		if s.link.quota == 0 {
			return false
		}
		if o.id = s.packetID(o.wanted); o.id == 0 {
			return false
		}
		s.link.quota--
		o.link = s.link
		s.inFlight[o.id] = o
		if len(s.order) > 2*len(s.inFlight)+64 {
			s.order = s.flying()
		}
		s.order = append(s.order, o)
	}
	s.write(o, false)
	if o.sentAt.IsZero() {
		o.sentAt = time.Now()
		o.delivery.Sent(o.sentAt)
	}
	if o.QoS == 0 {
		o.settle(wire.Acknowledgement{}, nil)
	}
	return true
}

// inPace reports whether a message may go out now. If not, what waits is sent as
// soon as it may.
func (s *Session) inPace() bool {
	if !s.pace.active() {
		return true
	}
	wait := s.pace.wait(time.Now())
	if wait <= 0 {
		return true
	}
	s.pace.after(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pump()
	})
	return false
}

// sendAgain sends once more what was in flight when the last link ended
// [MQTT-4.4.0-1].
func (s *Session) sendAgain(o *outgoing) bool {
	if s.inFlight[o.id] != o {
		return true
	}
	if s.link.quota == 0 || (!o.released && !s.inPace()) {
		return false
	}
	s.link.quota--
	o.link = s.link
	if o.released {
		s.traced(wire.Packet{Sent: true, Type: packets.PUBREL, ID: o.id})
		s.link.write(&packets.Pubrel{PacketID: o.id})
	} else {
		s.write(o, true)
	}
	return true
}

func (s *Session) write(o *outgoing, again bool) {
	p := &s.scratch
	*p = packets.Publish{PacketID: o.id, Topic: o.Topic, Payload: o.Payload, QoS: o.QoS, Retain: o.Retain, Duplicate: again, Properties: o.Properties}
	size := int64(0)
	if s.pace.active() || s.link.aliases.maximum > 0 {
		size = publishSize(o.Outgoing)
	}
	if s.pace.active() {
		s.pace.spent(time.Now(), size)
	}
	if maximum := int64(s.server.maximumPacketSize); maximum == 0 || size+maxAliasSize <= maximum {
		s.link.aliases.apply(p)
	}
	s.link.writePublish(p)
	s.counters.messagesOut.Add(1)
	s.tracedPublish(true, p, o.Topic)
}

// acknowledged takes a PUBACK, PUBREC or PUBCOMP.
func (s *Session) acknowledged(l *link, id uint16, packetType byte, a wire.Acknowledgement) {
	if s.traceDetail() != wire.TraceOff {
		s.traced(wire.Packet{Type: packetType, ID: id, ReasonCodes: []byte{a.ReasonCode}, Properties: a.Properties})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.inFlight[id]
	if s.link != l || o == nil {
		return
	}
	if packetType == packets.PUBREC && a.ReasonCode < 0x80 {
		if o.QoS == 2 {
			o.released = true
			o.Payload, o.Properties = nil, nil // the server has it
			s.traced(wire.Packet{Sent: true, Type: packets.PUBREL, ID: id})
			l.write(&packets.Pubrel{PacketID: id})
		}
		return
	}
	if (o.QoS == 1) != (packetType == packets.PUBACK) {
		return // an acknowledgement of another QoS settles nothing
	}
	delete(s.inFlight, id)
	if o.link == l { // not for what waits to be sent again
		l.quota++
	}
	if o.QoS == 1 {
		s.counters.pubackRTT.Store(int64(time.Since(o.sentAt)))
	}
	var err *wire.Error
	if a.ReasonCode >= 0x80 {
		err = publishError(a)
	}
	o.settle(a, err)
	if s.queue.len() > 0 || len(s.resend) > 0 {
		s.pump()
	}
	s.drained()
}

// resumePublishes takes up what was in flight. The server that kept the session
// gets it once more; one that lost it gets QoS 1 as new messages, while with QoS
// 2 nobody can tell any more whether it arrived.
func (s *Session) resumePublishes(present bool) {
	flying := s.flying()
	if present {
		s.resend = flying
		return
	}
	clear(s.inFlight)
	s.order = nil
	again := flying[:0]
	for _, o := range flying {
		switch {
		case o.QoS == 2:
			o.settle(wire.Acknowledgement{}, unknownOutcome("the server lost the session before it acknowledged the message"))
		case o.delivery != nil:
			o.id, o.queuedAt = 0, time.Now()
			again = append(again, o)
		}
	}
	s.queue.unshift(again)
	s.watchAge()
}

// flying is what is in flight, in the order of sending.
func (s *Session) flying() []*outgoing {
	flying := make([]*outgoing, 0, len(s.inFlight))
	for _, o := range s.order {
		if s.inFlight[o.id] == o {
			flying = append(flying, o)
		}
	}
	return flying
}

func unknownOutcome(what string) *wire.Error {
	return &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: what + "; whether it arrived is unknown"}
}

// AbortPublish takes the message of op back if it still waits.
func (s *Session) AbortPublish(op uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.queue.remove(func(o *outgoing) bool { return o.op == op && op != 0 }); o != nil {
		o.settle(wire.Acknowledgement{}, &wire.Error{Code: wire.Aborted, Message: "the publish was aborted before it was sent"})
	}
}

// Withdraw takes the message of d back if it was never sent.
func (s *Session) Withdraw(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.queue.remove(func(o *outgoing) bool { return o.delivery == d && o.sentAt.IsZero() }); o != nil {
		o.settle(wire.Acknowledgement{}, &wire.Error{Code: wire.Aborted, Message: "the message was taken back before it was sent"})
	}
}

// expire ends the wait for a message that took too long.
func (s *Session) expire(o *outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.remove(func(each *outgoing) bool { return each == o })
	o.giveUp("the message was not sent within its timeout")
}

// giveUp settles a message that took too long; unsent says so where it never went
// out.
func (o *outgoing) giveUp(unsent string) {
	err := &wire.Error{Code: wire.Timeout, Retryable: true, Message: unsent}
	if !o.sentAt.IsZero() {
		err.Message = "the server did not acknowledge the message in time; whether it arrived is unknown"
	}
	o.settle(wire.Acknowledgement{}, err)
}

// failPublishes settles every message that is not settled yet.
func (s *Session) failPublishes() {
	for _, o := range s.flying() {
		o.settle(wire.Acknowledgement{}, unknownOutcome("the connection ended before the server acknowledged the message"))
	}
	clear(s.inFlight)
	s.order = nil
	for s.queue.len() > 0 {
		o := s.queue.pop()
		if !o.sentAt.IsZero() {
			o.settle(wire.Acknowledgement{}, unknownOutcome("the connection ended before the server acknowledged the message"))
			continue
		}
		o.settle(wire.Acknowledgement{}, &wire.Error{Code: wire.ClientClosed, Retryable: true, Message: "the connection ended before the message was sent"})
	}
	s.resend = nil
}

// fifo is a queue of messages that gives memory back as it empties.
type fifo struct {
	items []*outgoing
	head  int
	bytes int64
}

func (f *fifo) len() int         { return len(f.items) - f.head }
func (f *fifo) front() *outgoing { return f.items[f.head] }

func (f *fifo) push(o *outgoing) {
	f.items = append(f.items, o)
	f.bytes += o.size
}

func (f *fifo) pop() *outgoing {
	o := f.items[f.head]
	f.items[f.head] = nil
	f.bytes -= o.size
	f.head++
	if f.head*2 >= len(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	return o
}

// unshift puts messages before all others.
func (f *fifo) unshift(first []*outgoing) {
	if len(first) == 0 {
		return
	}
	for _, o := range first {
		f.bytes += o.size
	}
	f.items, f.head = append(first, f.items[f.head:]...), 0
}

func (f *fifo) remove(chosen func(*outgoing) bool) *outgoing {
	for i := f.head; i < len(f.items); i++ {
		if o := f.items[i]; chosen(o) {
			f.items = append(f.items[:i], f.items[i+1:]...)
			f.bytes -= o.size
			return o
		}
	}
	return nil
}

func digit(b byte) string { return string('0' + rune(b)) }
