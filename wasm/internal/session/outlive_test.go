package session

import (
	"context"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// outliving is a session of even waits that lives on whatever fails.
func outliving(p wire.RefusalPolicy) func(*wire.Connect) {
	return func(c *wire.Connect) {
		c.Reconnect.MinDelay, c.Reconnect.Steady, c.Reconnect.OnRefusal = 70*time.Millisecond, true, p
	}
}

func TestOutlivesFailures(t *testing.T) {
	refused := script{refuse: packets.ConnackNotAuthorized}
	const wait, held = 70 * time.Millisecond, -time.Millisecond
	for _, tc := range []struct {
		name    string
		policy  wire.RefusalPolicy
		enabled bool
		links   []*script // nil: the dial fails
		want    []time.Duration
	}{
		{"a dial that fails", wire.RefusalHolds, true, []*script{nil, nil, {}}, []time.Duration{wait, wait}},
		{"refused, then asked to", wire.RefusalHolds, true, []*script{&refused, {}}, []time.Duration{held}},
		{"refused, and retried", wire.RefusalRetries, true, []*script{&refused, &refused, {}}, []time.Duration{wait, wait}},
		{"taken over", wire.RefusalHolds, true, []*script{{drop: -1, bye: &packets.Disconnect{ReasonCode: packets.DisconnectSessionTakenOver}}, {}}, []time.Duration{wait}},
		{"never by itself", wire.RefusalHolds, false, []*script{nil, nil, {}}, []time.Duration{held, held}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				var links []func(peer)
				for _, sc := range tc.links {
					if sc == nil {
						links = append(links, nil)
					} else {
						links = append(links, tr.link(*sc))
					}
				}
				s, r := withPeers(t, func(c *wire.Connect) {
					outliving(tc.policy)(c)
					c.Reconnect.Enabled = tc.enabled
				}, links...)
				go s.Open(context.Background())
				o := publish(s, 1, "before")
				for {
					synctest.Wait()
					time.Sleep(time.Hour) // it would have been tried by now
					r.mu.Lock()
					dials := len(r.dials)
					r.mu.Unlock()
					if dials == len(tc.links) {
						break
					}
					s.Wake(wire.Redial)
				}
				if got := o.settled(t); got.err != nil {
					t.Errorf("the message that waited: %v", got.err)
				}
				if !slices.Equal(r.retries, tc.want) {
					t.Errorf("waits %v, want %v", r.retries, tc.want)
				}
				if slices.Contains(r.states, wire.Closed) {
					t.Errorf("states %v", r.states)
				}
			})
		})
	}
}

func TestRedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) {
			outliving(wire.RefusalHolds)(c)
			c.Reconnect.MinDelay = time.Hour
		}, nil, tr.link(script{}), tr.link(script{present: true}))
		start := time.Now()
		go s.Open(context.Background())
		synctest.Wait()
		s.Wake(wire.Redial) // in the wait for the second attempt
		synctest.Wait()
		s.Wake(wire.Redial) // with a link, which is replaced
		synctest.Wait()
		time.Sleep(time.Second)
		if r.links != 2 || time.Since(start) > 2*time.Second {
			t.Errorf("%d links after %v", r.links, time.Since(start))
		}
		tr.expect(t, "in all", `CONNECT "test" clean=true`, "DISCONNECT 0x00", `CONNECT "test" clean=false`)
	})
}

// A session that waits to be asked ends when it is closed.
func TestCloseWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPeers(t, outliving(wire.RefusalHolds), new(transcript).link(script{refuse: packets.ConnackBanned}))
		opened := make(chan *wire.Error)
		go func() {
			_, err := s.Open(context.Background())
			opened <- err
		}()
		synctest.Wait()
		time.Sleep(time.Hour)
		o := publish(s, 0, "never")
		closeSession(s)
		if err := <-opened; err == nil || err.Code != wire.ClientClosed {
			t.Errorf("Open: %v", err)
		}
		if got := o.settled(t); got.err == nil || got.err.Code != wire.ClientClosed {
			t.Errorf("what waited: %v", got.err)
		}
	})
}

func TestPacketIdentifiersOfThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.Limits.FiltersPerPacket = 1 },
			tr.link(script{mute: true, lives: time.Second}), tr.link(script{present: true}))
		mustOpen(t, s)
		tr.take()
		s.Trace(wire.TraceHeaders)
		for _, id := range []uint16{9, 3, 9, 0} { // the second 9 is in use
			s.PublishAs(0, id, 0, wire.Outgoing{Topic: "t", QoS: 1}, newOutcome())
		}
		done := func(wire.Answer, *wire.Error) {}
		s.Subscribe(wire.Subscribe{Subscription: 1, Timeout: time.Minute, PacketID: 100, Filters: []wire.Filter{{Topic: "a"}, {Topic: "b"}}}, done)
		s.Unsubscribe(wire.Unsubscribe{Timeout: time.Minute, PacketID: 50, Filters: []string{"c"}}, done)
		tr.expect(t, "at first", "PUBLISH q1 #9 t", "PUBLISH q1 #3 t", "PUBLISH q1 #1 t", "PUBLISH q1 #2 t", "SUBSCRIBE a:0", "SUBSCRIBE b:0", "UNSUBSCRIBE c")
		var ids []uint16
		for _, p := range r.packets {
			ids = append(ids, p.ID)
		}
		if want := []uint16{9, 3, 1, 2, 100, 4, 50}; !slices.Equal(ids, want) {
			t.Errorf("packet identifiers %v, want %v", ids, want)
		}
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		// The order of sending, whatever the identifiers.
		tr.expect(t, "anew", `CONNECT "test" clean=false`, "SUBSCRIBE a:0", "SUBSCRIBE b:0", "UNSUBSCRIBE c",
			"PUBLISH q1 #9 dup t", "PUBLISH q1 #3 dup t", "PUBLISH q1 #1 dup t", "PUBLISH q1 #2 dup t")
	})
}

// Filters end in every subscription, and the server hears also of one that nobody
// holds; a code of the server is no error.
func TestUnsubscribeFromFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		refuses := func(p peer, cp *packets.ControlPacket) bool {
			u, ok := cp.Content.(*packets.Unsubscribe)
			if ok {
				p.write(&packets.Unsuback{PacketID: u.PacketID, Reasons: []byte{0, 0x11, 0x87}, Properties: &packets.Properties{}})
			}
			return ok
		}
		s, r := withPeers(t, nil, tr.link(script{answer: refuses, lives: time.Minute}), tr.link(script{}))
		mustOpen(t, s)
		subscribe(t, s, 1, 0, "a", "b")
		subscribe(t, s, 2, 0, "a")
		tr.take()
		var answer wire.Answer
		s.Unsubscribe(wire.Unsubscribe{Timeout: time.Minute, Filters: []string{"a", "nobody", "b"}}, func(a wire.Answer, err *wire.Error) {
			if err != nil {
				t.Error(err)
			}
			answer = a
		})
		tr.expect(t, "then", "UNSUBSCRIBE a nobody b")
		if want := []byte{0, 0x11, 0x87}; !slices.Equal(answer.ReasonCodes, want) {
			t.Errorf("codes %v", answer.ReasonCodes)
		}
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		tr.expect(t, "after an outage", `CONNECT "test" clean=false`)
	})
}

// A page that subscribes again and again, or leaves what it asked for, has the
// session keep no more than what it holds.
func TestSubscriptionsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, _ := withPeers(t, nil, tr.link(script{}))
		mustOpen(t, s)
		for range 3 {
			subscribe(t, s, 1, 0, "a", "b")
			subscribe(t, s, 1, 1, "b")
		}
		kept := func() (filters []string) {
			for _, sub := range s.subscriptions {
				for _, f := range sub.filters {
					filters = append(filters, f.Topic)
				}
			}
			return filters
		}
		if got := kept(); len(s.subscriptions) != 2 || !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("%d subscriptions, of %q", len(s.subscriptions), got)
		}
		s.Unsubscribe(wire.Unsubscribe{Timeout: time.Second, Filters: []string{"b", "a"}}, func(wire.Answer, *wire.Error) {})
		synctest.Wait()
		if len(s.subscriptions) != 0 || len(s.routes.match("a")) != 0 {
			t.Errorf("%d subscriptions are left", len(s.subscriptions))
		}
	})
}

func TestCloseWithoutDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{}))
		mustOpen(t, s)
		closed := make(chan struct{})
		s.Close(nil, func() { close(closed) })
		<-closed
		<-r.closed
		if r.err != nil {
			t.Error(r.err)
		}
		tr.expect(t, "in all", `CONNECT "test" clean=true`)
	})
}

// What the page gives at an attempt holds for that attempt.
func TestLoginOfAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var users []string
		serve := func(p peer) {
			c := p.accept(nil)
			users = append(users, c.ClientID+" "+c.Username+" "+string(c.Password))
			defer time.AfterFunc(time.Minute, func() { p.conn.Close() }).Stop()
			p.ack()
		}
		s, r := newSession(func() (net.Conn, error) { return serving(t, serve), nil }, func(c *wire.Connect) {
			reconnects(c)
			c.HasUsername, c.Username = true, "of the options"
		})
		logins := []*wire.Login{nil, {ClientID: "other", HasUsername: true, Username: "second", HasPassword: true, Password: []byte("p")}, {ClientID: "test"}}
		s.cfg.Target = func(context.Context) (wire.Target, *wire.Error) {
			login := logins[0]
			logins = logins[1:]
			return wire.Target{URL: "ws://localhost/mqtt", Login: login}, nil
		}
		mustOpen(t, s)
		for range 2 {
			r.await(wire.Reconnecting)
			r.await(wire.Connected)
		}
		closeSession(s)
		if want := []string{"test of the options ", "other second p", "other  "}; !slices.Equal(users, want) {
			t.Errorf("%q, want %q", users, want)
		}
	})
}

func TestTraceOfWholePackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := withPeers(t, func(c *wire.Connect) {
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, "SECRET", true, []byte("SECRET")
		}, new(transcript).link(sends(script{}, packets.Publish{Topic: "in", Payload: []byte("received")})))
		s.Trace(wire.TraceWhole)
		mustOpen(t, s)
		subscribe(t, s, 1, 0, "in")
		s.Publish(0, 0, wire.Outgoing{Topic: "out", QoS: 1, Payload: []byte("sent"), Properties: &packets.Properties{ContentType: "text"}}, newOutcome())
		synctest.Wait()
		payloads := map[string]string{}
		for _, p := range r.packets {
			if p.Type == packets.PUBLISH {
				payloads[p.Topic] = string(p.Payload)
				if p.Sent && (p.Properties == nil || p.Properties.ContentType != "text") {
					t.Errorf("properties %+v", p.Properties)
				}
			}
			if p.Type == packets.CONNECT && (p.Payload != nil || p.Properties != nil) {
				t.Errorf("of CONNECT %+v", p)
			}
		}
		if payloads["in"] != "received" || payloads["out"] != "sent" {
			t.Errorf("payloads %v", payloads)
		}
	})
}

// Also a message that no subscription is for waits for the page.
func TestManualAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(sends(script{}, packets.Publish{Topic: "nobody", QoS: 1, PacketID: 5})))
		s.SetManualAcks(true)
		mustOpen(t, s)
		subscribe(t, s, 1, 0, "a")
		tr.expect(t, "before", `CONNECT "test" clean=true`, "SUBSCRIBE a:0")
		if len(r.messages) != 1 || r.messages[0].token == 0 {
			t.Fatalf("messages %+v", r.messages)
		}
		s.Acknowledge(r.messages[0].token, 0x83)
		tr.expect(t, "then", "PUBACK #5 0x83")
	})
}

// A server without MQTT 5 may answer in its own version, whatever it was asked.
func TestOlderServer(t *testing.T) {
	for _, connack := range []string{"\x20\x02\x00\x01", "\x20\x02\x00\x00"} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := withPeer(t, nil, func(p peer) {
				p.read()
				_, _ = p.conn.Write([]byte(connack))
				p.conn.Close()
			})
			if _, err := s.Open(context.Background()); err == nil || err.Code != wire.ProtocolError || err.Hint == "" {
				t.Errorf("%q: %v", connack, err)
			}
		})
	}
}

// A server that breaks the protocol before its CONNACK is told of as such.
func TestAuthBeforeConnack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPeer(t, nil, func(p peer) {
			p.read()
			p.write(&packets.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &packets.Properties{AuthMethod: "x"}})
			time.Sleep(time.Millisecond)
			p.conn.Close()
		})
		if _, err := s.Open(context.Background()); err == nil || err.Code != wire.ProtocolError {
			t.Errorf("%v", err)
		}
	})
}
