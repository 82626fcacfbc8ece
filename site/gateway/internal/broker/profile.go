package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Profile is every number and deviation by which the broker differs from a plain MQTT
// broker. A limit of 0 is none. The sources are the AWS IoT developer guide: "mqtt" is
// its page "MQTT" with the tables of MQTT 5 features and reason codes, "quotas" are the
// tables "AWS IoT Core message broker and protocol limits and quotas". What neither of
// them says is marked open: the default is then a choice, and the field is there so
// that another can be made.
type Profile struct {
	// KeepAliveMinimum and KeepAliveMaximum, in seconds, bound what a client asks for;
	// a maximum makes of 0, which is "no keep alive", that maximum (quotas).
	KeepAliveMinimum uint16 `json:"keepAliveMinimum"`
	KeepAliveMaximum uint16 `json:"keepAliveMaximum"`
	// ServerKeepAliveAlways puts Server Keep Alive into every CONNACK and not only into
	// those which change the client's value. Open; AWS was seen to.
	ServerKeepAliveAlways bool `json:"serverKeepAliveAlways"`

	// ConnectBytes and PayloadBytes bound CONNECT and a message's payload (quotas).
	ConnectBytes int `json:"connectBytes"`
	PayloadBytes int `json:"payloadBytes"`
	// MaximumPacketSize is announced in CONNACK and kept. Open: the guide says that
	// it cannot exceed 128 KB, 149504 was seen, and holds a payload of 128 KB.
	MaximumPacketSize int `json:"maximumPacketSize"`
	// TooLargeReason ends a connection that sends more. Open: MQTT has 0x95 for it,
	// which AWS does not list (mqtt).
	TooLargeReason byte `json:"tooLargeReason"`
	// UserPropertyBytes bounds the names and values of a message's user properties
	// together. Open: a quota of this name exists.
	UserPropertyBytes int `json:"userPropertyBytes"`

	// TopicBytes and TopicSlashes bound topics and topic filters; what leads with
	// $aws/rules/<name>/ or $share/<name>/ does not count (quotas, mqtt).
	TopicBytes   int `json:"topicBytes"`
	TopicSlashes int `json:"topicSlashes"`
	// ShareNameBytes bounds the name in $share/<name>/ (mqtt).
	ShareNameBytes int `json:"shareNameBytes"`

	// ClientIDBytes bounds client identifiers (quotas).
	ClientIDBytes int `json:"clientIdBytes"`
	// ReservedClientIDs refuses those which begin with $ (mqtt).
	ReservedClientIDs bool `json:"reservedClientIds"`
	// ConnectsPerSecond bounds the CONNECTs of one client identifier. AWS has 1
	// (quotas); the default is none, because a client which renews its link, or
	// reconnects at once, is within its rights nearly always and would be refused.
	ConnectsPerSecond float64 `json:"connectsPerSecond"`
	// UnauthorizedReturnCode refuses a CONNECT of MQTT 3.1.1; AWS's differs from the
	// standard's 5 (guide, "MQTT 3.1.1 differences").
	UnauthorizedReturnCode byte `json:"unauthorizedReturnCode"`
	// MaximumConnectionAge ends connections, in seconds by the clock (quotas); and
	// MaximumConnectionAgeReason is what MQTT 5 clients are told. Open: MQTT has 0xA0
	// for it, which AWS does not list.
	MaximumConnectionAge       Duration `json:"maximumConnectionAge"`
	MaximumConnectionAgeReason byte     `json:"maximumConnectionAgeReason"`

	// FiltersPerSubscribe bounds one SUBSCRIBE, Subscriptions what a connection
	// holds (quotas).
	FiltersPerSubscribe int `json:"filtersPerSubscribe"`
	Subscriptions       int `json:"subscriptions"`

	// PublishesPerSecond bounds messages each way (quotas).
	PublishesPerSecond float64 `json:"publishesPerSecond"`
	// PublishBurst is how many may come at once. Open: how AWS counts its second is
	// not published. Two seconds' worth fit into one second across a boundary, and a
	// client that keeps to the rate must not be refused because its packets bunch up.
	PublishBurst float64 `json:"publishBurst"`
	// BytesPerSecond bounds what is received, and what is sent, by delay (quotas).
	BytesPerSecond float64 `json:"bytesPerSecond"`

	// ReceiveMaximum and SendMaximum bound messages without acknowledgement, to the
	// broker and from it (quotas, mqtt).
	ReceiveMaximum uint16 `json:"receiveMaximum"`
	SendMaximum    uint16 `json:"sendMaximum"`
	// PubackDelay holds acknowledgements back, so that clients can be tried against
	// a full window.
	PubackDelay Duration `json:"pubackDelay"`
	// TopicAliasMaximum is for topics from the client; the broker assigns none (mqtt).
	TopicAliasMaximum uint16 `json:"topicAliasMaximum"`

	// MaximumQoS is 1 at AWS (mqtt).
	MaximumQoS byte `json:"maximumQoS"`
	// SubscriptionIdentifiers are not supported by AWS (mqtt).
	SubscriptionIdentifiers bool `json:"subscriptionIdentifiers"`
	// ParentMatch lets a/# match a, which it does not at AWS (mqtt).
	ParentMatch bool `json:"parentMatch"`
	// DuplicateFlag sets DUP on what is sent again over a new connection. AWS does not
	// (mqtt).
	DuplicateFlag bool `json:"duplicateFlag"`
	// RetainedToWildcards sends retained messages to new subscriptions with wildcards,
	// which AWS does not (mqtt).
	RetainedToWildcards bool `json:"retainedToWildcards"`
	// RetainReserved allows RETAIN on topics that begin with $ (mqtt).
	RetainReserved bool `json:"retainReserved"`
	// BasicIngestRouted gives subscribers what is published below $aws/rules/, which
	// goes to rules only at AWS, past the broker (guide, "Basic Ingest").
	BasicIngestRouted bool `json:"basicIngestRouted"`
	// UnsubackNotHeld answers the UNSUBSCRIBE of a filter that is not held with 0x11,
	// which AWS does not list, instead of 0 (mqtt).
	UnsubackNotHeld bool `json:"unsubackNotHeld"`
	// WillDelay honours Will Delay Interval. Open: AWS does not list it.
	WillDelay bool `json:"willDelay"`

	// MessageExpiryMinimum and MessageExpiryMaximum, in seconds, bound the Message
	// Expiry Interval of those messages which have one (mqtt).
	MessageExpiryMinimum uint32 `json:"messageExpiryMinimum"`
	MessageExpiryMaximum uint32 `json:"messageExpiryMaximum"`
	// SessionExpiryMaximum, in seconds, is the ceiling of MQTT 5 sessions and the life
	// of persistent MQTT 3.1.1 sessions (mqtt: the account's setting).
	SessionExpiryMaximum uint32 `json:"sessionExpiryMaximum"`
	// SessionAcrossVersions lets MQTT 5 resume an MQTT 3.1.1 session (mqtt).
	SessionAcrossVersions bool `json:"sessionAcrossVersions"`
	// ReplayPerSecond bounds the messages which a session stored, and
	// ReplaySharedPerSecond those of its shared subscriptions (mqtt).
	ReplayPerSecond       float64 `json:"replayPerSecond"`
	ReplaySharedPerSecond float64 `json:"replaySharedPerSecond"`

	// Lifecycle publishes presence and subscription events (guide, "Lifecycle events").
	Lifecycle bool `json:"lifecycle"`

	// QueueMessages and QueueBytes bound what waits for one client. They are the
	// gateway's own: a page that publishes to itself in one turn gets all of it back.
	QueueMessages int `json:"queueMessages"`
	QueueBytes    int `json:"queueBytes"`
	// RetainedMessages and RetainedBytes bound what is retained; the excess is refused
	// as over a quota. They are the gateway's own: AWS's hold for an account.
	RetainedMessages int `json:"retainedMessages"`
	RetainedBytes    int `json:"retainedBytes"`
}

// AWS returns the behaviour of AWS IoT Core.
func AWS() Profile {
	return Profile{
		KeepAliveMinimum: 30, KeepAliveMaximum: 1200, ServerKeepAliveAlways: true,
		ConnectBytes: 128 << 10, PayloadBytes: 128 << 10, MaximumPacketSize: 149504, TooLargeReason: 0x97, UserPropertyBytes: 8 << 10,
		TopicBytes: 256, TopicSlashes: 7, ShareNameBytes: 128,
		ClientIDBytes: 128, ReservedClientIDs: true, UnauthorizedReturnCode: 7,
		MaximumConnectionAge: Duration(24 * time.Hour), MaximumConnectionAgeReason: 0x98,
		FiltersPerSubscribe: 8, Subscriptions: 50,
		PublishesPerSecond: 100, PublishBurst: 200, BytesPerSecond: 512 << 10,
		ReceiveMaximum: 100, SendMaximum: 100, TopicAliasMaximum: 8,
		MaximumQoS: 1, WillDelay: true,
		MessageExpiryMinimum: 1, MessageExpiryMaximum: 7 * 24 * 60 * 60, SessionExpiryMaximum: 60 * 60,
		ReplayPerSecond: 10, ReplaySharedPerSecond: 20, Lifecycle: true,
		QueueMessages: 1 << 17, QueueBytes: 64 << 20, RetainedMessages: 1 << 17, RetainedBytes: 64 << 20,
	}
}

// Generic returns a plain MQTT broker: what is bounded there bounds memory.
func Generic() Profile {
	return Profile{
		ConnectBytes: 1 << 20, MaximumPacketSize: 16 << 20, TooLargeReason: 0x95,
		UnauthorizedReturnCode: 5, MaximumConnectionAgeReason: 0xa0,
		ReceiveMaximum: 65535, TopicAliasMaximum: 65535,
		MaximumQoS: 2, SubscriptionIdentifiers: true, ParentMatch: true, DuplicateFlag: true,
		RetainedToWildcards: true, RetainReserved: true, BasicIngestRouted: true, UnsubackNotHeld: true, WillDelay: true, SessionAcrossVersions: true,
		QueueMessages: 1 << 17, QueueBytes: 64 << 20, RetainedMessages: 1 << 17, RetainedBytes: 64 << 20,
	}
}

// ProfileNamed returns the profile which the flag of that name takes.
func ProfileNamed(name string) (Profile, error) {
	switch name {
	case "aws":
		return AWS(), nil
	case "generic":
		return Generic(), nil
	}
	return Profile{}, fmt.Errorf("no profile %q: want aws or generic", name)
}

// ReadLimits changes p by a JSON file that names the fields to be changed.
func (p *Profile) ReadLimits(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read limits: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	changed := *p
	if err := decoder.Decode(&changed); err != nil {
		return fmt.Errorf("limits %s: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("limits %s: one JSON object is wanted and nothing after it", path)
	}
	if err := changed.check(); err != nil {
		return fmt.Errorf("limits %s: %w", path, err)
	}
	*p = changed
	return nil
}

// check refuses what has no meaning.
func (p *Profile) check() error {
	for name, value := range map[string]float64{
		"connectBytes": float64(p.ConnectBytes), "payloadBytes": float64(p.PayloadBytes), "maximumPacketSize": float64(p.MaximumPacketSize),
		"userPropertyBytes": float64(p.UserPropertyBytes), "topicBytes": float64(p.TopicBytes), "topicSlashes": float64(p.TopicSlashes),
		"shareNameBytes": float64(p.ShareNameBytes), "clientIdBytes": float64(p.ClientIDBytes), "connectsPerSecond": p.ConnectsPerSecond,
		"filtersPerSubscribe": float64(p.FiltersPerSubscribe), "subscriptions": float64(p.Subscriptions),
		"publishesPerSecond": p.PublishesPerSecond, "publishBurst": p.PublishBurst, "bytesPerSecond": p.BytesPerSecond, "replayPerSecond": p.ReplayPerSecond, "replaySharedPerSecond": p.ReplaySharedPerSecond,
		"maximumConnectionAge": float64(p.MaximumConnectionAge), "pubackDelay": float64(p.PubackDelay),
	} {
		if value < 0 {
			return fmt.Errorf("%s must be 0 or more", name)
		}
	}
	switch {
	case p.MaximumQoS != 1 && p.MaximumQoS != 2:
		return errors.New("maximumQoS must be 1 or 2")
	case p.ReceiveMaximum == 0:
		return errors.New("receiveMaximum must be 1 or more")
	case p.MaximumPacketSize == 0 || p.MaximumPacketSize > maximumRemaining:
		return fmt.Errorf("maximumPacketSize must be from 1 to %d", maximumRemaining)
	case p.QueueMessages <= 0 || p.QueueBytes <= 0:
		return errors.New("queueMessages and queueBytes must be 1 or more")
	case p.RetainedMessages <= 0 || p.RetainedBytes <= 0:
		return errors.New("retainedMessages and retainedBytes must be 1 or more")
	case p.KeepAliveMaximum > 0 && p.KeepAliveMinimum > p.KeepAliveMaximum:
		return errors.New("keepAliveMinimum must not be over keepAliveMaximum")
	}
	return nil
}

// Duration is a time.Duration that is text in JSON: "90s", "24h".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("want a duration with a unit, for example 90s or 24h: %w", err)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
