package delay

import (
	"slices"
	"testing"
	"time"

	"iotwasm/wasm/internal/wire"
)

func TestOnFailure(t *testing.T) {
	retry := wire.Delay{OnFailure: wire.FailureRetry, Retries: 2, RetryDelay: s}
	for _, tc := range []struct {
		name string
		run  wire.Delay
		err  *wire.Error
		gate wire.Gate
		want []string
	}{
		{"continue", wire.Delay{}, errRefused, wire.GateNone,
			[]string{"0s 0 failed publish-refused", "1s 1 sent", "1s 1 failed publish-refused", "2s 2 sent", "2s 2 failed publish-refused"}},
		{"continue behind a gate", wire.Delay{}, errRefused, wire.GateAcknowledged,
			[]string{"0s 0 failed publish-refused", "1s 1 sent", "1s 1 failed publish-refused", "2s 2 sent", "2s 2 failed publish-refused"}},
		{"stop", wire.Delay{OnFailure: wire.FailureStop}, errRefused, wire.GateNone,
			[]string{"0s 0 failed publish-refused", "0s 1-2 skipped publish-refused"}},
		{"stop behind a gate", wire.Delay{OnFailure: wire.FailureStop}, &wire.Error{Code: wire.ShadowRejected}, wire.GateAcknowledged,
			[]string{"0s 0 rejected shadow-rejected", "0s 1-2 skipped shadow-rejected"}},
		{"retry behind a gate", retry, errRefused, wire.GateAcknowledged,
			[]string{"0s 0 waiting publish-refused", "1s 0 sent", "1s 0 waiting publish-refused", "3s 0 sent", "3s 0 failed publish-refused", "3s 1-2 skipped publish-refused"}},
		{"retry", retry, errRefused, wire.GateNone,
			[]string{"0s 0 waiting publish-refused", "1s 0 sent", "1s 1 sent", "1s 0 waiting publish-refused", "1s 1 waiting publish-refused",
				"2s 1 sent", "2s 2 sent", "2s 1 waiting publish-refused", "2s 2 waiting publish-refused",
				"3s 0 sent", "3s 2 sent", "3s 0 failed publish-refused", "3s 1 failed publish-refused", "3s 2 failed publish-refused"}},
		{"no retry", retry, &wire.Error{Code: wire.InvalidArgument}, wire.GateNone,
			[]string{"0s 0 failed invalid-argument", "0s 1-2 skipped invalid-argument"}},
		{"no retry left", wire.Delay{OnFailure: wire.FailureRetry}, errRefused, wire.GateNone,
			[]string{"0s 0 failed publish-refused", "0s 1-2 skipped publish-refused"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(tc.run, w.step(0, qos1, gate(tc.gate, 0)), w.step(s, qos1, spacing(s), gate(tc.gate, 0)), w.step(2*s, qos1, spacing(s), gate(tc.gate, 0)))
				for range 20 {
					w.settle()
					for i := range w.link.messages {
						w.link.ack(i, tc.err)
					}
					w.pass(250 * time.Millisecond)
				}
				w.expect(append([]string{"0s 0 sent"}, tc.want...)...)
			})
		})
	}
}

func TestBackOff(t *testing.T) {
	for first, want := range map[time.Duration][]time.Duration{
		10 * s:          {0, 10 * s, 30 * s, 70 * s, 130 * s, 190 * s},
		2 * time.Minute: {0, 2 * time.Minute, 4 * time.Minute, 6 * time.Minute, 8 * time.Minute, 10 * time.Minute},
		0:               {0, 0, 0, 0, 0, 0},
	} {
		t.Run(first.String(), func(t *testing.T) {
			test(t, func(w *world) {
				w.link.rtt, w.link.err = 0, errRefused
				w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 5, RetryDelay: first}, w.step(0, qos1))
				w.pass(20 * time.Minute)
				if !slices.Equal(w.link.times, want) {
					t.Errorf("sent at %v, want %v", w.link.times, want)
				}
				if st := w.steps[stepKey{1, 0}].last.State; st != wire.StepFailed {
					t.Errorf("it ended as %s", stateNames[st])
				}
			})
		})
	}
}

// A run that has ended sends nothing anew.
func TestNoRetryAfterTheEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(w *world)
		want []string
	}{
		{"cancel", func(w *world) { w.control(wire.Cancel, wire.AllSteps) }, []string{"1s 1 cancelled", "1s 2 cancelled", "1s 0 failed publish-refused"}},
		{"cancel one", func(w *world) { w.control(wire.Cancel, 0); w.control(wire.Cancel, 1); w.control(wire.Cancel, 2) }, []string{"1s 1 cancelled", "1s 2 cancelled", "1s 0 failed publish-refused"}},
		{"deadline", func(w *world) { w.jump(time.Hour); w.pass(s) }, []string{"2s 1 failed publish-refused", "2s 2 skipped timeout", "2s 0 failed publish-refused"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 9, RetryDelay: 2 * s, Deadline: w.at(time.Hour)}, w.step(0, qos1), w.step(0, qos1), w.step(time.Hour))
				w.pass(s)
				w.link.ack(1, errRefused)
				w.forget()
				tc.end(w)
				w.link.ack(0, errRefused)
				w.pass(time.Minute)
				if tc.name == "cancel" {
					tc.want = []string{"1s 1-2 cancelled", "1s 0 failed publish-refused"}
				}
				w.expect(tc.want...)
			})
		})
	}
}

// A service that has no room is asked again more often than what failed for good.
func TestThrottledRetries(t *testing.T) {
	rejected, throttled := &wire.Error{Code: wire.ShadowRejected}, &wire.Error{Code: wire.ShadowRejected, Retryable: true}
	for _, tc := range []struct {
		name               string
		retries, throttled uint32
		err                *wire.Error
		want               int // attempts
		state              wire.StepState
	}{
		{"throttled", 0, 2, throttled, 3, wire.StepRejected},
		{"throttled, with more retries", 3, 2, throttled, 4, wire.StepRejected},
		{"rejected", 0, 2, rejected, 1, wire.StepRejected},
		{"rejected, with retries", 1, 2, rejected, 2, wire.StepRejected},
		{"another error", 1, 2, errRefused, 2, wire.StepFailed},
		{"a wrong argument", 1, 2, &wire.Error{Code: wire.InvalidArgument}, 1, wire.StepFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{Retries: tc.retries, Throttled: tc.throttled, RetryDelay: s}, w.step(0, gate(wire.GateAnswer, 0)), w.step(0, spacing(s)))
				for range 60 {
					w.pass(s)
					w.answer(0, tc.err)
				}
				if n := len(w.link.messages) - 1; n != tc.want {
					t.Errorf("%d attempts", n)
				}
				if st := w.steps[stepKey{1, 0}].last.State; st != tc.state {
					t.Errorf("it ended as %s", stateNames[st])
				}
			})
		})
	}
	test(t, func(w *world) { // a cancelled run does not try again
		w.run(wire.Delay{Throttled: 5}, w.step(0, gate(wire.GateAnswer, 0)))
		w.settle()
		w.control(wire.Cancel, 0)
		w.answer(0, throttled)
		w.expect("0s 0 sent", "0s 0 rejected shadow-rejected")
	})
}
