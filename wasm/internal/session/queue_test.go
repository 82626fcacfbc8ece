package session

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// outage opens a session and takes its first link away; links serve what follows
// once the page wakes it up.
func outage(t *testing.T, change func(*wire.Connect), links ...func(peer)) (*Session, *recorder) {
	t.Helper()
	s, r := withPeers(t, func(c *wire.Connect) {
		c.Reconnect.MinDelay, c.Reconnect.MaxDelay = 12*time.Hour, 12*time.Hour
		if change != nil {
			change(c)
		}
	}, append([]func(peer){new(transcript).link(script{lives: 2 * time.Second})}, links...)...)
	mustOpen(t, s)
	r.await(wire.Reconnecting)
	return s, r
}

func TestPublishOffline(t *testing.T) {
	for _, present := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := outage(t, nil, tr.link(script{present: present}))
			var outcomes []outcome
			for i := range 6 {
				outcomes = append(outcomes, publish(s, byte(i%3), fmt.Sprint(i)))
			}
			synctest.Wait()
			if st := s.Stats(); st.Waiting != 6 || st.WaitingBytes == 0 || st.InFlight != 0 {
				t.Errorf("stats = %+v", st)
			}
			s.Wake(wire.Probe)
			r.await(wire.Connected)
			for i, o := range outcomes {
				if got := o.settled(t); got.err != nil || got.sentAt.IsZero() {
					t.Errorf("message %d: %+v", i, got)
				}
			}
			tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q0 t "0"`, `PUBLISH q1 #1 t "1"`, `PUBLISH q2 #2 t "2"`, `PUBLISH q0 t "3"`,
				`PUBLISH q1 #3 t "4"`, `PUBLISH q2 #4 t "5"`, "PUBREL #2", "PUBREL #4")
			if st := s.Stats(); st.Waiting != 0 || st.WaitingBytes != 0 || st.InFlight != 0 || st.MessagesOut != 6 || st.Links != 2 {
				t.Errorf("stats = %+v", st)
			}
			closeSession(s)
		})
	}
}

// What was in flight when the link was lost.
func TestInFlightOverAnOutage(t *testing.T) {
	one, two := uint16(1), uint16(2)
	recs := func(p peer, cp *packets.ControlPacket) bool { // acknowledges QoS 2 with a PUBREC and nothing else
		if m, ok := cp.Content.(*packets.Publish); ok && m.QoS == 2 {
			p.write(&packets.Pubrec{PacketID: m.PacketID})
		}
		return true
	}
	for _, tc := range []struct {
		name    string
		first   script
		qos     []byte
		second  script
		want    []string
		unknown []int // messages whose outcome is unknown
	}{
		{"QoS 1, present", script{mute: true}, []byte{1, 0, 1}, script{present: true},
			[]string{`PUBLISH q1 #1 dup t "0"`, `PUBLISH q1 #2 dup t "2"`, `PUBLISH q1 #3 t "late"`}, nil},
		{"QoS 1, lost", script{mute: true}, []byte{1, 0, 1}, script{},
			[]string{`PUBLISH q1 #3 t "0"`, `PUBLISH q1 #4 t "2"`, `PUBLISH q1 #5 t "late"`}, nil},
		{"QoS 2 before PUBREC, present", script{mute: true}, []byte{2}, script{present: true},
			[]string{`PUBLISH q2 #1 dup t "0"`, `PUBLISH q1 #2 t "late"`, "PUBREL #1"}, nil},
		{"QoS 2 before PUBREC, lost", script{mute: true}, []byte{2}, script{},
			[]string{`PUBLISH q1 #2 t "late"`}, []int{0}},
		{"QoS 2 after PUBREC, present", script{answer: recs}, []byte{2, 1}, script{present: true},
			[]string{"PUBREL #1", `PUBLISH q1 #2 dup t "1"`, `PUBLISH q1 #3 t "late"`}, nil},
		{"QoS 2 after PUBREC, lost", script{answer: recs}, []byte{2, 1}, script{},
			[]string{`PUBLISH q1 #3 t "1"`, `PUBLISH q1 #4 t "late"`}, []int{0}},
		{"smaller Receive Maximum, present", script{mute: true}, []byte{1, 1, 1}, script{present: true, props: &packets.Properties{ReceiveMaximum: &one}},
			[]string{`PUBLISH q1 #1 dup t "0"`, `PUBLISH q1 #2 dup t "1"`, `PUBLISH q1 #3 dup t "2"`, `PUBLISH q1 #4 t "late"`}, nil},
		{"smaller Receive Maximum, lost", script{mute: true}, []byte{1, 1, 1}, script{props: &packets.Properties{ReceiveMaximum: &two}},
			[]string{`PUBLISH q1 #4 t "0"`, `PUBLISH q1 #5 t "1"`, `PUBLISH q1 #6 t "2"`, `PUBLISH q1 #7 t "late"`}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				tc.first.lives = 2 * time.Second
				if rm := tc.second.props; rm != nil {
					// Acknowledges a while later, and looks at what is unacknowledged.
					var unacknowledged int
					limit := int(*rm.ReceiveMaximum)
					tc.second.answer = func(p peer, cp *packets.ControlPacket) bool {
						m, ok := cp.Content.(*packets.Publish)
						if !ok {
							return false
						}
						if unacknowledged++; unacknowledged > limit {
							t.Errorf("%d in flight, the Receive Maximum is %d", unacknowledged, limit)
						}
						if unacknowledged == limit || string(m.Payload) == "late" {
							go func() { time.Sleep(time.Millisecond); unacknowledged--; p.write(&packets.Puback{PacketID: m.PacketID}) }()
						}
						return true
					}
					if limit > 1 {
						tc.second.answer = nil
					}
				}
				s, r := withPeers(t, nil, new(transcript).link(tc.first), tr.link(tc.second))
				mustOpen(t, s)
				var outcomes []outcome
				for i, qos := range tc.qos {
					outcomes = append(outcomes, publish(s, qos, fmt.Sprint(i)))
				}
				r.await(wire.Reconnecting)
				late := publish(s, 1, "late")
				r.await(wire.Connected)
				time.Sleep(time.Second)
				unknown := make(map[int]bool)
				for _, i := range tc.unknown {
					unknown[i] = true
				}
				for i, o := range append(outcomes, late) {
					got := o.settled(t)
					switch {
					case unknown[i] && (got.err == nil || got.err.Code != wire.TransportClosed || !strings.Contains(got.err.Message, "unknown")):
						t.Errorf("message %d: %+v, its outcome is unknown", i, got)
					case !unknown[i] && got.err != nil:
						t.Errorf("message %d: %+v", i, got)
					}
					if len(o.sent) != 1 {
						t.Errorf("message %d was told as sent %d times", i, len(o.sent))
					}
				}
				tr.expect(t, "then", append([]string{`CONNECT "test" clean=false`}, tc.want...)...)
				closeSession(s)
			})
		})
	}
}

// Two outages in a row, with the session lost in the second: nothing is lost.
func TestOutagesInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{mute: true, lives: time.Minute}), tr.link(script{mute: true, present: true, lives: time.Minute}), tr.link(script{}))
		mustOpen(t, s)
		outcomes := []outcome{publish(s, 1, "0"), publish(s, 1, "1")}
		r.await(wire.Reconnecting)
		outcomes = append(outcomes, publish(s, 1, "2"), publish(s, 0, "3"))
		r.await(wire.Connected)
		r.await(wire.Reconnecting)
		outcomes = append(outcomes, publish(s, 1, "4"))
		r.await(wire.Connected)
		for i, o := range outcomes {
			if got := o.settled(t); got.err != nil {
				t.Errorf("message %d: %+v", i, got)
			}
		}
		tr.expect(t, "in all",
			`CONNECT "test" clean=true`, `PUBLISH q1 #1 t "0"`, `PUBLISH q1 #2 t "1"`,
			`CONNECT "test" clean=false`, `PUBLISH q1 #1 dup t "0"`, `PUBLISH q1 #2 dup t "1"`, `PUBLISH q1 #3 t "2"`, `PUBLISH q0 t "3"`,
			`CONNECT "test" clean=false`, `PUBLISH q1 #4 t "0"`, `PUBLISH q1 #5 t "1"`, `PUBLISH q1 #6 t "2"`, `PUBLISH q1 #7 t "4"`)
		closeSession(s)
	})
}

// 10,000 messages, and a link that ends again and again.
func TestManyOutages(t *testing.T) {
	const messages, outages = 10_000, 10
	synctest.Test(t, func(t *testing.T) {
		var got []string
		link := func(drop int) func(peer) {
			return func(p peer) {
				_ = p.read()
				p.write(&packets.Connack{SessionPresent: true, Properties: &packets.Properties{}})
				for n := 0; ; n++ {
					cp, err := packets.ReadPacket(p.conn)
					if err != nil || n == drop {
						p.conn.Close()
						return
					}
					if m, ok := cp.Content.(*packets.Publish); ok {
						got = append(got, string(m.Payload))
						p.write(&packets.Puback{PacketID: m.PacketID})
					}
				}
			}
		}
		var links []func(peer)
		for range outages {
			links = append(links, link(messages/outages-10))
		}
		s, _ := withPeers(t, func(c *wire.Connect) { c.Queue, c.Limits.InFlight = wire.Queue{}, 50 }, append(links, link(-1))...)
		mustOpen(t, s)
		outcomes := make([]outcome, messages)
		for i := range outcomes {
			outcomes[i] = publish(s, 1, fmt.Sprint(i))
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		for i, o := range outcomes {
			if got := <-o.done; got.err != nil {
				t.Fatalf("message %d: %v", i, got.err)
			}
		}
		synctest.Wait()
		first, seen := -1, make(map[string]bool) // of each message the first arrival is in order
		for _, payload := range got {
			if seen[payload] {
				continue
			}
			seen[payload] = true
			first++
			if payload != fmt.Sprint(first) {
				t.Fatalf("%s arrived where %d was due", payload, first)
			}
		}
		if len(seen) != messages {
			t.Errorf("%d of %d messages arrived", len(seen), messages)
		}
		closeSession(s)
	})
}

func TestQueueBounds(t *testing.T) {
	message := func(payload string) wire.Outgoing { return wire.Outgoing{Topic: "t", Payload: []byte(payload)} }
	size := uint32(publishSize(message("1")))
	long := strings.Repeat("x", 3*int(size))
	for _, tc := range []struct {
		name     string
		queue    wire.Queue
		payloads []string
		kept     []string
	}{
		{"count", wire.Queue{MaxMessages: 2}, []string{"1", "2", "3"}, []string{"1", "2"}},
		{"bytes", wire.Queue{MaxBytes: 2 * size}, []string{"1", "2", "3"}, []string{"1", "2"}},
		{"bytes to the last", wire.Queue{MaxBytes: 3*size - 1}, []string{"1", "2", "3"}, []string{"1", "2"}},
		{"too long, the others stay", wire.Queue{MaxBytes: 2 * size}, []string{"1", long, "2"}, []string{"1", "2"}},
		{"none", wire.Queue{}, []string{"1", long, "2"}, []string{"1", long, "2"}},
		{"count, oldest", wire.Queue{MaxMessages: 2, DropOldest: true}, []string{"1", "2", "3", "4"}, []string{"3", "4"}},
		{"bytes, oldest", wire.Queue{MaxBytes: 3 * size, DropOldest: true}, []string{"1", "2", "3", "four"}, []string{"3", "four"}},
		{"too long, none is dropped for it", wire.Queue{MaxBytes: 2 * size, DropOldest: true}, []string{"1", "2", long}, []string{"1", "2"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				s, r := outage(t, func(c *wire.Connect) { c.Queue = tc.queue }, tr.link(script{}))
				outcomes := make(map[string]outcome)
				for _, p := range tc.payloads {
					outcomes[p] = publish(s, 0, p)
				}
				if dropped := s.Stats().Dropped; int(dropped) != len(tc.payloads)-len(tc.kept) {
					t.Errorf("%d dropped", dropped)
				}
				s.Wake(wire.Probe)
				r.await(wire.Connected)
				want := []string{`CONNECT "test" clean=false`}
				for _, p := range tc.kept {
					want = append(want, fmt.Sprintf("PUBLISH q0 t %q", p))
					if got := outcomes[p].settled(t); got.err != nil {
						t.Errorf("%s: %v", p, got.err)
					}
					delete(outcomes, p)
				}
				tr.expect(t, "then", want...)
				for p, o := range outcomes {
					if got := o.settled(t); got.err == nil || got.err.Code != wire.QuotaExceeded || !got.sentAt.IsZero() {
						t.Errorf("%s: %+v", p, got)
					}
				}
				if st := s.Stats(); st.WaitingBytes != 0 {
					t.Errorf("%d bytes wait", st.WaitingBytes)
				}
				closeSession(s)
			})
		})
	}
}

func TestQueueAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := outage(t, func(c *wire.Connect) { c.Queue.MaxAge = time.Minute }, tr.link(script{}))
		var outcomes []outcome
		for i := range 4 {
			outcomes = append(outcomes, publish(s, 1, fmt.Sprint(i)))
			time.Sleep(20 * time.Second)
		}
		// A minute and 20 seconds passed: the first two are too old.
		for _, o := range outcomes[:2] {
			if got := o.settled(t); got.err == nil || got.err.Code != wire.Timeout || !got.sentAt.IsZero() {
				t.Errorf("too old: %+v", got)
			}
		}
		s.Wake(wire.Probe)
		r.await(wire.Connected)
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q1 #1 t "2"`, `PUBLISH q1 #2 t "3"`)
		if st := s.Stats(); st.Dropped != 2 {
			t.Errorf("%d dropped", st.Dropped)
		}
		closeSession(s)
		time.Sleep(time.Hour)
	})
}

// A message that was sent once, and waits again since the server lost the session,
// is as old as its wait, and is not said to be unsent.
func TestQueueAgeOfWhatIsSentAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := uint16(1)
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.Queue.MaxAge = time.Minute },
			new(transcript).link(script{mute: true, lives: 10 * time.Minute}),
			tr.link(script{mute: true, props: &packets.Properties{ReceiveMaximum: &one}}))
		mustOpen(t, s)
		a, b := publish(s, 1, "a"), publish(s, 1, "b")
		r.await(wire.Reconnecting)
		c := publish(s, 1, "c")
		r.await(wire.Connected)
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q1 #3 t "a"`)
		time.Sleep(50 * time.Second) // c has waited for less than a minute
		b.open(t)
		time.Sleep(20 * time.Second)
		if got := b.settled(t); got.err == nil || got.sentAt.IsZero() || !strings.Contains(got.err.Message, "unknown") {
			t.Errorf("b: %+v", got)
		}
		if got := c.settled(t); got.err == nil || got.err.Code != wire.Timeout || !got.sentAt.IsZero() {
			t.Errorf("c: %+v", got)
		}
		a.open(t)
		closeSession(s)
	})
}

// However often the queue empties and fills, one timer watches its age.
func TestQueueAgeIsWatchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := outage(t, func(c *wire.Connect) { c.Queue.MaxAge = time.Minute })
		var last outcome
		for i := range 100 {
			last = newOutcome()
			s.Publish(uint32(i+1), 0, wire.Outgoing{Topic: "t"}, last)
			if i < 99 {
				s.AbortPublish(uint32(i + 1))
			}
			time.Sleep(time.Second)
		}
		time.Sleep(58 * time.Second)
		last.open(t)
		time.Sleep(time.Second)
		if got := last.settled(t); got.err == nil || got.err.Code != wire.Timeout {
			t.Errorf("%+v", got)
		}
	})
}

func TestPublishTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{mute: true, lives: time.Minute}), tr.link(script{present: true}))
		mustOpen(t, s)
		flying, waiting := newOutcome(), newOutcome()
		s.Publish(1, 10*time.Second, wire.Outgoing{Topic: "t", QoS: 1, Payload: []byte("flying")}, flying)
		time.Sleep(10 * time.Second)
		if got := flying.settled(t); got.err == nil || got.err.Code != wire.Timeout || got.sentAt.IsZero() || !strings.Contains(got.err.Message, "unknown") {
			t.Errorf("in flight: %+v", got)
		}
		r.await(wire.Reconnecting)
		s.Publish(2, time.Nanosecond, wire.Outgoing{Topic: "t", QoS: 1, Payload: []byte("waiting")}, waiting)
		time.Sleep(time.Nanosecond)
		if got := waiting.settled(t); got.err == nil || got.err.Code != wire.Timeout || !got.sentAt.IsZero() {
			t.Errorf("waiting: %+v", got)
		}
		r.await(wire.Connected)
		// The protocol asks for the first, though nobody waits for it.
		tr.expect(t, "in all", `CONNECT "test" clean=true`, `PUBLISH q1 #1 t "flying"`, `CONNECT "test" clean=false`, `PUBLISH q1 #1 dup t "flying"`)
		if st := s.Stats(); st.InFlight != 0 || st.Waiting != 0 {
			t.Errorf("stats = %+v", st)
		}
		closeSession(s)
	})
}

// A message that nobody waits for is not sent anew when the session is lost.
func TestTimedOutIsNotSentAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, new(transcript).link(script{mute: true, lives: time.Minute}), tr.link(script{}))
		mustOpen(t, s)
		o := newOutcome()
		s.Publish(1, 10*time.Second, wire.Outgoing{Topic: "t", QoS: 1}, o)
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		o.settled(t)
		tr.expect(t, "then", `CONNECT "test" clean=false`)
		closeSession(s)
	})
}

func TestAbortWhileOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := outage(t, nil, tr.link(script{}))
		var outcomes []outcome
		for i := range 3 {
			o := newOutcome()
			s.Publish(uint32(i+1), 0, wire.Outgoing{Topic: "t", Payload: fmt.Append(nil, i)}, o)
			outcomes = append(outcomes, o)
		}
		s.AbortPublish(2)
		s.AbortPublish(2)
		s.AbortPublish(0)
		if got := outcomes[1].settled(t); got.err == nil || got.err.Code != wire.Aborted {
			t.Errorf("%+v", got)
		}
		s.Wake(wire.Probe)
		r.await(wire.Connected)
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q0 t "0"`, `PUBLISH q0 t "2"`)
		closeSession(s)
	})
}

// The limits of the new link hold for what was queued before it.
func TestQueuedIsCheckedAgainstTheNewServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		maximum, none, size := byte(1), byte(0), uint32(40)
		s, r := outage(t, nil, tr.link(script{props: &packets.Properties{MaximumQOS: &maximum, RetainAvailable: &none, MaximumPacketSize: &size}}))
		refused := map[string]outcome{"qos": publish(s, 2, "q"), "payload": publish(s, 0, strings.Repeat("x", 40)), "retain": newOutcome()}
		s.Publish(0, 0, wire.Outgoing{Topic: "t", Retain: true}, refused["retain"])
		fits := publish(s, 1, "fits")
		s.Wake(wire.Probe)
		r.await(wire.Connected)
		for field, o := range refused {
			if got := o.settled(t); got.err == nil || got.err.Code != wire.InvalidArgument || got.err.Field != field {
				t.Errorf("%s: %+v", field, got)
			}
		}
		if got := fits.settled(t); got.err != nil {
			t.Error(got.err)
		}
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q1 #1 t "fits"`)
		closeSession(s)
	})
}

// An acknowledgement that comes before its message was sent again does not raise
// the send quota.
func TestSendQuotaIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := uint16(1)
		var tr transcript
		early := make(chan struct{})
		s, r := withPeers(t, nil, new(transcript).link(script{mute: true, lives: time.Minute}), tr.link(script{
			present: true, props: &packets.Properties{ReceiveMaximum: &one},
			answer: func(p peer, cp *packets.ControlPacket) bool {
				select {
				case <-early:
				default: // the first: acknowledges the one that did not come yet as well
					close(early)
					p.write(&packets.Puback{PacketID: 2})
				}
				return true
			},
		}))
		mustOpen(t, s)
		outcomes := []outcome{publish(s, 1, "1"), publish(s, 1, "2")}
		r.await(wire.Reconnecting)
		outcomes = append(outcomes, publish(s, 1, "3"), publish(s, 1, "4"))
		r.await(wire.Connected)
		if got := outcomes[1].settled(t); got.err != nil {
			t.Error(got.err)
		}
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q1 #1 dup t "1"`)
		closeSession(s)
	})
}
