package wire

import (
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// Kinds of the records that the page sends.
const (
	KindConnect byte = iota + 1
	KindTarget
	KindTargetFailed
	KindClose
	KindSubscribe
	KindUnsubscribe
	KindPublish
	KindAbort
	KindDelay
	KindControl
	KindPresign
	KindAcknowledge
	KindWake
	KindRenew
	KindStats
	KindTrace
	KindStepPayload
	KindStepAnswer
	KindManualAcks
)

// Connect opens the client of identifier Client. Op is answered by Done, after
// the Linked of its link, or Failed; each attempt asks for a Target.
type Connect struct {
	Client, Op uint32
	Login
	KeepAlive      uint16 // seconds
	CleanStart     bool
	ConnectTimeout time.Duration // of each attempt
	Properties     *packets.Properties
	Will           *Will
	Reconnect      Reconnect
	Resubscribe    bool // after an outage that ended the session
	TopicAliases   bool // use aliases for what is published
	Queue          Queue
	Limits         Limits
}

// Login is who a CONNECT says that the client is.
type Login struct {
	ClientID    string
	HasUsername bool
	Username    string
	HasPassword bool
	Password    []byte
}

func (r *Reader) login() Login {
	return Login{ClientID: r.string(), HasUsername: r.bool(), Username: r.string(), HasPassword: r.bool(), Password: r.bytes()}
}

// Reconnect says whether and when a lost link is replaced.
type Reconnect struct {
	Enabled            bool
	MinDelay, MaxDelay time.Duration // bounds of the back-off
	StableAfter        time.Duration // a link that lived so long resets it
	MaxAge             time.Duration // a link is replaced at this age; 0: never
	Steady             bool          // each wait is MinDelay, without back-off and jitter
	OnRefusal          RefusalPolicy
}

// RefusalPolicy says what a client does that is not to try again, since a failure
// would come again or Reconnect is not enabled.
type RefusalPolicy byte

// What a client does that is not to try again. But for RefusalCloses it lives
// until it is closed, and its first attempt is not the only one.
const (
	RefusalCloses  RefusalPolicy = iota // it closes
	RefusalHolds                        // a refused CONNECT makes it wait for a Wake with the reason Redial
	RefusalRetries                      // only what the page gave to dial does
)

// Queue bounds what waits to be sent.
type Queue struct {
	MaxMessages, MaxBytes uint32
	MaxAge                time.Duration // 0: no limit
	DropOldest            bool          // else what does not fit is refused
}

// Limits are those of the server that its CONNACK does not tell and that the page
// cannot keep by itself; 0 is none.
type Limits struct {
	PublishesPerSecond uint32
	BytesPerSecond     uint32
	InFlight           uint32 // unacknowledged QoS 1 and 2 messages
	FiltersPerPacket   uint32
}

// Will is the message that the server publishes when the link ends without a
// DISCONNECT.
type Will struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties *packets.Properties
}

// Connect reads a record of KindConnect.
func (r *Reader) Connect() (c Connect, err error) {
	c.Client, c.Op = r.u32(), r.u32()
	c.Login = r.login()
	c.KeepAlive = r.u16()
	c.CleanStart = r.bool()
	c.ConnectTimeout = r.duration()
	c.Properties = r.properties()
	if r.bool() {
		c.Will = &Will{Topic: r.string(), Payload: r.bytes(), QoS: r.u8(), Retain: r.bool(), Properties: r.properties()}
	}
	c.Reconnect = Reconnect{
		Enabled: r.bool(), MinDelay: r.duration(), MaxDelay: r.duration(), StableAfter: r.duration(), MaxAge: r.duration(),
		Steady: r.bool(), OnRefusal: RefusalPolicy(r.u8()),
	}
	c.Resubscribe, c.TopicAliases = r.bool(), r.bool()
	c.Queue = Queue{MaxMessages: r.u32(), MaxBytes: r.u32(), MaxAge: r.duration(), DropOldest: r.bool()}
	c.Limits = Limits{
		PublishesPerSecond: r.u32(), BytesPerSecond: r.u32(), InFlight: r.u32(), FiltersPerPacket: r.u32(),
	}
	return c, r.err
}

// Target answers a TargetRequest: what to dial now. It is a URL as it stands, or
// an endpoint and what signs its URL.
type Target struct {
	Client, Request uint32
	URL             string
	Presign         Presign
	ClockOffset     time.Duration
	Login           *Login // in the place of the Connect's; nil where that holds
}

// Target reads a record of KindTarget.
func (r *Reader) Target() (t Target, err error) {
	t.Client, t.Request = r.u32(), r.u32()
	t.URL = r.string()
	t.Presign = r.presign()
	t.ClockOffset = r.milliseconds()
	if r.bool() {
		login := r.login()
		t.Login = &login
	}
	return t, r.err
}

// TargetFailed answers a TargetRequest that the page could not fulfil.
type TargetFailed struct {
	Client, Request uint32
	Err             Error
}

// TargetFailed reads a record of KindTargetFailed.
func (r *Reader) TargetFailed() (t TargetFailed, err error) {
	t.Client, t.Request = r.u32(), r.u32()
	t.Err = r.error()
	return t, r.err
}

// Close ends a client. Op is answered by Done.
type Close struct {
	Client, Op uint32
	Abrupt     bool // without a DISCONNECT
	ReasonCode byte
	Properties *packets.Properties
}

// Close reads a record of KindClose.
func (r *Reader) Close() (c Close, err error) {
	c.Client, c.Op = r.u32(), r.u32()
	c.Abrupt, c.ReasonCode = r.bool(), r.u8()
	c.Properties = r.properties()
	return c, r.err
}

// Filter is one topic filter of a SUBSCRIBE with its options.
type Filter struct {
	Topic             string
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte
}

// Subscribe opens the subscription of identifier Subscription, which the
// messages that match it name. Op is answered by Subscribed or Failed.
type Subscribe struct {
	Client, Op, Subscription uint32
	Timeout                  time.Duration // for the SUBACK
	Manual                   bool          // its messages wait for an Acknowledge
	PacketID                 uint16        // of its first packet, where it is free; 0: any
	Filters                  []Filter
	Properties               *packets.Properties
}

// Subscribe reads a record of KindSubscribe.
func (r *Reader) Subscribe() (s Subscribe, err error) {
	s.Client, s.Op, s.Subscription = r.u32(), r.u32(), r.u32()
	s.Timeout, s.Manual, s.PacketID = r.duration(), r.bool(), r.u16()
	s.Filters = make([]Filter, r.count(8))
	for i := range s.Filters {
		s.Filters[i] = Filter{Topic: r.string(), QoS: r.u8(), NoLocal: r.bool(), RetainAsPublished: r.bool(), RetainHandling: r.u8()}
	}
	s.Properties = r.properties()
	return s, r.err
}

// Unsubscribe ends a subscription: the server hears of the filters that no other
// one uses. With Filters it ends these in every subscription instead, and the
// server hears of all of them. Op is answered by Subscribed or Failed.
type Unsubscribe struct {
	Client, Op, Subscription uint32
	Timeout                  time.Duration // for the UNSUBACK
	PacketID                 uint16        // of its first packet, where it is free; 0: any
	Filters                  []string
	Properties               *packets.Properties
}

// Unsubscribe reads a record of KindUnsubscribe.
func (r *Reader) Unsubscribe() (u Unsubscribe, err error) {
	u = Unsubscribe{Client: r.u32(), Op: r.u32(), Subscription: r.u32(), Timeout: r.duration(), PacketID: r.u16()}
	u.Filters = make([]string, r.count(4))
	for i := range u.Filters {
		u.Filters[i] = r.string()
	}
	u.Properties = r.properties()
	return u, r.err
}

// Publish publishes. Op is answered by Published or Failed.
type Publish struct {
	Client, Op uint32
	Timeout    time.Duration // for the whole of it; 0: no limit
	PacketID   uint16        // with QoS 1 and 2, where it is free; 0: any
	Outgoing
}

// Outgoing is a message to publish.
type Outgoing struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties *packets.Properties
}

func (r *Reader) outgoing() Outgoing {
	return Outgoing{Topic: r.string(), Payload: r.bytes(), QoS: r.u8(), Retain: r.bool(), Properties: r.properties()}
}

// Publish reads a record of KindPublish.
func (r *Reader) Publish() (p Publish, err error) {
	p.Client, p.Op, p.Timeout, p.PacketID = r.u32(), r.u32(), r.duration(), r.u16()
	p.Outgoing = r.outgoing()
	return p, r.err
}

// Abort gives up the operation Op of a client: its signal was aborted.
type Abort struct {
	Client, Op uint32
}

// Abort reads a record of KindAbort.
func (r *Reader) Abort() (a Abort, err error) {
	a = Abort{Client: r.u32(), Op: r.u32()}
	return a, r.err
}

// Gate says what must have happened to a step before the next one counts its
// spacing.
type Gate byte

// The gates of a step. GateAnswer is one that the page watches, and tells of by a
// StepAnswer.
const (
	GateNone Gate = iota
	GateSent
	GateAcknowledged
	GateAnswer
)

// OfflinePolicy says what becomes of a step whose time comes without a link.
type OfflinePolicy byte

// What a step does without a link.
const (
	OfflineWait OfflinePolicy = iota
	OfflineSkip
	OfflineFail
)

// FailurePolicy says what a run does after a step that failed.
type FailurePolicy byte

// What a run does after a step failed for the last time.
const (
	FailureContinue FailurePolicy = iota
	FailureStop
	FailureRetry // the same: only the page tells it from FailureStop
)

// DelayStep is one message of a delayed run and its time.
type DelayStep struct {
	// Skip is how many numbers are left out before that of this step: those of
	// steps that have finished on another page.
	Skip uint32
	Due  time.Time
	// Spacing, unless negative, counts from the step before: behind a gate it
	// takes the place of Due, else Due has it in.
	Spacing time.Duration
	// Fixed is a step whose time is a date, which nothing puts off.
	Fixed bool
	// Every, if not 0, repeats the step without end, each time up to Jitter later.
	Every, Jitter time.Duration
	// Ask has the page asked for the payload when the step is due; with Last when
	// nothing else keeps it from going out, so that the page can write down that
	// it does.
	Ask, Last   bool
	Gate        Gate
	GateTimeout time.Duration // from the sending; 0: none
	Outgoing
}

// Delay starts a run of delayed publishes; each change of a step is told by a
// Step record.
type Delay struct {
	Client, Run uint32
	Offline     OfflinePolicy
	OnFailure   FailurePolicy
	Retries     uint32        // of a step that failed
	Throttled   uint32        // of one that its shadow service had no room for, where that is more
	RetryDelay  time.Duration // before the first one
	Deadline    time.Time     // no step goes out after it; the zero time: none
	// What a thing's shadows take (AWS IoT Core quotas, "Device Shadow"); 0: no limit.
	ThingRate, ThingInFlight uint32
	Steps                    []DelayStep
}

// Delay reads a record of KindDelay.
func (r *Reader) Delay() (d Delay, err error) {
	d.Client, d.Run = r.u32(), r.u32()
	d.Offline, d.OnFailure = OfflinePolicy(r.u8()), FailurePolicy(r.u8())
	d.Retries, d.Throttled, d.RetryDelay = r.u32(), r.u32(), r.duration()
	d.Deadline = r.time()
	d.ThingRate, d.ThingInFlight = r.u32(), r.u32()
	n := r.u32()
	if int64(n)*minDelayStep > int64(len(r.buf)-r.off) {
		return d, ErrMalformed
	}
	d.Steps = make([]DelayStep, n)
	for i := range d.Steps {
		d.Steps[i] = DelayStep{
			Skip: r.u32(), Due: r.time(), Spacing: r.milliseconds(), Fixed: r.bool(), Every: r.milliseconds(), Jitter: r.milliseconds(),
			Ask: r.bool(), Last: r.bool(), Gate: Gate(r.u8()), GateTimeout: r.duration(), Outgoing: r.outgoing(),
		}
	}
	return d, r.err
}

// minDelayStep is the size of the shortest DelayStep.
const minDelayStep = 56

// Verb is what a Control asks for.
type Verb byte

// What can be done to a run.
const (
	Cancel     Verb = iota // a step, or all of them
	Pause                  // until Unpause
	Unpause                // what waits is put off by the pause
	Reschedule             // a step, to At
)

// AllSteps stands for every step of a run in Control.
const AllSteps = ^uint32(0)

// Control changes a run.
type Control struct {
	Run, Step uint32
	Verb      Verb
	At        time.Time
}

// Control reads a record of KindControl.
func (r *Reader) Control() (c Control, err error) {
	c = Control{Run: r.u32(), Step: r.u32(), Verb: Verb(r.u8()), At: r.time()}
	return c, r.err
}

// StepPayload is the payload of a step that the page was asked for.
type StepPayload struct {
	Run, Step uint32
	Payload   []byte
}

// StepPayload reads a record of KindStepPayload.
func (r *Reader) StepPayload() (p StepPayload, err error) {
	p = StepPayload{Run: r.u32(), Step: r.u32(), Payload: r.bytes()}
	return p, r.err
}

// StepAnswer tells how the gate of a step was answered; or, with Err, that the
// page has no payload for it.
type StepAnswer struct {
	Run, Step uint32
	At        time.Time
	Err       *Error // nil: it opened
}

// StepAnswer reads a record of KindStepAnswer.
func (r *Reader) StepAnswer() (a StepAnswer, err error) {
	a = StepAnswer{Run: r.u32(), Step: r.u32(), At: r.time()}
	if r.bool() {
		e := r.error()
		a.Err = &e
	}
	return a, r.err
}

// Acknowledge acknowledges a message of a manual subscription.
type Acknowledge struct {
	Client, Token uint32
	ReasonCode    byte
}

// Acknowledge reads a record of KindAcknowledge.
func (r *Reader) Acknowledge() (a Acknowledge, err error) {
	a = Acknowledge{Client: r.u32(), Token: r.u32(), ReasonCode: r.u8()}
	return a, r.err
}

// ManualAcks says whether every message of a client, whatever subscription it is
// for, waits for an Acknowledge.
type ManualAcks struct {
	Client uint32
	On     bool
}

// ManualAcks reads a record of KindManualAcks.
func (r *Reader) ManualAcks() (m ManualAcks, err error) {
	m = ManualAcks{Client: r.u32(), On: r.bool()}
	return m, r.err
}

// WakeReason says what happened to the page.
type WakeReason byte

// What happens to a page.
const (
	Probe   WakeReason = iota // it may have been away: look whether the link is alive, or try at once
	Suspend                   // it is put aside: let go of the link
	Resume                    // it is back: connect again
	Redial                    // it wants a new link now
)

// Wake tells a client what happened to the page.
type Wake struct {
	Client uint32
	Reason WakeReason
}

// Wake reads a record of KindWake.
func (r *Reader) Wake() (w Wake, err error) {
	w = Wake{Client: r.u32(), Reason: WakeReason(r.u8())}
	return w, r.err
}

// Renew replaces a client's link by a new one. Op is answered by Done or Failed.
type Renew struct {
	Client, Op uint32
}

// Renew reads a record of KindRenew.
func (r *Reader) Renew() (n Renew, err error) {
	n = Renew{Client: r.u32(), Op: r.u32()}
	return n, r.err
}

// StatsRequest asks for the figures of a client, or with client 0 of the whole
// program. Op is answered by Stats or Failed.
type StatsRequest struct {
	Client, Op uint32
}

// StatsRequest reads a record of KindStats.
func (r *Reader) StatsRequest() (s StatsRequest, err error) {
	s = StatsRequest{Client: r.u32(), Op: r.u32()}
	return s, r.err
}

// TraceDetail says what is told of a client's packets.
type TraceDetail byte

// How much is told of packets. TraceWhole tells what a page would log of its own
// messages: payloads and properties too, but no user name and no password.
const (
	TraceOff TraceDetail = iota
	TraceHeaders
	TraceWhole
)

// Trace sets what is told of a client's packets.
type Trace struct {
	Client uint32
	Detail TraceDetail
}

// Trace reads a record of KindTrace.
func (r *Reader) Trace() (t Trace, err error) {
	t = Trace{Client: r.u32(), Detail: TraceDetail(r.u8())}
	return t, r.err
}

// Presign asks for a signed URL. Op is answered by Presigned or Failed.
type Presign struct {
	Op                           uint32
	Endpoint, Region             string
	AccessKeyID, SecretAccessKey string
	SessionToken                 string
	Time                         time.Time     // the zero time: now
	Expires                      time.Duration // 0: left out
}

func (r *Reader) presign() Presign {
	return Presign{
		Op: r.u32(), Endpoint: r.string(), Region: r.string(),
		AccessKeyID: r.string(), SecretAccessKey: r.string(), SessionToken: r.string(),
		Time: r.time(), Expires: time.Duration(r.u32()) * time.Second,
	}
}

// Presign reads a record of KindPresign.
func (r *Reader) Presign() (Presign, error) {
	p := r.presign()
	return p, r.err
}

// String keeps the secrets of p out of every text.
func (p Presign) String() string { return "presign " + p.Endpoint }

// GoString is String.
func (p Presign) GoString() string { return p.String() }

// String keeps the secrets of t out of every text.
func (t Target) String() string { return "target" }

// GoString is String.
func (t Target) GoString() string { return t.String() }
