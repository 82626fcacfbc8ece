package delay

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"iotwasm/wasm/internal/wire"
)

func TestEvery(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(s, every(10*s, 0)), w.step(15*s))
		w.pass(25 * s)
		w.expect(
			"1s repeat 2 of 0 at 11s", "1s 0 sent", "11s repeat 3 of 2 at 21s", "11s 2 sent", "15s 1 sent",
			"21s repeat 4 of 3 at 31s", "21s 3 sent",
		)
		w.control(wire.Cancel, 4)
		w.pass(time.Hour)
		w.expect("25s 4 cancelled")
	})
}

// Repetitions keep their distance over a sleep, an outage and a pause. None is
// made up for.
func TestEveryDoesNotBurst(t *testing.T) {
	for _, tc := range []struct {
		name    string
		away    func(w *world)
		options []option
		want    []string
	}{
		{"sleep", func(w *world) { w.jump(time.Hour) }, nil,
			[]string{"2s shift 1 by 59m51s", "2s repeat 3 of 2 at 1h0m12s", "2s 2 sent", "12s repeat 4 of 3 at 1h0m22s", "12s 3 sent"}},
		{"sleep, by dates", func(w *world) { w.jump(time.Hour) }, []option{fixed},
			[]string{"2s repeat 3 of 2 at 1h0m12s", "2s 2 sent", "12s repeat 4 of 3 at 1h0m22s", "12s 3 sent"}},
		{"outage", func(w *world) { w.linked(false); w.pass(90 * s); w.linked(true) }, nil,
			[]string{"11s 2 due", "1m31.5s shift 1 by 1m20.5s", "1m31.5s repeat 3 of 2 at 1m41.5s", "1m31.5s 2 sent", "1m41.5s repeat 4 of 3 at 1m51.5s", "1m41.5s 3 sent"}},
		{"pause", func(w *world) { w.control(wire.Pause, 0); w.pass(90 * s); w.control(wire.Unpause, 0) }, nil,
			[]string{"1m31.5s shift 1-2 by 1m30s", "1m41s repeat 3 of 2 at 1m51s", "1m41s 2 sent", "1m51s repeat 4 of 3 at 2m1s", "1m51s 3 sent"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{}, w.step(s, append([]option{every(10*s, 0)}, tc.options...)...), w.step(100*time.Hour))
				w.pass(1500 * time.Millisecond)
				w.forget()
				tc.away(w)
				w.pass(11 * s)
				if tc.name == "pause" {
					w.pass(9 * s)
				}
				w.expect(tc.want...)
			})
		})
	}
}

// A date that comes each day stays at its hour.
func TestEveryByDates(t *testing.T) {
	test(t, func(w *world) {
		day := 24 * time.Hour
		w.run(wire.Delay{}, w.step(time.Hour, fixed, every(day, 0)))
		w.pass(time.Minute)
		w.jump(2*time.Hour - time.Minute)
		w.pass(s)
		w.expect("1m1s repeat 1 of 0 at 25h0m0s", "1m1s 0 sent")
	})
}

func TestEveryWithJitter(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, every(10*s, 4*s)))
		w.pass(1000*10*s - 1)
		at := w.sentAt()
		least, most := 4*s, time.Duration(0)
		for i, d := range at[1:1000] {
			off := d - time.Duration(i+1)*10*s
			if off < 0 || off > 4*s {
				t.Fatalf("step %d is %v off", i+1, off)
			}
			least, most = min(least, off), max(most, off)
		}
		if least > 200*time.Millisecond || most < 3800*time.Millisecond {
			t.Errorf("jitter of %v to %v", least, most)
		}
	})
}

func TestEveryInASequence(t *testing.T) {
	test(t, func(w *world) {
		w.link.rtt = 3 * s
		w.run(wire.Delay{}, w.step(s, qos1, gate(wire.GateAcknowledged, 0), every(2*s, 0)))
		w.pass(10 * s)
		w.expect(
			"1s 0 sent", "4s 0 acknowledged", "4s repeat 1 of 0 at 4s", "4s 1 sent",
			"7s 1 acknowledged", "7s repeat 2 of 1 at 7s", "7s 2 sent",
			"10s 2 acknowledged", "10s repeat 3 of 2 at 10s", "10s 3 sent",
		)
		w.link.mu.Lock()
		w.link.rtt = 0
		w.link.mu.Unlock()
		w.pass(12 * s)
		w.forget()
		w.pass(4 * s)
		w.expect("23s 9 sent", "23s 9 acknowledged", "23s repeat 10 of 9 at 25s", "25s 10 sent", "25s 10 acknowledged", "25s repeat 11 of 10 at 27s")
	})
}

// A gate that was shut for long is not followed by what it kept back.
func TestEveryInASequenceDoesNotBurst(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, qos1, gate(wire.GateAcknowledged, 0), every(2*s, 0)))
		w.pass(time.Hour)
		w.link.ack(0, nil)
		w.link.ack(1, nil)
		w.pass(2 * s)
		w.expect(
			"0s 0 sent", "1h0m0s 0 acknowledged", "1h0m0s repeat 1 of 0 at 1h0m0s", "1h0m0s 1 sent",
			"1h0m0s 1 acknowledged", "1h0m0s repeat 2 of 1 at 1h0m2s", "1h0m2s 2 sent",
		)
	})
}

// In a sequence too a repetition that is cancelled before its time is the last.
func TestCancelEveryInASequence(t *testing.T) {
	test(t, func(w *world) {
		w.link.rtt = 0
		w.run(wire.Delay{}, w.step(0, gate(wire.GateSent, 0), every(2*s, 0)), w.step(0, spacing(s)))
		w.pass(3 * s)
		w.control(wire.Cancel, 3)
		w.pass(time.Minute)
		w.expect("0s 0 sent", "0s repeat 2 of 0 at 2s", "2s 2 sent", "2s repeat 3 of 2 at 4s", "3s 3 cancelled", "3s 1 waiting at 4s", "4s 1 sent")
	})
}

// Nor does one come when the run was ended while a repetition was under way.
func TestTheEndOfEveryInASequence(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"cancel": func(w *world) { w.control(wire.Cancel, wire.AllSteps) },
		"close":  func(w *world) { w.s.Close(1, errClosed) },
		"stop":   func(w *world) { w.pass(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{Deadline: w.at(10 * s)}, w.step(0, qos1, gate(wire.GateAcknowledged, 0), every(2*s, 0)))
				w.settle()
				w.forget()
				end(w)
				at := time.Since(w.start).String()
				w.link.ack(0, nil)
				w.pass(time.Minute)
				if name == "stop" { // for its deadline
					w.log = w.log[:1]
				}
				w.expect(at + " 0 acknowledged")
			})
		})
	}
}

func TestEveryUntilTheDeadline(t *testing.T) {
	for _, g := range []wire.Gate{wire.GateNone, wire.GateSent} {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{Deadline: w.at(3 * s)}, w.step(0, gate(g, 0), every(2*s, 0)))
				w.pass(time.Minute)
				if got := w.sentAt(); !slices.Equal(got, []time.Duration{0, 2 * s, -1}) {
					t.Errorf("sent at %v", got)
				}
			})
		})
	}
}

func TestEverySkipsOffline(t *testing.T) {
	for _, g := range []wire.Gate{wire.GateNone, wire.GateSent} {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			test(t, func(w *world) {
				w.linked(false)
				w.run(wire.Delay{Offline: wire.OfflineSkip}, w.step(0, gate(g, 0), every(2*s, 0)))
				w.pass(3 * s)
				w.linked(true)
				w.pass(s)
				w.expectSent(-1, -1, 4*s, -1)
			})
		})
	}
}

func TestEveryKeepsNothing(t *testing.T) {
	test(t, func(w *world) {
		w.s.Start(wire.Delay{Client: 1, Run: 1, Steps: []wire.DelayStep{w.step(0, every(time.Millisecond, 0)), w.step(time.Hour)}}, w.link.of(1), nobody{})
		w.pass(100 * s)
		r := w.s.runs[1]
		if r.next < 100_000 {
			t.Errorf("%d repetitions", r.next)
		}
		if n := cap(r.live); n > 1000 {
			t.Errorf("%d steps are kept", n)
		}
	})
}

// nobody hears nothing.
type nobody struct{}

func (nobody) Step(wire.Step)     {}
func (nobody) Shift(wire.Shift)   {}
func (nobody) Repeat(wire.Repeat) {}
