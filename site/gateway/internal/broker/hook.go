package broker

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is where mochi asks and tells. Its methods are called by the goroutine that
// reads the client's connection, between two calls of its link's Read.
type hook struct {
	mqtt.HookBase
	broker *Broker
}

// ID names the hook.
func (h *hook) ID() string { return "gateway" }

// Provides lists the events which the hook takes.
func (h *hook) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnPacketEncode,
		mqtt.OnPacketProcessed, mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnUnsubscribed, mqtt.OnPublish, mqtt.OnPublished:
		return true
	}
	return false
}

func linkOf(client *mqtt.Client) *link {
	l, _ := client.Net.Conn.(*link)
	return l
}

// OnConnect comes before anything is written to the client.
func (h *hook) OnConnect(client *mqtt.Client, _ packets.Packet) error {
	linkOf(client).client = client
	// mochi's own window would take a read lock twice in Inflight.NextImmediate.
	client.Properties.Props.ReceiveMaximum = 0
	client.State.Inflight.ResetSendQuota(0)
	// The broker ends sessions itself: mochi leaves the subscriptions of those that
	// expire to whoever takes their client identifier next.
	client.Properties.Props.SessionExpiryIntervalFlag = false
	return nil
}

// OnConnectAuthenticate accepts: that was decided before.
func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck refuses the filters which admitSubscribe denied.
func (h *hook) OnACLCheck(client *mqtt.Client, topic string, write bool) bool {
	if write {
		return true
	}
	_, denied := linkOf(client).denied[topic]
	return !denied
}

// OnSessionEstablished comes after CONNACK.
func (h *hook) OnSessionEstablished(client *mqtt.Client, _ packets.Packet) {
	h.broker.establish(linkOf(client))
}

// OnPacketEncode changes what mochi writes.
func (h *hook) OnPacketEncode(client *mqtt.Client, packet packets.Packet) packets.Packet {
	l := linkOf(client)
	switch packet.FixedHeader.Type {
	case packets.Connack:
		if packet.ReasonCode == packets.CodeSuccess.Code {
			l.describe(&packet.Properties)
		}
	case packets.Suback:
		packet.Properties.User = nil // the client's own
	case packets.Unsuback:
		packet.Properties.User = nil
		for i, code := range packet.ReasonCodes {
			switch {
			case i < len(l.invalid) && l.invalid[i]:
				packet.ReasonCodes[i] = packets.ErrTopicFilterInvalid.Code
			case code == packets.CodeNoSubscriptionExisted.Code && !l.profile.UnsubackNotHeld:
				packet.ReasonCodes[i] = packets.CodeSuccess.Code
			}
		}
	}
	return packet
}

// OnSubscribe gives every subscription of the index an identifier, of its own and not
// the client's: with one, mochi names all filters that match a topic.
func (h *hook) OnSubscribe(_ *mqtt.Client, packet packets.Packet) packets.Packet {
	for i := range packet.Filters {
		packet.Filters[i].Identifier = 1
	}
	return packet
}

// OnSubscribed comes before SUBACK, whose reasons it may change in place.
func (h *hook) OnSubscribed(client *mqtt.Client, packet packets.Packet, reasons []byte) {
	l := linkOf(client)
	l.granted = l.granted[:0]
	identifier := 0
	if len(packet.Properties.SubscriptionIdentifier) > 0 {
		identifier = packet.Properties.SubscriptionIdentifier[0]
	}
	for i, sub := range packet.Filters {
		if reason, denied := l.denied[sub.Filter]; denied && l.version >= 5 {
			reasons[i] = reason
		}
		if reasons[i] >= packets.ErrUnspecifiedError.Code {
			continue
		}
		sub.Qos, sub.Identifier = reasons[i], identifier
		l.granted = append(l.granted, grant{sub, l.session.subscribe(sub)})
	}
}

// grant is a subscription that was made.
type grant struct {
	packets.Subscription
	existed bool
}

// OnPacketProcessed comes after the answer to a packet.
func (h *hook) OnPacketProcessed(client *mqtt.Client, packet packets.Packet, _ error) {
	if packet.FixedHeader.Type != packets.Subscribe {
		return
	}
	l := linkOf(client)
	filters := make([]string, len(l.granted))
	for i, g := range l.granted {
		filters[i] = g.Filter
		h.broker.sendRetained(l.session, g.Subscription, g.existed)
	}
	h.broker.tellFilters(l, "subscribed", filters)
	if l.overSubscribed {
		l.close(throttled("too many subscriptions"))
	}
}

// OnUnsubscribed comes before UNSUBACK, and at the end of a session.
func (h *hook) OnUnsubscribed(client *mqtt.Client, packet packets.Packet) {
	if packet.PacketID == 0 {
		return // no packet of the client's
	}
	l := linkOf(client)
	var filters []string
	for _, sub := range packet.Filters {
		if l.session.unsubscribe(sub.Filter) {
			filters = append(filters, sub.Filter)
		}
	}
	h.broker.tellFilters(l, "unsubscribed", filters)
}

// OnPublish keeps mochi from routing: it acknowledges, and the broker routes.
func (h *hook) OnPublish(_ *mqtt.Client, packet packets.Packet) (packets.Packet, error) {
	return packet, packets.CodeSuccessIgnore
}

// OnPublished comes after the acknowledgement.
func (h *hook) OnPublished(client *mqtt.Client, packet packets.Packet) {
	h.broker.publish(linkOf(client), packet)
}
