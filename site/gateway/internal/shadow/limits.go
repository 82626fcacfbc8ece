package shadow

import (
	"slices"
	"time"
)

// Limits bound shadows and the requests for them.
type Limits struct {
	// DocumentBytes is the most that desired and reported may take together as
	// compact JSON; metadata does not count.
	DocumentBytes int
	// Depth is the most levels that desired or reported may have. AWS's documents
	// say 5, 6 and 8.
	Depth int

	// What follows refuses requests with code 429. Zero is no limit.

	// RequestsPerSecond is how many requests for one thing are taken in a second.
	RequestsPerSecond int
	// AccountRequestsPerSecond is how many are taken for all things together.
	AccountRequestsPerSecond int
	// InFlight is how many requests for one thing may be under way at a time.
	InFlight int
	// ServiceTime is for how long a request counts as under way at the least: this
	// service answers at once, where AWS takes some ten milliseconds.
	ServiceTime time.Duration
}

// DefaultLimits returns the published limits of AWS IoT Core for documents, and none
// for requests.
func DefaultLimits() Limits { return Limits{DocumentBytes: 8 << 10, Depth: 8} }

// AWSLimits returns the published limits of AWS IoT Core, of its smaller regions where
// they differ. ServiceTime is half the round trip that was seen.
func AWSLimits() Limits {
	limits := DefaultLimits()
	limits.RequestsPerSecond = 20
	limits.AccountRequestsPerSecond = 400
	limits.InFlight = 10
	limits.ServiceTime = 25 * time.Millisecond
	return limits
}

// sweepEvery is how many things are remembered before those at rest are forgotten.
const sweepEvery = 1024

// meter counts requests against Limits.
type meter struct {
	limits  Limits
	account usage
	things  map[string]*usage
	sweepAt int
}

// usage is what a thing, or the account, has asked for lately.
type usage struct {
	admitted []time.Time // within the last second
	flying   []*ticket
}

// ticket is a request under way.
type ticket struct {
	until time.Time // not before
	left  bool      // the answer has left
}

func newMeter(limits Limits) *meter {
	return &meter{limits: limits, things: map[string]*usage{}, sweepAt: sweepEvery}
}

// admit takes a request or refuses it; what is refused does not count.
func (m *meter) admit(thing string, now time.Time) (*ticket, bool) {
	u := m.things[thing]
	if u == nil {
		m.sweep(now)
		u = &usage{}
		m.things[thing] = u
	}
	u.settle(now)
	m.account.settle(now)
	if full(len(u.flying), m.limits.InFlight) || full(len(u.admitted), m.limits.RequestsPerSecond) ||
		full(len(m.account.admitted), m.limits.AccountRequestsPerSecond) {
		return nil, false
	}
	t := &ticket{until: now.Add(m.limits.ServiceTime)}
	if m.limits.InFlight > 0 {
		u.flying = append(u.flying, t)
	}
	if m.limits.RequestsPerSecond > 0 {
		u.admitted = append(u.admitted, now)
	}
	if m.limits.AccountRequestsPerSecond > 0 {
		m.account.admitted = append(m.account.admitted, now)
	}
	return t, true
}

func full(count, limit int) bool { return limit > 0 && count >= limit }

// settle forgets what no longer counts.
func (u *usage) settle(now time.Time) {
	u.admitted = keep(u.admitted, func(t time.Time) bool { return now.Sub(t) < time.Second })
	u.flying = keep(u.flying, func(t *ticket) bool { return !t.left || now.Before(t.until) })
}

// sweep keeps things that were asked for once from being remembered for ever.
func (m *meter) sweep(now time.Time) {
	if len(m.things) < m.sweepAt {
		return
	}
	for thing, u := range m.things {
		if u.settle(now); len(u.admitted)+len(u.flying) == 0 {
			delete(m.things, thing)
		}
	}
	m.sweepAt = 2*len(m.things) + sweepEvery
}

// keep is slices.DeleteFunc the other way round.
func keep[T any](all []T, wanted func(T) bool) []T {
	return slices.DeleteFunc(all, func(one T) bool { return !wanted(one) })
}
