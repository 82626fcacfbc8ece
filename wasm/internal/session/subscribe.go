package session

import (
	"slices"
	"strings"
	"time"

	"github.com/eclipse/paho.golang/packets"
	pahosession "github.com/eclipse/paho.golang/paho/session"

	"iotwasm/wasm/internal/wire"
)

// subscription is what the server granted to one Subscribe of the page, and is
// asked for again when the server lost the session.
type subscription struct {
	id         uint32
	filters    []wire.Filter
	properties *packets.Properties
	manual     bool
	settled    bool // its call is over: without a filter it is of no use
}

// call is one Subscribe or Unsubscribe of the page: several packets, one outcome.
type call struct {
	op      uint32
	answer  wire.Answer
	pending int
	sent    bool // the server may have heard of it
	again   bool // asks for what was granted before
	timer   *time.Timer
	done    func(wire.Answer, *wire.Error)
}

// request is one SUBSCRIBE or UNSUBSCRIBE that waits for its answer, or for a link.
type request struct {
	call   *call
	packet pahosession.Packet
	kind   byte
	id     uint16 // packet identifier, wanted and then given; 0: any
	topics []string
	first  int // where its filters begin in the call
}

// Subscribe asks for the filters of c. done gets a reason code for each of them.
// Messages that match go to the subscription of c from now on; those of a refused
// filter have no server to send them. Without a link it waits for one. What is
// granted to a subscription that there is already takes the place of the same
// filter in it.
func (s *Session) Subscribe(c wire.Subscribe, done func(wire.Answer, *wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == wire.Closed {
		done(wire.Answer{}, closedError())
		return
	}
	for _, f := range c.Filters {
		if maximum := int(s.server.maximumPacketSize); maximum > 0 && requestHead(c.Properties, packets.SUBSCRIBE)+filterSize(f.Topic) > maximum {
			done(wire.Answer{}, &wire.Error{Code: wire.InvalidArgument, Field: "filter", Message: "filter must be shorter: the packet would exceed the server's Maximum Packet Size"})
			return
		}
	}
	for _, f := range c.Filters {
		s.routes.add(f.Topic, c.Subscription)
	}
	sub := &subscription{id: c.Subscription, properties: c.Properties, manual: c.Manual}
	s.subscriptions = append(s.subscriptions, sub) // its messages may come before the SUBACK
	var k *call
	settled := func(a wire.Answer, err *wire.Error) {
		var unwanted []string
		for i, f := range c.Filters {
			if err == nil && a.ReasonCodes[i] < 0x80 {
				s.withdraw(f.Topic, func(other *subscription) bool { return other.id == sub.id })
				sub.filters = append(sub.filters, f)
			} else if s.routes.remove(f.Topic, c.Subscription) && err != nil {
				unwanted = append(unwanted, f.Topic)
			}
		}
		sub.settled = true
		s.letGo()
		if k.sent && s.state != wire.Closed && len(unwanted) > 0 {
			// Given up, and yet the server may have granted it.
			s.unsubscribe(s.begin(0, c.Timeout, len(unwanted), func(wire.Answer, *wire.Error) {}), 0, unwanted, nil)
		}
		done(a, err)
	}
	k = s.begin(c.Op, c.Timeout, len(c.Filters), settled)
	s.subscribe(k, c.PacketID, c.Filters, c.Properties)
}

// subscribe sends the filters in as many packets as the server needs.
func (s *Session) subscribe(k *call, packetID uint16, filters []wire.Filter, properties *packets.Properties) {
	head := requestHead(properties, packets.SUBSCRIBE)
	first := 0
	for len(filters) > first {
		part := filters[first:]
		part = part[:s.howMany(head, len(part), func(i int) string { return part[i].Topic })]
		p := &packets.Subscribe{Properties: properties}
		r := &request{call: k, packet: p, kind: packets.SUBSCRIBE, id: packetID, first: first}
		packetID = 0
		for _, f := range part {
			p.Subscriptions = append(p.Subscriptions, packets.SubOptions{
				Topic: f.Topic, QoS: f.QoS, NoLocal: f.NoLocal, RetainAsPublished: f.RetainAsPublished, RetainHandling: f.RetainHandling,
			})
			r.topics = append(r.topics, f.Topic)
		}
		s.request(r)
		first += len(part)
	}
}

// howMany returns how many of n filters go into one packet, 1 at least.
func (s *Session) howMany(head, n int, filter func(i int) string) int {
	most := 1000
	if limit := int(s.cfg.Connect.Limits.FiltersPerPacket); limit > 0 {
		most = limit
	}
	n = min(n, most)
	maximum := int(s.server.maximumPacketSize)
	if maximum == 0 {
		return n
	}
	size := head
	for i := range n {
		if size += filterSize(filter(i)); size > maximum {
			return max(i, 1)
		}
	}
	return n
}

// requestHead is the size of a SUBSCRIBE or UNSUBSCRIBE without its filters, at
// most.
func requestHead(properties *packets.Properties, kind byte) int {
	props := 0
	if properties != nil {
		props = len(properties.Pack(kind))
	}
	return 1 + 4 + 2 + varIntSize(props) + props
}

// filterSize is what a filter takes of a SUBSCRIBE; of an UNSUBSCRIBE it takes one
// byte less.
func filterSize(filter string) int { return 2 + len(filter) + 1 }

// Unsubscribe ends a subscription, of which the server hears the filters that no
// other one uses; or it ends filters in every subscription, and the server hears
// them all.
func (s *Session) Unsubscribe(u wire.Unsubscribe, done func(wire.Answer, *wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == wire.Closed {
		done(wire.Answer{}, nil) // a closed session has no subscriptions
		return
	}
	if len(u.Filters) > 0 {
		for _, f := range u.Filters {
			s.forget(f)
		}
		s.unsubscribe(s.begin(u.Op, u.Timeout, len(u.Filters), done), u.PacketID, u.Filters, u.Properties)
		return
	}
	s.leave(u.Subscription)
	unused := s.routes.removeAll(u.Subscription)
	if len(unused) == 0 {
		done(wire.Answer{}, nil)
		return
	}
	k := s.begin(u.Op, u.Timeout, len(unused), func(a wire.Answer, err *wire.Error) {
		for _, code := range a.ReasonCodes {
			if code >= 0x80 && err == nil {
				err = subscribeError("the server refused to unsubscribe", code)
			}
		}
		done(a, err)
	})
	s.unsubscribe(k, u.PacketID, unused, u.Properties)
}

// leave takes a subscription out of those that are kept.
func (s *Session) leave(id uint32) {
	for i, sub := range s.subscriptions {
		if sub.id == id {
			s.subscriptions = append(s.subscriptions[:i], s.subscriptions[i+1:]...)
			return
		}
	}
}

func (s *Session) unsubscribe(k *call, packetID uint16, filters []string, properties *packets.Properties) {
	head := requestHead(properties, packets.UNSUBSCRIBE)
	first := 0
	for len(filters) > first {
		part := filters[first:]
		part = part[:s.howMany(head, len(part), func(i int) string { return part[i] })]
		s.request(&request{call: k, packet: &packets.Unsubscribe{Topics: part, Properties: properties}, kind: packets.UNSUBSCRIBE, id: packetID, topics: part, first: first})
		packetID = 0
		first += len(part)
	}
}

func (s *Session) begin(op uint32, timeout time.Duration, filters int, done func(wire.Answer, *wire.Error)) *call {
	k := &call{op: op, answer: wire.Answer{ReasonCodes: make([]byte, filters)}, done: done}
	k.timer = time.AfterFunc(timeout, func() {
		s.giveUp(k, &wire.Error{Code: wire.Timeout, Retryable: true, Message: "the server did not answer within " + timeout.String()})
	})
	return k
}

// request sends r, or keeps it for the next link.
func (s *Session) request(r *request) {
	r.call.pending++
	if s.link == nil || s.renewal.draining {
		s.unsent = append(s.unsent, r)
		return
	}
	s.sendRequest(r)
}

func (s *Session) sendRequest(r *request) {
	r.id = s.packetID(r.id)
	r.packet.SetIdentifier(r.id)
	s.requests[r.id] = r
	if len(s.asked) > 2*len(s.requests)+64 {
		s.asked = s.openRequests(nil)
	}
	s.asked = append(s.asked, r)
	r.call.sent = true
	if s.traceDetail() != wire.TraceOff {
		s.traced(wire.Packet{Sent: true, Type: r.kind, ID: r.id, Topic: strings.Join(r.topics, "\n")})
	}
	s.link.write(r.packet)
}

// shelveRequests keeps what the lost link did not answer for the next.
func (s *Session) shelveRequests() {
	s.unsent = s.openRequests(s.unsent)
	clear(s.requests)
	s.asked = nil
}

// resumeSubscriptions asks for what the server forgot, and sends what waited.
func (s *Session) resumeSubscriptions(present bool) {
	if !present && s.connections > 1 && s.cfg.Connect.Resubscribe {
		s.resubscribe()
	}
	waiting := s.unsent
	s.unsent = nil
	for _, r := range waiting {
		if !r.call.again || present {
			s.sendRequest(r)
		} else { // resubscribe asks for these filters anew
			r.call.timer.Stop()
		}
	}
}

// resubscribe asks for every filter that was granted, each once: of several
// subscriptions with one filter the last one's options hold [MQTT-3.8.4-3].
func (s *Session) resubscribe() {
	asked := make(map[string]bool)
	var plain []wire.Filter // those without properties share packets
	for i := len(s.subscriptions) - 1; i >= 0; i-- {
		sub := s.subscriptions[i]
		var filters []wire.Filter
		for _, f := range sub.filters {
			if !asked[f.Topic] {
				asked[f.Topic] = true
				filters = append(filters, f)
			}
		}
		if sub.properties == nil {
			plain = append(plain, filters...)
		} else {
			s.subscribeAgain(filters, sub.properties)
		}
	}
	s.subscribeAgain(plain, nil)
}

func (s *Session) subscribeAgain(filters []wire.Filter, properties *packets.Properties) {
	if len(filters) == 0 {
		return
	}
	k := s.begin(0, s.cfg.Connect.ConnectTimeout, len(filters), func(a wire.Answer, err *wire.Error) {
		if err != nil {
			if s.state != wire.Closed {
				s.cfg.Events.Fault(err)
			}
			return
		}
		for i, f := range filters {
			if code := a.ReasonCodes[i]; code >= 0x80 {
				s.forget(f.Topic)
				refused := subscribeError("after the outage the server refused to subscribe to "+f.Topic, code)
				refused.Field = "filter"
				s.cfg.Events.Fault(refused)
			}
		}
	})
	k.again = true
	s.subscribe(k, 0, filters, properties)
}

// forget takes a filter out of every subscription.
func (s *Session) forget(topic string) {
	for _, sub := range s.subscriptions {
		s.routes.remove(topic, sub.id)
	}
	s.withdraw(topic, func(*subscription) bool { return true })
	s.letGo()
}

// withdraw takes a filter out of some subscriptions.
func (s *Session) withdraw(topic string, of func(*subscription) bool) {
	for _, sub := range s.subscriptions {
		if of(sub) {
			sub.filters = slices.DeleteFunc(sub.filters, func(f wire.Filter) bool { return f.Topic == topic })
		}
	}
}

// letGo drops the subscriptions that have no filter any more.
func (s *Session) letGo() {
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(sub *subscription) bool { return sub.settled && len(sub.filters) == 0 })
}

// answered takes a SUBACK or UNSUBACK.
func (s *Session) answered(l *link, kind byte, id uint16, reasonCodes []byte, properties *packets.Properties) {
	s.traced(wire.Packet{Type: kind, ID: id, ReasonCodes: reasonCodes, Properties: properties})
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if s.link != l || r == nil || kind != r.kind+1 {
		return
	}
	delete(s.requests, id)
	k := r.call
	for i := range r.topics {
		code := byte(packets.SubackUnspecifiederror) // an answer too short grants nothing
		if i < len(reasonCodes) {
			code = reasonCodes[i]
		}
		k.answer.ReasonCodes[r.first+i] = code
	}
	if properties != nil && (properties.ReasonString != "" || len(properties.User) > 0) {
		k.answer.Properties = properties
	}
	k.pending--
	if k.pending == 0 && k.timer.Stop() {
		k.done(k.answer, nil)
	}
	s.drained()
}

// AbortRequest gives up the Subscribe of op: its filters are not kept.
func (s *Session) AbortRequest(op uint32) {
	s.mu.Lock()
	var k *call
	for _, r := range s.openRequests(s.unsent) {
		if r.call.op == op && op != 0 {
			k = r.call
		}
	}
	s.mu.Unlock()
	if k != nil && k.timer.Stop() {
		s.giveUp(k, &wire.Error{Code: wire.Aborted, Message: "the call was aborted before the server answered"})
	}
}

// openRequests is what has no answer yet, in the order of sending, and unsent.
func (s *Session) openRequests(unsent []*request) []*request {
	open := make([]*request, 0, len(s.requests)+len(unsent))
	for _, r := range s.asked {
		if s.requests[r.id] == r {
			open = append(open, r)
		}
	}
	return append(open, unsent...)
}

// giveUp settles a call that was not answered. Whoever stopped its timer, or the
// timer itself, calls it, and so only once.
func (s *Session) giveUp(k *call, err *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.requests {
		if r.call == k {
			delete(s.requests, id)
		}
	}
	kept := s.unsent[:0]
	for _, r := range s.unsent {
		if r.call != k {
			kept = append(kept, r)
		}
	}
	s.unsent = kept
	k.done(wire.Answer{}, err)
	s.drained()
}

// failRequests settles every call: the session has ended.
func (s *Session) failRequests() {
	open := s.openRequests(s.unsent)
	clear(s.requests)
	s.asked, s.unsent = nil, nil
	for _, r := range open {
		if r.call.timer.Stop() {
			r.call.done(wire.Answer{}, &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: "the connection ended before the server answered"})
		}
	}
}
