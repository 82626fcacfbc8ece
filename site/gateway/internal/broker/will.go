package broker

import (
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// will is a client's will message. It is kept here and not by mochi, which leaves out
// most of its properties.
type will struct {
	message  message
	interval uint32 // Message Expiry Interval, from when it is published
	expires  bool   // it has one; mochi's codec cannot tell 0 from none
	delay    time.Duration
}

// pendingWill is one that waits for its delay.
type pendingWill struct {
	timer *time.Timer
	send  func()
}

func newWill(p packets.Packet, profile *Profile) *will {
	c := p.Connect
	w := &will{
		message: message{
			topic: c.WillTopic, payload: c.WillPayload, qos: c.WillQos, retain: c.WillRetain,
			origin: c.ClientIdentifier, properties: c.WillProperties,
		},
		interval: c.WillProperties.MessageExpiryInterval,
	}
	if profile.WillDelay {
		w.delay = time.Duration(c.WillProperties.WillDelayInterval) * time.Second
	}
	return w
}

// publishWill publishes the will of a connection that ended without DISCONNECT: at
// once, or after its delay unless the session goes on by then. It is for Broker.mu
// not to be held.
func (b *Broker) publishWill(w *will, l *link, life time.Duration) {
	send := func() {
		m := w.message
		if !l.principal.allows(actionPublish, "topic/"+m.topic) ||
			m.retain && !l.principal.allows(actionRetainPublish, "topic/"+m.topic) {
			return
		}
		if w.expires {
			m.expires = b.profile.expiry(w.interval, time.Now())
		}
		b.route(&m)
	}
	delay := min(w.delay, life)
	if delay <= 0 {
		send()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	pending := &pendingWill{send: send}
	pending.timer = time.AfterFunc(delay, func() {
		b.mu.Lock()
		current := l.session.will == pending
		if current {
			l.session.will = nil
		}
		b.mu.Unlock()
		if current {
			send()
		}
	})
	l.session.will = pending
}
