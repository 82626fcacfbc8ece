// Package delay owns delayed publish: runs of steps, each with a time, and the
// one timer that waits for all of them.
//
// Times are those of the wall clock. The timer is set anew at least every
// maxSleep, so that a clock that was changed, or a machine that slept, is noticed.
// Steps that are due together go out in the order of their times, and for one
// time in the order they were given.
//
// Any goroutine may call a Scheduler. Send is called from the timer's goroutine,
// one step at a time and without the Scheduler's lock held; Changed from there,
// from whoever calls the Scheduler, and from whatever settles a message. It
// imports wire for its vocabulary.
package delay

import (
	"container/heap"
	"sync"
	"time"

	"iotwasm/wasm/internal/wire"
)

// maxSleep is the longest the timer waits before it looks at the clock again.
const maxSleep = time.Second

// Run is a series of delayed publishes.
type Run struct {
	ID uint32
	// Owner is the client that Fail names.
	Owner uint32
	Steps []wire.DelayStep
	// Send publishes a step whose time has come. It must not wait, and reports
	// through the functions it is given.
	Send func(m wire.Outgoing, sent func(at time.Time), settled func(sentAt time.Time, err *wire.Error))
	// Changed hears of each change of a step.
	Changed func(wire.Step)
}

// Scheduler runs delayed publishes. The zero value is ready.
type Scheduler struct {
	mu      sync.Mutex
	waiting queue
	serial  uint64
	timer   *time.Timer
	sending bool // sendDue is on its way, and sets the timer itself
}

type step struct {
	run    *Run
	index  int
	due    time.Time
	serial uint64
}

// Start begins a run.
func (s *Scheduler) Start(r *Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range r.Steps {
		s.serial++
		heap.Push(&s.waiting, &step{run: r, index: i, due: r.Steps[i].Due.Round(0), serial: s.serial})
	}
	s.set()
}

// Cancel cancels a waiting step of a run, or with wire.AllSteps all of them.
func (s *Scheduler) Cancel(run, index uint32) {
	s.settle(wire.Step{State: wire.StepCancelled}, func(st *step) bool {
		return st.run.ID == run && (index == wire.AllSteps || int(index) == st.index)
	})
}

// Fail settles the waiting steps of an owner's runs with err.
func (s *Scheduler) Fail(owner uint32, err *wire.Error) {
	s.settle(wire.Step{State: wire.StepFailed, Err: err}, func(st *step) bool { return st.run.Owner == owner })
}

// settle takes the chosen steps out of the queue and tells their outcome, in the
// order of their times.
func (s *Scheduler) settle(outcome wire.Step, chosen func(*step) bool) {
	s.mu.Lock()
	var settled, kept []*step
	for s.waiting.Len() > 0 {
		if st := heap.Pop(&s.waiting).(*step); chosen(st) {
			settled = append(settled, st)
		} else {
			kept = append(kept, st)
		}
	}
	s.waiting = kept // in order, and so a heap
	s.set()
	s.mu.Unlock()
	for _, st := range settled {
		outcome.Run, outcome.Step = st.run.ID, uint32(st.index)
		st.run.Changed(outcome)
	}
}

// set sets the timer for the step that is due next. The lock is held.
func (s *Scheduler) set() {
	switch {
	case s.sending:
	case s.waiting.Len() == 0:
		if s.timer != nil {
			s.timer.Stop()
		}
	default:
		wait := max(0, min(s.waiting[0].wait(), maxSleep))
		if s.timer == nil {
			s.timer = time.AfterFunc(wait, s.sendDue)
		} else {
			s.timer.Reset(wait)
		}
	}
}

// sendDue sends the steps whose time has come.
func (s *Scheduler) sendDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sending {
		return
	}
	s.sending = true
	for s.waiting.Len() > 0 && s.waiting[0].wait() <= 0 {
		st := heap.Pop(&s.waiting).(*step)
		s.mu.Unlock()
		st.send()
		s.mu.Lock()
	}
	s.sending = false
	s.set()
}

// wait is how long the step still waits, by the wall clock.
func (st *step) wait() time.Duration { return st.due.Sub(time.Now().Round(0)) }

func (st *step) send() {
	r, id := st.run, uint32(st.index)
	m := r.Steps[st.index].Outgoing
	r.Steps[st.index].Outgoing = wire.Outgoing{} // the payload's memory is free once sent
	r.Send(m,
		func(at time.Time) {
			r.Changed(wire.Step{Run: r.ID, Step: id, State: wire.StepSent, SentAt: at})
		},
		func(sentAt time.Time, err *wire.Error) {
			switch {
			case err != nil:
				r.Changed(wire.Step{Run: r.ID, Step: id, State: wire.StepFailed, SentAt: sentAt, Err: err})
			case m.QoS > 0:
				r.Changed(wire.Step{Run: r.ID, Step: id, State: wire.StepAcknowledged, SentAt: sentAt, AcknowledgedAt: time.Now()})
			}
		})
}

// queue is a heap of the waiting steps, the next first.
type queue []*step

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].serial < q[j].serial
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *queue) Push(x any) { *q = append(*q, x.(*step)) }

func (q *queue) Pop() any {
	old := *q
	st := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return st
}
