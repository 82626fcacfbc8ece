package delay

import (
	"math/rand/v2"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// phase is where a step is. Up to parked its time can be changed; up to handed it
// can be ended.
type phase byte

const (
	waiting phase = iota // for its time
	pending              // for the gate of the step before it
	parked               // its time has come during a pause, or without a link
	asked                // the page is asked for its payload
	queued               // for its thing's requests to be answered
	paced                // for its thing's rate
	handed               // to the Sender
	sent
	finished
)

// step is one message of a run.
type step struct {
	run    *run
	spec   wire.DelayStep
	index  uint32
	serial uint64
	phase  phase

	wake  time.Time
	place int // in the queue; negative: it is not there

	base     time.Time     // its time without the jitter of a repetition
	late     time.Duration // that it put the others off by
	came     bool          // its time did, once
	released bool          // it was parked, and the first to go
	ready    bool          // the page gave its payload
	opened   bool          // its gate did

	tries           uint32      // that failed
	failure         *wire.Error // of the last one, where another one is to come
	attempt         *attempt
	sentAt, ackedAt time.Time
	delivered       bool // settled without an error
	answeredAt      time.Time
	thing           *thing // whose limits it waits for, or counts in
	inFlight        bool   // it counts there
}

// attempt is one sending of a step.
type attempt struct {
	scheduler *Scheduler
	step      *step
	message   wire.Outgoing
	ending    *ending // where it is withdrawn
}

// ending is what a step that was not sent ends as.
type ending struct {
	state wire.StepState
	err   *wire.Error
}

// tell reports the state of the step.
func (st *step) tell(state wire.StepState, err *wire.Error) {
	st.run.events.Step(wire.Step{Run: st.run.Run, Step: st.index, State: state, SentAt: st.sentAt, AcknowledgedAt: st.ackedAt, Err: err})
}

// dated reports whether the step's time is a date; that of another attempt is none.
func (st *step) dated() bool { return st.spec.Fixed && st.failure == nil }

// plan gives the step another time.
func (st *step) plan(due time.Time) {
	if due.Equal(st.spec.Due) {
		return
	}
	st.spec.Due = due
	st.run.events.Step(wire.Step{Run: st.run.Run, Step: st.index, State: wire.StepWaiting, PlannedAt: due})
}

// woken goes on with a step that waited for this moment.
func (s *Scheduler) woken(st *step, now time.Time) {
	if st.phase < sent && s.over(st.run, now) {
		return
	}
	switch st.phase {
	case waiting:
		s.come(st, now)
	case paced:
		s.admit(st.thing, now)
	case asked:
		s.fail(st, &wire.Error{Code: wire.Timeout, Message: "the payload function gave nothing within 30 s", Retryable: true})
	case sent:
		s.fail(st, &wire.Error{Code: wire.Timeout, Message: "the gate of the step did not open in time; what the server did is unknown", Retryable: true})
	}
}

// come takes a step whose time has come as far as it can go.
func (s *Scheduler) come(st *step, now time.Time) {
	r := st.run
	down := s.down[r.Client]
	if !r.pausedAt.IsZero() || down && r.Offline == wire.OfflineWait {
		if r.pausedAt.IsZero() && (st.dated() || !r.waits()) {
			st.tell(wire.StepDue, nil)
		}
		if st.phase > parked {
			st.spec.Due = r.clock(now) // it is late only from here
		}
		s.park(st)
		return
	}
	if !st.came || st.released {
		due := st.spec.Due
		if r.began.After(due) {
			due = r.began // a date that was over when the run began
		}
		if late := now.Sub(due); late > lateAfter || st.released && late > 0 {
			st.late = late
			s.shift(r, late, st.dated(), now, st)
		}
	}
	if !st.came && st.spec.Every > 0 && !r.sequential {
		s.repeat(st, time.Time{})
	}
	st.came, st.released = true, false
	switch {
	case down:
		if e := r.offline(); e.state == wire.StepFailed {
			s.fail(st, e.err)
		} else {
			s.end(st, e.state, e.err)
		}
	case st.spec.Ask && !st.spec.Last && !st.ready:
		s.ask(st, now)
	default:
		s.pace(st, now)
	}
}

// ask asks the page for the payload of a step.
func (s *Scheduler) ask(st *step, now time.Time) {
	st.phase = asked
	st.tell(wire.StepAsked, nil)
	s.await(st, now.Add(askLimit))
}

// hand gives a step to the Sender.
func (s *Scheduler) hand(st *step, now time.Time) {
	r := st.run
	if s.over(r, now) {
		return
	}
	if st.thing != nil && !st.inFlight {
		st.thing.inFlight++
		st.inFlight = true
	}
	if st.spec.Last && !st.ready {
		s.ask(st, now)
		return
	}
	st.phase = handed
	m := st.spec.Outgoing
	if d := r.Deadline; !d.IsZero() {
		m.Properties = expiring(m.Properties, d.Sub(now))
	}
	st.attempt = &attempt{scheduler: s, step: st, message: m}
	s.rest(st)
	s.tasks = append(s.tasks, task{attempt: st.attempt})
	if st.spec.Gate == wire.GateNone {
		at := st.spec.Due
		if st.late > 0 || now.Sub(at) > lateAfter {
			at = now
		}
		s.open(st, at)
	}
}

// Sent implements Delivery.
func (a *attempt) Sent(at time.Time) {
	s, st := a.scheduler, a.step
	defer s.enter()()
	if st.attempt != a || st.phase != handed {
		return
	}
	s.remove(st)
	a.message = wire.Outgoing{}
	st.phase, st.sentAt = sent, at
	st.tell(wire.StepSent, nil)
	if st.spec.Gate == wire.GateSent {
		s.open(st, at)
	} else if st.spec.GateTimeout > 0 {
		s.await(st, at.Round(0).Add(st.spec.GateTimeout))
	}
}

// Settled implements Delivery.
func (a *attempt) Settled(sentAt time.Time, _ wire.Acknowledgement, err *wire.Error) {
	s, st := a.scheduler, a.step
	defer s.enter()()
	if st.attempt != a {
		return
	}
	if err != nil {
		if e := a.ending; e != nil && sentAt.IsZero() {
			if e.state != wire.StepFailed {
				s.settle(st, e.state, e.err)
				return
			}
			err = e.err
		}
		if err.Code == wire.ClientClosed && !st.run.closed {
			s.shut(st.run, err)
		}
		s.fail(st, err)
		return
	}
	st.delivered = true
	if st.spec.QoS > 0 {
		st.ackedAt = s.now()
		if st.spec.Gate == wire.GateAnswer && st.answeredAt.IsZero() {
			st.tell(wire.StepAcknowledged, nil)
		}
	}
	s.conclude(st)
}

// conclude ends a step that was sent where nothing is missing any more.
func (s *Scheduler) conclude(st *step) {
	if !st.delivered || st.spec.Gate == wire.GateAnswer && st.answeredAt.IsZero() {
		return
	}
	at, state := st.ackedAt, wire.StepAcknowledged
	if st.spec.Gate == wire.GateAnswer {
		state = wire.StepAccepted
		if st.answeredAt.After(at) {
			at = st.answeredAt
		}
	}
	if st.spec.QoS > 0 || state == wire.StepAccepted {
		st.tell(state, nil)
	}
	s.open(st, at)
	s.finish(st)
}

// fail takes a failure: the step goes again, or ends.
func (s *Scheduler) fail(st *step, err *wire.Error) {
	r := st.run
	most := r.Retries
	if err.Code == wire.ShadowRejected && err.Retryable {
		most = max(most, r.Throttled)
	}
	if st.tries < most && !r.ended && err.Code != wire.InvalidArgument {
		wait := r.RetryDelay
		if wait < maxRetryDelay {
			wait = min(wait<<min(st.tries, 16), maxRetryDelay)
		}
		st.tries++
		st.phase, st.attempt, st.failure, st.ready, st.delivered = waiting, nil, err, false, false
		st.ackedAt, st.answeredAt = time.Time{}, time.Time{}
		st.tell(wire.StepWaiting, err)
		st.spec.Due = r.clock(s.now()).Add(wait)
		s.await(st, st.spec.Due)
		s.leave(st)
		return
	}
	if r.OnFailure == wire.FailureContinue || r.ended {
		s.settle(st, failed(err), err)
		return
	}
	st.tell(failed(err), err)
	s.finish(st)
	s.endRest(r, wire.StepSkipped, err)
}

// failed is the state in which a step ends that failed of err.
func failed(err *wire.Error) wire.StepState {
	if err.Code == wire.ShadowRejected {
		return wire.StepRejected
	}
	return wire.StepFailed
}

// end ends a step that was not sent. One that was gets no other attempt.
func (s *Scheduler) end(st *step, state wire.StepState, err *wire.Error) {
	st.tries = ^uint32(0)
	switch {
	case st.phase < handed:
		s.settle(st, state, err)
	case st.phase == handed:
		s.withdraw(st, &ending{state, err})
	}
}

// withdraw takes a step back from the Sender, once; whether in time, its Delivery
// tells.
func (s *Scheduler) withdraw(st *step, e *ending) {
	if st.attempt.ending != nil {
		return
	}
	st.attempt.ending = e
	s.remove(st)
	s.tasks = append(s.tasks, task{attempt: st.attempt, withdraw: true})
}

// settle ends a step, and gives its turn to the next.
func (s *Scheduler) settle(st *step, state wire.StepState, err *wire.Error) {
	st.tell(state, err)
	if st.phase != pending {
		s.open(st, s.now())
	}
	s.finish(st)
}

// expiring returns properties with which a message expires when its deadline
// comes, unless it has an expiry of its own.
func expiring(p *packets.Properties, left time.Duration) *packets.Properties {
	if p != nil && p.MessageExpiry != nil {
		return p
	}
	var with packets.Properties
	if p != nil {
		with = *p
	}
	seconds := uint32(max(1, min((left+time.Second-1)/time.Second, 1<<32-1)))
	with.MessageExpiry = &seconds
	return &with
}

func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(most) + 1))
}
