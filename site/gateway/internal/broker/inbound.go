package broker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// admit decides about a packet after CONNECT. What mochi is to see becomes current;
// the rest was answered, or is dropped in silence. An error ends the connection.
func (l *link) admit(f frame) error {
	switch f.kind {
	case 0:
		return malformed("packet type 0")
	case packets.Connect:
		return violation("a second CONNECT")
	case packets.Auth:
		return violation("enhanced authentication is not supported")
	case packets.Connack, packets.Suback, packets.Unsuback, packets.Pingresp:
		return violation("a packet that only servers send")
	case packets.Pubrec, packets.Pubrel, packets.Pubcomp:
		if l.profile.MaximumQoS < 2 {
			return violation("QoS 2 is not supported")
		}
	}
	p, err := f.decode(l.version)
	if err != nil {
		if code := (packets.Code{}); errors.As(err, &code) && code.Code == packets.ErrProtocolViolation.Code {
			return violation(code.Reason)
		}
		return malformed("malformed packet")
	}
	switch f.kind {
	case packets.Publish:
		return l.admitPublish(f, p)
	case packets.Puback, packets.Pubrec, packets.Pubcomp:
		if l.session.acknowledge(f.kind, p.PacketID, p.ReasonCode) {
			return l.say(encodeAck(packets.Pubrel, p.PacketID))
		}
		return nil
	case packets.Subscribe:
		return l.admitSubscribe(f, p)
	case packets.Unsubscribe:
		return l.admitUnsubscribe(f, p)
	case packets.Disconnect:
		return l.admitDisconnect(p)
	}
	l.current = f.raw // PINGREQ, and PUBREL of the client's QoS 2
	return nil
}

// rejection is a PUBLISH which is not let in.
type rejection struct {
	ending
	// silent drops the message where PUBACK cannot refuse it; otherwise the connection
	// ends there.
	silent bool
}

func (l *link) admitPublish(f frame, p packets.Packet) error {
	if p.FixedHeader.Qos > l.profile.MaximumQoS {
		if l.version < 5 {
			return nil // AWS leaves it without an acknowledgement
		}
		return fault(0x9b, "the QoS is not supported")
	}
	if err := l.resolveAlias(&p); err != nil {
		return err
	}
	switch {
	case p.FixedHeader.Qos > 0 && p.PacketID == 0:
		return violation("a packet identifier of 0")
	case len(p.Properties.SubscriptionIdentifier) > 0:
		return violation("a subscription identifier in PUBLISH")
	case hasWildcard(p.Properties.ResponseTopic): // [MQTT-3.3.2-14]
		return violation("a wildcard in the response topic")
	case l.profile.PayloadBytes > 0 && len(p.Payload) > l.profile.PayloadBytes:
		return fault(l.profile.TooLargeReason, "the payload is too large")
	}
	if p.FixedHeader.Qos == 1 && l.unanswered.Load() >= int32(l.profile.ReceiveMaximum) {
		return fault(0x93, "more messages without acknowledgement than Receive Maximum")
	}
	if r := l.checkPublish(p); r != nil {
		return l.reject(p, *r)
	}
	if p.FixedHeader.Qos == 1 {
		l.unanswered.Add(1)
	}
	l.topic = strings.Clone(p.TopicName)
	l.expires = l.version >= 5 && f.hasExpiry()
	l.current = f.raw
	return nil
}

// resolveAlias finds the topic of a PUBLISH that has an alias [MQTT-3.3.2.3.4].
func (l *link) resolveAlias(p *packets.Packet) error {
	if !p.Properties.TopicAliasFlag {
		if p.TopicName == "" {
			return violation("neither topic nor alias")
		}
		return nil
	}
	alias := p.Properties.TopicAlias
	if alias == 0 || alias > l.profile.TopicAliasMaximum {
		return fault(0x94, "the topic alias is 0 or over Topic Alias Maximum")
	}
	if p.TopicName == "" {
		if p.TopicName = l.aliases[alias]; p.TopicName == "" {
			return violation("the topic alias is not known")
		}
		return nil
	}
	if l.aliases == nil {
		l.aliases = map[uint16]string{}
	}
	l.aliases[alias] = strings.Clone(p.TopicName)
	return nil
}

func (l *link) checkPublish(p packets.Packet) *rejection {
	profile := l.profile
	if problem := profile.checkTopic(p.TopicName); problem != "" {
		return &rejection{ending: fault(0x90, problem)}
	}
	if p.FixedHeader.Retain && !profile.RetainReserved && strings.HasPrefix(p.TopicName, "$") {
		return &rejection{ending: fault(0x90, "no RETAIN on topics that begin with $")}
	}
	if l.broker.reserved(p.TopicName) {
		return &rejection{ending: forbidden("only the service publishes to this topic"), silent: true}
	}
	resource := "topic/" + p.TopicName
	if !l.principal.allows(actionPublish, resource) || p.FixedHeader.Retain && !l.principal.allows(actionRetainPublish, resource) {
		return &rejection{ending: forbidden("not authorized to publish")}
	}
	if profile.UserPropertyBytes > 0 && userPropertyBytes(p.Properties.User) > profile.UserPropertyBytes {
		return &rejection{ending: throttled("the user properties are too large")}
	}
	if p.FixedHeader.Retain && !l.broker.retained.admits(&message{topic: p.TopicName, payload: p.Payload, properties: p.Properties}, time.Now()) {
		return &rejection{ending: throttled("too many messages are retained"), silent: true}
	}
	if !l.rate.take(time.Now()) {
		return &rejection{ending: throttled("too many messages per second"), silent: true}
	}
	return nil
}

func (l *link) reject(p packets.Packet, r rejection) error {
	if p.FixedHeader.Qos > 0 && l.version >= 5 {
		kind := packets.Puback
		if p.FixedHeader.Qos == 2 {
			kind = packets.Pubrec
		}
		text := r.text
		if l.noProblems {
			text = "" // [MQTT-3.1.2-29]
		}
		return l.say(encodeRefusedAck(kind, p.PacketID, r.code, text, l.maximumPacketSize))
	}
	if r.silent {
		l.logOnce("message discarded: " + r.text)
		return nil
	}
	return r.ending
}

func (l *link) admitSubscribe(f frame, p packets.Packet) error {
	profile := l.profile
	if code := p.SubscribeValidate(); code != packets.CodeSuccess {
		return violation(code.Reason)
	}
	if ids := p.Properties.SubscriptionIdentifier; len(ids) > 0 {
		if !profile.SubscriptionIdentifiers {
			return fault(0xa1, "subscription identifiers are not supported")
		}
		if len(ids) > 1 || ids[0] == 0 { // [MQTT-3.8.2.1.2]
			return violation("a subscription identifier of 0, or more than one")
		}
	}
	denied := map[string]byte{}
	held := l.session.held()
	over := false
	for _, sub := range p.Filters {
		if sub.Qos > profile.MaximumQoS {
			if l.version < 5 {
				return nil // AWS leaves it without an acknowledgement
			}
			return fault(0x9b, "the QoS is not supported")
		}
		if sub.RetainHandling > 2 {
			return violation("Retain Handling 3") // [MQTT-3.8.3.1]
		}
		filter := strings.Clone(sub.Filter)
		if _, isShared := shared(filter); isShared && sub.NoLocal {
			return violation("No Local in a shared subscription") // [MQTT-3.8.3-4]
		}
		switch {
		case profile.FiltersPerSubscribe > 0 && len(p.Filters) > profile.FiltersPerSubscribe:
			denied[filter] = 0x97
		case profile.checkFilter(filter) != "":
			denied[filter] = 0x8f
		case !l.principal.allows(actionSubscribe, "topicfilter/"+filter):
			if l.version < 5 {
				return forbidden("not authorized to subscribe")
			}
			denied[filter] = 0x87
		case profile.Subscriptions > 0 && !held[filter] && len(held) >= profile.Subscriptions:
			denied[filter] = 0x97
			over = true
		default:
			held[filter] = true
		}
	}
	l.denied = denied
	l.overSubscribed = over
	l.current = f.raw
	return nil
}

func (l *link) admitUnsubscribe(f frame, p packets.Packet) error {
	if code := p.UnsubscribeValidate(); code != packets.CodeSuccess {
		return violation(code.Reason)
	}
	l.invalid = l.invalid[:0]
	for _, sub := range p.Filters {
		l.invalid = append(l.invalid, l.profile.checkFilter(sub.Filter) != "")
	}
	l.current = f.raw
	return nil
}

// admitDisconnect ends the connection as the client wants it.
func (l *link) admitDisconnect(p packets.Packet) error {
	if p.Properties.SessionExpiryIntervalFlag {
		if l.sessionExpiry == 0 && p.Properties.SessionExpiryInterval > 0 { // [MQTT-3.14.2.2.2]
			return violation("a session expiry interval of 0 cannot be raised")
		}
		l.setSessionExpiry(p.Properties.SessionExpiryInterval)
		if l.client != nil {
			l.client.Properties.Props.SessionExpiryInterval = l.sessionExpiry // mochi ends the session by it
		}
	}
	if l.version >= 5 && p.ReasonCode != packets.CodeDisconnect.Code { // [MQTT-3.1.2-8]
		return fmt.Errorf("broker: %w", endWithWill)
	}
	return fmt.Errorf("broker: %w", endByClient)
}
