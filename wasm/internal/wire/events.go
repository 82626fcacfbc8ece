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
	KindConnected
	KindPresigned
	KindSubscribed
	KindDone
	KindPublished
	KindFailed
	KindMessage
	KindServerDisconnect
	KindStep
	KindFault
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
	w.bool(err != nil)
	if err != nil {
		w.error(err)
	}
	w.end()
}

// Connected answers Connect with the CONNACK.
func (w *Writer) Connected(client, op uint32, clientID string, c *packets.Connack) {
	w.begin(KindConnected)
	w.u32(client)
	w.u32(op)
	w.string(clientID)
	w.bool(c.SessionPresent)
	w.u8(c.ReasonCode)
	w.properties(c.Properties)
	w.end()
}

// Presigned answers Presign.
func (w *Writer) Presigned(op uint32, url string) {
	w.begin(KindPresigned)
	w.u32(op)
	w.string(url)
	w.end()
}

// Subscribed answers Subscribe with the reason codes, one for each filter.
func (w *Writer) Subscribed(op uint32, reasonCodes []byte) {
	w.begin(KindSubscribed)
	w.u32(op)
	w.bytes(reasonCodes)
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

// Message is a received PUBLISH and the subscriptions that it matches.
func (w *Writer) Message(client uint32, subscriptions []uint32, p *packets.Publish, receivedAt time.Time) {
	w.begin(KindMessage)
	w.u32(client)
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

// The states of a step.
const (
	StepWaiting StepState = iota
	StepSent
	StepAcknowledged
	StepFailed
	StepCancelled
)

// Step tells that a step of a delayed run changed.
type Step struct {
	Run, Step              uint32
	State                  StepState
	SentAt, AcknowledgedAt time.Time
	Err                    *Error
}

// Step writes a record of KindStep.
func (w *Writer) Step(s Step) {
	w.begin(KindStep)
	w.u32(s.Run)
	w.u32(s.Step)
	w.u8(byte(s.State))
	w.time(s.SentAt)
	w.time(s.AcknowledgedAt)
	w.bool(s.Err != nil)
	if s.Err != nil {
		w.error(s.Err)
	}
	w.end()
}

// Fault tells of an error of a client that no operation reports.
func (w *Writer) Fault(client uint32, err *Error) {
	w.begin(KindFault)
	w.u32(client)
	w.error(err)
	w.end()
}
