package delay

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"iotwasm/wasm/internal/wire"
)

// Whatever happens, and from however many goroutines: each step ends once, nothing
// is told of it after that, none is sent before its time, and nothing is left.
func TestRandomly(t *testing.T) {
	for _, goroutines := range []int{1, 8} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("%d goroutines, seed %d", goroutines, seed), func(t *testing.T) {
				test(t, func(w *world) {
					w.quiet = true
					c := chaos{world: w, jumps: seed%4 == 3}
					var all sync.WaitGroup
					for g := range goroutines {
						random := rand.New(rand.NewPCG(seed, uint64(g)))
						all.Go(func() {
							for range 300 / goroutines {
								c.act(random)
							}
						})
					}
					all.Wait()
					// Half of them come to their ends by themselves.
					if seed%2 == 0 {
						c.calm()
						w.pass(10 * time.Minute)
						synctest.Wait()
					}
				})
			})
		}
	}
}

// chaos does to a world what can be done to it.
type chaos struct {
	*world
	jumps bool
	mu    sync.Mutex
	runs  uint32
}

func (c *chaos) act(random *rand.Rand) {
	c.mu.Lock()
	runs := c.runs
	c.mu.Unlock()
	run, step := 1+random.Uint32N(max(1, runs)), random.Uint32N(8)
	switch random.IntN(16) {
	case 0, 1:
		c.begin(random)
	case 2:
		if random.IntN(4) == 0 {
			step = wire.AllSteps
		}
		c.s.Control(wire.Control{Run: run, Step: step, Verb: wire.Cancel})
	case 3:
		c.s.Control(wire.Control{Run: run, Verb: wire.Pause})
	case 4, 5:
		c.s.Control(wire.Control{Run: run, Verb: wire.Unpause})
	case 6:
		c.s.Control(wire.Control{Run: run, Step: step, Verb: wire.Reschedule, At: c.wall().Add(time.Duration(random.IntN(40)-10) * s)})
	case 7:
		c.s.Link(1+random.Uint32N(2), random.IntN(3) > 0)
	case 8:
		c.s.Payload(wire.StepPayload{Run: run, Step: step, Payload: []byte("x")})
	case 9:
		var err *wire.Error
		if random.IntN(3) == 0 {
			err = &wire.Error{Code: wire.ShadowRejected, Retryable: random.IntN(2) == 0}
		}
		c.s.Answer(wire.StepAnswer{Run: run, Step: step, At: c.wall(), Err: err})
	case 10, 11, 12:
		c.news(random)
	case 13:
		if c.jumps && random.IntN(4) == 0 {
			c.jump(time.Duration(random.IntN(200)-100) * s)
		}
	case 14:
		if random.IntN(20) == 0 {
			c.close(1 + random.Uint32N(2))
		}
	}
	time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
}

// begin starts a run of any kind.
func (c *chaos) begin(random *rand.Rand) {
	pick := func(n int) time.Duration { return time.Duration(random.IntN(n)) }
	d := wire.Delay{
		Client: 1 + random.Uint32N(2), Offline: wire.OfflinePolicy(random.IntN(3)), OnFailure: wire.FailurePolicy(random.IntN(3)),
		Retries: random.Uint32N(4), Throttled: random.Uint32N(4), RetryDelay: s * pick(3), ThingRate: random.Uint32N(4), ThingInFlight: random.Uint32N(3),
	}
	now := c.wall()
	if random.IntN(3) == 0 {
		d.Deadline = now.Add(s * pick(60))
	}
	d.Steps = make([]wire.DelayStep, 1+random.IntN(6))
	sequential := random.IntN(2) == 0
	for i := range d.Steps {
		st := &d.Steps[i]
		*st = wire.DelayStep{Due: now.Add(s*pick(20) - 2*s), Spacing: -1, Fixed: random.IntN(4) == 0, Ask: random.IntN(5) == 0}
		st.Topic, st.QoS = []string{"t", shadowA, shadowB}[random.IntN(3)], byte(random.IntN(2))
		if random.IntN(2) == 0 {
			st.Spacing = s * pick(3)
		}
		if sequential {
			if st.Gate = wire.Gate(random.IntN(4)); st.Gate >= wire.GateAcknowledged {
				st.GateTimeout = 5 * s
			}
			if st.Gate == wire.GateAcknowledged {
				st.QoS = 1
			}
		}
		if random.IntN(10) == 0 {
			st.Every, st.Jitter = s+s*pick(5), s*pick(3)
		}
	}
	c.mu.Lock()
	c.runs++
	d.Run = c.runs
	c.mu.Unlock()
	c.started(d)
	c.s.Start(d, c.link.of(d.Client), &c.recorder)
}

// news settles a message, or has messages wait, or go.
func (c *chaos) news(random *rand.Rand) {
	l := &c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if random.IntN(4) == 0 {
		l.holds = !l.holds
	}
	for _, m := range l.messages {
		switch {
		case m.closed:
		case m.held && !l.holds:
			l.send(m)
		case !m.held && random.IntN(2) == 0:
			m.settle([]*wire.Error{nil, nil, errRefused, errLost, {Code: wire.InvalidArgument}}[random.IntN(5)])
		}
	}
}

// calm lets everything go that can.
func (c *chaos) calm() {
	c.mu.Lock()
	runs := c.runs
	c.mu.Unlock()
	for run := range runs {
		c.s.Control(wire.Control{Run: run + 1, Verb: wire.Unpause})
		for step := range uint32(8) {
			c.s.Payload(wire.StepPayload{Run: run + 1, Step: step})
		}
	}
	c.s.Link(1, true)
	c.s.Link(2, true)
	c.link.mu.Lock()
	c.link.rtt = time.Millisecond
	for _, m := range c.link.messages {
		if !m.held {
			m.settle(errLost)
		}
	}
	c.link.mu.Unlock()
	c.link.hold(false)
}
