package broker

import (
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// message is one that was published. It does not change once it is routed: sessions
// share it.
type message struct {
	topic      string
	payload    []byte
	qos        byte
	retain     bool
	origin     string // client identifier of the publisher; empty for the broker's own
	properties packets.Properties
	expires    time.Time // zero: never
}

// size is what a message is counted as where bytes are bounded.
func (m *message) size() int {
	size := 128 + len(m.topic) + len(m.payload) + len(m.properties.ContentType) + len(m.properties.ResponseTopic) + len(m.properties.CorrelationData)
	return size + userPropertyBytes(m.properties.User)
}

func userPropertyBytes(properties []packets.UserProperty) int {
	size := 0
	for _, p := range properties {
		size += len(p.Key) + len(p.Val)
	}
	return size
}

// expiry is when a message with this interval expires.
func (p *Profile) expiry(interval uint32, now time.Time) time.Time {
	interval = max(interval, p.MessageExpiryMinimum)
	if p.MessageExpiryMaximum > 0 {
		interval = min(interval, p.MessageExpiryMaximum)
	}
	return now.Add(time.Duration(interval) * time.Second)
}

func (m *message) expired(now time.Time) bool {
	return !m.expires.IsZero() && !now.Before(m.expires)
}

// remaining is the Message Expiry Interval to be forwarded; whole seconds, so that it
// may be 0 for a message which has not expired yet.
func (m *message) remaining(now time.Time) int64 {
	return int64(m.expires.Sub(now) / time.Second)
}
