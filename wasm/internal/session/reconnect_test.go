package session

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

func TestReconnectBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		links := []func(peer){tr.link(script{lives: time.Minute})}
		links = append(links, make([]func(peer), 9)...)
		links = append(links, tr.link(script{present: true}))
		s, r := withPeers(t, nil, links...)
		mustOpen(t, s)
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		if len(r.retries) != 10 || len(r.dials) != 11 {
			t.Fatalf("%d retries, %d dials", len(r.retries), len(r.dials))
		}
		differ := false
		for i, delay := range r.retries {
			if ceiling := min(time.Minute, time.Second<<i); delay < 0 || delay > ceiling {
				t.Errorf("attempt %d waits %v, the ceiling is %v", i+1, delay, ceiling)
			}
			before := r.dials[i]
			if i == 0 {
				before = before.Add(time.Minute) // the first link's life
			}
			if got := r.dials[i+1].Sub(before); got != delay {
				t.Errorf("attempt %d after %v, announced were %v", i+1, got, delay)
			}
			differ = differ || (i > 6 && delay != r.retries[6])
		}
		if !differ {
			t.Error("no jitter")
		}
		if want := []wire.State{wire.Connected, wire.Reconnecting, wire.Connected}; !slices.Equal(r.states, want) {
			t.Errorf("states = %v", r.states)
		}
		closeSession(s)
		tr.expect(t, "in all", `CONNECT "test" clean=true`, `CONNECT "test" clean=false`, "DISCONNECT 0x00")
	})
}

func TestBackoffBounds(t *testing.T) {
	cool := &wire.Error{HasReasonCode: true, ReasonCode: packets.ConnackServerBusy}
	for _, tc := range []struct {
		min, max  time.Duration
		failures  int
		cause     *wire.Error
		low, high time.Duration
	}{
		{time.Second, time.Minute, 0, nil, 0, time.Second},
		{time.Second, time.Minute, 5, nil, 0, 32 * time.Second},
		{time.Second, time.Minute, 6, nil, 0, time.Minute},
		{time.Second, time.Minute, 1000, nil, 0, time.Minute},
		{time.Second, time.Minute, 0, cool, 10 * time.Second, 11 * time.Second},
		{time.Second, 5 * time.Second, 9, cool, 5 * time.Second, 10 * time.Second},
		{0x7fffffff * time.Millisecond, 0x7fffffff * time.Millisecond, 19, nil, 0, 0x7fffffff * time.Millisecond},
		{time.Millisecond, time.Millisecond, 3, nil, 0, time.Millisecond},
	} {
		var least, most time.Duration = 1 << 62, 0
		for range 1000 {
			b := backoff{failures: tc.failures}
			delay := b.next(wire.Reconnect{MinDelay: tc.min, MaxDelay: tc.max}, tc.cause)
			least, most = min(least, delay), max(most, delay)
		}
		if least < tc.low || most > tc.high {
			t.Errorf("%v to %v after %d failures: %v to %v, want %v to %v", tc.min, tc.max, tc.failures, least, most, tc.low, tc.high)
		}
		if spread := tc.high - tc.low; most-least < spread/2 {
			t.Errorf("%v to %v after %d failures: %v to %v is not full jitter", tc.min, tc.max, tc.failures, least, most)
		}
	}
}

// Only a link that lived resets the back-off.
func TestBackoffIsResetByAStableLink(t *testing.T) {
	for _, tc := range []struct {
		lives time.Duration
		want  int // failures that count at the end
	}{{29 * time.Second, 5}, {30 * time.Second, 1}} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			var links []func(peer)
			for range 5 {
				links = append(links, tr.link(script{present: true, lives: tc.lives}))
			}
			s, r := withPeers(t, nil, append(links, tr.link(script{present: true}))...)
			mustOpen(t, s)
			for range 5 {
				r.await(wire.Reconnecting)
				r.await(wire.Connected)
			}
			s.mu.Lock()
			got := s.backoff.failures
			s.mu.Unlock()
			if got != tc.want {
				t.Errorf("links of %v: %d failures count, want %d", tc.lives, got, tc.want)
			}
			if len(r.faults) > 0 {
				t.Errorf("faults: %v", r.faults)
			}
			closeSession(s)
		})
	}
}

func TestCoolDown(t *testing.T) {
	for _, tc := range []struct {
		name string
		link script
	}{
		{"CONNACK 0x89", script{refuse: 0x89}},
		{"CONNACK 0x97", script{refuse: 0x97}},
		{"CONNACK 0x9C", script{refuse: 0x9C}},
		{"CONNACK 0x9D", script{refuse: 0x9D}},
		{"CONNACK 0x9F", script{refuse: 0x9F}},
		{"DISCONNECT 0x89", script{drop: -1, bye: &packets.Disconnect{ReasonCode: 0x89}}},
		{"DISCONNECT 0x96", script{drop: -1, bye: &packets.Disconnect{ReasonCode: 0x96}}},
		{"DISCONNECT 0x97", script{drop: -1, bye: &packets.Disconnect{ReasonCode: 0x97}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				s, r := withPeers(t, nil, tr.link(script{lives: time.Minute}), tr.link(tc.link), tr.link(script{}))
				mustOpen(t, s)
				r.await(wire.Reconnecting)
				r.awaitDials(2)
				s.Wake(wire.Probe) // the page waking up does not cut it short
				r.awaitDials(3)
				if waited := r.dials[2].Sub(r.dials[1]); waited < 10*time.Second || waited > 14*time.Second {
					t.Errorf("the next attempt came after %v", waited)
				}
				closeSession(s)
			})
		})
	}
}

func TestWhatEndsTheSession(t *testing.T) {
	connack := func(code byte) []script { return []script{{lives: time.Minute}, {refuse: code}} }
	disconnect := func(code byte) []script {
		return []script{{drop: -1, bye: &packets.Disconnect{ReasonCode: code, Properties: &packets.Properties{}}}}
	}
	for _, tc := range []struct {
		links []script
		code  wire.Code // "" where the session goes on
	}{
		{connack(0x85), wire.ConnackRefused},
		{connack(0x86), wire.ConnackRefused},
		{connack(0x87), wire.ConnackRefused},
		{connack(0x8A), wire.ConnackRefused},
		{connack(0x80), ""},
		{connack(0x88), ""},
		{connack(0x89), ""},
		{connack(0x97), ""},
		{disconnect(0x8E), wire.ServerDisconnect},
		{disconnect(0x87), wire.ServerDisconnect},
		{disconnect(0x82), wire.ServerDisconnect},
		{disconnect(0x8B), ""},
		{disconnect(0x8D), ""},
		{disconnect(0x97), ""},
		{disconnect(0x89), ""},
		{disconnect(0x98), ""},
	} {
		last := tc.links[len(tc.links)-1]
		name := fmt.Sprintf("CONNACK 0x%02X", last.refuse)
		if last.bye != nil {
			name = fmt.Sprintf("DISCONNECT 0x%02X", last.bye.ReasonCode)
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				var links []func(peer)
				for _, l := range tc.links {
					links = append(links, tr.link(l))
				}
				s, r := withPeers(t, nil, append(links, tr.link(script{}))...)
				mustOpen(t, s)
				synctest.Wait()
				o := publish(s, 1, "m")
				if tc.code == "" {
					r.await(wire.Reconnecting)
					r.await(wire.Connected)
					if got := o.settled(t); got.err != nil {
						t.Errorf("publish: %v", got.err)
					}
					closeSession(s)
					if r.err != nil {
						t.Errorf("ended with %v", r.err)
					}
					return
				}
				<-r.closed
				if r.err == nil || r.err.Code != tc.code || r.err.Retryable || r.err.ReasonCode != max(last.refuse, byeCode(last)) {
					t.Errorf("ended with %+v", r.err)
				}
				o.settled(t)
				dials := len(r.dialled())
				time.Sleep(time.Hour)
				if len(r.dialled()) != dials {
					t.Error("dialled after the end")
				}
			})
		})
	}
}

func byeCode(sc script) byte {
	if sc.bye == nil {
		return 0
	}
	return sc.bye.ReasonCode
}

func (r *recorder) dialled() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dials
}

func TestReconnectDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.Reconnect.Enabled = false }, tr.link(script{lives: time.Minute}), tr.link(script{}))
		mustOpen(t, s)
		<-r.closed
		if r.err == nil || r.err.Code != wire.TransportClosed || !r.err.Retryable || len(r.retries) != 0 || len(r.dials) != 1 {
			t.Errorf("%v after %d retries", r.err, len(r.retries))
		}
	})
}

func TestClientIdentifierOnReconnect(t *testing.T) {
	for _, tc := range []struct{ asked, assigned, want string }{
		{"mine", "", "mine"},
		{"", "auto-1", "auto-1"},
		{"", "$GEN/0123", ""}, // AWS IoT refuses it
		{"mine", "$GEN/0123", "mine"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			props := &packets.Properties{AssignedClientID: tc.assigned}
			s, r := withPeers(t, func(c *wire.Connect) { c.ClientID = tc.asked }, tr.link(script{lives: time.Minute, props: props}), tr.link(script{props: props}))
			mustOpen(t, s)
			r.await(wire.Reconnecting)
			r.await(wire.Connected)
			closeSession(s)
			tr.expect(t, "in all", fmt.Sprintf("CONNECT %q clean=true", tc.asked), fmt.Sprintf("CONNECT %q clean=false", tc.want), "DISCONNECT 0x00")
		})
	}
}

// Three links in a row that do not last look like two clients with one identifier.
func TestShortLivedLinksAreSuspicious(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		short, long := tr.link(script{lives: time.Second}), tr.link(script{lives: 20 * time.Second})
		s, r := withPeers(t, nil, short, short, long, short, short, short, tr.link(script{}))
		mustOpen(t, s)
		for i := range 6 {
			r.await(wire.Reconnecting)
			if want := i / 5; len(r.faults) != want {
				t.Fatalf("%d faults after %d links: %v", len(r.faults), i+1, r.faults)
			}
			r.await(wire.Connected)
		}
		if len(r.faults) != 1 || r.faults[0].Field != "clientId" {
			t.Errorf("faults = %v", r.faults)
		}
		closeSession(s)
	})
}

// A link that the page itself gave up says nothing about another client.
func TestRenewedLinksAreNotSuspicious(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		var links []func(peer)
		for range 6 {
			links = append(links, tr.link(script{present: true}))
		}
		s, r := withPeers(t, nil, links...)
		mustOpen(t, s)
		for range 5 {
			if err := renew(s); err != nil {
				t.Fatal(err)
			}
		}
		if len(r.faults) != 0 {
			t.Errorf("faults = %v", r.faults)
		}
		closeSession(s)
	})
}

func renew(s *Session) *wire.Error {
	done := make(chan *wire.Error, 1)
	s.Renew(func(err *wire.Error) { done <- err })
	return <-done
}

func TestProbeCutsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) {
			c.Reconnect.MinDelay, c.Reconnect.MaxDelay = time.Hour, time.Hour
		}, tr.link(script{lives: time.Minute}), nil, nil, tr.link(script{}))
		mustOpen(t, s)
		r.await(wire.Reconnecting)
		probe := func() time.Duration {
			n, start := len(r.dialled()), time.Now()
			s.Wake(wire.Probe)
			r.awaitDials(n + 1)
			return time.Since(start)
		}
		if after := probe(); after != 0 {
			t.Errorf("the first attempt came %v after the page woke up", after)
		}
		if after := probe(); after != time.Second { // at once would be one second after the last
			t.Errorf("the second attempt came %v after the page woke up", after)
		}
		time.Sleep(10 * time.Second) // an hour is waited for
		if after := probe(); after != 0 {
			t.Errorf("the third attempt came %v after the page woke up", after)
		}
		r.await(wire.Connected)
		closeSession(s)
	})
}

// Waking up never makes an attempt later than it was announced.
func TestProbeDoesNotDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) {
			c.Reconnect.MinDelay, c.Reconnect.MaxDelay = 100*time.Millisecond, 100*time.Millisecond
		}, tr.link(script{lives: time.Minute}), nil, tr.link(script{}))
		mustOpen(t, s)
		r.await(wire.Reconnecting)
		r.awaitDials(2)
		s.Wake(wire.Probe)
		r.await(wire.Connected)
		if waited := r.dials[2].Sub(r.dials[1]); waited != r.retries[1] {
			t.Errorf("waited %v, announced were %v", waited, r.retries[1])
		}
		closeSession(s)
	})
}

// A page that woke up while all was well does not cut the wait of a later outage.
func TestWakingEarlierDoesNotCutTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.Reconnect.MinDelay, c.Reconnect.MaxDelay = time.Hour, time.Hour },
			tr.link(script{lives: time.Minute}), tr.link(script{}))
		mustOpen(t, s)
		s.Wake(wire.Resume)
		s.Wake(wire.Probe)
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		if waited := r.dials[1].Sub(r.dials[0]) - time.Minute; waited != r.retries[0] {
			t.Errorf("waited %v, announced were %v", waited, r.retries[0])
		}
		closeSession(s)
	})
}

func TestSuspendAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{}), tr.link(script{present: true}))
		mustOpen(t, s)
		time.Sleep(time.Minute)
		s.Wake(wire.Suspend)
		tr.expect(t, "when suspended", `CONNECT "test" clean=true`, "DISCONNECT 0x00")
		o := publish(s, 1, "kept")
		time.Sleep(time.Hour)
		o.open(t)
		if len(r.dials) != 1 {
			t.Error("dialled while suspended")
		}
		s.Wake(wire.Probe)
		time.Sleep(time.Hour)
		if len(r.dials) != 1 {
			t.Error("a probe ended the suspension")
		}
		s.Wake(wire.Resume)
		synctest.Wait()
		if got := o.settled(t); got.err != nil {
			t.Error(got.err)
		}
		tr.expect(t, "when resumed", `CONNECT "test" clean=false`, `PUBLISH q1 #1 t "kept"`)
		closeSession(s)
	})
}

// The page is put aside in the middle of an attempt.
func TestSuspendWhileReconnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{lives: time.Minute}), func(p peer) {
			p.read() // and no CONNACK
			_, _ = packets.ReadPacket(p.conn)
		}, tr.link(script{present: true}))
		mustOpen(t, s)
		r.await(wire.Reconnecting)
		r.awaitDials(2)
		s.Wake(wire.Suspend)
		time.Sleep(time.Hour)
		if len(r.dials) != 2 {
			t.Error("dialled while suspended")
		}
		s.Wake(wire.Resume)
		synctest.Wait()
		r.await(wire.Connected)
		closeSession(s)
		if r.err != nil {
			t.Errorf("ended with %v", r.err)
		}
	})
}

func TestCloseWhileReconnecting(t *testing.T) {
	for _, tc := range []struct {
		name    string
		next    func(peer)
		suspend bool
	}{
		{"waiting", nil, false},
		{"no CONNACK", func(p peer) { p.read(); _, _ = packets.ReadPacket(p.conn) }, false},
		{"suspended", nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				s, r := withPeers(t, nil, tr.link(script{mute: true, lives: time.Minute}), tc.next)
				mustOpen(t, s)
				flying := []outcome{publish(s, 1, "in flight"), publish(s, 2, "in flight")}
				r.await(wire.Reconnecting)
				if tc.next != nil {
					r.awaitDials(2)
				}
				if tc.suspend {
					s.Wake(wire.Suspend)
				}
				synctest.Wait()
				waiting := []outcome{publish(s, 0, "waiting"), publish(s, 1, "waiting")}
				asked, renewed := make(chan *wire.Error, 2), make(chan *wire.Error, 2)
				s.Subscribe(wire.Subscribe{Op: 1, Subscription: 1, Timeout: time.Hour, Filters: []wire.Filter{{Topic: "a"}}}, func(_ wire.Answer, err *wire.Error) { asked <- err })
				if tc.next != nil {
					s.Renew(func(err *wire.Error) { renewed <- err })
				}
				start := time.Now()
				closeSession(s)
				if time.Since(start) > closeTimeout {
					t.Errorf("Close took %v", time.Since(start))
				}
				for _, o := range flying {
					if got := o.settled(t); got.err == nil || got.err.Code != wire.TransportClosed || got.sentAt.IsZero() {
						t.Errorf("in flight: %+v", got)
					}
				}
				for _, o := range waiting {
					if got := o.settled(t); got.err == nil || got.err.Code != wire.ClientClosed || !got.sentAt.IsZero() {
						t.Errorf("waiting: %+v", got)
					}
				}
				if err := <-asked; err == nil {
					t.Error("the subscribe succeeded")
				}
				if tc.next != nil {
					if err := <-renewed; err == nil || err.Code != wire.ClientClosed {
						t.Errorf("renew: %v", err)
					}
				}
				if r.err != nil || r.states[len(r.states)-1] != wire.Closed {
					t.Errorf("states %v, error %v", r.states, r.err)
				}
			})
		})
	}
}

func TestRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		release := make(chan struct{})
		s, r := withPeers(t, nil, tr.link(script{answer: func(p peer, cp *packets.ControlPacket) bool {
			m, ok := cp.Content.(*packets.Publish)
			if !ok {
				return false
			}
			go func() {
				<-release
				p.write(&packets.Puback{PacketID: m.PacketID})
			}()
			return true
		}}), tr.link(script{present: true}))
		mustOpen(t, s)
		first := publish(s, 1, "1")
		renewed := make(chan *wire.Error, 2)
		s.Renew(func(err *wire.Error) { renewed <- err })
		s.Renew(func(err *wire.Error) { renewed <- err }) // joins the first
		others := []outcome{publish(s, 0, "2"), publish(s, 1, "3"), publish(s, 0, "4")}
		subscribed := make(chan *wire.Error, 1)
		s.Subscribe(wire.Subscribe{Op: 1, Subscription: 1, Timeout: time.Minute, Filters: []wire.Filter{{Topic: "a"}}}, func(_ wire.Answer, err *wire.Error) { subscribed <- err })
		tr.expect(t, "while renewing", `CONNECT "test" clean=true`, `PUBLISH q1 #1 t "1"`)
		first.open(t)
		close(release)
		for range 2 {
			if err := <-renewed; err != nil {
				t.Error(err)
			}
		}
		if got := first.settled(t); got.err != nil {
			t.Errorf("in flight: %v", got.err)
		}
		if err := <-subscribed; err != nil {
			t.Error(err)
		}
		for _, o := range others {
			if got := o.settled(t); got.err != nil {
				t.Errorf("published meanwhile: %v", got.err)
			}
		}
		tr.expect(t, "after that", "DISCONNECT 0x00", `CONNECT "test" clean=false`, "SUBSCRIBE a:0", `PUBLISH q0 t "2"`, `PUBLISH q1 #3 t "3"`, `PUBLISH q0 t "4"`)
		if want := []wire.State{wire.Connected, wire.Reconnecting, wire.Connected}; !slices.Equal(r.states, want) {
			t.Errorf("states = %v", r.states)
		}
		closeSession(s)
		if err := renew(s); err == nil || err.Code != wire.ClientClosed {
			t.Errorf("renew after close: %v", err)
		}
	})
}

// A server that does not acknowledge does not hold up a renewal for ever.
func TestRenewIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, _ := withPeers(t, nil, tr.link(script{mute: true}), tr.link(script{present: true}))
		mustOpen(t, s)
		o := publish(s, 1, "1")
		start := time.Now()
		if err := renew(s); err != nil || time.Since(start) > drainTimeout+closeTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if got := o.settled(t); got.err != nil {
			t.Error(got.err)
		}
		closeSession(s)
		tr.expect(t, "in all", `CONNECT "test" clean=true`, `PUBLISH q1 #1 t "1"`, "DISCONNECT 0x00", `CONNECT "test" clean=false`, `PUBLISH q1 #1 dup t "1"`, "DISCONNECT 0x00")
	})
}

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		link := tr.link(script{present: true})
		s, r := withPeers(t, func(c *wire.Connect) { c.Reconnect.MaxAge = time.Hour }, link, link, link)
		mustOpen(t, s)
		time.Sleep(150 * time.Minute)
		if dials := r.dialled(); len(dials) != 3 || dials[2].Sub(dials[0]) > 2*time.Hour+time.Minute {
			t.Errorf("dialled at %v", dials)
		}
		closeSession(s)
		time.Sleep(3 * time.Hour)
		if len(r.dialled()) != 3 {
			t.Error("renewed after close")
		}
	})
}

// What the reconnect asks the page for may fail as well.
func TestTargetFailsOnReconnect(t *testing.T) {
	for _, retryable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := withPeers(t, nil, tr.link(script{lives: time.Minute}), tr.link(script{}))
			target, asked := s.cfg.Target, 0
			s.cfg.Target = func(ctx context.Context) (wire.Target, *wire.Error) {
				if asked++; asked == 2 {
					return wire.Target{}, &wire.Error{Code: wire.CredentialsFailed, Retryable: retryable}
				}
				return target(ctx)
			}
			mustOpen(t, s)
			r.await(wire.Reconnecting)
			if !retryable {
				<-r.closed
				if r.err == nil || r.err.Code != wire.CredentialsFailed {
					t.Errorf("ended with %v", r.err)
				}
				return
			}
			r.await(wire.Connected)
			closeSession(s)
		})
	}
}
