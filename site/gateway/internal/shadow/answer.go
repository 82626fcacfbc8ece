package shadow

import (
	"errors"
	"time"
)

// Operation is what a request asks for.
type Operation string

// The operations. List has no topics, it is HTTP's only.
const (
	Get    Operation = "get"
	Update Operation = "update"
	Delete Operation = "delete"
	List   Operation = "list"
)

// Request is one request, wherever it came from.
type Request struct {
	Operation Operation
	// Thing and Shadow name the shadow; the classic one has no name.
	Thing, Shadow string
	// Payload is the request document, which get and delete need not have.
	Payload []byte
	// NextToken and PageSize are List's; PageSize 0 is as many as are allowed.
	NextToken string
	PageSize  int
}

// Message is a payload for a topic.
type Message struct {
	Topic   string
	Payload []byte
}

// Answer is what a request leads to.
type Answer struct {
	// Code is 200, or the code of the rejection; Reason is its text.
	Code   int
	Reason string
	// Events are update/delta and update/documents, in this order.
	Events []Message
	// Reply is what goes to who asked. List's has no topic.
	Reply Message
	// Delay is a fault: nothing of this leaves earlier.
	Delay time.Duration
	// Lost is a fault: Reply does not leave at all.
	Lost bool
	// Err is what went wrong inside; it is for the log, and who asked got a 500.
	Err error

	done func()
}

// Messages lists what is to be published for a request that came over MQTT.
func (a Answer) Messages() []Message {
	if a.Lost {
		return a.Events
	}
	return append(a.Events[:len(a.Events):len(a.Events)], a.Reply)
}

// Done says that the answer has left: its request is no longer in flight.
func (a Answer) Done() { a.done() }

// fill turns an outcome into what is sent.
func (a *Answer) fill(i id, operation Operation, o outcome, err error, r request) {
	base := i.base() + "/" + string(operation) + "/"
	message := func(tail string, b body) Message {
		topic := base + tail
		if operation == List {
			topic = ""
		}
		return Message{Topic: topic, Payload: encode(r.sign(b))}
	}
	if err != nil {
		why := internalFailure
		if !errors.As(err, &why) {
			a.Err = err
		}
		a.Code, a.Reason = why.code, why.message
		if why.code == 503 { // not among the codes of MQTT's rejections
			why = internalFailure
		}
		a.Reply = message("rejected", body{{"code", why.code}, {"message", why.message}})
		return
	}
	a.Code = 200
	if o.delta != nil {
		a.Events = append(a.Events, message("delta", o.delta))
	}
	if o.documents != nil {
		a.Events = append(a.Events, message("documents", o.documents))
	}
	a.Reply = message("accepted", o.accepted)
}
