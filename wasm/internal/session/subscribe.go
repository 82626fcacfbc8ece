package session

import (
	"slices"
	"time"

	"github.com/eclipse/paho.golang/packets"
	pahosession "github.com/eclipse/paho.golang/paho/session"

	"iotwasm/wasm/internal/wire"
)

// filtersPerPacket is how many topic filters go into one SUBSCRIBE or
// UNSUBSCRIBE: AWS IoT Core closes the connection at more than 8 (AWS IoT Core
// quotas, "Maximum subscriptions per subscribe request").
const filtersPerPacket = 8

// requestTimeout bounds the wait for a SUBACK or UNSUBACK.
const requestTimeout = 30 * time.Second

// call is one Subscribe or Unsubscribe of the page: several packets, one outcome.
type call struct {
	op      uint32
	codes   []byte
	pending int
	timer   *time.Timer
	done    func(reasonCodes []byte, err *wire.Error)
}

// request is one SUBSCRIBE or UNSUBSCRIBE that waits for its answer.
type request struct {
	call  *call
	first int // where its filters begin in the call
	count int
}

// Subscribe sends the filters of c. done gets a reason code for each of them.
// Messages that match go to the subscription of c from now on; those of a refused
// filter have no server to send them.
func (s *Session) Subscribe(c wire.Subscribe, done func(reasonCodes []byte, err *wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		done(nil, closedError())
		return
	}
	for _, f := range c.Filters {
		s.routes.add(f.Topic, c.Subscription)
	}
	settled := func(codes []byte, err *wire.Error) {
		for i, f := range c.Filters {
			if err != nil || codes[i] >= 0x80 {
				s.routes.remove(f.Topic, c.Subscription)
			}
		}
		done(codes, err)
	}
	k := s.begin(c.Op, len(c.Filters), settled)
	first := 0
	for part := range slices.Chunk(c.Filters, filtersPerPacket) {
		p := &packets.Subscribe{Properties: c.Properties}
		for _, f := range part {
			p.Subscriptions = append(p.Subscriptions, packets.SubOptions{
				Topic: f.Topic, QoS: f.QoS, NoLocal: f.NoLocal, RetainAsPublished: f.RetainAsPublished, RetainHandling: f.RetainHandling,
			})
		}
		s.request(k, p, first, len(part))
		first += len(part)
	}
}

// Unsubscribe ends a subscription. The server hears of the filters that no other
// subscription uses.
func (s *Session) Unsubscribe(u wire.Unsubscribe, done func(*wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		done(nil) // a closed session has no subscriptions
		return
	}
	unused := s.routes.removeAll(u.Subscription)
	if len(unused) == 0 {
		done(nil)
		return
	}
	k := s.begin(u.Op, len(unused), func(codes []byte, err *wire.Error) {
		for _, code := range codes {
			if code >= 0x80 && err == nil {
				err = subscribeError("the server refused to unsubscribe", code)
			}
		}
		done(err)
	})
	first := 0
	for part := range slices.Chunk(unused, filtersPerPacket) {
		s.request(k, &packets.Unsubscribe{Topics: part}, first, len(part))
		first += len(part)
	}
}

func (s *Session) begin(op uint32, filters int, done func([]byte, *wire.Error)) *call {
	k := &call{op: op, codes: make([]byte, filters), done: done}
	k.timer = time.AfterFunc(requestTimeout, func() {
		s.giveUp(k, &wire.Error{Code: wire.Timeout, Retryable: true, Message: "the server did not answer within " + requestTimeout.String()})
	})
	return k
}

func (s *Session) request(k *call, p pahosession.Packet, first, count int) {
	id := s.nextID()
	p.SetIdentifier(id)
	s.requests[id] = &request{call: k, first: first, count: count}
	k.pending++
	_ = s.link.write(p)
}

// answered takes a SUBACK or UNSUBACK.
func (s *Session) answered(l *link, id uint16, reasonCodes []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if s.link != l || r == nil {
		return
	}
	delete(s.requests, id)
	k := r.call
	for i := range r.count {
		code := byte(packets.SubackUnspecifiederror) // an answer too short grants nothing
		if i < len(reasonCodes) {
			code = reasonCodes[i]
		}
		k.codes[r.first+i] = code
	}
	k.pending--
	if k.pending == 0 && k.timer.Stop() {
		k.done(k.codes, nil)
	}
}

// AbortRequest gives up the Subscribe of op: its filters are not kept.
func (s *Session) AbortRequest(op uint32) {
	s.mu.Lock()
	var k *call
	for _, r := range s.requests {
		if r.call.op == op {
			k = r.call
		}
	}
	s.mu.Unlock()
	if k != nil && k.timer.Stop() {
		s.giveUp(k, &wire.Error{Code: wire.Aborted, Message: "the call was aborted before the server answered"})
	}
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
	k.done(nil, err)
}

// failRequests settles every call: the link has ended.
func (s *Session) failRequests() {
	for id, r := range s.requests {
		delete(s.requests, id)
		if r.call.timer.Stop() {
			r.call.done(nil, &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: "the connection ended before the server answered"})
		}
	}
}
