package broker

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// refusal is a CONNECT which is not let in: its reason for MQTT 5 and for MQTT 3.1.1,
// where 0 closes without an answer.
type refusal struct {
	code5, code3 byte
	text         string
}

func (r refusal) Error() string { return r.text }

// never is a session expiry interval without an end [MQTT-3.1.2.11.2].
const never = math.MaxUint32

// admitConnect lets the first packet in if it is a CONNECT that AWS would accept.
// Another connection with the same client identifier has ended when it returns.
func (l *link) admitConnect(f frame) error {
	if f.kind != packets.Connect {
		return violation("the first packet is no CONNECT")
	}
	f.body = bytes.Clone(f.body) // the will stays
	p, err := f.decode(0)
	if err != nil {
		return malformed("malformed CONNECT")
	}
	if name := string(p.Connect.ProtocolName); name == "MQTT" && p.ProtocolVersion != 4 && p.ProtocolVersion != 5 || name == "MQIsdp" {
		return l.refuse(4, 0, refusal{0x84, 0x01, "unsupported protocol version"})
	}
	checked := p
	if len(p.Connect.WillPayload) == 0 {
		checked.Connect.WillPayload = []byte{0} // mochi takes an empty one for a violation
	}
	if checked.ConnectValidate() != packets.CodeSuccess {
		return violation("invalid CONNECT")
	}
	if err := l.checkConnect(&p); err != nil {
		var r refusal
		if errors.As(err, &r) {
			return l.refuse(p.ProtocolVersion, p.Properties.MaximumPacketSize, r)
		}
		return err
	}
	l.negotiate(&p)
	if l.will != nil && l.version >= 5 {
		l.will.expires = f.willExpires()
	}
	raw, err := encodeConnect(p)
	if err != nil {
		return fmt.Errorf("pass CONNECT on: %w", err)
	}
	l.broker.claim(l, p.Connect.Clean)
	l.current = raw
	return nil
}

// checkConnect finds the client identifier and decides about the packet.
func (l *link) checkConnect(p *packets.Packet) error {
	profile, c := l.profile, &p.Connect
	switch {
	case c.ClientIdentifier == "" && p.ProtocolVersion < 5 && !c.Clean:
		return refusal{0x85, 0x02, "a persistent session needs a client identifier"}
	case c.ClientIdentifier == "":
		c.ClientIdentifier = newID()
		l.assigned = c.ClientIdentifier
	case profile.ClientIDBytes > 0 && len(c.ClientIdentifier) > profile.ClientIDBytes:
		return refusal{0x85, 0x02, "the client identifier is too long"}
	case profile.ReservedClientIDs && strings.HasPrefix(c.ClientIdentifier, "$"):
		return refusal{0x85, 0x02, "client identifiers that begin with $ are reserved"}
	}
	c.ClientIdentifier = strings.Clone(c.ClientIdentifier)
	if p.Properties.AuthenticationMethod != "" {
		return refusal{0x80, 0, "enhanced authentication is not supported"}
	}
	if authenticate := l.principal.Authenticate; authenticate != nil {
		who, err := authenticate(string(c.Username), c.Password)
		if err != nil {
			l.broker.log.Warn("client refused", "reason", err.Error())
			return refusal{0x87, profile.UnauthorizedReturnCode, "not authorized"}
		}
		l.principal = &who
	}
	if !l.principal.allows(actionConnect, "client/"+c.ClientIdentifier) {
		return refusal{0x87, profile.UnauthorizedReturnCode, "not authorized to connect"}
	}
	if !l.broker.mayConnect(c.ClientIdentifier, time.Now()) {
		return refusal{0x97, 0x03, "too many CONNECTs of this client identifier"}
	}
	if !c.WillFlag {
		return nil
	}
	switch problem := profile.checkTopic(c.WillTopic); {
	case c.WillQos > profile.MaximumQoS:
		return refusal{0x9b, 0, "the will's QoS is not supported"}
	case problem != "":
		return refusal{0x90, 0, "will: " + problem}
	case c.WillRetain && !profile.RetainReserved && strings.HasPrefix(c.WillTopic, "$"):
		return refusal{0x90, 0, "will: no RETAIN on topics that begin with $"}
	case profile.PayloadBytes > 0 && len(c.WillPayload) > profile.PayloadBytes:
		return refusal{0x97, 0, "will: the payload is too large"}
	case profile.UserPropertyBytes > 0 && userPropertyBytes(c.WillProperties.User) > profile.UserPropertyBytes:
		return refusal{0x97, 0, "will: the user properties are too large"}
	case hasWildcard(c.WillProperties.ResponseTopic):
		return refusal{0x90, 0, "will: a wildcard in the response topic"}
	case l.broker.reserved(c.WillTopic):
		return refusal{0x87, profile.UnauthorizedReturnCode, "will: only the service publishes to this topic"}
	}
	return nil
}

// negotiate settles what holds for the connection.
func (l *link) negotiate(p *packets.Packet) {
	profile := l.profile
	l.clientID, l.version = p.Connect.ClientIdentifier, p.ProtocolVersion
	l.keepAlive = p.Connect.Keepalive
	if profile.KeepAliveMaximum > 0 && (l.keepAlive == 0 || l.keepAlive > profile.KeepAliveMaximum) {
		l.keepAlive = profile.KeepAliveMaximum
	} else if l.keepAlive > 0 && l.keepAlive < profile.KeepAliveMinimum {
		l.keepAlive = profile.KeepAliveMinimum
	}
	l.keepAliveChanged = l.keepAlive != p.Connect.Keepalive

	asked := p.Properties.SessionExpiryInterval
	if l.version < 5 {
		asked = never
		if p.Connect.Clean {
			asked = 0
		}
	}
	l.setSessionExpiry(asked)
	l.expiryChanged = l.version >= 5 && l.sessionExpiry != asked
	p.Properties.SessionExpiryInterval, p.Properties.SessionExpiryIntervalFlag = l.sessionExpiry, l.sessionExpiry > 0

	l.receiveMaximum = math.MaxUint16
	if p.Properties.ReceiveMaximum > 0 {
		l.receiveMaximum = p.Properties.ReceiveMaximum
	}
	l.maximumPacketSize = p.Properties.MaximumPacketSize
	l.noProblems = p.Properties.RequestProblemInfoFlag && p.Properties.RequestProblemInfo == 0
	if p.Connect.WillFlag {
		l.will = newWill(*p, profile)
	}
	p.Properties.User = nil
	l.sessionID = newID()
}

// setSessionExpiry keeps to the ceiling.
func (l *link) setSessionExpiry(seconds uint32) {
	if ceiling := l.profile.SessionExpiryMaximum; ceiling > 0 {
		seconds = min(seconds, ceiling)
	}
	l.sessionExpiry = seconds
	l.persistent = seconds > 0
}

// refuse answers a CONNECT, within the client's Maximum Packet Size, and ends the
// connection.
func (l *link) refuse(version byte, limit uint32, r refusal) error {
	code := r.code5
	if version < 5 {
		code = r.code3
	}
	if code != 0 {
		_ = l.say(encodeRefusal(version, code, r.text, limit)) // the peer may be gone
	}
	return ending{0, "refused: " + r.text, lifecycleClientError}
}

// describe completes mochi's CONNACK [MQTT-3.2.2.3]. AWS does not list Shared
// Subscription Available; without it they are.
func (l *link) describe(p *packets.Properties) {
	profile := l.profile
	p.ReceiveMaximum = profile.ReceiveMaximum
	p.AssignedClientID = l.assigned
	if profile.MaximumQoS < 2 {
		p.MaximumQos, p.MaximumQosFlag = profile.MaximumQoS, true
	}
	p.TopicAliasMaximum = profile.TopicAliasMaximum
	p.MaximumPacketSize = uint32(profile.MaximumPacketSize)
	p.RetainAvailable, p.RetainAvailableFlag = 1, true
	p.WildcardSubAvailable, p.WildcardSubAvailableFlag = 1, true
	p.SubIDAvailable, p.SubIDAvailableFlag = 0, true
	if profile.SubscriptionIdentifiers {
		p.SubIDAvailable = 1
	}
	if l.keepAliveChanged || profile.ServerKeepAliveAlways {
		p.ServerKeepAlive, p.ServerKeepAliveFlag = l.keepAlive, true
	}
	if l.expiryChanged {
		p.SessionExpiryInterval, p.SessionExpiryIntervalFlag = l.sessionExpiry, true
	}
}

// newID returns a random (version 4) UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := hex.EncodeToString(b[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}
