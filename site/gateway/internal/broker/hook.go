package broker

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"iotwasm/site/gateway/internal/shadow"
)

// hook is everything which the broker adds to mochi.
type hook struct {
	mqtt.HookBase
	broker *Broker
}

// ID names the hook.
func (h *hook) ID() string { return "gateway" }

// Provides lists the events which the hook takes.
func (h *hook) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnSessionEstablished, mqtt.OnDisconnect,
		mqtt.OnPacketRead, mqtt.OnPacketEncode, mqtt.OnPublish, mqtt.OnPublished, mqtt.OnPublishDropped:
		return true
	}
	return false
}

// OnConnect comes before anything is written to the client.
func (h *hook) OnConnect(client *mqtt.Client, _ packets.Packet) error {
	if l, ok := client.Net.Conn.(*link); ok {
		l.open(client)
	}
	return nil
}

// OnConnectAuthenticate accepts: the signature of the upgrade was the authentication,
// and AWS's SDKs put metrics into the user name.
func (h *hook) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck accepts: the gateway has no policies.
func (h *hook) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// OnSessionEstablished logs a connection.
func (h *hook) OnSessionEstablished(client *mqtt.Client, _ packets.Packet) {
	h.broker.log.Info("client connected", "client", client.ID, "protocol", client.Properties.ProtocolVersion, "remote", client.Net.Remote)
}

// OnDisconnect logs its end.
func (h *hook) OnDisconnect(client *mqtt.Client, err error, _ bool) {
	reason := "client disconnected"
	if err != nil {
		reason = err.Error()
	}
	h.broker.log.Info("client gone", "client", client.ID, "reason", reason)
}

// OnPacketRead sees acknowledgements.
func (h *hook) OnPacketRead(client *mqtt.Client, packet packets.Packet) (packets.Packet, error) {
	if packet.FixedHeader.Type == packets.Puback {
		if l, ok := client.Net.Conn.(*link); ok && l.window != nil {
			l.release()
		}
	}
	return packet, nil
}

// OnPacketEncode comes before mochi encodes a packet and locks the client to write it.
func (h *hook) OnPacketEncode(client *mqtt.Client, packet packets.Packet) packets.Packet {
	l, ok := client.Net.Conn.(*link)
	if !ok {
		return packet
	}
	switch packet.FixedHeader.Type {
	case packets.Connack:
		if packet.ReasonCode == packets.CodeSuccess.Code {
			describe(&packet.Properties)
		}
	case packets.Publish:
		switch {
		case packet.FixedHeader.Qos == 0:
		case packet.FixedHeader.Dup: // resent before the client is read from
			l.tryAcquire()
		default:
			l.acquire()
		}
	case packets.Disconnect:
		l.LastWords()
	}
	return packet
}

// describe adds what mochi keeps out of CONNACK [MQTT-3.2.2.3].
func describe(p *packets.Properties) {
	p.TopicAliasMaximum = topicAliasMaximum
	p.MaximumPacketSize = maximumPacketSize
	p.RetainAvailable, p.RetainAvailableFlag = 1, true
	p.WildcardSubAvailable, p.WildcardSubAvailableFlag = 1, true
	p.SubIDAvailable, p.SubIDAvailableFlag = 0, true
	p.SharedSubAvailable, p.SharedSubAvailableFlag = 1, true
}

// OnPublish keeps clients off the topics on which only the shadow service speaks.
func (h *hook) OnPublish(client *mqtt.Client, packet packets.Packet) (packets.Packet, error) {
	if client.Net.Inline || !shadow.IsAnswer(packet.TopicName) {
		return packet, nil
	}
	if client.Properties.ProtocolVersion == 5 && packet.FixedHeader.Qos > 0 {
		return packet, packets.ErrNotAuthorized
	}
	return packet, packets.CodeSuccessIgnore
}

// OnPublished comes after the message went to its subscribers.
func (h *hook) OnPublished(client *mqtt.Client, packet packets.Packet) {
	if !client.Net.Inline && !packet.Ignore && shadow.IsRequest(packet.TopicName) {
		h.broker.answer(packet.TopicName, packet.Payload)
	}
}

// OnPublishDropped comes when a client's queue is full: once for each client says enough.
func (h *hook) OnPublishDropped(client *mqtt.Client, _ packets.Packet) {
	if l, ok := client.Net.Conn.(*link); ok && !l.dropped.Swap(true) {
		h.broker.log.Warn("messages dropped: the client takes them too slowly", "client", client.ID)
	}
}
