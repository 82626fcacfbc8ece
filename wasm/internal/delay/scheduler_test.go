package delay

import (
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"iotwasm/wasm/internal/wire"
)

const s = time.Second

func TestStepsGoOutAtTheirTimes(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(2*s), w.step(s), w.step(0), w.step(5*time.Hour+time.Millisecond))
		w.pass(6 * time.Hour)
		w.expect("0s 2 sent", "1s 1 sent", "2s 0 sent", "5h0m0.001s 3 sent")
	})
}

func TestStepsOfOneTimeKeepTheirOrder(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(s), w.step(s), w.step(s))
		w.run(wire.Delay{Run: 2}, w.step(s), w.step(s))
		w.pass(s)
		w.expect("1s 0 sent", "1s 1 sent", "1s 2 sent", "1s run 2: 0 sent", "1s run 2: 1 sent")
	})
}

func TestALaterRunMayBeDueFirst(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(time.Minute))
		w.pass(s)
		w.run(wire.Delay{Run: 2}, w.step(1500*time.Millisecond))
		w.pass(time.Minute)
		w.expect("1.5s run 2: 0 sent", "1m0s 0 sent")
	})
}

// A time that was over when the run began is not one that was missed.
func TestStepsOfThePastGoAtOnce(t *testing.T) {
	test(t, func(w *world) {
		w.pass(time.Hour)
		w.run(wire.Delay{}, w.step(3*s), w.step(-2*s), w.step(s, fixed), w.step(time.Hour+s))
		w.pass(2 * s)
		w.expect("1h0m0s 1 sent", "1h0m0s 2 sent", "1h0m0s 0 sent", "1h0m1s 3 sent")
	})
}

func TestNumbersMayBeLeftOut(t *testing.T) {
	test(t, func(w *world) {
		steps := []wire.DelayStep{w.step(s), w.step(2 * s), w.step(time.Hour), w.step(time.Hour, every(s, 0)), w.step(time.Hour)}
		steps[0].Skip, steps[2].Skip = 3, 2
		w.run(wire.Delay{}, steps...)
		w.pass(s)
		w.control(wire.Cancel, 7)
		w.control(wire.Reschedule, 7, 2*s) // it is gone
		w.control(wire.Reschedule, 3, 2*s) // was sent
		w.control(wire.Cancel, 0)          // never was
		w.control(wire.Reschedule, 8, s)
		w.expect("1s 3 sent", "1s 7 cancelled", "1s 8 waiting at 1s", "1s repeat 10 of 8 at 2s", "1s 8 sent")
		w.control(wire.Cancel, wire.AllSteps)
		w.expect("1s 4 cancelled", "1s 9-10 cancelled")
	})
}

func TestTheClockIsLookedAtEachSecond(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(2*time.Hour))
		w.pass(time.Minute + 100*time.Millisecond)
		w.jump(2 * time.Hour)
		w.pass(900 * time.Millisecond)
		w.expect("1m1s 0 sent")
	})
}

// What a machine slept over goes out, and the rest keeps its distance.
func TestSleep(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, append(w.spaced(4, 10*s), w.step(30*s, fixed), w.step(time.Hour, fixed), w.step(3*time.Hour, fixed))...)
		w.run(wire.Delay{Run: 2}, w.step(50*s), w.step(55*s))
		w.run(wire.Delay{Run: 3}, w.step(2*time.Hour))
		w.pass(10*s + 500*time.Millisecond)
		w.expect("10s 0 sent")
		w.jump(time.Hour)
		w.pass(time.Minute)
		// It is 1h0m11s by then.
		w.expect(
			"11s shift 2-3 by 59m51s", "11s 1 sent",
			"11s shift 5 by 59m41s", "11s 4 sent",
			"11s run 2: shift 1 by 59m21s", "11s run 2: 0 sent",
			"16s run 2: 1 sent",
			"21s 2 sent", "31s 3 sent",
		)
		w.pass(3 * time.Hour)
		w.expect("59m41s 5 sent", "1h0m0s run 3: 0 sent", "2h0m0s 6 sent")
	})
}

func TestManyRunsWakeTogether(t *testing.T) {
	test(t, func(w *world) {
		const runs = 5000
		for i := range uint32(runs) {
			w.run(wire.Delay{Run: 1 + i}, w.step(time.Minute))
		}
		w.quiet = true
		w.jump(time.Hour)
		w.pass(s)
		if n := len(w.link.messages); n != runs {
			t.Errorf("%d were sent", n)
		}
	})
}

func TestTheClockIsSetBack(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, append(w.spaced(2, 10*s), w.step(30*s, fixed), w.step(30*s, fixed, every(time.Hour, 0)))...)
		w.pass(500 * time.Millisecond)
		w.jump(-time.Hour)
		w.pass(20 * s)
		w.expect("1s shift 0-1 by -1h0m0s", "10s 0 sent", "20s 1 sent")
		w.pass(time.Hour + 10*s)
		w.expect("1h0m30s 2 sent", "1h0m30s repeat 4 of 3 at 1h0m30s", "1h0m30s 3 sent")
	})
}

// A clock that is set a little at a time is followed, not worked against.
func TestSmallCorrectionsOfTheClock(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(10*s), w.step(20*s))
		w.pass(s)
		w.jump(-100 * time.Millisecond)
		w.pass(10 * s)
		w.jump(time.Second)
		w.pass(10 * s)
		w.expect("10.1s 0 sent", "19.1s 1 sent")
	})
}

// It may be set back while no step waits for its time.
func TestTheClockIsSetBackUnwatched(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.spaced(2, 10*s)...)
		w.control(wire.Pause, 0)
		w.pass(15 * s)
		w.expect()
		w.pass(15 * s)
		w.jump(-time.Hour)
		w.pass(30 * s)
		w.control(wire.Unpause, 0)
		w.expect("1m0s shift 0-1 by -1h0m0s", "1m0s shift 0-1 by 1m0s")
		w.pass(20 * s)
		w.expect("1m10s 0 sent", "1m20s 1 sent")
	})
}

// Limits of time are not longer for a clock that is set back.
func TestTimeoutsWhenTheClockIsSetBack(t *testing.T) {
	for _, tc := range []struct {
		name string
		step func(w *world) wire.DelayStep
		want []string
	}{
		{"payload", func(w *world) wire.DelayStep { return w.step(0, ask) }, []string{"0s 0 asked", "30s 0 failed timeout"}},
		{"gate", func(w *world) wire.DelayStep { return w.step(0, qos1, gate(wire.GateAcknowledged, 10*s)) }, []string{"0s 0 sent", "10s 0 failed timeout"}},
		{"retry", func(w *world) wire.DelayStep { return w.step(0, fixed, gate(wire.GateAnswer, 10*s)) }, []string{"0s 0 sent", "10s 0 waiting timeout", "30s 0 sent", "40s 0 failed timeout"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				d := wire.Delay{}
				if tc.name == "retry" {
					d = wire.Delay{OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: 20 * s}
				}
				w.run(d, tc.step(w))
				w.pass(s + 500*time.Millisecond)
				w.jump(-time.Hour)
				w.pass(9 * s)
				w.jump(-time.Hour)
				w.pass(time.Minute)
				w.expect(tc.want...)
			})
		})
	}
}

func TestCloseEndsTheRunsOfOneClient(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureStop}, w.spaced(100, s)...)
		w.run(wire.Delay{Client: 2, Run: 2}, w.step(5*s))
		w.pass(2 * s)
		w.forget()
		w.s.Close(1, errClosed)
		w.expect("2s 2-99 failed closed")
		w.pass(time.Minute)
		w.expect("5s run 2: 0 sent")
	})
}

func TestCloseAndWhatWasSent(t *testing.T) {
	for _, tc := range []struct {
		name    string
		holds   bool
		options []option
		then    func(w *world)
		want    []string
	}{
		{"unacknowledged", false, []option{qos1}, nil, []string{"1s 1 failed closed", "1s 0 failed transport-closed"}},
		{"unsent", true, []option{qos1}, nil, []string{"1s 1 failed closed", "1s 0 failed closed"}},
		{"unsent QoS 0", true, nil, nil, []string{"1s 1 failed closed", "1s 0 failed closed"}},
		{"unanswered", false, []option{qos1, gate(wire.GateAnswer, time.Minute)}, func(w *world) { w.link.ack(0, nil) }, []string{"1s 0 failed transport-closed", "1s 1 failed closed"}},
		{"unanswered QoS 0", false, []option{gate(wire.GateAnswer, 0)}, nil, []string{"1s 0 failed transport-closed", "1s 1 failed closed"}},
		{"answered, unacknowledged", false, []option{qos1, gate(wire.GateAnswer, 0)}, func(w *world) { w.answer(0, nil) }, []string{"1s 1 failed closed", "1s 0 failed transport-closed"}},
		{"asked", false, []option{ask}, nil, []string{"1s 0-1 failed closed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.link.hold(tc.holds)
				w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 3, RetryDelay: s}, w.step(0, tc.options...), w.step(time.Hour))
				w.settle()
				if tc.then != nil {
					tc.then(w)
				}
				w.pass(s)
				w.forget()
				w.s.Close(1, errClosed)
				w.link.fail(1)
				w.expect(tc.want...)
				w.pass(time.Minute)
				w.expect()
			})
		})
	}
}

// A Session settles what is open before it says that it is closed.
func TestDeliveriesFailBeforeClose(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 3, RetryDelay: s}, w.step(0, qos1), w.step(s, qos1), w.step(time.Hour))
		w.pass(0)
		w.link.hold(true)
		w.pass(s)
		w.forget()
		w.close(1)
		w.expect("1s 0 waiting transport-closed", "1s 0 failed transport-closed", "1s 2 failed closed", "1s 1 failed closed")
	})
}

// A run that is started on a closed client ends with its first step.
func TestARunOfAClosedClient(t *testing.T) {
	test(t, func(w *world) {
		w.close(1)
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 3}, w.step(s, every(s, 0)), w.step(time.Hour))
		w.pass(time.Minute)
		w.expect("1s repeat 2 of 0 at 2s", "1s 1-2 failed closed", "1s 0 failed closed")
	})
}

func TestUnknownRunsAndSteps(t *testing.T) {
	test(t, func(w *world) {
		for _, verb := range []wire.Verb{wire.Cancel, wire.Pause, wire.Unpause, wire.Reschedule} {
			w.control(verb, 0)
		}
		w.payload(0, "x")
		w.answer(0, nil)
		w.linked(true)
		w.run(wire.Delay{}, w.step(s))
		w.control(wire.Cancel, 1)
		w.control(wire.Reschedule, 7, 2*s)
		w.payload(7, "never was")
		w.answer(0, nil)
		w.answer(0, errRefused)
		w.pass(s)
		w.expect("1s 0 sent")
	})
}

// The Scheduler may be called from what it calls.
func TestSendersMayCallBack(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(s), w.step(s), w.step(2*s))
		w.whileSending(s, func() {
			w.s.Control(wire.Control{Run: 1, Step: 2, Verb: wire.Cancel})
			w.run(wire.Delay{Run: 3}, w.step(3*s))
		})
		w.pass(3 * s)
		w.expect("1s 0 sent", "1s 1 sent", "1s 2 cancelled", "1s run 2: 0 sent", "3s run 3: 0 sent")
	})
}

func TestManySteps(t *testing.T) {
	test(t, func(w *world) {
		const n = 10_000
		steps := make([]wire.DelayStep, n)
		for i := range steps {
			steps[i] = w.step(time.Duration(n-i) * time.Minute)
		}
		before := runtime.NumGoroutine()
		w.run(wire.Delay{}, steps...)
		w.pass(90 * s)
		if n := runtime.NumGoroutine(); n > before+10 { // the runtime has some of its own
			t.Errorf("%d goroutines wait", n-before)
		}
		w.control(wire.Cancel, wire.AllSteps)
		w.expect("1m0s 9999 sent", "1m30s 0-9998 cancelled")
	})
}

// The memory of a payload is free when its step has ended, also where the run
// goes on.
func TestPayloadsAreReleased(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(w *world)
	}{
		{"sent", func(w *world) { w.pass(s) }},
		{"cancelled", func(w *world) { w.control(wire.Cancel, 0) }},
		{"withdrawn", func(w *world) { w.link.hold(true); w.pass(s); w.control(wire.Cancel, 0) }},
		{"failed", func(w *world) { w.link.hold(true); w.pass(s); w.link.ack(0, errRefused) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				steps := []wire.DelayStep{w.step(s), w.step(time.Hour)}
				held := func() weak.Pointer[[1 << 16]byte] {
					p := new([1 << 16]byte)
					steps[0].Payload = p[:]
					return weak.Make(p)
				}()
				w.s.Start(wire.Delay{Client: 1, Run: 1, Steps: slices.Clone(steps)}, w.link.of(1), &w.recorder)
				steps[0].Payload = nil
				w.started(wire.Delay{Run: 1, Steps: steps})
				tc.end(w)
				w.link.payloads = nil
				runtime.GC()
				runtime.GC()
				if held.Value() != nil {
					t.Error("it is held")
				}
				if w.s.find(1, 1) == nil {
					t.Error("the run has ended")
				}
			})
		})
	}
}
