// Package fault owns what goes wrong on demand: rules, which of them strikes what, and
// how a connection, an upgrade or the shadow service then misbehaves. Above all of it
// is an HTTP API to set rules and to end connections, for who has its token.
//
// It imports mqttws (for the form of a refusal), shadow (for its faults) and
// strictjson. The command wraps the upgrade's handler and each connection; the broker,
// between them, does not know of it. Rules may be changed from any goroutine. A Conn is
// read by one goroutine and written by any, as mqttws.Conn is.
package fault

import (
	"time"

	"iotwasm/site/gateway/internal/shadow"
)

// The faults there are. What each can do is in forms.
const (
	Upgrade        = "upgrade"
	Connack        = "connack"
	Disconnect     = "disconnect"
	Kill           = "kill"
	Freeze         = "freeze"
	Puback         = "puback"
	Pubrec         = "pubrec" // these three are of QoS 2
	Pubrel         = "pubrel"
	Pubcomp        = "pubcomp"
	Suback         = "suback"
	Unsuback       = "unsuback"
	Pingresp       = "pingresp"
	Publish        = "publish" // to a client
	Frames         = "frames"
	Read           = "read"
	Shadow         = "shadow"
	ShadowCreation = "shadowCreation"
)

// What a fault does.
const (
	refuse    = "refuse"
	hang      = "hang"
	drop      = "drop"
	delay     = "delay"
	duplicate = "duplicate"
	reorder   = "reorder"
	split     = "split"    // into messages
	fragment  = "fragment" // into the frames of one message
	merge     = "merge"
	empty     = "empty"
)

// Plan is the rules to start with.
type Plan struct {
	Rules []Rule `json:"rules"`
}

// Rule is one fault: what it strikes, how often, and what happens. Its JSON form is
// what Parse reads; members that say nothing are left out.
type Rule struct {
	Fault  string `json:"fault"`
	Action string `json:"action,omitempty"`
	// On is the packet to the client with which disconnect, kill and freeze strike:
	// after a CONNACK, in the place of another.
	On    string `json:"on,omitempty"`
	Match Match  `json:"match,omitzero"`
	// Times is how often the rule strikes before it is spent; 0 is without end.
	Times int `json:"times,omitempty"`
	// Every lets it strike each time that so many have matched; 0 is as 1.
	Every int `json:"every,omitempty"`
	// Status is the HTTP status, or the shadow service's code.
	Status     int   `json:"status,omitempty"`
	ReasonCode *byte `json:"reasonCode,omitempty"`
	DelayMs    int   `json:"delayMs,omitempty"`
	WithinMs   int   `json:"withinMs,omitempty"`
	// Bytes is the size of a piece, or how much is read at once.
	Bytes int `json:"bytes,omitempty"`
	// Copies is how many duplicates or empty messages there are.
	Copies int `json:"copies,omitempty"`
}

// Match says what a rule strikes; what it leaves empty matches everything.
type Match struct {
	// ClientID may hold * for any characters and ? for any one.
	ClientID string `json:"clientId,omitempty"`
	// Topic is a topic filter. Unlike a subscription's, it matches topics that begin
	// with $ too. For SUBACK and UNSUBACK, the topics are the filters which were asked
	// for; for an acknowledgement, that of its message. A PUBREL which is sent again on
	// another connection has none.
	Topic string `json:"topic,omitempty"`
	Thing string `json:"thing,omitempty"`
}

func (r *Rule) wait() time.Duration { return time.Duration(r.DelayMs) * time.Millisecond }

func (r *Rule) code() byte {
	if r.ReasonCode == nil {
		return 0
	}
	return *r.ReasonCode
}

// shadowFault is the rule as the shadow service knows it.
func (r *Rule) shadowFault() shadow.Fault {
	f := shadow.Fault{Code: r.Status, Delay: r.wait(), Drop: r.Action == drop, Requests: r.Times, Thing: r.Match.Thing}
	if f.Requests == 0 {
		f.Requests = withoutEnd // which lets the strikes be counted
	}
	if r.Every > 1 {
		f.Share = 1 / float64(r.Every)
	}
	return f
}

func (r *Rule) creationFault() shadow.CreationFault {
	return shadow.CreationFault{Spacing: time.Duration(r.WithinMs) * time.Millisecond, Drop: r.Action == drop}
}
