package delay

import (
	"container/heap"
	"sync"
	"time"

	"iotwasm/wasm/internal/wire"
)

const (
	// maxSleep is the longest the timer waits before it looks at the clock again.
	maxSleep = time.Second
	// lateAfter is how late a step may be for the steps after it to keep their
	// times: a timer is some ms late, a machine that slept is later than this.
	lateAfter = maxSleep + maxSleep/2
	// maxStepBack is how far a clock may be set back unnoticed.
	maxStepBack = maxSleep / 2
	// askLimit bounds the page's answer to a question for a payload.
	askLimit = 30 * time.Second
	// maxRetryDelay bounds the doubling of a run's RetryDelay.
	maxRetryDelay = time.Minute
)

// Delivery hears what becomes of a message. Any goroutine may call it.
type Delivery interface {
	// Sent tells that it was handed to the connection for the first time.
	Sent(at time.Time)
	// Settled tells the outcome, once. sentAt is zero where it was never sent.
	Settled(sentAt time.Time, a wire.Acknowledgement, err *wire.Error)
}

// Sender publishes the messages of a run.
type Sender interface {
	// Publish sends m, after what was published before it. It must not wait.
	Publish(m wire.Outgoing, d Delivery)
	// Withdraw takes back the message of d where it was not sent yet; its Settled
	// then tells an error.
	Withdraw(d Delivery)
}

// Events hears of each change of a run, with the Scheduler's lock held: it must not
// call back.
type Events interface {
	Step(wire.Step)
	Shift(wire.Shift)
	Repeat(wire.Repeat)
}

// Scheduler runs delayed publishes. The zero value is ready.
type Scheduler struct {
	mu     sync.Mutex
	queue  queue
	runs   map[uint32]*run
	down   map[uint32]bool // clients that have no link
	things map[thingKey]*thing
	tasks  []task
	serial uint64
	timer  *time.Timer
	busy   bool // the timer's goroutine is on its way, and sets the timer itself
	seen   reading
	clock  func() reading // nil: the machine's
}

// reading is what the clocks show: the wall clock, which may be set, and the time
// that has passed, which may stand still while the machine sleeps.
type reading struct {
	wall    time.Time
	elapsed time.Duration
}

// task is a call to a Sender: not made with the Scheduler's lock held, since its
// Delivery takes that.
type task struct {
	attempt  *attempt
	withdraw bool
}

// Start begins a run.
func (s *Scheduler) Start(d wire.Delay, sender Sender, events Events) {
	defer s.enter()()
	r := newRun(d, sender, events, s.now())
	s.runs[d.Run] = r
	for i, st := range r.live {
		s.serial++
		st.serial = s.serial
		if r.sequential && i > 0 {
			st.phase = pending
			s.rest(st)
			continue
		}
		s.await(st, st.spec.Due)
	}
}

// Control carries out what the page asks of a run.
func (s *Scheduler) Control(c wire.Control) {
	defer s.enter()()
	r := s.runs[c.Run]
	if r == nil {
		return
	}
	switch c.Verb {
	case wire.Cancel:
		if c.Step == wire.AllSteps {
			s.endRest(r, wire.StepCancelled, nil)
		} else if st := r.find(c.Step); st != nil {
			s.end(st, wire.StepCancelled, nil)
		}
	case wire.Pause:
		if r.pausedAt.IsZero() {
			r.pausedAt = s.now()
		}
	case wire.Unpause:
		if !r.pausedAt.IsZero() {
			s.unpause(r)
		}
	case wire.Reschedule:
		if st := r.find(c.Step); st != nil {
			s.reschedule(st, c.At)
		}
	}
}

// Payload takes the payload of a step that the page was asked for, or will be. For
// another attempt it is asked anew: what comes before that is of the last one.
func (s *Scheduler) Payload(p wire.StepPayload) {
	defer s.enter()()
	st := s.find(p.Run, p.Step)
	if st == nil || st.phase > asked || st.phase < asked && st.failure != nil {
		return
	}
	st.spec.Payload, st.ready = p.Payload, true
	switch r := st.run; {
	case st.phase < asked:
	case st.spec.Last && !s.down[r.Client] && r.pausedAt.IsZero():
		s.hand(st, s.now())
	default:
		s.leave(st)
		s.come(st, s.now())
	}
}

// Answer takes the answer of a step's gate, or the page's failure to give a payload.
func (s *Scheduler) Answer(a wire.StepAnswer) {
	defer s.enter()()
	st := s.find(a.Run, a.Step)
	switch {
	case st == nil || st.phase != asked && (st.phase != sent || st.spec.Gate != wire.GateAnswer):
	case a.Err != nil:
		s.fail(st, a.Err)
	case st.phase == sent:
		s.remove(st) // the time of the gate
		st.answeredAt = a.At
		s.conclude(st)
	}
}

// Link tells that a client has a link now, or has none any more.
func (s *Scheduler) Link(client uint32, up bool) {
	defer s.enter()()
	if s.down[client] == !up {
		return
	}
	s.down[client] = !up
	for _, r := range s.runs {
		if r.Client != client {
			continue
		}
		if up {
			s.release(r, s.now())
		} else {
			s.interrupt(r)
		}
	}
}

// Close ends the runs of a client with err. What is unacknowledged its Delivery
// settles.
func (s *Scheduler) Close(client uint32, err *wire.Error) {
	defer s.enter()()
	for _, r := range s.runs {
		if r.Client == client {
			s.shut(r, err)
		}
	}
	delete(s.down, client)
	for k := range s.things {
		if k.client == client {
			delete(s.things, k)
		}
	}
}

// enter locks the Scheduler and looks at the clock; what it returns sets the timer
// and unlocks it.
func (s *Scheduler) enter() func() {
	s.mu.Lock()
	if s.runs == nil {
		s.runs, s.down, s.things = make(map[uint32]*run), make(map[uint32]bool), make(map[thingKey]*thing)
	}
	s.watchClock()
	return func() {
		s.set()
		s.mu.Unlock()
	}
}

func (s *Scheduler) find(run, index uint32) *step {
	if r := s.runs[run]; r != nil {
		return r.find(index)
	}
	return nil
}

// set sets the timer for what is next. The lock is held.
func (s *Scheduler) set() {
	if s.busy {
		return
	}
	if s.queue.Len() == 0 && len(s.tasks) == 0 {
		if s.timer != nil {
			s.timer.Stop()
		}
		return
	}
	wait := time.Duration(0)
	if len(s.tasks) == 0 {
		wait = max(0, min(s.queue[0].wake.Sub(s.now()), maxSleep))
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.work)
	} else {
		s.timer.Reset(wait)
	}
}

// work does what is due. It is the timer's, and the only caller of Senders.
func (s *Scheduler) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return
	}
	s.busy = true
	s.watchClock()
	s.send()
	for s.queue.Len() > 0 {
		st, now := s.queue[0], s.now()
		if st.wake.After(now) {
			break
		}
		s.remove(st)
		s.woken(st, now)
		s.send()
	}
	s.busy = false
	s.set()
}

// send carries out the tasks.
func (s *Scheduler) send() {
	for i := 0; i < len(s.tasks); i++ {
		a, withdraw := s.tasks[i].attempt, s.tasks[i].withdraw
		st, taken := a.step, a.ending != nil
		s.mu.Unlock()
		switch {
		case withdraw:
			st.run.sender.Withdraw(a)
		case taken: // before it was published
			a.Settled(time.Time{}, wire.Acknowledgement{}, &wire.Error{Code: wire.Aborted})
		default:
			st.run.sender.Publish(a.message, a)
		}
		s.mu.Lock()
		if st.attempt == a && st.phase == handed && !withdraw {
			st.tell(wire.StepDue, nil)
		}
	}
	clear(s.tasks) // the memory of what they held is free
	s.tasks = s.tasks[:0]
}

// watchClock notices a clock that was set back, by which what does not go by a
// date would be too late.
func (s *Scheduler) watchClock() {
	now := s.read()
	back := now.wall.Sub(s.seen.wall) - (now.elapsed - s.seen.elapsed)
	s.seen = now
	if back > -maxStepBack {
		return
	}
	for _, r := range s.runs {
		r.began = r.began.Add(back)
		if !r.pausedAt.IsZero() {
			r.pausedAt = r.pausedAt.Add(back)
		}
		for _, st := range r.live {
			if st.phase > parked && st.place >= 0 && !st.wake.Equal(r.Deadline) {
				s.await(st, st.wake.Add(back))
			}
		}
		s.shift(r, back, false, now.wall, nil)
	}
	for _, t := range s.things {
		for i := range t.slots {
			t.slots[i] = t.slots[i].Add(back)
		}
	}
}

func (s *Scheduler) read() reading {
	if s.clock != nil {
		return s.clock()
	}
	t := time.Now()
	return reading{wall: t.Round(0), elapsed: t.Sub(origin)}
}

// origin is where elapsed time counts from.
var origin = time.Now()

// now is the wall clock's time, without the reading of the other that Go adds.
func (s *Scheduler) now() time.Time { return s.read().wall }

// await lets st wait for a moment, or for the deadline of its run.
func (s *Scheduler) await(st *step, until time.Time) {
	st.wake = until
	if d := st.run.Deadline; !d.IsZero() && st.phase < sent && d.Before(until) {
		st.wake = d
	}
	if st.place < 0 {
		heap.Push(&s.queue, st)
	} else {
		heap.Fix(&s.queue, st.place)
	}
}

// rest lets st wait for nothing but the deadline of its run.
func (s *Scheduler) rest(st *step) {
	if d := st.run.Deadline; !d.IsZero() {
		s.await(st, d)
	} else {
		s.remove(st)
	}
}

func (s *Scheduler) remove(st *step) {
	if st.place >= 0 {
		heap.Remove(&s.queue, st.place)
	}
}

// removeUnsent takes what was not sent of a run out of the queue, all at once.
func (s *Scheduler) removeUnsent(r *run) {
	kept := s.queue[:0]
	for _, st := range s.queue {
		if st.run == r && st.phase < handed {
			st.place = -1
			continue
		}
		st.place = len(kept)
		kept = append(kept, st)
	}
	clear(s.queue[len(kept):])
	s.queue = kept
	heap.Init(&s.queue)
}

// queue is a heap of the steps that wait for a moment, the next first.
type queue []*step

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	if !q[i].wake.Equal(q[j].wake) {
		return q[i].wake.Before(q[j].wake)
	}
	return q[i].serial < q[j].serial
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue) Push(x any) {
	st := x.(*step)
	st.place = len(*q)
	*q = append(*q, st)
}

func (q *queue) Pop() any {
	old := *q
	st := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	st.place = -1
	return st
}
