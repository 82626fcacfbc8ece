package shadow

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Desk takes requests to a Service and publishes what it says. Messages about one
// shadow leave in the order of its requests, those of a delayed answer included.
type Desk struct {
	// Publish sends a message to its subscribers. It is set before the first request;
	// one goroutine at a time calls it, and it must not wait for another request.
	Publish func(Message)

	service *Service
	now     func() time.Time
	log     *slog.Logger
	closed  chan struct{}

	mu   sync.Mutex           // held from a request to the last of its answers
	late map[string][]*parcel // by shadow, the delayed and what is behind them
}

// NewDesk returns a Desk without a Publish.
func NewDesk(service *Service, now func() time.Time, log *slog.Logger) *Desk {
	return &Desk{service: service, now: now, log: log, closed: make(chan struct{}), late: map[string][]*parcel{}}
}

// parcel is an answer that waits.
type parcel struct {
	due     time.Time
	deliver func()
}

// Topic carries out the request that payload on topic is, if it is one.
func (d *Desk) Topic(topic string, payload []byte) {
	request, ok := ParseTopic(topic, payload)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.isClosed() {
		return
	}
	answer := d.do(request)
	d.send(request, answer, answer.Messages(), nil)
}

// Ask carries out a request which is answered by returning, after its delay if it has
// one; the error is ctx's, or says that the Desk was closed. Subscribers see a change
// as they see one that was asked for over MQTT, but hear nothing of a rejection and
// nothing of what was only read.
func (d *Desk) Ask(ctx context.Context, request Request) (Answer, error) {
	delivered := make(chan struct{})
	d.mu.Lock()
	if d.isClosed() {
		d.mu.Unlock()
		return Answer{}, errClosed
	}
	answer := d.do(request)
	var messages []Message
	if answer.Code == 200 && (request.Operation == Update || request.Operation == Delete) {
		messages = answer.Messages()
	}
	d.send(request, answer, messages, func() { close(delivered) })
	d.mu.Unlock()
	select {
	case <-delivered:
		return answer, nil
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	case <-d.closed:
		return Answer{}, errClosed
	}
}

var errClosed = errors.New("shadow: the gateway ends")

// Close forgets the answers that wait. Requests which still come are not carried out.
// It is called once.
func (d *Desk) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.closed)
	clear(d.late)
}

// isClosed tells whether Close was called. d.mu is held.
func (d *Desk) isClosed() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

func (d *Desk) do(request Request) Answer {
	answer := d.service.Do(request, d.now())
	if answer.Err != nil {
		d.log.Error("shadow request failed", "reason", answer.Err.Error())
	}
	return answer
}

// send delivers an answer, or leaves it to wait. d.mu is held, here and by deliver.
func (d *Desk) send(request Request, answer Answer, messages []Message, then func()) {
	deliver := func() {
		for _, message := range messages {
			d.Publish(message)
		}
		answer.Done()
		if then != nil {
			then()
		}
	}
	key := id{request.Thing, request.Shadow}.key()
	waiting := d.late[key]
	if answer.Delay <= 0 && len(waiting) == 0 {
		deliver()
		return
	}
	d.late[key] = append(waiting, &parcel{time.Now().Add(answer.Delay), deliver})
	if len(waiting) == 0 {
		time.AfterFunc(answer.Delay, func() { d.deliverLate(key) })
	}
}

// deliverLate sends what is due of a shadow, and comes back for the rest.
func (d *Desk) deliverLate(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.late[key]) > 0 {
		first := d.late[key][0]
		if wait := time.Until(first.due); wait > 0 {
			time.AfterFunc(wait, func() { d.deliverLate(key) })
			return
		}
		d.late[key] = d.late[key][1:]
		first.deliver()
	}
	delete(d.late, key)
}
