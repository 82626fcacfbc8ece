package session

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// ask subscribes; the error arrives when it is settled.
func ask(s *Session, id uint32, properties *packets.Properties, filters ...wire.Filter) chan *wire.Error {
	done := make(chan *wire.Error, 2)
	s.Subscribe(wire.Subscribe{Op: id, Subscription: id, Timeout: time.Minute, Filters: filters, Properties: properties}, func(a wire.Answer, err *wire.Error) {
		if err == nil && len(a.ReasonCodes) != len(filters) {
			err = &wire.Error{Code: wire.Internal}
		}
		done <- err
	})
	return done
}

func TestResubscribe(t *testing.T) {
	for _, tc := range []struct {
		name    string
		present bool
		off     bool // resubscribe
		want    []string
	}{
		{"lost", false, false, []string{"SUBSCRIBE e:1 id=7", "SUBSCRIBE b:2nrh1 c:0 a:1"}},
		{"present", true, false, nil},
		{"not wanted", false, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seven := 7
				var tr transcript
				s, r := withPeers(t, func(c *wire.Connect) { c.Resubscribe = !tc.off }, tr.link(script{lives: time.Minute}), tr.link(script{present: tc.present}))
				mustOpen(t, s)
				for _, done := range []chan *wire.Error{
					ask(s, 1, nil, wire.Filter{Topic: "a", QoS: 1}, wire.Filter{Topic: "b", QoS: 1}),
					ask(s, 2, nil, wire.Filter{Topic: "b", QoS: 2, NoLocal: true, RetainAsPublished: true, RetainHandling: 1}, wire.Filter{Topic: "c"}),
					ask(s, 3, nil, wire.Filter{Topic: "d"}),
					ask(s, 4, &packets.Properties{SubscriptionIdentifier: &seven}, wire.Filter{Topic: "e", QoS: 1}),
				} {
					if err := <-done; err != nil {
						t.Fatal(err)
					}
				}
				s.Unsubscribe(wire.Unsubscribe{Subscription: 3, Timeout: time.Minute}, func(wire.Answer, *wire.Error) {})
				tr.take()
				r.await(wire.Reconnecting)
				r.await(wire.Connected)
				tr.expect(t, "then", append([]string{`CONNECT "test" clean=false`}, tc.want...)...)
				closeSession(s)
			})
		})
	}
}

func TestResubscribeSplits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		s, r := withPeers(t, nil, new(transcript).link(script{lives: time.Minute}), new(transcript).link(script{answer: func(_ peer, cp *packets.ControlPacket) bool {
			if sub, ok := cp.Content.(*packets.Subscribe); ok {
				sizes = append(sizes, len(sub.Subscriptions))
			}
			return false
		}}))
		mustOpen(t, s)
		for i := range 20 {
			if err := <-ask(s, uint32(i+1), nil, wire.Filter{Topic: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		if !slices.Equal(sizes, []int{8, 8, 4}) {
			t.Errorf("filters to a packet: %v", sizes)
		}
		closeSession(s)
	})
}

func TestResubscribeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(script{lives: time.Minute}), tr.link(script{lives: time.Minute, answer: func(p peer, cp *packets.ControlPacket) bool {
			sub, ok := cp.Content.(*packets.Subscribe)
			if !ok {
				return false
			}
			codes := make([]byte, len(sub.Subscriptions))
			for i, f := range sub.Subscriptions {
				if f.Topic == "b" {
					codes[i] = 0x87
				}
			}
			p.write(&packets.Suback{PacketID: sub.PacketID, Reasons: codes, Properties: &packets.Properties{}})
			for _, topic := range []string{"a", "b", "c"} {
				p.write(&packets.Publish{Topic: topic, Properties: &packets.Properties{}})
			}
			return true
		}}), tr.link(script{}))
		mustOpen(t, s)
		if err := <-ask(s, 1, nil, wire.Filter{Topic: "a"}, wire.Filter{Topic: "b"}, wire.Filter{Topic: "c"}); err != nil {
			t.Fatal(err)
		}
		r.await(wire.Reconnecting)
		r.await(wire.Connected)
		if len(r.faults) != 1 || r.faults[0].Code != wire.SubscribeRefused || r.faults[0].ReasonCode != 0x87 || r.faults[0].Field != "filter" {
			t.Errorf("faults = %v", r.faults)
		}
		matched := map[string]int{}
		for _, m := range r.messages {
			matched[m.topic] = len(m.subscriptions)
		}
		if fmt.Sprint(matched) != "map[a:1 b:0 c:1]" {
			t.Errorf("messages match %v", matched)
		}
		r.await(wire.Reconnecting)
		tr.take()
		r.await(wire.Connected)
		tr.expect(t, "next time", `CONNECT "test" clean=false`, "SUBSCRIBE a:0 c:0")
		closeSession(s)
	})
}

// A link that ends before it answered the resubscription: the next asks once.
func TestResubscribeOverTwoOutages(t *testing.T) {
	for _, present := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := withPeers(t, nil, new(transcript).link(script{lives: time.Minute}), new(transcript).link(script{mute: true, lives: time.Second}), tr.link(script{present: present}))
			mustOpen(t, s)
			if err := <-ask(s, 1, nil, wire.Filter{Topic: "a"}); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				r.await(wire.Reconnecting)
				r.await(wire.Connected)
			}
			tr.expect(t, "then", `CONNECT "test" clean=false`, "SUBSCRIBE a:0")
			time.Sleep(time.Hour)
			if len(r.faults) > 0 {
				t.Errorf("faults = %v", r.faults)
			}
			closeSession(s)
		})
	}
}

func TestSubscribeOffline(t *testing.T) {
	for _, present := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := outage(t, nil, tr.link(script{present: present}))
			first, second := ask(s, 1, nil, wire.Filter{Topic: "a"}), ask(s, 2, nil, wire.Filter{Topic: "b"})
			unsubscribed := make(chan *wire.Error, 1)
			s.Unsubscribe(wire.Unsubscribe{Subscription: 1, Timeout: time.Minute}, func(_ wire.Answer, err *wire.Error) { unsubscribed <- err })
			publish(s, 0, "behind")
			s.Wake(wire.Probe)
			r.await(wire.Connected)
			for _, done := range []chan *wire.Error{first, second, unsubscribed} {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			tr.expect(t, "then", `CONNECT "test" clean=false`, "SUBSCRIBE a:0", "SUBSCRIBE b:0", "UNSUBSCRIBE a", `PUBLISH q0 t "behind"`)
			closeSession(s)
		})
	}
}

// A SUBSCRIBE that the lost link did not answer is sent again, and its handler is
// not forgotten.
func TestPendingSubscribeIsSentAgain(t *testing.T) {
	for _, present := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := withPeers(t, nil, new(transcript).link(script{mute: true, lives: 10 * time.Second}), tr.link(script{present: present, answer: func(p peer, cp *packets.ControlPacket) bool {
				p.answer(cp)
				if cp.Type == packets.SUBSCRIBE {
					p.write(&packets.Publish{Topic: "a", Properties: &packets.Properties{}})
				}
				return true
			}}))
			mustOpen(t, s)
			done := ask(s, 1, nil, wire.Filter{Topic: "a"})
			r.await(wire.Reconnecting)
			r.await(wire.Connected)
			if err := <-done; err != nil {
				t.Error(err)
			}
			tr.expect(t, "then", `CONNECT "test" clean=false`, "SUBSCRIBE a:0")
			if len(r.messages) != 1 || !slices.Equal(r.messages[0].subscriptions, []uint32{1}) {
				t.Errorf("messages = %v", r.messages)
			}
			closeSession(s)
		})
	}
}

// The server may have granted what was given up.
func TestAbortedSubscribeIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.Reconnect.MinDelay, c.Reconnect.MaxDelay = 12*time.Hour, 12*time.Hour },
			tr.link(script{mute: true, lives: 10 * time.Second}), tr.link(script{present: true}))
		mustOpen(t, s)
		connected, shelved := ask(s, 1, nil, wire.Filter{Topic: "a"}, wire.Filter{Topic: "b"}), ask(s, 2, nil, wire.Filter{Topic: "c"})
		s.AbortRequest(1)
		if err := <-connected; err == nil || err.Code != wire.Aborted {
			t.Errorf("error = %v", err)
		}
		tr.expect(t, "at first", `CONNECT "test" clean=true`, "SUBSCRIBE a:0 b:0", "SUBSCRIBE c:0", "UNSUBSCRIBE a b")
		r.await(wire.Reconnecting)
		s.AbortRequest(2)
		if err := <-shelved; err == nil || err.Code != wire.Aborted {
			t.Errorf("error = %v", err)
		}
		unsent := ask(s, 3, nil, wire.Filter{Topic: "d"})
		s.AbortRequest(3)
		if err := <-unsent; err == nil || err.Code != wire.Aborted {
			t.Errorf("error = %v", err)
		}
		s.Wake(wire.Probe)
		r.await(wire.Connected)
		tr.expect(t, "then", `CONNECT "test" clean=false`, "UNSUBSCRIBE a b", "UNSUBSCRIBE c")
		closeSession(s)
	})
}
