package wire

import (
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// Kinds of the records that the Go program sends.
const (
	KindHello byte = iota + 1
	KindTargetRequest
	KindState
	KindLinked
	KindPresigned
	KindSubscribed
	KindDone
	KindPublished
	KindFailed
	KindMessage
	KindServerDisconnect
	KindStep
	KindFault
	KindRetry
	KindStatsAnswer
	KindPacket
	KindShift
	KindRepeat
)

// Hello is the first record of a program: its version, which must be the
// script's.
func (w *Writer) Hello(version string) {
	w.begin(KindHello)
	w.string(version)
	w.end()
}

// TargetRequest asks the page what to dial for the next attempt of a client.
func (w *Writer) TargetRequest(client, request uint32) {
	w.begin(KindTargetRequest)
	w.u32(client)
	w.u32(request)
	w.end()
}

// State is the state of a client.
type State byte

// The states of a client.
const (
	Connecting State = iota
	Connected
	Reconnecting
	Closed
)

// State tells that the state of a client changed, and why where err is not nil.
func (w *Writer) State(client uint32, s State, err *Error) {
	w.begin(KindState)
	w.u32(client)
	w.u8(byte(s))
	w.optionalError(err)
	w.end()
}

// Linked tells that a client has a new link, with its CONNACK.
func (w *Writer) Linked(client uint32, clientID string, c *packets.Connack) {
	w.begin(KindLinked)
	w.u32(client)
	w.string(clientID)
	w.bool(c.SessionPresent)
	w.u8(c.ReasonCode)
	w.properties(c.Properties)
	w.end()
}

// Retry tells that a client tries to connect again after delay, or with a
// negative delay that it waits for a Wake with the reason Redial; attempt counts
// from 1 in each outage.
func (w *Writer) Retry(client, attempt uint32, delay time.Duration, err *Error) {
	w.begin(KindRetry)
	w.u32(client)
	w.u32(attempt)
	w.milliseconds(delay)
	w.optionalError(err)
	w.end()
}

// Presigned answers Presign.
func (w *Writer) Presigned(op uint32, url string) {
	w.begin(KindPresigned)
	w.u32(op)
	w.string(url)
	w.end()
}

// Answer is how a server answered a SUBSCRIBE or UNSUBSCRIBE. Of several packets
// the properties are those of the last that has any.
type Answer struct {
	ReasonCodes []byte // one for each topic filter
	Properties  *packets.Properties
}

// Subscribed answers Subscribe and Unsubscribe.
func (w *Writer) Subscribed(op uint32, a Answer) {
	w.begin(KindSubscribed)
	w.u32(op)
	w.bytes(a.ReasonCodes)
	w.properties(a.Properties)
	w.end()
}

// Done answers an operation that has no result.
func (w *Writer) Done(op uint32) {
	w.begin(KindDone)
	w.u32(op)
	w.end()
}

// Acknowledgement is how a server answered a PUBLISH. For QoS 0, which it does
// not answer, it is the zero value.
type Acknowledgement struct {
	ReasonCode byte
	Properties *packets.Properties
}

// Published answers Publish.
func (w *Writer) Published(op uint32, sentAt time.Time, a Acknowledgement) {
	w.begin(KindPublished)
	w.u32(op)
	w.time(sentAt)
	w.u8(a.ReasonCode)
	w.properties(a.Properties)
	w.end()
}

// Failed answers an operation that failed.
func (w *Writer) Failed(op uint32, err *Error) {
	w.begin(KindFailed)
	w.u32(op)
	w.error(err)
	w.end()
}

// Message is a received PUBLISH and the subscriptions that it matches. token, if
// not 0, is what Acknowledge names it by.
func (w *Writer) Message(client uint32, subscriptions []uint32, token uint32, p *packets.Publish, receivedAt time.Time) {
	w.begin(KindMessage)
	w.u32(client)
	w.u32(token)
	w.u16(p.PacketID)
	w.u16(uint16(len(subscriptions)))
	for _, s := range subscriptions {
		w.u32(s)
	}
	w.string(p.Topic)
	w.bytes(p.Payload)
	w.u8(p.QoS)
	w.bool(p.Retain)
	w.bool(p.Duplicate)
	w.time(receivedAt)
	w.properties(p.Properties)
	w.end()
}

// ServerDisconnect is a DISCONNECT that the server sent.
func (w *Writer) ServerDisconnect(client uint32, d *packets.Disconnect) {
	w.begin(KindServerDisconnect)
	w.u32(client)
	w.u8(d.ReasonCode)
	w.properties(d.Properties)
	w.end()
}

// StepState is where a step of a delayed run is.
type StepState byte

// The states of a step. StepAsked is StepDue, and asks the page for the payload.
const (
	StepWaiting StepState = iota
	StepDue
	StepAsked
	StepSent
	StepAcknowledged
	StepAccepted
	StepRejected
	StepFailed
	StepSkipped
	StepCancelled
)

// Step tells that a step of a delayed run changed, or with Count that so many
// from Step on did.
type Step struct {
	Run, Step, Count       uint32
	State                  StepState
	PlannedAt              time.Time // where it changed
	SentAt, AcknowledgedAt time.Time
	Interrupted            bool // the link ended before the acknowledgement
	Err                    *Error
}

// Step writes a record of KindStep.
func (w *Writer) Step(s Step) {
	w.begin(KindStep)
	w.u32(s.Run)
	w.u32(s.Step)
	w.u32(max(1, s.Count))
	w.u8(byte(s.State))
	w.time(s.PlannedAt)
	w.time(s.SentAt)
	w.time(s.AcknowledgedAt)
	w.bool(s.Interrupted)
	w.optionalError(s.Err)
	w.end()
}

// Shift tells that so many steps of a run, from Step on, are planned later by By.
type Shift struct {
	Run, Step, Count uint32
	By               time.Duration
}

// Shift writes a record of KindShift.
func (w *Writer) Shift(s Shift) {
	w.begin(KindShift)
	w.u32(s.Run)
	w.u32(s.Step)
	w.u32(s.Count)
	w.milliseconds(s.By)
	w.end()
}

// Repeat tells that a run has a new step, Step, which repeats the step Of.
type Repeat struct {
	Run, Step, Of uint32
	PlannedAt     time.Time
}

// Repeat writes a record of KindRepeat.
func (w *Writer) Repeat(r Repeat) {
	w.begin(KindRepeat)
	w.u32(r.Run)
	w.u32(r.Step)
	w.u32(r.Of)
	w.time(r.PlannedAt)
	w.end()
}

// Stats are the figures of a client since it was opened.
type Stats struct {
	PacketsIn, PacketsOut   uint64
	BytesIn, BytesOut       uint64
	MessagesIn, MessagesOut uint64
	Waiting, WaitingBytes   uint32 // messages that wait to be sent
	InFlight                uint32 // QoS 1 and 2 messages that are unacknowledged
	Dropped                 uint32 // messages that the queue's bounds refused or took out
	Links                   uint32 // connections made
	PingRTT, PubackRTT      time.Duration
	ConnectedAt             time.Time // of the present link
}

// Stats answers StatsRequest for a client.
func (w *Writer) Stats(op uint32, s Stats) {
	w.begin(KindStatsAnswer)
	w.u32(op)
	for _, n := range [...]uint64{s.PacketsIn, s.PacketsOut, s.BytesIn, s.BytesOut, s.MessagesIn, s.MessagesOut} {
		w.number(float64(n))
	}
	for _, n := range [...]uint32{s.Waiting, s.WaitingBytes, s.InFlight, s.Dropped, s.Links} {
		w.u32(n)
	}
	w.milliseconds(s.PingRTT)
	w.milliseconds(s.PubackRTT)
	w.time(s.ConnectedAt)
	w.end()
}

// ProgramStats answers StatsRequest for the whole program.
func (w *Writer) ProgramStats(op uint32, clients, goroutines int) {
	w.begin(KindStatsAnswer)
	w.u32(op)
	w.u32(uint32(clients))
	w.u32(uint32(goroutines))
	w.end()
}

// Packet is what may be told of a control packet: no user name, no password.
type Packet struct {
	Sent         bool
	Type         byte // MQTT 5, section 2.1.2
	ID           uint16
	Topic        string // topic name, or topic filters separated by line feeds
	QoS          byte
	Retain, Dup  bool
	PayloadBytes uint32
	ReasonCodes  []byte
	At           time.Time

	// With TraceWhole.
	Payload    []byte
	Properties *packets.Properties
}

// Packet writes a record of KindPacket.
func (w *Writer) Packet(client uint32, p Packet) {
	w.begin(KindPacket)
	w.u32(client)
	w.bool(p.Sent)
	w.u8(p.Type)
	w.u16(p.ID)
	w.string(p.Topic)
	w.u8(p.QoS)
	w.bool(p.Retain)
	w.bool(p.Dup)
	w.u32(p.PayloadBytes)
	w.bytes(p.ReasonCodes)
	w.time(p.At)
	w.bytes(p.Payload)
	w.properties(p.Properties)
	w.end()
}

// Fault tells of an error of a client that no operation reports.
func (w *Writer) Fault(client uint32, err *Error) {
	w.begin(KindFault)
	w.u32(client)
	w.error(err)
	w.end()
}
