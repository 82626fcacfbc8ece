package delay

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iotwasm/wasm/internal/wire"
)

var (
	errClosed  = &wire.Error{Code: wire.ClientClosed}
	errLost    = &wire.Error{Code: wire.TransportClosed}
	errRefused = &wire.Error{Code: wire.PublishRefused}
)

// world is a Scheduler in virtual time, with a Sender, and a log of what it tells.
// Its times count from start.
type world struct {
	*testing.T
	s     Scheduler
	start time.Time
	set   atomic.Int64 // how far the wall clock was set
	link  sender
	recorder
}

// test runs f in a world, and then closes its clients: each step must have ended
// once, and nothing be left.
func test(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		w.finish()
	})
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, start: time.Now().Round(0)}
	w.s.clock = func() reading {
		return reading{wall: w.wall(), elapsed: time.Since(w.start)}
	}
	w.link = sender{world: w, rtt: -1, closed: make(map[uint32]bool)}
	w.recorder = recorder{world: w, steps: make(map[stepKey]*told)}
	return w
}

func (w *world) finish() {
	w.Helper()
	w.settle()
	for client := range uint32(4) {
		w.close(client)
	}
	synctest.Wait()
	w.check()
	if n := len(w.s.runs); n > 0 {
		w.Errorf("%d runs are left", n)
	}
	if w.s.queue.Len() > 0 || len(w.s.tasks) > 0 {
		w.Error("something waits")
	}
	if w.s.timer != nil && w.s.timer.Stop() {
		w.Error("the timer runs")
	}
}

// close closes a client as a Session does: first it settles what is open.
func (w *world) close(client uint32) {
	w.link.fail(client)
	w.s.Close(client, errClosed)
}

func (w *world) wall() time.Time { return time.Now().Round(0).Add(time.Duration(w.set.Load())) }

// jump sets the wall clock.
func (w *world) jump(by time.Duration) { w.set.Add(int64(by)) }

func (w *world) settle() { synctest.Wait() }

// pass lets time pass, and what is due then happen.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) at(d time.Duration) time.Time { return w.start.Add(d) }

// run starts a run; client and number default to 1.
func (w *world) run(d wire.Delay, steps ...wire.DelayStep) {
	d.Steps = steps
	if d.Client == 0 {
		d.Client = 1
	}
	if d.Run == 0 {
		d.Run = 1
	}
	w.started(d)
	w.s.Start(d, w.link.of(d.Client), &w.recorder)
}

func (w *world) control(verb wire.Verb, step uint32, at ...time.Duration) {
	c := wire.Control{Run: 1, Step: step, Verb: verb}
	if len(at) > 0 {
		c.At = w.at(at[0])
	}
	w.s.Control(c)
	w.settle()
}

func (w *world) linked(up bool) {
	w.s.Link(1, up)
	w.settle()
}

func (w *world) answer(step uint32, err *wire.Error) {
	w.s.Answer(wire.StepAnswer{Run: 1, Step: step, At: w.wall(), Err: err})
	w.settle()
}

func (w *world) payload(step uint32, text string) {
	w.s.Payload(wire.StepPayload{Run: 1, Step: step, Payload: []byte(text)})
	w.settle()
}

type option func(*wire.DelayStep)

// step is a step that is due after a time.
func (w *world) step(due time.Duration, options ...option) wire.DelayStep {
	st := wire.DelayStep{Due: w.at(due), Spacing: -1, Outgoing: wire.Outgoing{Topic: "t"}}
	for _, o := range options {
		o(&st)
	}
	return st
}

// spaced are steps of one spacing, the first of them due after it.
func (w *world) spaced(n int, spacing time.Duration, options ...option) []wire.DelayStep {
	steps := make([]wire.DelayStep, n)
	for i := range steps {
		steps[i] = w.step(time.Duration(i+1)*spacing, options...)
		steps[i].Spacing = spacing
	}
	return steps
}

func qos1(st *wire.DelayStep)  { st.QoS = 1 }
func fixed(st *wire.DelayStep) { st.Fixed = true }
func ask(st *wire.DelayStep)   { st.Ask = true }
func last(st *wire.DelayStep)  { st.Ask, st.Last = true, true }

func topic(name string) option       { return func(st *wire.DelayStep) { st.Topic = name } }
func spacing(d time.Duration) option { return func(st *wire.DelayStep) { st.Spacing = d } }
func every(d, most time.Duration) option {
	return func(st *wire.DelayStep) { st.Every, st.Jitter = d, most }
}

func gate(g wire.Gate, timeout time.Duration) option {
	return func(st *wire.DelayStep) { st.Gate, st.GateTimeout = g, timeout }
}

// sender is behind Senders that behave as a Session: they tell Sent at once, and
// Settled for QoS 0, unless it holds messages back.
type sender struct {
	world    *world
	mu       sync.Mutex
	holds    bool
	closed   map[uint32]bool
	rtt      time.Duration // negative: the test acknowledges
	err      *wire.Error   // with which it is
	messages []*message
	payloads []string
	times    []time.Duration // of sending, by the other clock
}

type message struct {
	wire.Outgoing
	client       uint32
	delivery     Delivery
	sentAt       time.Time
	held, closed bool
}

// session is the Sender of one client.
type session struct {
	*sender
	client uint32
}

func (l *sender) of(client uint32) session { return session{l, client} }

// Publish implements Sender.
func (l session) Publish(m wire.Outgoing, d Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed[l.client] {
		d.Settled(time.Time{}, wire.Acknowledgement{}, errClosed)
		return
	}
	msg := &message{Outgoing: m, client: l.client, delivery: d, held: l.holds}
	l.messages = append(l.messages, msg)
	l.payloads = append(l.payloads, string(m.Payload))
	if !l.holds {
		l.send(msg)
	}
}

// Withdraw implements Sender.
func (l *sender) Withdraw(d Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.messages {
		if m.delivery == d && m.held && !m.closed {
			m.settle(&wire.Error{Code: wire.Aborted})
		}
	}
}

// whileSending has the Scheduler call f, as its Sender, when the one step of run 2 is
// due.
func (w *world) whileSending(due time.Duration, f func()) {
	d := wire.Delay{Client: 1, Run: 2, Steps: []wire.DelayStep{w.step(due)}}
	w.started(d)
	w.s.Start(d, calling{w.link.of(1), f}, &w.recorder)
}

type calling struct {
	session
	call func()
}

func (c calling) Publish(m wire.Outgoing, d Delivery) {
	c.call()
	c.session.Publish(m, d)
}

func (l *sender) send(m *message) {
	m.held, m.sentAt = false, l.world.wall()
	l.times = append(l.times, time.Since(l.world.start))
	m.delivery.Sent(m.sentAt)
	switch {
	case m.QoS == 0:
		m.settle(nil)
	case l.rtt >= 0:
		time.AfterFunc(l.rtt, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			m.settle(l.err)
		})
	}
}

func (m *message) settle(err *wire.Error) {
	if m.closed {
		return
	}
	d := m.delivery
	m.closed, m.held = true, false
	m.Outgoing, m.delivery = wire.Outgoing{Topic: m.Topic}, nil
	d.Settled(m.sentAt, wire.Acknowledgement{}, err)
}

// hold has messages wait, as without a link, or go.
func (l *sender) hold(on bool) {
	l.mu.Lock()
	l.holds = on
	for _, m := range l.messages {
		if !on && m.held {
			l.send(m)
		}
	}
	l.mu.Unlock()
	l.world.settle()
}

// ack settles the nth message.
func (l *sender) ack(n int, err *wire.Error) {
	l.mu.Lock()
	l.messages[n].settle(err)
	l.mu.Unlock()
	l.world.settle()
}

// fail settles all that is open of a client that is closed.
func (l *sender) fail(client uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed[client] = true
	for _, m := range l.messages {
		switch {
		case m.client != client:
		case m.sentAt.IsZero():
			m.settle(errClosed)
		default:
			m.settle(errLost)
		}
	}
}

type stepKey struct{ run, step uint32 }

// told is what was told of a step.
type told struct {
	spec    wire.DelayStep
	planned time.Time
	last    wire.Step
	final   bool
}

// recorder is Events: it keeps a log, one line each, and looks after the states.
type recorder struct {
	world *world
	mu    sync.Mutex
	log   []string
	quiet bool // no log
	steps map[stepKey]*told
}

func (r *recorder) started(d wire.Delay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := uint32(0)
	for _, st := range d.Steps {
		index += st.Skip
		r.steps[stepKey{d.Run, index}] = &told{spec: st, planned: st.Due}
		index++
	}
}

var stateNames = [...]string{"waiting", "due", "asked", "sent", "acknowledged", "accepted", "rejected", "failed", "skipped", "cancelled"}

// Step implements Events.
func (r *recorder) Step(s wire.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := ""
	if !r.quiet {
		line = r.line(s)
	}
	r.note(s.Run, line)
	for i := range max(1, s.Count) {
		st := r.told(s.Run, s.Step+i, line)
		if st == nil {
			continue
		}
		if s.State == wire.StepSent && !s.Interrupted && st.last.SentAt.IsZero() && s.SentAt.Before(st.planned) && r.world.set.Load() == 0 {
			r.world.Errorf("%v too early: run %d, step %d", st.planned.Sub(s.SentAt), s.Run, s.Step)
		}
		st.last = s
		if !s.PlannedAt.IsZero() {
			st.planned = s.PlannedAt
		}
		answers := st.spec.Gate == wire.GateAnswer
		st.final = s.State >= wire.StepAccepted || s.State == wire.StepAcknowledged && !answers || s.State == wire.StepSent && st.spec.QoS == 0 && !answers
	}
}

func (r *recorder) line(s wire.Step) string {
	text := steps(s.Step, s.Count) + " " + stateNames[s.State]
	if !s.PlannedAt.IsZero() {
		text += " at " + s.PlannedAt.Sub(r.world.start).String()
	}
	if s.Interrupted {
		text += " interrupted"
	}
	if s.Err != nil {
		text += " " + string(s.Err.Code)
	}
	return text
}

// Shift implements Events.
func (r *recorder) Shift(s wire.Shift) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := "shift " + steps(s.Step, s.Count) + " by " + s.By.String()
	r.note(s.Run, line)
	for i := range s.Count {
		if st := r.told(s.Run, s.Step+i, line); st != nil {
			st.planned = st.planned.Add(s.By)
		}
	}
}

// Repeat implements Events.
func (r *recorder) Repeat(p wire.Repeat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("repeat %d of %d at %v", p.Step, p.Of, p.PlannedAt.Sub(r.world.start))
	r.note(p.Run, line)
	of := r.steps[stepKey{p.Run, p.Of}]
	if of == nil || r.steps[stepKey{p.Run, p.Step}] != nil {
		r.world.Errorf("unexpected: %s", line)
		return
	}
	r.steps[stepKey{p.Run, p.Step}] = &told{spec: of.spec, planned: p.PlannedAt}
}

func steps(first, count uint32) string {
	if count > 1 {
		return fmt.Sprintf("%d-%d", first, first+count-1)
	}
	return fmt.Sprint(first)
}

func (r *recorder) note(run uint32, line string) {
	if r.quiet {
		return
	}
	if run != 1 {
		line = fmt.Sprintf("run %d: %s", run, line)
	}
	r.log = append(r.log, time.Since(r.world.start).String()+" "+line)
}

// told returns what was told of a step that has not ended.
func (r *recorder) told(run, step uint32, line string) *told {
	st := r.steps[stepKey{run, step}]
	if st == nil || st.final {
		r.world.Errorf("of a step that ended, or never was: run %d, step %d: %s", run, step, line)
		return nil
	}
	return st
}

// expect compares the log since the last call.
func (r *recorder) expect(lines ...string) {
	r.world.Helper()
	r.world.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.log, lines) {
		r.world.Errorf("told:\n\t%s\nwant:\n\t%s", strings.Join(r.log, "\n\t"), strings.Join(lines, "\n\t"))
	}
	r.log = nil
}

// forget drops the log.
func (r *recorder) forget() {
	r.world.settle()
	r.mu.Lock()
	r.log = nil
	r.mu.Unlock()
}

// check finds steps that have not ended.
func (r *recorder) check() {
	r.world.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, st := range r.steps {
		if !st.final {
			r.world.Errorf("run %d, step %d ended as %s", key.run, key.step, stateNames[st.last.State])
		}
	}
}

// sentAt is when the steps of the run were sent, in the order of their numbers.
func (w *world) sentAt() []time.Duration {
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	var at []time.Duration
	for i := uint32(0); w.steps[stepKey{1, i}] != nil; i++ {
		d := time.Duration(-1)
		if s := w.steps[stepKey{1, i}].last.SentAt; !s.IsZero() {
			d = s.Sub(w.start)
		}
		at = append(at, d)
	}
	return at
}

func (w *world) expectSent(want ...time.Duration) {
	w.Helper()
	if got := w.sentAt(); !slices.Equal(got, want) {
		w.Errorf("sent at %v, want %v", got, want)
	}
}
