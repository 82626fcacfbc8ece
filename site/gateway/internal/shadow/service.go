// Package shadow owns the Device Shadow service: the documents of classic and named
// shadows, how requests change them, and what is answered. It is pure: topics and
// payloads come in, topics and payloads go out, time is an argument, and it knows
// nothing of MQTT. The rules are those of the AWS IoT developer guide ("Device Shadow
// service documents", "Device Shadow MQTT topics", "Device Shadow error messages");
// where it leaves something open they follow what AWS was seen to do. It imports the
// standard library only. A Service is for one goroutine at a time.
package shadow

import (
	"fmt"
	"time"
)

// retention is how long the version of a deleted shadow goes on counting.
const retention = 48 * time.Hour

// Message is one answer: a payload for a topic.
type Message struct {
	Topic   string
	Payload []byte
}

// Limits bound a shadow's state.
type Limits struct {
	// DocumentBytes is the most that desired and reported may take together as
	// compact JSON; metadata does not count.
	DocumentBytes int
	// Depth is the most levels that desired or reported may have.
	Depth int
}

// DefaultLimits returns the published defaults of AWS IoT Core.
func DefaultLimits() Limits { return Limits{DocumentBytes: 8 << 10, Depth: 8} }

// Service holds the shadows of every thing, in memory.
type Service struct {
	limits  Limits
	fault   CreationFault
	shadows map[id]*entry
	created map[string]time.Time // by thing, of its last named shadow; kept for the fault
}

// entry is a shadow, or what is left of it after its deletion.
type entry struct {
	document
	version int64
	deleted time.Time // zero while the shadow exists
}

// NewService returns a Service without shadows.
func NewService(limits Limits, fault CreationFault) *Service {
	return &Service{limits: limits, fault: fault, shadows: map[id]*entry{}, created: map[string]time.Time{}}
}

// Handle carries out the request that payload on topic is, and returns the answers in
// the order in which they are to be published. It returns none if topic is no request,
// or if the creation fault drops it.
func (s *Service) Handle(topic string, payload []byte, now time.Time) []Message {
	a, ok := parse(topic)
	if !ok {
		return nil
	}
	var handle func(id, request, int64) ([]reply, error)
	switch a.tail {
	case "update":
		handle = func(i id, r request, t int64) ([]reply, error) { return s.update(i, r, t, now) }
	case "get":
		handle = func(i id, r request, t int64) ([]reply, error) { return s.get(i, r, t, now) }
	case "delete":
		handle = func(i id, r request, t int64) ([]reply, error) { return s.remove(i, r, t, now) }
	default:
		return nil
	}

	timestamp := now.Unix()
	request, err := readRequest(payload, a.tail == "update", s.limits)
	if nameErr := a.id.check(); nameErr != nil {
		err = nameErr
	}
	var replies []reply
	if err == nil {
		replies, err = handle(a.id, request, timestamp)
	}
	if err != nil {
		replies = []reply{rejected(a.tail, err, request, timestamp)}
	}
	messages := make([]Message, len(replies))
	for i, r := range replies {
		messages[i] = Message{Topic: a.base + "/" + r.tail, Payload: encode(r.body)}
	}
	return messages
}

// check refuses names which AWS does not allow. The texts are not published.
func (i id) check() error {
	if !thingPattern.MatchString(i.thing) {
		return &rejection{400, "Invalid thing name"}
	}
	if i.name != "" && !namePattern.MatchString(i.name) {
		return &rejection{400, "Invalid shadow name"}
	}
	return nil
}

// find returns the shadow if it exists.
func (s *Service) find(i id, now time.Time) (*entry, error) {
	e := s.shadows[i]
	if e != nil && !e.deleted.IsZero() && now.Sub(e.deleted) >= retention {
		delete(s.shadows, i)
	}
	if e == nil || !e.deleted.IsZero() {
		return nil, &rejection{404, fmt.Sprintf("No shadow exists with name: '%s'", i)}
	}
	return e, nil
}

func (s *Service) update(i id, r request, timestamp int64, now time.Time) ([]reply, error) {
	current, err := s.find(i, now)
	exists := err == nil
	switch {
	case exists && r.version != nil && *r.version != current.version:
		return nil, &rejection{409, "Version conflict"}
	case !exists && r.version != nil && *r.version != 1:
		return nil, &rejection{400, "Invalid version"}
	}

	next := &entry{version: 1}
	if past := s.shadows[i]; past != nil {
		next.version = past.version + 1
	}
	var before document
	if exists {
		before = current.document
	}
	next.document = before.apply(r, timestamp)
	if next.size() > s.limits.DocumentBytes {
		return nil, &rejection{413, "The payload exceeds the maximum size allowed"}
	}
	// Last, so that a request which is wrong anyway is told why.
	if s.fault.Spacing > 0 && !exists && i.name != "" {
		switch {
		case !s.tooSoon(i.thing, now):
			s.created[i.thing] = now
		case s.fault.Drop:
			return nil, nil
		default: // the text for 429 is not published
			return nil, &rejection{429, "Too many requests"}
		}
	}
	s.shadows[i] = next

	var replies []reply
	if delta, metadata := next.delta(); delta != nil {
		replies = append(replies, reply{"update/delta", r.sign(object{
			"state": delta, "metadata": metadata, "version": next.version, "timestamp": timestamp,
		})})
	}
	var previous any // null for a shadow that was not there
	if exists {
		previous = current.whole()
	}
	return append(replies,
		reply{"update/documents", r.sign(object{
			"previous": previous, "current": next.whole(), "timestamp": timestamp,
		})},
		reply{"update/accepted", r.sign(object{
			"state": r.echo(), "metadata": metadataOf(r.echo(), timestamp), "version": next.version, "timestamp": timestamp,
		})},
	), nil
}

func (s *Service) get(i id, r request, timestamp int64, now time.Time) ([]reply, error) {
	e, err := s.find(i, now)
	if err != nil {
		return nil, err
	}
	body := e.whole()
	if delta, _ := e.delta(); delta != nil {
		body["state"].(object)["delta"] = delta
	}
	body["timestamp"] = timestamp
	return []reply{{"get/accepted", r.sign(body)}}, nil
}

func (s *Service) remove(i id, r request, timestamp int64, now time.Time) ([]reply, error) {
	e, err := s.find(i, now)
	if err != nil {
		return nil, err
	}
	s.shadows[i] = &entry{version: e.version, deleted: now}
	return []reply{{"delete/accepted", r.sign(object{"version": e.version, "timestamp": timestamp})}}, nil
}

// whole is the document as get and update/documents show it.
func (e *entry) whole() object {
	return object{"state": e.state.sections(), "metadata": e.metadata.sections(), "version": e.version}
}
