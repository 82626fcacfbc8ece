package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// item is a message on its way to one client. It changes under its session's mutex.
type item struct {
	message     *message
	qos         byte
	retain      bool
	identifiers []int

	id       uint16 // of the packet; 0 until it is sent first, and for QoS 0
	dup      bool   // it was sent over an earlier connection
	released bool   // PUBREC came: PUBREL is what is sent again
	stored   bool   // it waited for the connection
	shared   bool   // it is for a shared subscription
}

// session is what the broker keeps for a client identifier, connected or not: its
// subscriptions, and messages in the order in which they were routed.
//
// mochi has queues of its own, which are not used. It sets what a client did not
// acknowledge aside without order, and forgets what it routes to a session between the
// end of one connection and the beginning of the next.
type session struct {
	clientID string
	version  byte // of the protocol which it was made with
	profile  *Profile

	full atomic.Bool // a message was dropped while the client was away, and that was logged

	mu            sync.Mutex
	subscriptions map[string]packets.Subscription
	link          *link   // nil while the client is not connected
	queue         []*item // not sent over this connection
	flight        []*item // sent and not acknowledged, in the order of sending
	bytes         int     // of both
	lastID        uint16
	ids           map[uint16]struct{} // packet identifiers of messages in both

	// Of Broker.mu.
	expiry *time.Timer // ends the session after the connection
	will   *pendingWill
}

func newSession(clientID string, version byte, profile *Profile) *session {
	return &session{
		clientID: clientID, version: version, profile: profile,
		subscriptions: map[string]packets.Subscription{}, ids: map[uint16]struct{}{},
	}
}

// signal tells the connection's sender that something changed. s.mu is held.
func (s *session) signal() {
	if s.link == nil {
		return
	}
	select {
	case s.link.wake <- struct{}{}:
	default:
	}
}

// attach lets messages go to l, those first which wait.
func (s *session) attach(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
	s.full.Store(false)
	for _, i := range s.queue {
		i.stored = true
	}
	s.signal()
}

// detach sets aside what was not acknowledged, to be sent first next time.
func (s *session) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	queue := make([]*item, 0, len(s.flight)+len(s.queue))
	for _, i := range s.flight {
		i.dup = true
		queue = append(queue, i)
	}
	for _, i := range s.queue {
		if i.qos > 0 {
			queue = append(queue, i)
		} else {
			s.bytes -= i.message.size()
		}
	}
	s.queue, s.flight = queue, nil
}

// deliver queues a message. It reports false if the queue's bounds do not let it in.
func (s *session) deliver(i *item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil && i.qos == 0 {
		return true // not stored [MQTT-3.1.2-23]
	}
	size := i.message.size()
	if len(s.queue) >= s.profile.QueueMessages || s.bytes+size > s.profile.QueueBytes {
		return false
	}
	s.bytes += size
	s.queue = append(s.queue, i)
	s.signal()
	return true
}

// connected returns the connection, if there is one.
func (s *session) connected() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

// drop takes the first message out of the queue unsent.
func (s *session) drop() {
	i := s.shift()
	s.bytes -= i.message.size()
	delete(s.ids, i.id)
}

func (s *session) shift() *item {
	first := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	return first
}

// launch moves the first message from the queue to what is sent; it has its packet
// identifier already.
func (s *session) launch() {
	i := s.shift()
	if i.qos == 0 {
		s.bytes -= i.message.size()
	} else {
		s.flight = append(s.flight, i)
	}
}

// nextID takes a free packet identifier. There are more of them than messages under
// way, whose number is a Receive Maximum.
func (s *session) nextID() uint16 {
	for {
		s.lastID++
		if _, used := s.ids[s.lastID]; s.lastID != 0 && !used {
			s.ids[s.lastID] = struct{}{}
			return s.lastID
		}
	}
}

// acknowledge takes PUBACK, PUBREC and PUBCOMP. It reports whether PUBREL must follow.
func (s *session) acknowledge(kind byte, id uint16, reason byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, i := range s.flight {
		if i.id != id {
			continue
		}
		if kind == packets.Pubrec && reason < 0x80 {
			i.released = i.qos == 2
			return i.released
		}
		s.bytes -= i.message.size()
		delete(s.ids, id)
		if at == 0 {
			s.flight[0] = nil
			s.flight = s.flight[1:]
		} else {
			s.flight = append(s.flight[:at], s.flight[at+1:]...)
		}
		s.signal()
		return false
	}
	// PUBREL answers every PUBREC, or the peer would never end the exchange.
	return kind == packets.Pubrec && reason < 0x80
}

// subscription returns the client's own options for a filter.
func (s *session) subscription(filter string) (packets.Subscription, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, ok := s.subscriptions[filter]
	return sub, ok
}

// held returns the filters which the session holds.
func (s *session) held() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(map[string]bool, len(s.subscriptions))
	for filter := range s.subscriptions {
		held[filter] = true
	}
	return held
}

func (s *session) subscribe(sub packets.Subscription) (existed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, existed = s.subscriptions[sub.Filter]
	s.subscriptions[sub.Filter] = sub
	return existed
}

func (s *session) unsubscribe(filter string) (existed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, existed = s.subscriptions[filter]
	delete(s.subscriptions, filter)
	return existed
}
