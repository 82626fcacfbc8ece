package delay

import (
	"fmt"
	"testing"
	"time"

	"iotwasm/wasm/internal/wire"
)

func TestOfflineWait(t *testing.T) {
	test(t, func(w *world) {
		w.linked(false) // before the run
		w.run(wire.Delay{}, append(w.spaced(4, 10*s), w.step(12*s, fixed), w.step(14*s, fixed), w.step(time.Hour, fixed))...)
		w.pass(25 * s)
		w.expect("10s 0 due", "12s 4 due", "14s 5 due")
		w.linked(true)
		w.pass(time.Minute)
		w.expect(
			"25s shift 1-3 by 15s", "25s 0 sent",
			"25s shift 5 by 13s", "25s 4 sent",
			"27s 5 sent", "35s 1 sent", "45s 2 sent", "55s 3 sent",
		)
		w.pass(time.Hour)
		w.expect("1h0m0s 6 sent")
	})
}

// Also a short outage does not eat up the distance.
func TestOfflineForAMoment(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.spaced(3, s, qos1)...)
		w.pass(1500 * time.Millisecond)
		w.linked(false)
		w.linked(false)
		w.pass(600 * time.Millisecond)
		w.linked(true)
		w.pass(5 * s)
		w.link.ack(0, nil)
		w.expect("1s 0 sent", "1.5s 0 sent interrupted", "2s 1 due", "2.1s shift 2 by 100ms", "2.1s 1 sent", "3.1s 2 sent", "7.1s 0 acknowledged")
	})
}

func TestOfflineTwice(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.spaced(3, 10*s)...)
		w.linked(false)
		w.pass(20 * s)
		w.s.Link(1, true)
		w.s.Link(1, false) // before the first one went
		w.pass(10 * s)
		w.linked(true)
		w.pass(time.Minute)
		w.expect("10s 0 due", "20s 0 due", "30s shift 1-2 by 20s", "30s 0 sent", "40s 1 sent", "50s 2 sent")
	})
}

// When the first of those that wait is cancelled the next one is the first.
func TestOfflineAndTheFirstIsCancelled(t *testing.T) {
	test(t, func(w *world) {
		w.linked(false)
		w.run(wire.Delay{}, append([]wire.DelayStep{w.step(5*s, fixed)}, w.spaced(4, 10*s)...)...)
		w.pass(15 * s)
		w.control(wire.Cancel, 1)
		w.pass(10 * s)
		w.linked(true)
		w.pass(time.Minute)
		w.expect("5s 0 due", "10s 1 due", "15s 1 cancelled", "20s 2 due", "25s 0 sent", "25s shift 3-4 by 5s", "25s 2 sent", "35s 3 sent", "45s 4 sent")
	})
}

func TestOfflineSkipAndFail(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  wire.Delay
		want []string
	}{
		{"skip", wire.Delay{Offline: wire.OfflineSkip},
			[]string{"1s 0 skipped offline", "2s 1 skipped offline", "3s 2 sent"}},
		{"fail", wire.Delay{Offline: wire.OfflineFail},
			[]string{"1s 0 failed offline", "2s 1 failed offline", "3s 2 sent"}},
		{"fail and stop", wire.Delay{Offline: wire.OfflineFail, OnFailure: wire.FailureStop},
			[]string{"1s 0 failed offline", "1s 1-2 skipped offline"}},
		{"skip does not stop", wire.Delay{Offline: wire.OfflineSkip, OnFailure: wire.FailureStop},
			[]string{"1s 0 skipped offline", "2s 1 skipped offline", "3s 2 sent"}},
		{"fail and retry", wire.Delay{Offline: wire.OfflineFail, OnFailure: wire.FailureRetry, Retries: 9, RetryDelay: 400 * time.Millisecond},
			[]string{"1s 0 waiting offline", "1.4s 0 waiting offline", "2s 1 waiting offline", "2.2s 0 waiting offline", "2.4s 1 waiting offline", "3s 2 sent", "3.2s 1 sent", "3.8s 0 sent"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.linked(false)
				w.run(tc.run, w.spaced(3, s)...)
				w.pass(2*s + 500*time.Millisecond)
				w.linked(true)
				w.pass(time.Minute)
				w.expect(tc.want...)
			})
		})
	}
}

// What was handed over is taken back, unless it is to wait.
func TestHandedWhenTheLinkEnds(t *testing.T) {
	for policy, want := range map[wire.OfflinePolicy][]string{
		wire.OfflineWait: {"0s 0 due", "2s 0 sent"},
		wire.OfflineSkip: {"0s 0 due", "1s 0 skipped offline"},
		wire.OfflineFail: {"0s 0 due", "1s 0 failed offline"},
	} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			test(t, func(w *world) {
				w.link.hold(true)
				w.run(wire.Delay{Offline: policy}, w.step(0))
				w.pass(s)
				w.linked(false)
				w.pass(s)
				w.linked(true)
				w.link.hold(false)
				w.expect(want...)
			})
		})
	}
}

// Only what is sent and unacknowledged is interrupted.
func TestInterrupted(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0), w.step(0, qos1), w.step(0, qos1))
		w.run(wire.Delay{Run: 2}, w.step(0, qos1, gate(wire.GateAnswer, 0)), w.step(0))
		w.run(wire.Delay{Run: 3}, w.step(0, gate(wire.GateAnswer, 0)), w.step(0))
		w.run(wire.Delay{Run: 4, Client: 2}, w.step(0, qos1))
		w.settle()
		w.link.ack(2, nil)
		w.link.ack(3, nil)
		w.forget()
		w.pass(s)
		w.linked(false)
		w.expect("1s 1 sent interrupted")
		w.linked(true)
		w.linked(false)
		w.expect("1s 1 sent interrupted")
		w.link.ack(1, nil)
		w.expect("1s 1 acknowledged")
	})
}
