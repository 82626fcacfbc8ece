package delay

import (
	"time"

	"iotwasm/wasm/internal/wire"
)

// run is a series of steps. It goes by the times of its steps alone, or, where one
// of them has a gate, is sequential: a step's turn comes when the gate of the one
// before it opens.
type run struct {
	wire.Delay
	sender     Sender
	events     Events
	began      time.Time
	live       []*step // by index; some of them finished
	finished   int     // of live
	next       uint32  // index of the next repetition
	sequential bool
	parked     []*step
	pausedAt   time.Time // zero: not paused
	ended      bool      // nothing more is sent of it
	closed     bool      // its client is
}

func newRun(d wire.Delay, sender Sender, events Events, now time.Time) *run {
	r := &run{Delay: d, sender: sender, events: events, began: now}
	steps := make([]step, len(d.Steps))
	r.live = make([]*step, len(steps))
	for i := range steps {
		r.next += d.Steps[i].Skip
		steps[i] = step{run: r, spec: d.Steps[i], index: r.next, base: d.Steps[i].Due, place: -1}
		r.live[i] = &steps[i]
		r.next++
		r.sequential = r.sequential || d.Steps[i].Gate != wire.GateNone
	}
	r.Steps = nil
	return r
}

// find returns the step of an index unless it finished.
func (r *run) find(index uint32) *step {
	i, j := 0, len(r.live)
	for i < j {
		if m := (i + j) / 2; r.live[m].index < index {
			i = m + 1
		} else {
			j = m
		}
	}
	if i < len(r.live) && r.live[i].index == index && r.live[i].phase != finished {
		return r.live[i]
	}
	return nil
}

// finish takes a step out of the run.
func (s *Scheduler) finish(st *step) {
	r := st.run
	s.remove(st)
	st.phase, st.attempt = finished, nil
	st.spec.Outgoing = wire.Outgoing{} // the payload's memory is free
	if r.finished++; r.finished == len(r.live) {
		delete(s.runs, r.Run)
	} else if r.finished >= 64 && r.finished*2 >= len(r.live) {
		kept := r.live[:0]
		for _, each := range r.live {
			if each.phase != finished {
				kept = append(kept, each)
			}
		}
		clear(r.live[len(kept):])
		r.live, r.finished = kept, 0
	}
	s.leave(st)
}

// open opens the gate of st: the next step's turn comes, and counts its spacing
// from at.
func (s *Scheduler) open(st *step, at time.Time) {
	r := st.run
	if !r.sequential || st.opened || r.ended {
		return
	}
	st.opened = true
	at = r.clock(at)
	if st.spec.Every > 0 && st.came { // else it ended before its time: no more of it
		s.repeat(st, at)
		return
	}
	for _, next := range r.live {
		if next.phase != pending {
			continue
		}
		due := next.spec.Due
		if next.spec.Spacing >= 0 {
			due = at.Add(next.spec.Spacing)
		} else if at.After(due) {
			due = at
		}
		next.phase = waiting
		next.plan(due)
		s.await(next, due)
		return
	}
}

// clock is the time that a run's clock shows, which a pause stops.
func (r *run) clock(at time.Time) time.Time {
	if p := r.pausedAt; !p.IsZero() && p.Before(at) {
		return p
	}
	return at
}

// repeat adds the next repetition of st, not before a moment. What keeps it from
// its time by so much that others would have to catch up puts them off as well.
func (s *Scheduler) repeat(st *step, notBefore time.Time) {
	r := st.run
	s.serial++
	next := &step{run: r, spec: st.spec, index: r.next, base: st.base.Add(st.spec.Every), place: -1, serial: s.serial}
	if !st.spec.Fixed || !next.base.After(s.now()) {
		next.base = next.base.Add(st.late)
	}
	next.spec.Due = next.base.Add(jitter(st.spec.Jitter))
	next.spec.Spacing = -1
	if late := notBefore.Sub(next.spec.Due); late > 0 {
		next.spec.Due = notBefore
		if late > lateAfter {
			next.base = next.base.Add(late)
		}
	}
	r.next++
	r.live = append(r.live, next)
	r.events.Repeat(wire.Repeat{Run: r.Run, Step: next.index, Of: st.index, PlannedAt: next.spec.Due})
	s.await(next, next.spec.Due)
}

// park puts aside a step whose time has come during a pause or without a link.
func (s *Scheduler) park(st *step) {
	st.phase = parked
	st.run.parked = append(st.run.parked, st)
	s.rest(st)
}

// waits reports whether a step that no date is given for is parked.
func (r *run) waits() bool {
	for _, st := range r.parked {
		if st.phase == parked && !st.dated() {
			return true
		}
	}
	return false
}

// release lets the parked steps go. The first one goes at once, and puts off the
// others by its lateness: they keep their spacing.
func (s *Scheduler) release(r *run, now time.Time) {
	parkedSteps := r.parked
	r.parked = nil
	var seen [2]bool
	for _, st := range parkedSteps {
		if st.phase != parked {
			continue
		}
		kind := 0
		if st.dated() {
			kind = 1
		}
		st.phase, st.released = waiting, !seen[kind] && now.After(st.spec.Due)
		seen[kind] = true
		s.await(st, st.spec.Due)
	}
}

func (s *Scheduler) unpause(r *run) {
	now := s.now()
	by := now.Sub(r.pausedAt)
	r.pausedAt = time.Time{}
	s.shift(r, by, false, now, nil)
	s.release(r, now)
}

// shift puts off what waits of a run, but for one step. What goes by a date is put
// off only where that is over.
func (s *Scheduler) shift(r *run, by time.Duration, fixed bool, now time.Time, but *step) {
	if by == 0 {
		return
	}
	told := wire.Shift{Run: r.Run, By: by}
	for _, st := range r.live {
		if st == but || st.phase > parked || st.dated() != fixed || fixed && st.spec.Due.After(now) {
			continue
		}
		st.spec.Due, st.base = st.spec.Due.Add(by), st.base.Add(by)
		if st.phase == waiting && st.place >= 0 {
			s.await(st, st.spec.Due)
		}
		if st.came {
			continue // its time, as the page knows it, has come
		}
		if told.Count > 0 && told.Step+told.Count != st.index {
			r.events.Shift(told)
			told.Count = 0
		}
		if told.Count == 0 {
			told.Step = st.index
		}
		told.Count++
	}
	if told.Count > 0 {
		r.events.Shift(told)
	}
}

// reschedule plans a waiting step for another time, and those that are spaced from
// it.
func (s *Scheduler) reschedule(st *step, at time.Time) {
	if st.phase > parked {
		return
	}
	if now := s.now(); at.Before(now) {
		at = now // it is not late for that
	}
	r, by := st.run, at.Sub(st.spec.Due)
	st.spec.Spacing = -1
	st.released = false
	st.base = st.base.Add(by)
	st.plan(at)
	if st.phase == pending {
		return
	}
	if st.phase == parked {
		st.phase = waiting
	}
	s.await(st, at)
	if r.sequential {
		return
	}
	for _, next := range r.live {
		if next.index <= st.index || next.phase == finished {
			continue
		}
		if next.spec.Spacing < 0 {
			return
		}
		if next.phase > parked {
			continue
		}
		next.base = next.base.Add(by)
		next.plan(next.spec.Due.Add(by))
		if next.phase == parked {
			next.phase = waiting
		}
		s.await(next, next.spec.Due)
	}
}

// interrupt tells what the end of a link leaves open, and takes back what must not
// wait for the next one.
func (s *Scheduler) interrupt(r *run) {
	for _, st := range r.live {
		switch {
		case st.phase == sent && st.ackedAt.IsZero() && st.spec.QoS > 0:
			r.events.Step(wire.Step{Run: r.Run, Step: st.index, State: wire.StepSent, Interrupted: true})
		case st.phase == handed && r.Offline != wire.OfflineWait:
			s.withdraw(st, r.offline())
		}
	}
}

// offline is the outcome of a step that must not wait for a link.
func (r *run) offline() *ending {
	e := &ending{wire.StepSkipped, &wire.Error{Code: wire.Offline, Retryable: true, Message: "there was no link when the step was due; it was not sent"}}
	if r.Offline == wire.OfflineFail {
		e.state = wire.StepFailed
	}
	return e
}

// shut ends a run whose client is closed.
func (s *Scheduler) shut(r *run, err *wire.Error) {
	r.closed = true
	s.endRest(r, wire.StepFailed, err)
}

// over ends what was not sent yet of a run whose deadline has passed.
func (s *Scheduler) over(r *run, now time.Time) bool {
	if r.Deadline.IsZero() || now.Before(r.Deadline) {
		return false
	}
	s.endRest(r, wire.StepSkipped, &wire.Error{Code: wire.Timeout, Message: "the deadline of the run passed before the step was sent"})
	return true
}

// endRest ends what was not sent yet of a run, and what waits for another attempt.
func (s *Scheduler) endRest(r *run, state wire.StepState, err *wire.Error) {
	r.ended = true
	s.removeUnsent(r)
	told := wire.Step{Run: r.Run, State: state, Err: err}
	live := append([]*step(nil), r.live...) // finish changes it
	for _, st := range live {
		switch {
		case st.phase == sent && st.delivered && r.closed:
			st.tell(wire.StepFailed, &wire.Error{Code: wire.TransportClosed, Message: "the client closed before the gate of the step opened"})
			s.finish(st)
			continue
		case st.phase >= handed: // its Delivery tells the rest, or has
			if st.phase == handed && !r.closed {
				s.withdraw(st, &ending{state, err})
			}
			continue
		case st.failure != nil && state != wire.StepCancelled:
			st.tell(failed(st.failure), st.failure)
			s.finish(st)
			continue
		}
		if told.Count > 0 && told.Step+told.Count != st.index {
			r.events.Step(told)
			told.Count = 0
		}
		if told.Count == 0 {
			told.Step = st.index
		}
		told.Count++
		s.finish(st)
	}
	if told.Count > 0 {
		r.events.Step(told)
	}
	r.parked = nil
}
