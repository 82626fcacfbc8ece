// Package shadow owns the Device Shadow service: the documents of classic and named
// shadows, how requests change them, what is answered, and what may be made to go
// wrong. The rules are those of the AWS IoT developer guide ("Device Shadow service
// documents", "Device Shadow MQTT topics", "Device Shadow error messages"); where it
// leaves something open they follow what AWS was seen to do.
//
// A Service takes requests and returns answers. Time is an argument, and it knows
// nothing of MQTT or HTTP: it imports store, where its records are, and the standard
// library. A Desk stands between a Service and those who ask: it keeps the answers in
// order and publishes them. Both may be called from any goroutine; the broker calls
// the Desk from the goroutine of the connection concerned, shadowapi from that of the
// HTTP request, and the gateway's control from any.
package shadow

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"iotwasm/site/gateway/internal/store"
)

// retention is how long the version of a deleted shadow goes on counting.
const retention = 48 * time.Hour

// Service holds the shadows of every thing.
type Service struct {
	limits Limits
	store  store.Store

	mu     sync.Mutex // held through a request: versions count one by one
	meter  *meter
	faults *faults
}

// Config is what a Service is made of; the zero value will do.
type Config struct {
	Limits        Limits
	CreationFault CreationFault
	// Store keeps the shadows; nil is one that ends with the Service.
	Store store.Store
}

// New returns a Service with the shadows of its store, after a look at each of them.
func New(config Config, now time.Time) (*Service, error) {
	if config.Store == nil {
		config.Store = store.NewMemory()
	}
	defaults := DefaultLimits()
	if config.Limits.DocumentBytes == 0 {
		config.Limits.DocumentBytes = defaults.DocumentBytes
	}
	if config.Limits.Depth == 0 {
		config.Limits.Depth = defaults.Depth
	}
	s := &Service{
		limits: config.Limits, store: config.Store,
		meter: newMeter(config.Limits), faults: newFaults(config.CreationFault),
	}
	return s, s.review(now)
}

// NewService returns a Service without shadows, which are kept in memory.
func NewService(limits Limits, fault CreationFault) *Service {
	s, err := New(Config{Limits: limits, CreationFault: fault}, time.Time{})
	if err != nil {
		panic(fmt.Sprintf("shadow: an empty store in memory: %v", err)) // cannot be
	}
	return s
}

// Do carries out a request. Done is to be called once the answer has left. A change
// is in the store before Do returns.
func (s *Service) Do(r Request, now time.Time) Answer {
	i := id{r.Thing, r.Shadow}
	parsed, parseErr := readRequest(r.Payload, r.Operation, s.limits)

	s.mu.Lock()
	defer s.mu.Unlock()
	answer := Answer{done: func() {}}
	outcome, err := func() (outcome, error) {
		if err := i.check(); err != nil {
			return outcome{}, err
		}
		t, ok := s.meter.admit(r.Thing, now)
		if !ok {
			return outcome{}, tooMany
		}
		answer.done = func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			t.left = true
		}
		fault := s.faults.strike(r.Thing)
		answer.Delay, answer.Lost = fault.Delay, fault.Drop
		if err := fault.rejection(); err != nil {
			return outcome{}, err
		}
		if parseErr != nil {
			return outcome{}, parseErr
		}
		return s.carryOut(i, r, parsed, now)
	}()
	if errors.Is(err, errSilent) {
		answer.Lost, err = true, tooMany
	}
	answer.fill(i, r.Operation, outcome, err, parsed)
	return answer
}

// outcome is what a request that was accepted leads to.
type outcome struct {
	delta, documents, accepted body // the first two may be nil
}

func (s *Service) carryOut(i id, r Request, parsed request, now time.Time) (outcome, error) {
	switch r.Operation {
	case Update:
		return s.update(i, parsed, now)
	case Get:
		return s.get(i, now)
	case Delete:
		return s.remove(i, now)
	case List:
		return s.list(r, now)
	default:
		return outcome{}, fmt.Errorf("no operation %q", r.Operation)
	}
}

// errNone is the 404 of a shadow.
func errNone(i id) error {
	return &rejection{404, fmt.Sprintf("No shadow exists with name: '%s'", i)}
}

func (s *Service) update(i id, r request, now time.Time) (outcome, error) {
	past, err := s.load(i, now)
	if err != nil {
		return outcome{}, err
	}
	exists := past != nil && past.deleted.IsZero()
	switch {
	case exists && r.version != nil && *r.version != past.version:
		return outcome{}, &rejection{409, "Version conflict"}
	case !exists && r.version != nil && *r.version != 1:
		return outcome{}, &rejection{400, "Invalid version"}
	}

	timestamp := now.Unix()
	next := &entry{version: 1, updated: now}
	if past != nil {
		next.version = past.version + 1
	}
	var before document
	if exists {
		before = past.document
	}
	next.document = before.apply(r, timestamp)
	if next.size() > s.limits.DocumentBytes {
		return outcome{}, &rejection{413, "The payload exceeds the maximum size allowed"}
	}
	// Last, so that a request which is wrong anyway is told why.
	creates := !exists && i.name != ""
	if creates {
		if err := s.faults.refuse(i.thing, now); err != nil {
			return outcome{}, err
		}
	}
	if err := s.save(i, next); err != nil {
		return outcome{}, err
	}
	if creates {
		s.faults.note(i.thing, now)
	}

	var out outcome
	if delta, metadata := next.delta(); delta != nil {
		out.delta = body{{"version", next.version}, {"timestamp", timestamp}, {"state", delta}, {"metadata", metadata}}
	}
	var previous any // null for a shadow that was not there
	if exists {
		previous = past.whole(nil)
	}
	out.documents = body{{"previous", previous}, {"current", next.whole(nil)}, {"timestamp", timestamp}}
	echo := r.echo()
	out.accepted = body{{"state", echo}, {"metadata", metadataOf(echo, timestamp)}, {"version", next.version}, {"timestamp", timestamp}}
	return out, nil
}

func (s *Service) get(i id, now time.Time) (outcome, error) {
	e, err := s.load(i, now)
	if err != nil {
		return outcome{}, err
	}
	if e == nil || !e.deleted.IsZero() {
		return outcome{}, errNone(i)
	}
	delta, _ := e.delta()
	return outcome{accepted: append(e.whole(delta), member{"timestamp", now.Unix()})}, nil
}

func (s *Service) remove(i id, now time.Time) (outcome, error) {
	e, err := s.load(i, now)
	if err != nil {
		return outcome{}, err
	}
	if e == nil || !e.deleted.IsZero() {
		return outcome{}, errNone(i)
	}
	if err := s.save(i, &entry{version: e.version, updated: now, deleted: now}); err != nil {
		return outcome{}, err
	}
	return outcome{accepted: body{{"version", e.version}, {"timestamp", now.Unix()}}}, nil
}
