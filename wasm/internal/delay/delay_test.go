package delay

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"iotwasm/wasm/internal/wire"
)

// record is a run whose messages go nowhere: it notes when each was sent.
type record struct {
	run     *Run
	start   time.Time
	topics  []string
	sentAt  []time.Duration
	changes []wire.Step
	settle  []func(sentAt time.Time, err *wire.Error)
}

// newRecord returns a run of steps that are due after the durations.
func newRecord(qos byte, due ...time.Duration) *record {
	r := &record{start: time.Now()}
	r.run = &Run{ID: 7, Owner: 3, Changed: func(c wire.Step) { r.changes = append(r.changes, c) }}
	for i, d := range due {
		r.run.Steps = append(r.run.Steps, wire.DelayStep{Due: r.start.Add(d), Outgoing: wire.Outgoing{Topic: string('a' + rune(i)), QoS: qos}})
	}
	r.run.Send = func(m wire.Outgoing, sent func(time.Time), settled func(time.Time, *wire.Error)) {
		r.topics = append(r.topics, m.Topic)
		r.sentAt = append(r.sentAt, time.Since(r.start))
		sent(time.Now())
		r.settle = append(r.settle, settled)
	}
	return r
}

func start(s *Scheduler, qos byte, due ...time.Duration) *record {
	r := newRecord(qos, due...)
	s.Start(r.run)
	return r
}

func (r *record) states() []wire.StepState {
	var out []wire.StepState
	for _, c := range r.changes {
		out = append(out, c.State)
	}
	return out
}

func TestStepsGoOutAtTheirTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := start(&s, 0, 2*time.Second, time.Second, 0, time.Hour)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if want := []string{"c", "b", "a", "d"}; !slices.Equal(r.topics, want) {
			t.Errorf("order %v, want %v", r.topics, want)
		}
		if want := []time.Duration{0, time.Second, 2 * time.Second, time.Hour}; !slices.Equal(r.sentAt, want) {
			t.Errorf("sent at %v, want %v", r.sentAt, want)
		}
	})
}

func TestStepsOfOneTimeKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		due := make([]time.Duration, 26)
		for i := range due {
			due[i] = time.Second
		}
		r := start(&s, 0, due...)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !slices.IsSorted(r.topics) || len(r.topics) != len(due) {
			t.Errorf("order %v", r.topics)
		}
	})
}

func TestALaterRunMayBeDueFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		late := start(&s, 0, time.Minute)
		time.Sleep(time.Second)
		early := start(&s, 0, 1500*time.Millisecond)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if late.sentAt[0] != time.Minute || early.sentAt[0] != 1500*time.Millisecond {
			t.Errorf("sent after %v and %v", late.sentAt[0], early.sentAt[0])
		}
	})
}

func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := start(&s, 1, 0, 0)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		sentAt := time.Now()
		time.Sleep(time.Second)
		r.settle[0](sentAt, nil)
		refused := &wire.Error{Code: wire.PublishRefused}
		r.settle[1](sentAt, refused)
		if want := []wire.StepState{wire.StepSent, wire.StepSent, wire.StepAcknowledged, wire.StepFailed}; !slices.Equal(r.states(), want) {
			t.Fatalf("states %v, want %v", r.states(), want)
		}
		if c := r.changes[2]; c.Run != 7 || c.Step != 0 || !c.SentAt.Equal(sentAt) || c.AcknowledgedAt.Sub(sentAt) != time.Second {
			t.Errorf("acknowledged: %+v", c)
		}
		if c := r.changes[3]; c.Step != 1 || c.Err != refused {
			t.Errorf("failed: %+v", c)
		}
	})
}

func TestQoS0EndsAsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := start(&s, 0, 0)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		r.settle[0](time.Now(), nil)
		if want := []wire.StepState{wire.StepSent}; !slices.Equal(r.states(), want) {
			t.Errorf("states %v, want %v", r.states(), want)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := start(&s, 0, time.Second, 2*time.Second, 3*time.Second, 4*time.Second)
		other := newRecord(0, 5*time.Second)
		other.run.ID = 8
		s.Start(other.run)
		s.Cancel(7, 1)
		s.Cancel(7, 1) // again: it is gone
		s.Cancel(99, wire.AllSteps)
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		s.Cancel(7, 0) // was sent: nothing to cancel
		s.Cancel(7, wire.AllSteps)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"a"}; !slices.Equal(r.topics, want) {
			t.Errorf("sent %v, want %v", r.topics, want)
		}
		var cancelled []uint32
		for _, c := range r.changes {
			if c.State == wire.StepCancelled {
				cancelled = append(cancelled, c.Step)
			}
		}
		if want := []uint32{1, 2, 3}; !slices.Equal(cancelled, want) {
			t.Errorf("cancelled %v, want %v", cancelled, want)
		}
		if len(other.topics) != 1 {
			t.Error("another run was cancelled along")
		}
	})
}

func TestFailEndsOnlyItsOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := start(&s, 0, time.Second, time.Hour)
		other := newRecord(0, time.Hour)
		other.run.Owner = 4
		s.Start(other.run)
		closed := &wire.Error{Code: wire.ClientClosed}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.Fail(3, closed)
		if want := []wire.StepState{wire.StepSent, wire.StepFailed}; !slices.Equal(r.states(), want) || r.changes[1].Err != closed {
			t.Errorf("changes %+v", r.changes)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(r.topics) != 1 || len(other.topics) != 1 {
			t.Errorf("sent %v and %v", r.topics, other.topics)
		}
	})
}

// A step's Send may start and cancel runs.
func TestTheSchedulerMayBeCalledFromSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		r := newRecord(0, time.Second, time.Second)
		send := r.run.Send
		var next *record
		r.run.Send = func(m wire.Outgoing, sent func(time.Time), settled func(time.Time, *wire.Error)) {
			send(m, sent, settled)
			next = start(&s, 0, time.Second)
			s.Cancel(7, 1)
		}
		s.Start(r.run)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(r.topics) != 1 || next == nil || len(next.sentAt) != 1 || next.sentAt[0] != time.Second {
			t.Errorf("sent %v, next %+v", r.topics, next)
		}
	})
}

func TestManySteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		due := make([]time.Duration, 10_000)
		for i := range due {
			due[i] = time.Duration(len(due)-i) * 10 * time.Millisecond
		}
		r := start(&s, 0, due...)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		s.Cancel(7, wire.AllSteps)
		if got := len(r.topics); got != 5000 {
			t.Errorf("%d steps sent by half time", got)
		}
		if got := len(r.changes); got != 10_000 {
			t.Errorf("%d steps ended", got)
		}
	})
}
