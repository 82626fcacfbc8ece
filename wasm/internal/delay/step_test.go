package delay

import (
	"slices"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

func TestStates(t *testing.T) {
	for _, tc := range []struct {
		name    string
		options []option
		then    func(w *world)
		want    []string
	}{
		{"QoS 0", nil, nil, []string{"1s 0 sent"}},
		{"QoS 1", []option{qos1}, func(w *world) { w.link.ack(0, nil) }, []string{"1s 0 sent", "2s 0 acknowledged"}},
		{"refused", []option{qos1}, func(w *world) { w.link.ack(0, errRefused) }, []string{"1s 0 sent", "2s 0 failed publish-refused"}},
		{"answered QoS 0", []option{gate(wire.GateAnswer, 10*s)}, func(w *world) { w.answer(0, nil) }, []string{"1s 0 sent", "2s 0 accepted"}},
		{"rejected before the PUBACK", []option{qos1, gate(wire.GateAnswer, 10*s)},
			func(w *world) { w.answer(0, &wire.Error{Code: wire.ShadowRejected}); w.link.ack(0, nil) },
			[]string{"1s 0 sent", "2s 0 rejected shadow-rejected"}},
		{"refused after the answer", []option{qos1, gate(wire.GateAnswer, 10*s)},
			func(w *world) { w.answer(0, nil); w.link.ack(0, errRefused) },
			[]string{"1s 0 sent", "2s 0 failed publish-refused"}},
		{"no answer", []option{qos1, gate(wire.GateAnswer, 10*s)},
			func(w *world) { w.link.ack(0, nil); w.pass(9 * s); w.answer(0, nil) },
			[]string{"1s 0 sent", "2s 0 acknowledged", "11s 0 failed timeout"}},
		{"no PUBACK", []option{qos1, gate(wire.GateAcknowledged, 10*s)},
			func(w *world) { w.pass(10 * s); w.link.ack(0, nil) },
			[]string{"1s 0 sent", "11s 0 failed timeout"}},
		{"an answer that is not asked for", []option{qos1},
			func(w *world) { w.answer(0, nil); w.answer(0, errRefused); w.payload(0, "x"); w.link.ack(0, nil) },
			[]string{"1s 0 sent", "2s 0 acknowledged"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{}, w.step(s, tc.options...))
				w.pass(2 * s)
				if tc.then != nil {
					tc.then(w)
				}
				w.pass(time.Minute)
				w.expect(tc.want...)
			})
		})
	}
}

func TestTimesOfAStep(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: s}, w.step(s, qos1, gate(wire.GateAnswer, 0)))
		last := func() wire.Step { return w.steps[stepKey{1, 0}].last }
		w.pass(2 * s)
		w.link.ack(0, nil)
		if st := last(); !st.SentAt.Equal(w.at(s)) || !st.AcknowledgedAt.Equal(w.at(2*s)) {
			t.Errorf("acknowledged: %+v", st)
		}
		w.answer(0, errRefused)
		w.pass(s)
		if st := last(); !st.SentAt.Equal(w.at(3*s)) || !st.AcknowledgedAt.IsZero() {
			t.Errorf("sent anew: %+v", st)
		}
		w.pass(s)
		w.link.ack(1, nil)
		w.answer(0, nil)
		if st := last(); !st.SentAt.Equal(w.at(3*s)) || !st.AcknowledgedAt.Equal(w.at(4*s)) || st.Err != nil {
			t.Errorf("accepted: %+v", st)
		}
	})
}

// What comes of an attempt after the next one was planned is of no account.
func TestLateNewsOfAnAttempt(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: 5 * s}, w.step(0, qos1, gate(wire.GateAnswer, 10*s)), w.step(0, spacing(s)))
		w.pass(11 * s)
		w.answer(0, nil)
		w.answer(0, errRefused)
		w.link.ack(0, errLost)
		w.pass(5 * s)
		w.expect("0s 0 sent", "10s 0 waiting timeout", "15s 0 sent")
		w.answer(0, nil)
		w.expect()
		w.link.ack(1, nil)
		w.pass(s)
		w.expect("16s 0 accepted", "16s 1 waiting at 17s", "17s 1 sent")
	})
	test(t, func(w *world) {
		w.link.hold(true)
		w.run(wire.Delay{Offline: wire.OfflineFail, OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: s}, w.step(0, qos1))
		w.settle()
		w.linked(false)
		w.linked(true)
		w.link.hold(false)
		w.pass(s)
		w.link.ack(1, nil)
		w.expect("0s 0 due", "0s 0 waiting offline", "1s 0 sent", "1s 0 acknowledged")
	})
}

func TestAsk(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{OnFailure: wire.FailureRetry, Retries: 3, RetryDelay: s}, w.step(s, ask, qos1))
		w.pass(3 * s)
		w.payload(0, "one")
		w.payload(0, "again")
		w.link.ack(0, errRefused)
		w.pass(s)
		w.answer(0, &wire.Error{Code: wire.Internal})
		w.pass(2*s + 30*s)
		w.payload(0, "late")
		w.pass(4 * s)
		w.answer(0, nil) // that is no payload
		w.payload(0, "two")
		w.link.ack(1, nil)
		w.expect(
			"1s 0 asked", "3s 0 sent", "3s 0 waiting publish-refused",
			"4s 0 asked", "4s 0 waiting internal",
			"6s 0 asked", "36s 0 waiting timeout",
			"40s 0 asked", "40s 0 sent", "40s 0 acknowledged",
		)
		if want := []string{"one", "two"}; !slices.Equal(w.link.payloads, want) {
			t.Errorf("payloads %q, want %q", w.link.payloads, want)
		}
	})
}

// The page may give the payload before it is asked.
func TestAPayloadComesAhead(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(s, ask, gate(wire.GateSent, 0)), w.step(0, ask, spacing(s)))
		w.payload(0, "one")
		w.payload(1, "two")
		w.pass(2 * s)
		w.expect("1s 0 sent", "1s 1 waiting at 2s", "2s 1 sent")
		if !slices.Equal(w.link.payloads, []string{"one", "two"}) {
			t.Errorf("payloads %q", w.link.payloads)
		}
	})
}

func TestAskFails(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  wire.Delay
		then func(w *world)
		want []string
	}{
		{"by the page", wire.Delay{}, func(w *world) { w.answer(0, errRefused) }, []string{"0s 0 asked", "0s 0 failed publish-refused"}},
		{"in time", wire.Delay{}, func(*world) {}, []string{"0s 0 asked", "30s 0 failed timeout"}},
		{"at the deadline", wire.Delay{Deadline: time.Date(2000, 1, 1, 0, 0, 10, 0, time.UTC)}, func(*world) {}, []string{"0s 0 asked", "10s 0 skipped timeout"}},
		{"for being cancelled", wire.Delay{}, func(w *world) { w.control(wire.Cancel, 0); w.payload(0, "x") }, []string{"0s 0 asked", "0s 0 cancelled"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(tc.run, w.step(0, ask))
				w.settle()
				tc.then(w)
				w.pass(time.Minute)
				w.expect(tc.want...)
			})
		})
	}
}

// The page is asked once for what then waits for the link, which is late from then
// on.
func TestAPayloadComesOffline(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, ask), w.step(20*s))
		w.settle()
		w.linked(false)
		w.pass(5 * s)
		w.payload(0, "x")
		w.pass(5 * s)
		w.linked(true)
		w.pass(time.Minute)
		w.expect("0s 0 asked", "5s 0 due", "10s shift 1 by 5s", "10s 0 sent", "25s 1 sent")
		if !slices.Equal(w.link.payloads, []string{"x", ""}) {
			t.Errorf("payloads %q", w.link.payloads)
		}
	})
	test(t, func(w *world) {
		w.run(wire.Delay{Offline: wire.OfflineSkip}, w.step(0, ask))
		w.settle()
		w.linked(false)
		w.payload(0, "x")
		w.expect("0s 0 asked", "0s 0 skipped offline")
	})
}

func TestDeadline(t *testing.T) {
	for _, tc := range []struct {
		name   string
		steps  func(w *world) []wire.DelayStep
		before func(w *world)
		want   []string
	}{
		{"waiting", func(w *world) []wire.DelayStep {
			return append(w.spaced(2, 4*s), w.step(11*s), w.step(time.Hour, fixed))
		}, nil,
			[]string{"4s 0 sent", "8s 1 sent", "10s 2-3 skipped timeout"}},
		{"at that time", func(w *world) []wire.DelayStep { return w.spaced(2, 10*s) }, nil,
			[]string{"10s 0-1 skipped timeout"}},
		{"pending", func(w *world) []wire.DelayStep { return w.spaced(3, 4*s, qos1, gate(wire.GateAcknowledged, 0)) }, nil,
			[]string{"4s 0 sent", "10s 1-2 skipped timeout", "20s 0 acknowledged"}},
		{"offline", func(w *world) []wire.DelayStep { return w.spaced(2, 4*s) }, func(w *world) { w.linked(false) },
			[]string{"4s 0 due", "10s 0-1 skipped timeout"}},
		{"paused", func(w *world) []wire.DelayStep { return w.spaced(2, 6*s) }, func(w *world) { w.control(wire.Pause, 0) },
			[]string{"10s 0-1 skipped timeout"}},
		{"handed", func(w *world) []wire.DelayStep { return w.spaced(2, 4*s) }, func(w *world) { w.link.hold(true) },
			[]string{"4s 0 due", "8s 1 due", "10s 0 skipped timeout", "10s 1 skipped timeout"}},
		{"cancelled before", func(w *world) []wire.DelayStep { return w.spaced(2, 6*s) }, func(w *world) { w.control(wire.Cancel, 1) },
			[]string{"0s 1 cancelled", "6s 0 sent"}},
		{"gate", func(w *world) []wire.DelayStep { return []wire.DelayStep{w.step(5*s, gate(wire.GateAnswer, 8*s))} }, nil,
			[]string{"5s 0 sent", "13s 0 failed timeout"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.run(wire.Delay{Deadline: w.at(10 * s)}, tc.steps(w)...)
				if tc.before != nil {
					tc.before(w)
				}
				w.pass(20 * s)
				w.link.hold(false)
				if tc.name == "pending" {
					w.link.ack(0, nil)
				}
				w.expect(tc.want...)
			})
		})
	}
}

func TestADeadlineOfThePast(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{Deadline: w.at(-s)}, w.spaced(3, s)...)
		w.expect("0s 0-2 skipped timeout")
	})
}

// After a sleep nothing goes out by what the page says before the timer does.
func TestAPayloadComesAfterTheDeadline(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{Deadline: w.at(10 * s)}, w.step(0, ask))
		w.settle()
		w.jump(time.Hour)
		w.payload(0, "x")
		w.expect("0s 0 asked", "0s 0 skipped timeout")
	})
}

// What another attempt was to follow, and cannot any more, failed.
func TestNoAttemptIsLeft(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{Deadline: w.at(10 * s), OnFailure: wire.FailureRetry, Retries: 9, RetryDelay: 20 * s}, w.step(0, qos1), w.step(time.Hour))
		w.settle()
		w.link.ack(0, errRefused)
		w.pass(time.Minute)
		w.expect("0s 0 sent", "0s 0 waiting publish-refused", "10s 0 failed publish-refused", "10s 1 skipped timeout")
	})
}

func TestMessagesExpireAtTheDeadline(t *testing.T) {
	five := uint32(5)
	for _, tc := range []struct {
		name       string
		left       time.Duration
		properties *packets.Properties
		want       uint32
	}{
		{"whole seconds", 7 * s, nil, 7},
		{"rounded up", 7*s + time.Millisecond, nil, 8},
		{"a second at least", time.Millisecond, nil, 1},
		{"other properties", 7 * s, &packets.Properties{ContentType: "text/plain"}, 7},
		{"its own", 7 * s, &packets.Properties{MessageExpiry: &five}, 5},
		{"as long as there is", 200 * 365 * 24 * time.Hour, nil, 1<<32 - 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.link.rtt = 0
				st := w.step(s, qos1)
				st.Properties = tc.properties
				w.link.hold(true)
				w.run(wire.Delay{Deadline: w.at(s + tc.left)}, st)
				w.pass(s)
				p := w.link.messages[0].Properties
				if p.MessageExpiry == nil || *p.MessageExpiry != tc.want {
					t.Errorf("it expires after %v", p.MessageExpiry)
				}
				if given := tc.properties; given != nil {
					if p.ContentType != given.ContentType {
						t.Error("the other properties are gone")
					}
					if given.MessageExpiry != nil && given.MessageExpiry != &five || tc.want == 7 && given.MessageExpiry != nil {
						t.Error("the page's properties were changed")
					}
				}
			})
		})
	}
	test(t, func(w *world) {
		w.run(wire.Delay{}, w.step(0, qos1))
		w.settle()
		if w.link.messages[0].Properties != nil {
			t.Error("there is no deadline")
		}
	})
}

// What a page writes down before a step goes out: it is asked when only its answer
// is missing, at each attempt, and again where the link went in between.
func TestAskedLast(t *testing.T) {
	t.Run("after the limits of a thing", func(t *testing.T) {
		test(t, func(w *world) {
			w.run(wire.Delay{ThingInFlight: 1},
				w.step(0, topic(shadowA), qos1), w.step(0, topic(shadowA), qos1, last), w.step(0, topic(shadowA), qos1, last))
			w.settle()
			w.expect("0s 0 sent", "0s 1 due", "0s 2 due")
			w.link.ack(0, nil)
			w.settle()
			w.expect("0s 0 acknowledged", "0s 1 asked")
			w.pass(s)
			w.expect() // the one that is asked for has its place
			w.payload(1, "one")
			w.settle()
			w.expect("1s 1 sent")
		})
	})
	t.Run("without a link", func(t *testing.T) {
		test(t, func(w *world) {
			w.run(wire.Delay{}, w.step(s, last))
			w.pass(s)
			w.linked(false)
			w.payload(0, "x")
			w.pass(s)
			w.linked(true)
			w.expect("1s 0 asked", "1s 0 due", "2s 0 sent")
		})
	})
	t.Run("before each attempt", func(t *testing.T) {
		test(t, func(w *world) {
			w.run(wire.Delay{Retries: 1, RetryDelay: s}, w.step(0, qos1, last))
			w.settle()
			w.payload(0, "x")
			w.settle()
			w.link.ack(0, errRefused)
			w.pass(s)
			w.expect("0s 0 asked", "0s 0 sent", "0s 0 waiting publish-refused", "1s 0 asked")
		})
	})
}
