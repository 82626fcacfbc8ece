package delay

import (
	"strings"
	"time"

	"iotwasm/wasm/internal/wire"
)

type thingKey struct {
	client uint32
	name   string
}

// thing paces the requests to the shadows of one thing: so many in any second, so
// many unanswered.
type thing struct {
	limit    int         // of unanswered requests; 0: none
	slots    []time.Time // ring of the last requests' times
	next     int
	inFlight int
	waiting  []*step // in order; some of them ended
}

// pace hands a step on as soon as the limits of its thing allow.
func (s *Scheduler) pace(st *step, now time.Time) {
	r := st.run
	name := thingOf(st.spec.Topic)
	if name == "" || r.ThingRate == 0 && r.ThingInFlight == 0 {
		s.hand(st, now)
		return
	}
	key := thingKey{r.Client, name}
	t := s.things[key]
	if t == nil {
		t = &thing{slots: make([]time.Time, r.ThingRate), limit: int(r.ThingInFlight)}
		s.things[key] = t
	}
	st.phase, st.thing = queued, t
	s.rest(st)
	t.waiting = append(t.waiting, st)
	s.admit(t, now)
	if st.phase == queued || st.phase == paced {
		st.tell(wire.StepDue, nil)
	}
}

// admit hands on what waits for a thing, as far as its limits allow. The first in
// the line waits for the thing's rate, so that one that ends uses nothing up.
func (s *Scheduler) admit(t *thing, now time.Time) {
	for len(t.waiting) > 0 {
		st := t.waiting[0]
		r := st.run
		held := s.down[r.Client] || !r.pausedAt.IsZero()
		if st.thing == t && !held {
			if t.limit > 0 && t.inFlight >= t.limit {
				return
			}
			if n := len(t.slots); n > 0 {
				if free := t.slots[t.next].Add(time.Second); free.After(now) {
					st.phase = paced
					s.await(st, free)
					return
				}
				t.slots[t.next] = now
				t.next = (t.next + 1) % n
			}
		}
		t.waiting[0] = nil
		t.waiting = t.waiting[1:]
		switch {
		case st.thing != t: // it ended
		case held:
			st.thing = nil
			s.come(st, now)
		default:
			s.hand(st, now)
		}
	}
}

// leave counts st out of its thing; the next one comes in.
func (s *Scheduler) leave(st *step) {
	t := st.thing
	if t == nil {
		return
	}
	st.thing = nil
	if st.inFlight {
		st.inFlight = false
		t.inFlight--
	}
	s.admit(t, s.now())
}

// thingOf returns the name of the thing whose shadow a topic is of.
func thingOf(topic string) string {
	rest, ok := strings.CutPrefix(topic, "$aws/things/")
	if !ok {
		return ""
	}
	name, rest, _ := strings.Cut(rest, "/")
	if rest != "shadow" && !strings.HasPrefix(rest, "shadow/") {
		return ""
	}
	return name
}
