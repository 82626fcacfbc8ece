package broker

import (
	"math"
	"sync"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
)

// link is a connection and what mochi does not keep about its client.
//
// Its window is the Receive Maximum of the client [MQTT-3.3.4-9]. mochi has one of
// its own, which is switched off: it takes a read lock twice in Inflight.NextImmediate
// and stands still for good if another client publishes in between.
type link struct {
	Conn
	client atomic.Pointer[mqtt.Client] // nil until CONNECT was read

	window  chan struct{} // a token for each QoS 1 message on its way; set before client
	dropped atomic.Bool

	once sync.Once
	done chan struct{}
}

// open is called when CONNECT was read.
func (l *link) open(client *mqtt.Client) {
	window := client.Properties.Props.ReceiveMaximum
	if window == 0 { // absent, or MQTT 3.1.1
		window = math.MaxUint16
	}
	l.window = make(chan struct{}, window)
	client.Properties.Props.ReceiveMaximum = 0
	client.State.Inflight.ResetSendQuota(0)
	// mochi numbers topic aliases before it queues, so that two publishers can send a
	// client an alias ahead of its topic. None are assigned towards clients.
	client.Properties.Props.TopicAliasMaximum = 0
	client.State.TopicAliases.Outbound = mqtt.NewOutboundTopicAliases(0)
	l.client.Store(client)
}

// acquire waits for room in the window. Only mochi's writing goroutine calls it.
func (l *link) acquire() {
	select {
	case l.window <- struct{}{}:
	case <-l.done:
	}
}

// tryAcquire takes room in the window if there is any.
func (l *link) tryAcquire() {
	select {
	case l.window <- struct{}{}:
	default:
	}
}

// release makes room after an acknowledgement.
func (l *link) release() {
	select {
	case <-l.window:
	default:
	}
}

// Close ends the connection and whoever waits for its window.
func (l *link) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Conn.Close()
}
