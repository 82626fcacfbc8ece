package broker

import (
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// retained keeps the last message of each topic that was published with RETAIN.
// mochi's store is not used: it forgets the expiry of some and gives wildcards all.
type retained struct {
	mu       sync.Mutex
	messages map[string]*message
}

// set keeps m; one without payload removes what was kept [MQTT-3.3.1-6].
func (r *retained) set(m *message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(m.payload) == 0 {
		delete(r.messages, m.topic)
	} else {
		r.messages[m.topic] = m
	}
}

// matching returns the messages for a filter, without those which expired.
func (r *retained) matching(filter string, now time.Time) []*message {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*message
	take := func(topic string, m *message) {
		if m.expired(now) {
			delete(r.messages, topic)
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
