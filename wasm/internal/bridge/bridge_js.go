package bridge

import (
	"context"
	"os"
	"runtime"
	"sync"
	"syscall/js"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/delay"
	"iotwasm/wasm/internal/session"
	"iotwasm/wasm/internal/wire"
	"iotwasm/wasm/internal/wsconn"
)

// Run serves the page until the program is ended. host is the object that
// jsglue/src/program.ts puts into the program's scope.
func Run(host js.Value, version string) {
	b := &bridge{
		out:     newOutbox(host.Get("emit")),
		sockets: wsconn.NewSockets(host.Get("sockets")),
		clients: make(map[uint32]*client),
		arrived: make(chan struct{}, 1),
	}
	go b.guard(b.out.run)
	b.out.put(func(w *wire.Writer) { w.Hello(version) })
	receive := js.FuncOf(func(_ js.Value, args []js.Value) any {
		defer b.crash()
		batch := make([]byte, args[1].Int())
		js.CopyBytesToGo(batch, args[0])
		b.mu.Lock()
		b.in = append(b.in, batch)
		b.mu.Unlock()
		select {
		case b.arrived <- struct{}{}:
		default:
		}
		return nil
	})
	host.Call("ready", receive)
	b.guard(b.take)
}

type bridge struct {
	out       *outbox
	sockets   *wsconn.Sockets
	scheduler delay.Scheduler

	mu      sync.Mutex
	in      [][]byte
	arrived chan struct{}

	// Used by the goroutine of take alone.
	clients map[uint32]*client
}

// guard runs f and ends the program where f panics: what a panic leaves behind is
// not to be trusted, and the page starts a new program.
func (b *bridge) guard(f func()) {
	defer b.crash()
	f()
}

// crash is deferred by whatever this package starts. The value of a panic may
// hold what the page passed, so only a run-time error's own words are told.
func (b *bridge) crash() {
	r := recover()
	if r == nil {
		return
	}
	if err, ok := r.(interface{ RuntimeError() }); ok {
		println("iotwasm: panic:", err.(error).Error())
	} else {
		println("iotwasm: panic")
	}
	os.Exit(2)
}

func (b *bridge) take() {
	for range b.arrived {
		b.mu.Lock()
		batches := b.in
		b.in = nil
		b.mu.Unlock()
		for _, batch := range batches {
			r := wire.NewReader(batch)
			for {
				kind, body, ok := r.Next()
				if !ok {
					break
				}
				if err := b.dispatch(kind, body); err != nil {
					panic(err)
				}
			}
			if r.Err() != nil {
				panic(r.Err())
			}
		}
	}
}

// dispatch carries out one record. An error is a batch that this build's script
// cannot have made.
func (b *bridge) dispatch(kind byte, r *wire.Reader) error {
	switch kind {
	case wire.KindPublish:
		p, err := r.Publish()
		if err != nil {
			return err
		}
		b.publish(p)
	case wire.KindConnect:
		c, err := r.Connect()
		if err != nil {
			return err
		}
		b.connect(c)
	case wire.KindTarget:
		t, err := r.Target()
		if err != nil {
			return err
		}
		if c := b.clients[t.Client]; c != nil {
			c.answer(t.Request, answer{target: t})
		}
	case wire.KindTargetFailed:
		t, err := r.TargetFailed()
		if err != nil {
			return err
		}
		if c := b.clients[t.Client]; c != nil {
			c.answer(t.Request, answer{err: &t.Err})
		}
	case wire.KindClose:
		c, err := r.Close()
		if err != nil {
			return err
		}
		b.close(c)
	case wire.KindSubscribe:
		s, err := r.Subscribe()
		if err != nil {
			return err
		}
		b.subscribe(s)
	case wire.KindUnsubscribe:
		u, err := r.Unsubscribe()
		if err != nil {
			return err
		}
		b.unsubscribe(u)
	case wire.KindAbort:
		a, err := r.Abort()
		if err != nil {
			return err
		}
		b.abort(a)
	case wire.KindDelay:
		d, err := r.Delay()
		if err != nil {
			return err
		}
		b.delay(d)
	case wire.KindControl:
		c, err := r.Control()
		if err != nil {
			return err
		}
		b.scheduler.Control(c)
	case wire.KindStepPayload:
		p, err := r.StepPayload()
		if err != nil {
			return err
		}
		b.scheduler.Payload(p)
	case wire.KindStepAnswer:
		a, err := r.StepAnswer()
		if err != nil {
			return err
		}
		b.scheduler.Answer(a)
	case wire.KindAcknowledge:
		a, err := r.Acknowledge()
		if err != nil {
			return err
		}
		if c := b.clients[a.Client]; c != nil {
			c.session.Acknowledge(a.Token, a.ReasonCode)
		}
	case wire.KindManualAcks:
		m, err := r.ManualAcks()
		if err != nil {
			return err
		}
		if c := b.clients[m.Client]; c != nil {
			c.session.SetManualAcks(m.On)
		}
	case wire.KindWake:
		w, err := r.Wake()
		if err != nil {
			return err
		}
		if c := b.clients[w.Client]; c != nil {
			c.session.Wake(w.Reason)
		}
	case wire.KindRenew:
		n, err := r.Renew()
		if err != nil {
			return err
		}
		b.renew(n)
	case wire.KindStats:
		q, err := r.StatsRequest()
		if err != nil {
			return err
		}
		b.stats(q)
	case wire.KindTrace:
		t, err := r.Trace()
		if err != nil {
			return err
		}
		if c := b.clients[t.Client]; c != nil {
			c.session.Trace(t.Detail)
		}
	case wire.KindPresign:
		p, err := r.Presign()
		if err != nil {
			return err
		}
		b.presign(p)
	default:
		return wire.ErrMalformed
	}
	return nil
}

func (b *bridge) failed(op uint32, err *wire.Error) {
	b.out.put(func(w *wire.Writer) { w.Failed(op, err) })
}

func (b *bridge) done(op uint32) {
	b.out.put(func(w *wire.Writer) { w.Done(op) })
}

// session returns the session of a client, or fails op where it is gone.
func (b *bridge) session(id, op uint32) *session.Session {
	if c := b.clients[id]; c != nil {
		return c.session
	}
	b.failed(op, &wire.Error{Code: wire.ClientClosed, Message: "the client is closed"})
	return nil
}

func (b *bridge) connect(c wire.Connect) {
	cl := &client{bridge: b, id: c.Client, answers: make(map[uint32]chan answer)}
	cl.session = session.New(session.Config{Connect: c, Target: cl.target, Dial: b.sockets.Dial, Events: cl})
	b.clients[c.Client] = cl
	go b.guard(func() {
		if _, err := cl.session.Open(context.Background()); err != nil {
			b.failed(c.Op, err)
			return
		}
		b.done(c.Op)
	})
}

func (b *bridge) close(c wire.Close) {
	cl := b.clients[c.Client]
	if cl == nil {
		b.done(c.Op)
		return
	}
	delete(b.clients, c.Client)
	d := &packets.Disconnect{ReasonCode: c.ReasonCode, Properties: c.Properties}
	if c.Abrupt {
		d = nil
	}
	cl.session.Close(d, func() { b.done(c.Op) })
}

func (b *bridge) subscribe(c wire.Subscribe) {
	if s := b.session(c.Client, c.Op); s != nil {
		s.Subscribe(c, b.answer(c.Op))
	}
}

func (b *bridge) unsubscribe(u wire.Unsubscribe) {
	if cl := b.clients[u.Client]; cl != nil {
		cl.session.Unsubscribe(u, b.answer(u.Op))
	} else {
		b.answer(u.Op)(wire.Answer{}, nil)
	}
}

// answer reports the outcome of a SUBSCRIBE or UNSUBSCRIBE.
func (b *bridge) answer(op uint32) func(wire.Answer, *wire.Error) {
	return func(a wire.Answer, err *wire.Error) {
		if err != nil {
			b.failed(op, err)
			return
		}
		b.out.put(func(w *wire.Writer) { w.Subscribed(op, a) })
	}
}

func (b *bridge) renew(n wire.Renew) {
	if s := b.session(n.Client, n.Op); s != nil {
		s.Renew(func(err *wire.Error) {
			if err != nil {
				b.failed(n.Op, err)
				return
			}
			b.done(n.Op)
		})
	}
}

func (b *bridge) stats(q wire.StatsRequest) {
	if q.Client == 0 {
		b.out.put(func(w *wire.Writer) { w.ProgramStats(q.Op, len(b.clients), runtime.NumGoroutine()) })
		return
	}
	if s := b.session(q.Client, q.Op); s != nil {
		figures := s.Stats() // not under the outbox's lock: the session's comes first
		b.out.put(func(w *wire.Writer) { w.Stats(q.Op, figures) })
	}
}

func (b *bridge) abort(a wire.Abort) {
	if cl := b.clients[a.Client]; cl != nil {
		cl.session.AbortPublish(a.Op)
		cl.session.AbortRequest(a.Op)
	}
}

func (b *bridge) publish(p wire.Publish) {
	if s := b.session(p.Client, p.Op); s != nil {
		s.PublishAs(p.Op, p.PacketID, p.Timeout, p.Outgoing, published{b, p.Op})
	}
}

func (b *bridge) delay(d wire.Delay) {
	cl := b.clients[d.Client]
	if cl == nil {
		runEvents{b}.Step(wire.Step{
			Run: d.Run, Count: uint32(len(d.Steps)), State: wire.StepFailed,
			Err: &wire.Error{Code: wire.ClientClosed, Message: "the client is closed"},
		})
		return
	}
	b.scheduler.Start(d, sender{cl.session}, runEvents{b})
}

// sender publishes the steps of delayed runs.
type sender struct{ session *session.Session }

func (s sender) Publish(m wire.Outgoing, d delay.Delivery) { s.session.Publish(0, 0, m, d) }
func (s sender) Withdraw(d delay.Delivery)                 { s.session.Withdraw(d) }

// runEvents tells the page of delayed runs.
type runEvents struct{ bridge *bridge }

func (e runEvents) Step(s wire.Step) { e.bridge.out.put(func(w *wire.Writer) { w.Step(s) }) }

func (e runEvents) Shift(s wire.Shift) { e.bridge.out.put(func(w *wire.Writer) { w.Shift(s) }) }

func (e runEvents) Repeat(r wire.Repeat) { e.bridge.out.put(func(w *wire.Writer) { w.Repeat(r) }) }

func (b *bridge) presign(p wire.Presign) {
	url, err := session.PresignURL(p, time.Now())
	if err != nil {
		b.failed(p.Op, err)
		return
	}
	b.out.put(func(w *wire.Writer) { w.Presigned(p.Op, url) })
}

// published reports a message of the page.
type published struct {
	bridge *bridge
	op     uint32
}

func (published) Sent(time.Time) {}

func (p published) Settled(sentAt time.Time, a wire.Acknowledgement, err *wire.Error) {
	if err != nil {
		p.bridge.failed(p.op, err)
		return
	}
	p.bridge.out.put(func(w *wire.Writer) { w.Published(p.op, sentAt, a) })
}
