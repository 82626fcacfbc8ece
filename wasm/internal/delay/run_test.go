package delay

import (
	"testing"
	"time"

	"iotwasm/wasm/internal/wire"
)

// A gate opens at 5s, and lets the next steps go: one spaced from there, and one
// that has a time of its own.
func TestGates(t *testing.T) {
	for _, tc := range []struct {
		name string
		gate wire.Gate
		open func(w *world)
		want []string
	}{
		{"sent", wire.GateSent, func(w *world) { w.link.hold(false) },
			[]string{"0s 0 due", "5s 0 sent", "5s 1 waiting at 7s"}},
		{"acknowledged", wire.GateAcknowledged, func(w *world) { w.link.hold(false); w.link.ack(0, nil) },
			[]string{"0s 0 due", "5s 0 sent", "5s 0 acknowledged", "5s 1 waiting at 7s"}},
		{"refused", wire.GateAcknowledged, func(w *world) { w.link.hold(false); w.link.ack(0, errRefused) },
			[]string{"0s 0 due", "5s 0 sent", "5s 0 failed publish-refused", "5s 1 waiting at 7s"}},
		{"answered after the PUBACK", wire.GateAnswer, func(w *world) { w.link.hold(false); w.link.ack(0, nil); w.answer(0, nil) },
			[]string{"0s 0 due", "5s 0 sent", "5s 0 acknowledged", "5s 0 accepted", "5s 1 waiting at 7s"}},
		{"answered before the PUBACK", wire.GateAnswer, func(w *world) { w.link.hold(false); w.answer(0, nil); w.link.ack(0, nil) },
			[]string{"0s 0 due", "5s 0 sent", "5s 0 accepted", "5s 1 waiting at 7s"}},
		{"rejected", wire.GateAnswer, func(w *world) { w.link.hold(false); w.answer(0, &wire.Error{Code: wire.ShadowRejected}) },
			[]string{"0s 0 due", "5s 0 sent", "5s 0 rejected shadow-rejected", "5s 1 waiting at 7s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.link.hold(true)
				w.run(wire.Delay{},
					w.step(0, qos1, gate(tc.gate, 0)),
					w.step(s, spacing(2*s)),
					w.step(3*s), w.step(20*s), w.step(0, spacing(s)))
				w.pass(5 * s)
				tc.open(w)
				w.pass(time.Minute)
				w.expect(append(tc.want, "7s 2 waiting at 7s", "7s 1 sent", "7s 2 sent", "20s 4 waiting at 21s", "20s 3 sent", "21s 4 sent")...)
			})
		})
	}
}

// The time of a gate is the page's, who heard the answer first.
func TestAnAnswerHasItsOwnTime(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, gate(wire.GateAnswer, 0)), w.step(0, spacing(2*s)))
		w.pass(s)
		w.s.Answer(wire.StepAnswer{Run: 1, Step: 0, At: w.at(500 * time.Millisecond)})
		w.pass(2 * s)
		w.expect("0s 0 sent", "1s 0 accepted", "1s 1 waiting at 2.5s", "2.5s 1 sent")
	})
}

// Without a gate a step goes by its planned time, however long the sending takes.
func TestNoDriftBetweenGates(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{},
			w.step(s), w.step(2*s, spacing(s), ask), w.step(3*s, spacing(s)), w.step(4*s, spacing(s), gate(wire.GateSent, 0)), w.step(5*s, spacing(s)))
		w.pass(2*s + 700*time.Millisecond)
		w.payload(1, "x")
		w.pass(5 * s)
		w.expectSent(s, 2*s+700*time.Millisecond, 3*s, 4*s, 5*s)
	})
}

func TestPause(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, append(w.spaced(3, 10*s), w.step(15*s, fixed), w.step(17*s, fixed), w.step(time.Minute, fixed))...)
		w.control(wire.Unpause, 0) // it is not paused
		w.pass(5 * s)
		w.control(wire.Pause, 0)
		w.pass(5 * s)
		w.control(wire.Pause, 0) // it is
		w.pass(15 * s)
		w.expect()
		w.control(wire.Unpause, 0)
		w.control(wire.Unpause, 0)
		w.pass(time.Hour)
		w.expect(
			"25s shift 0-2 by 20s", "25s shift 4 by 10s", "25s 3 sent",
			"27s 4 sent", "30s 0 sent", "40s 1 sent", "50s 2 sent", "1m0s 5 sent",
		)
	})
}

// What is past the pause is held as well: questions, answers, and other attempts.
func TestPauseAndWhatIsUnderWay(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: 4 * s}, w.step(0, qos1), w.step(0, ask), w.step(5*s))
		w.pass(s)
		w.control(wire.Pause, 0)
		w.pass(s)
		w.payload(1, "x")
		w.link.ack(0, errRefused)
		w.pass(8 * s)
		w.expect("0s 0 sent", "0s 1 asked", "2s 0 waiting publish-refused")
		w.control(wire.Unpause, 0)
		w.pass(10 * s)
		w.expect("10s shift 2 by 9s", "10s 1 sent", "14s 0 sent", "14s 2 sent")
	})
}

// A gate that opens during a pause opens at its end, as far as the steps know.
func TestGatesDuringAPause(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, qos1, gate(wire.GateAcknowledged, 0)), w.step(20*s), w.step(0, spacing(5*s)))
		w.pass(s)
		w.control(wire.Pause, 0)
		w.pass(9 * s)
		w.link.ack(0, nil)
		w.control(wire.Unpause, 0)
		w.pass(time.Minute)
		w.expect("0s 0 sent", "10s 0 acknowledged", "10s shift 1-2 by 9s", "29s 2 waiting at 34s", "29s 1 sent", "34s 2 sent")
	})
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, qos1, gate(wire.GateAcknowledged, 0)), w.step(0, spacing(5*s)))
		w.pass(s)
		w.control(wire.Pause, 0)
		w.pass(9 * s)
		w.link.ack(0, nil)
		w.pass(10 * s)
		w.control(wire.Unpause, 0)
		w.pass(time.Minute)
		w.expect("0s 0 sent", "10s 0 acknowledged", "10s 1 waiting at 6s", "20s shift 1 by 19s", "25s 1 sent")
	})
}

func TestPauseAndOutage(t *testing.T) {
	// linked tells when the link comes back, resumed when the pause ends.
	for _, tc := range []struct {
		linked, resumed time.Duration
		want            []string
	}{
		{30 * s, 25 * s, []string{"10s 0 due", "25s shift 0-2 by 10s", "25s 0 due", "30s shift 1-2 by 10s", "30s 0 sent", "40s 1 sent", "50s 2 sent"}},
		{20 * s, 25 * s, []string{"10s 0 due", "25s shift 0-2 by 10s", "25s shift 1-2 by 5s", "25s 0 sent", "35s 1 sent", "45s 2 sent"}},
	} {
		t.Run(tc.linked.String(), func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{}, w.spaced(3, 10*s)...)
				w.linked(false)
				w.pass(15 * s)
				w.control(wire.Pause, 0)
				for range 30 {
					w.pass(s)
					switch time.Since(w.start) {
					case tc.linked:
						w.linked(true)
					case tc.resumed:
						w.control(wire.Unpause, 0)
					}
				}
				w.pass(time.Minute)
				w.expect(tc.want...)
			})
		})
	}
}

func TestReschedule(t *testing.T) {
	for _, tc := range []struct {
		name string
		step uint32
		to   time.Duration
		want []time.Duration
	}{
		{"later", 0, 15 * s, []time.Duration{15 * s, 25 * s, 35 * s, 40 * s, 50 * s}},
		{"earlier", 0, 7 * s, []time.Duration{7 * s, 17 * s, 27 * s, 40 * s, 50 * s}},
		{"to the past", 0, -time.Hour, []time.Duration{5 * s, 15 * s, 25 * s, 40 * s, 50 * s}},
		{"in the middle", 1, 22 * s, []time.Duration{10 * s, 22 * s, 32 * s, 40 * s, 50 * s}},
		{"behind others", 1, time.Minute, []time.Duration{10 * s, 60 * s, 70 * s, 40 * s, 50 * s}},
		{"a time of its own", 3, 8 * s, []time.Duration{10 * s, 20 * s, 30 * s, 8 * s, 18 * s}},
		{"the last", 4, 6 * s, []time.Duration{10 * s, 20 * s, 30 * s, 40 * s, 6 * s}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{}, append(w.spaced(3, 10*s), w.step(40*s), w.step(50*s, spacing(10*s)))...)
				w.pass(5 * s)
				w.control(wire.Reschedule, tc.step, tc.to)
				w.pass(2 * time.Minute)
				w.expectSent(tc.want...)
				for key, st := range w.steps {
					if !st.planned.Equal(st.last.SentAt) {
						t.Errorf("step %d was told for %v", key.step, st.planned.Sub(w.start))
					}
				}
			})
		})
	}
}

func TestRescheduleWhatWaitsForTheLink(t *testing.T) {
	test(t, func(w *world) {
		w.linked(false)
		w.run(wire.Delay{}, append(w.spaced(3, 10*s), w.step(22*s))...)
		w.pass(20 * s)
		w.forget()
		w.control(wire.Reschedule, 0, 50*s)
		w.expect("20s 0 waiting at 50s", "20s 1 waiting at 1m0s", "20s 2 waiting at 1m10s")
		w.pass(10 * s)
		w.linked(true)
		w.pass(time.Hour)
		w.expect("22s 3 due", "30s shift 0-2 by 8s", "30s 3 sent", "58s 0 sent", "1m8s 1 sent", "1m18s 2 sent")
	})
}

func TestRescheduleWhatWasSent(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, qos1), w.step(0, ask), w.step(10*s, spacing(10*s)))
		w.settle()
		w.forget()
		w.control(wire.Reschedule, 0, time.Minute)
		w.control(wire.Reschedule, 1, time.Minute)
		w.pass(10 * s)
		w.expect("10s 2 sent")
	})
}

func TestRescheduleBehindAGate(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(10*s, qos1, gate(wire.GateAcknowledged, 0)), w.step(0, spacing(5*s)), w.step(0, spacing(5*s)))
		w.control(wire.Reschedule, 1, 30*s)
		w.control(wire.Reschedule, 0, 2*s)
		w.pass(3 * s)
		w.link.ack(0, nil)
		w.pass(10 * s)
		w.expect("0s 1 waiting at 30s", "0s 0 waiting at 2s", "2s 0 sent", "3s 0 acknowledged")
		w.control(wire.Reschedule, 1, 20*s)
		w.pass(time.Hour)
		w.expect("13s 1 waiting at 20s", "20s 2 waiting at 25s", "20s 1 sent", "25s 2 sent")
	})
}

func TestCancel(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.spaced(6, s)...)
		w.run(wire.Delay{Run: 2}, w.step(5*s))
		w.control(wire.Cancel, 1)
		w.control(wire.Cancel, 1)
		w.pass(s)
		w.control(wire.Cancel, 0)
		w.control(wire.Cancel, 3)
		w.control(wire.Cancel, wire.AllSteps)
		w.control(wire.Cancel, wire.AllSteps)
		w.pass(time.Minute)
		w.expect("0s 1 cancelled", "1s 0 sent", "1s 3 cancelled", "1s 2 cancelled", "1s 4-5 cancelled", "5s run 2: 0 sent")
	})
}

func TestCancelInASequence(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{},
			w.step(10*s, qos1, gate(wire.GateAcknowledged, 0)), w.step(0, spacing(2*s), qos1, gate(wire.GateAcknowledged, 0)),
			w.step(0, spacing(2*s)), w.step(0, spacing(2*s)), w.step(0, spacing(2*s)))
		w.pass(s)
		w.control(wire.Cancel, 2)
		w.control(wire.Cancel, 0) // the next one's turn comes
		w.pass(2 * s)
		w.control(wire.Cancel, 1) // was sent
		w.link.ack(0, nil)
		w.pass(2 * s)
		w.control(wire.Cancel, wire.AllSteps)
		w.expect("1s 2 cancelled", "1s 0 cancelled", "1s 1 waiting at 3s", "3s 1 sent", "3s 1 acknowledged", "3s 3 waiting at 5s", "5s 4 waiting at 7s", "5s 3 sent", "5s 4 cancelled")
	})
}

func TestCancelOfAFewThousandInASequence(t *testing.T) {
	test(t, func(w *world) {
		steps := w.spaced(10_000, s, gate(wire.GateSent, 0))
		w.run(wire.Delay{Deadline: w.at(time.Hour)}, steps...)
		w.pass(1000 * s)
		w.forget()
		w.control(wire.Cancel, wire.AllSteps)
		w.expect("16m40s 1000-9999 cancelled")
	})
}

// A step that is cancelled after it was handed over, and before it was sent.
func TestCancelWhatIsHanded(t *testing.T) {
	test(t, func(w *world) {
		w.link.hold(true)
		w.run(wire.Delay{}, w.step(0), w.step(0), w.step(0), w.step(time.Hour))
		w.settle()
		w.forget()
		w.control(wire.Cancel, 0)
		w.expect("0s 0 cancelled")
		w.s.Control(wire.Control{Run: 1, Step: 1, Verb: wire.Cancel})
		w.link.hold(false) // the timer may come before that, or after
		w.pass(s)
		w.control(wire.Cancel, wire.AllSteps)
		if st := w.steps[stepKey{1, 1}].last.State; st != wire.StepSent && st != wire.StepCancelled {
			t.Errorf("it ended as %s", stateNames[st])
		}
	})
}

// What the Sender does not have yet when it is taken back is not sent at all.
func TestCancelWhatIsAboutToBeHanded(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, ask), w.step(0, ask), w.step(0, ask))
		w.whileSending(s, func() {
			w.s.Payload(wire.StepPayload{Run: 1, Step: 1})
			w.s.Payload(wire.StepPayload{Run: 1, Step: 2})
			w.s.Control(wire.Control{Run: 1, Step: 1, Verb: wire.Cancel})
			w.s.Control(wire.Control{Run: 1, Step: wire.AllSteps, Verb: wire.Cancel})
		})
		w.pass(s)
		w.expect("0s 0 asked", "0s 1 asked", "0s 2 asked", "1s 0 cancelled", "1s run 2: 0 sent", "1s 1 cancelled", "1s 2 cancelled")
	})
}

// What is taken back twice ends for the first reason.
func TestCancelAndThenTheLinkEnds(t *testing.T) {
	test(t, func(w *world) {
		w.link.hold(true)
		w.run(wire.Delay{Offline: wire.OfflineSkip}, w.step(0))
		w.whileSending(s, func() {
			w.s.Control(wire.Control{Run: 1, Verb: wire.Cancel})
			w.s.Link(1, false)
		})
		w.pass(s)
		w.expect("0s 0 due", "1s run 2: 0 due", "1s 0 cancelled")
	})
}
