package delay

import (
	"fmt"
	"testing"
	"time"

	"iotwasm/wasm/internal/wire"
)

const shadowA, shadowB = "$aws/things/a/shadow/update", "$aws/things/b/shadow/name/n/get"

func TestThingOf(t *testing.T) {
	for topic, want := range map[string]string{
		"$aws/things/lamp/shadow/update":          "lamp",
		"$aws/things/lamp/shadow/name/night/get":  "lamp",
		"$aws/things/lamp/shadow":                 "lamp",
		"$aws/things/lamp/shadows":                "",
		"$aws/things/lamp/jobs/get":               "",
		"$aws/things/lamp":                        "",
		"$aws/things/":                            "",
		"things/lamp/shadow/update":               "",
		"x/$aws/things/lamp/shadow/update":        "",
		"$aws/things/a:b-c_1/shadow/delete":       "a:b-c_1",
		"$aws/rules/r/$aws/things/a/shadow/state": "",
	} {
		if got := thingOf(topic); got != want {
			t.Errorf("%s: %q, want %q", topic, got, want)
		}
	}
}

// In no second more go out than the rate, over a thing and all runs of a client.
func TestThingRate(t *testing.T) {
	test(t, func(w *world) {
		w.link.rtt = 0
		limits := wire.Delay{ThingRate: 5}
		var steps []wire.DelayStep
		for i := range 40 {
			steps = append(steps, w.step(time.Duration(i%7)*130*time.Millisecond, qos1, topic(shadowA)))
		}
		w.run(limits, steps...)
		w.pass(300 * time.Millisecond)
		limits.Run = 2
		w.run(limits, steps[:10]...)
		w.pass(time.Minute)
		at := w.link.times
		if len(at) != 50 {
			t.Fatalf("%d were sent", len(at))
		}
		for i := 5; i < len(at); i++ {
			if at[i]-at[i-5] < s {
				t.Errorf("six were sent from %v to %v", at[i-5], at[i])
			}
		}
		if at[49] > 9*s+900*time.Millisecond {
			t.Errorf("the last one was sent at %v", at[49])
		}
	})
}

func TestThingInFlight(t *testing.T) {
	test(t, func(w *world) {
		d := wire.Delay{ThingInFlight: 2}
		w.run(d, w.step(0, qos1, topic(shadowA)), w.step(0, qos1, gate(wire.GateNone, 0), topic(shadowA)), w.step(0, qos1, topic(shadowA)), w.step(s, qos1, topic(shadowA)))
		d.Run = 2
		w.run(d, w.step(0, qos1, topic(shadowA)))
		w.pass(2 * s)
		w.expect("0s 0 sent", "0s 1 sent", "0s 2 due", "0s run 2: 0 due", "1s 3 due")
		w.link.ack(1, nil)
		w.expect("2s 1 acknowledged", "2s 2 sent")
		w.link.ack(0, errRefused)
		w.expect("2s 0 failed publish-refused", "2s run 2: 0 sent")
		w.link.ack(3, nil)
		w.expect("2s run 2: 0 acknowledged", "2s 3 sent")
	})
}

// A request with an answer counts until that comes.
func TestThingWaitsForAnswers(t *testing.T) {
	for _, tc := range []struct {
		name string
		free func(w *world)
		want string
	}{
		{"accepted", func(w *world) { w.answer(0, nil) }, "0s 0 accepted"},
		{"rejected", func(w *world) { w.answer(0, &wire.Error{Code: wire.ShadowRejected}) }, "0s 0 rejected shadow-rejected"},
		{"no answer", func(w *world) { w.pass(10 * s) }, "10s 0 failed timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			test(t, func(w *world) {
				w.link.rtt = 0
				d := wire.Delay{ThingInFlight: 1}
				w.run(d, w.step(0, qos1, gate(wire.GateAnswer, 10*s), topic(shadowA)))
				w.expect("0s 0 sent", "0s 0 acknowledged")
				d.Run = 2
				w.run(d, w.step(0, topic(shadowA)), w.step(0, topic(shadowA)))
				w.expect("0s run 2: 0 due", "0s run 2: 1 due")
				tc.free(w)
				at := time.Since(w.start).String()
				w.expect(tc.want, at+" run 2: 0 sent", at+" run 2: 1 sent")
			})
		})
	}
}

// A retry gives the place free, and waits for one anew.
func TestThingAndRetries(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{ThingInFlight: 1, OnFailure: wire.FailureRetry, Retries: 1, RetryDelay: s}, w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowA)))
		w.settle()
		w.link.ack(0, errRefused)
		w.pass(2 * s)
		w.link.ack(1, nil)
		w.expect("0s 0 sent", "0s 1 due", "0s 0 waiting publish-refused", "0s 1 sent", "1s 0 due", "2s 1 acknowledged", "2s 0 sent")
	})
}

func TestThingsAreIndependent(t *testing.T) {
	test(t, func(w *world) {
		d := wire.Delay{ThingRate: 1, ThingInFlight: 1}
		w.run(d, w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowB)), w.step(0, qos1), w.step(0, qos1, topic("$aws/things/a/jobs/get")))
		d.Client, d.Run = 2, 2
		w.run(d, w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowA)))
		w.run(wire.Delay{Run: 3}, w.step(0, topic(shadowA))) // has no limits
		w.expect("0s 0 sent", "0s 1 due", "0s 2 sent", "0s 3 sent", "0s 4 sent", "0s run 2: 0 sent", "0s run 2: 1 due", "0s run 3: 0 sent")
	})
}

// What ends while it waits for its thing gives its place to the next one, and
// nothing is used up.
func TestThingAndCancel(t *testing.T) {
	test(t, func(w *world) {
		d := wire.Delay{ThingRate: 2}
		steps := make([]wire.DelayStep, 1000)
		for i := range steps {
			steps[i] = w.step(0, topic(shadowA))
		}
		w.run(d, steps...)
		d.Run = 2
		w.run(d, w.step(0, topic(shadowA)), w.step(0, topic(shadowA)), w.step(0, topic(shadowA)))
		w.pass(500 * time.Millisecond)
		w.forget()
		w.control(wire.Cancel, 2) // the first in the line
		w.expect("500ms 2 cancelled")
		w.pass(s)
		w.expect("1s 3 sent", "1s 4 sent")
		w.control(wire.Cancel, wire.AllSteps)
		w.pass(2 * s)
		w.expect("1.5s 5-999 cancelled", "2s run 2: 0 sent", "2s run 2: 1 sent", "3s run 2: 2 sent")
	})
	test(t, func(w *world) {
		w.run(wire.Delay{ThingInFlight: 1}, w.step(0, qos1, topic(shadowA)), w.step(0, topic(shadowA)), w.step(0, topic(shadowA)))
		w.settle()
		w.control(wire.Cancel, 1)
		w.link.ack(0, nil)
		w.expect("0s 0 sent", "0s 1 due", "0s 2 due", "0s 1 cancelled", "0s 0 acknowledged", "0s 2 sent")
	})
	test(t, func(w *world) { // one that the Sender holds
		w.link.hold(true)
		w.run(wire.Delay{ThingInFlight: 1}, w.step(0, qos1, topic(shadowA)), w.step(0, topic(shadowA)))
		w.settle()
		w.control(wire.Cancel, 0)
		w.link.hold(false)
		w.expect("0s 0 due", "0s 1 due", "0s 0 cancelled", "0s 1 due", "0s 1 sent")
	})
}

// A pause and an outage hold what waits for its thing, in its order.
func TestThingAndWhatHoldsTheRun(t *testing.T) {
	for name, hold := range map[string]func(w *world, on bool){
		"pause": func(w *world, on bool) { w.control(map[bool]wire.Verb{true: wire.Pause, false: wire.Unpause}[on], 0) },
		"link":  func(w *world, on bool) { w.linked(!on) },
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func(w *world) {
				w.link.rtt = 0
				var steps []wire.DelayStep
				for i := range 7 {
					steps = append(steps, w.step(0, qos1, topic(shadowA+fmt.Sprint(i))))
				}
				w.run(wire.Delay{ThingRate: 2, ThingInFlight: 9}, steps...)
				w.pass(500 * time.Millisecond)
				hold(w, true)
				w.pass(10 * s)
				if n := len(w.link.messages); n != 2 {
					t.Errorf("%d were sent", n)
				}
				hold(w, false)
				w.pass(time.Minute)
				for i, m := range w.link.messages {
					if m.Topic != steps[i].Topic {
						t.Errorf("message %d is %s", i, m.Topic)
					}
				}
				// The first goes at the end, the others as their thing allows.
				if last := w.link.times[6]; last > 13*s {
					t.Errorf("the last one was sent at %v", last)
				}
			})
		})
	}
}

// What waits for its thing when the clock is set back does not wait for it to catch
// up; nor does more go out.
func TestThingAndTheClock(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{ThingRate: 2}, w.step(0, topic(shadowA)), w.step(0, topic(shadowA)), w.step(0, topic(shadowA)), w.step(700*time.Millisecond, topic(shadowA)))
		w.pass(500 * time.Millisecond)
		w.jump(-time.Hour)
		w.pass(2 * s)
		w.expect("0s 0 sent", "0s 1 sent", "0s 2 due", "700ms shift 3 by -1h0m0s", "700ms 3 due", "1s 2 sent", "1s 3 sent")
	})
}

func TestThingsAndClose(t *testing.T) {
	test(t, func(w *world) {
		w.run(wire.Delay{ThingRate: 1, ThingInFlight: 2}, w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowA)), w.step(0, qos1, topic(shadowA)))
		w.settle()
		w.forget()
		w.close(1)
		w.expect("0s 0 failed transport-closed", "0s 1-2 failed closed")
		if len(w.s.things) > 0 {
			t.Error("the thing is left")
		}
	})
}
