package broker

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// route hands a message to every session that subscribed to its topic. mochi's index
// finds them; what it makes of overlapping subscriptions is not used, but the client's
// own options for each filter are.
func (b *Broker) route(m *message) {
	if !b.profile.BasicIngestRouted && strings.HasPrefix(m.topic, rulesPrefix) {
		return
	}
	if m.retain && !b.retained.set(m, time.Now()) { // a will, or others took the room meanwhile
		b.log.Warn("message not retained: too many are", "client", m.origin)
	}
	found := b.server.Topics.Subscribers(m.topic)
	for clientID, sub := range found.Subscriptions {
		// Every subscription in the index has an identifier (see OnSubscribe), so that
		// the filters of all are here, whichever came first.
		filters := slices.Collect(maps.Keys(sub.Identifiers))
		if len(filters) == 0 {
			filters = []string{sub.Filter}
		}
		if s := b.session(clientID); s != nil {
			b.deliver(s, m, filters)
		}
	}
	for filter, members := range found.Shared {
		if inner, _ := shared(filter); b.takes(inner, m.topic) {
			if s := b.choose(filter, members); s != nil {
				b.deliver(s, m, []string{filter})
			}
		}
	}
}

// takes reports whether a filter which the index found is to have the message.
func (b *Broker) takes(filter, topic string) bool {
	if b.profile.ParentMatch && !strings.HasPrefix(topic, "$") {
		return true
	}
	return matches(filter, topic, b.profile.ParentMatch)
}

// choose picks a member of a shared subscription: one that is connected, if any is.
func (b *Broker) choose(filter string, members map[string]packets.Subscription) *session {
	var connected, others []*session
	for clientID := range members {
		s := b.session(clientID)
		if s == nil {
			continue
		}
		if _, subscribed := s.subscription(filter); !subscribed {
			continue
		}
		if s.connected() != nil {
			connected = append(connected, s)
		} else {
			others = append(others, s)
		}
	}
	for _, candidates := range [][]*session{connected, others} {
		if len(candidates) > 0 {
			return candidates[rand.IntN(len(candidates))]
		}
	}
	return nil
}

// deliver queues a message for one session, once for all filters that match it.
func (b *Broker) deliver(s *session, m *message, filters []string) {
	i := &item{message: m}
	matched := false
	for _, filter := range filters {
		inner, isShared := shared(filter)
		sub, subscribed := s.subscription(filter)
		if !subscribed || sub.NoLocal && m.origin == s.clientID || !b.takes(inner, m.topic) {
			continue
		}
		matched = true
		i.shared = isShared
		i.qos = max(i.qos, min(sub.Qos, m.qos)) // [MQTT-3.3.4-2]
		i.retain = i.retain || m.retain && sub.RetainAsPublished
		if sub.Identifier > 0 {
			i.identifiers = append(i.identifiers, sub.Identifier) // [MQTT-3.3.4-4]
		}
	}
	if matched {
		slices.Sort(i.identifiers)
		b.hand(s, i)
	}
}

// hand queues a message for a session whose client may receive it.
func (b *Broker) hand(s *session, i *item) {
	l := s.connected()
	if l != nil && !l.principal.allows(actionReceive, "topic/"+i.message.topic) {
		return
	}
	if s.deliver(i) {
		return
	}
	const text = "messages dropped: the client takes them too slowly"
	if l != nil {
		l.logOnce(text)
	} else if s.full.CompareAndSwap(false, true) {
		b.log.Warn("messages dropped: too many wait for a client that is away", "client", s.clientID)
	}
}

// Publish publishes a message of the broker's own, whose payload must not be changed
// any more.
func (b *Broker) Publish(topic string, payload []byte, qos byte, retain bool) {
	b.route(&message{topic: topic, payload: payload, qos: qos, retain: retain})
}

// publish is a client's PUBLISH which was let in and acknowledged.
func (b *Broker) publish(l *link, p packets.Packet) {
	m := &message{
		topic: l.topic, payload: p.Payload, qos: p.FixedHeader.Qos, retain: p.FixedHeader.Retain,
		origin: l.clientID, properties: p.Properties,
	}
	if l.expires {
		m.expires = b.profile.expiry(p.Properties.MessageExpiryInterval, time.Now())
	}
	b.route(m)
	if b.options.Published != nil {
		b.options.Published(m.topic, m.payload)
	}
}
