package broker

import (
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// retained keeps the last message of each topic that was published with RETAIN.
// mochi's store is not used: it forgets the expiry of some and gives wildcards all.
type retained struct {
	profile *Profile

	mu       sync.Mutex
	messages map[string]*message
	bytes    int       // of all
	swept    time.Time // when those which expired were last looked for
}

// admits reports whether there is room to keep m.
func (r *retained) admits(m *message, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hasRoom(m, now)
}

// set keeps m, if there is room; one without payload removes what was kept
// [MQTT-3.3.1-6].
func (r *retained) set(m *message, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.hasRoom(m, now) {
		return false
	}
	r.remove(m.topic)
	if len(m.payload) > 0 {
		r.messages[m.topic] = m
		r.bytes += m.size()
	}
	return true
}

// hasRoom makes room, if it must, of messages which expired. r.mu is held.
func (r *retained) hasRoom(m *message, now time.Time) bool {
	if len(m.payload) == 0 || r.fits(m) {
		return true
	}
	if now.Sub(r.swept) < time.Second { // to look at all takes its time
		return false
	}
	r.swept = now
	for topic, m := range r.messages {
		if m.expired(now) {
			r.remove(topic)
		}
	}
	return r.fits(m)
}

func (r *retained) fits(m *message) bool {
	messages, bytes := len(r.messages)+1, r.bytes+m.size()
	if before, ok := r.messages[m.topic]; ok {
		messages, bytes = messages-1, bytes-before.size()
	}
	return messages <= r.profile.RetainedMessages && bytes <= r.profile.RetainedBytes
}

func (r *retained) remove(topic string) {
	if m, ok := r.messages[topic]; ok {
		r.bytes -= m.size()
		delete(r.messages, topic)
	}
}

// matching returns the messages for a filter, without those which expired.
func (r *retained) matching(filter string, now time.Time) []*message {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*message
	take := func(topic string, m *message) {
		if m.expired(now) {
			r.remove(topic)
		} else {
			found = append(found, m)
		}
	}
	if !hasWildcard(filter) {
		if m, ok := r.messages[filter]; ok {
			take(filter, m)
		}
		return found
	}
	for topic, m := range r.messages {
		if matches(filter, topic, true) {
			take(topic, m)
		}
	}
	return found
}

// sendRetained gives a new subscription what was retained for it.
func (b *Broker) sendRetained(s *session, sub packets.Subscription, existed bool) {
	if _, isShared := shared(sub.Filter); isShared || sub.RetainHandling == 2 || sub.RetainHandling == 1 && existed {
		return
	}
	if hasWildcard(sub.Filter) && !b.profile.RetainedToWildcards {
		return
	}
	for _, m := range b.retained.matching(sub.Filter, time.Now()) {
		i := &item{message: m, qos: min(m.qos, sub.Qos), retain: true}
		if sub.Identifier > 0 {
			i.identifiers = []int{sub.Identifier}
		}
		b.hand(s, i)
	}
}
