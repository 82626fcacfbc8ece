package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTiming is TestLimits for what takes time: it passes in a bubble.
func TestTiming(t *testing.T) {
	rows := []row{
		{name: "dropped after 1.5 times the keep alive", source: "2.9 keep-alive, S4; 2.6", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(40))
			time.Sleep(59 * time.Second)
			w.quiet()
			watcher := r.connect(t, version, "watcher", keepAlive(0))
			watcher.subscribe(1, "$aws/events/presence/disconnected/c")
			before := time.Now()
			w.expect("DISCONNECT 8d", "closed")
			within(t, before, 60*time.Second)
			contains(t, watcher.next(), `"disconnectReason":"MQTT_KEEP_ALIVE_TIMEOUT"`, `"clientInitiatedDisconnect":false`) // 2.10
		}},
		{name: "a keep alive under the minimum is not kept", source: "2.9 keep-alive, S4", version: 4, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(5))
			before := time.Now()
			w.expect("closed")
			within(t, before, 45*time.Second)
		}},
		{name: "no keep alive is the maximum", source: "2.9 keep-alive, S4", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(0))
			before := time.Now()
			w.expect("DISCONNECT 8d", "closed")
			within(t, before, 1800*time.Second)
		}},
		{name: "generic: no keep alive is none", source: "-profile generic: MQTT 5.0", profile: "generic", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(0))
			time.Sleep(24 * time.Hour)
			w.quiet()
		}},
		{name: "one CONNECT a second of a client identifier", source: "2.8, S4; 2.6", limits: `{"connectsPerSecond":1}`, run: func(t *testing.T, r *rig, version byte) {
			r.connect(t, version, "c")
			r.connect(t, version, "other")
			refused("c", "CONNACK 0 97")(t, r, version)
			time.Sleep(time.Second)
			r.connect(t, version, "c")
			refused("c", "CONNACK 0 97")(t, r, version)
		}},
		{name: "no CONNECT", source: "2.9: the gateway's own", run: func(t *testing.T, r *rig, version byte) {
			before := time.Now()
			r.open(t, version).expect("closed")
			within(t, before, 10*time.Second)
		}},
		{name: "24 hours", source: "2.9 websocket life, S4; 1.11", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(1200))
			before := time.Now()
			time.Sleep(20 * time.Minute)
			w.quiet()
			watcher := r.connect(t, version, "watcher", keepAlive(0)) // is younger
			watcher.subscribe(1, "$aws/events/presence/disconnected/c")
			for range 70 {
				time.Sleep(20 * time.Minute)
				watcher.quiet()
				w.quiet()
			}
			w.expect("DISCONNECT 98", "closed")
			within(t, before, 24*time.Hour)
			contains(t, watcher.next(), `"disconnectReason":"WEBSOCKET_TTL_EXPIRATION"`, `"clientInitiatedDisconnect":false`)
		}},
		{name: "an age of one's own", source: "2.9 websocket life: a setting", version: 4, limits: `{"maximumConnectionAge":"90s"}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(1200))
			before := time.Now()
			w.expect("closed")
			within(t, before, 90*time.Second)
		}},
		{name: "100 messages a second to the broker", source: "2.9 publishes, S4; 2.6", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for id := range uint16(200) {
				w.publish(id+1, "t", "")
			}
			w.send(w.publishPacket(2, 201, "t", ""))
			w.expect("PUBACK 201 97")
			time.Sleep(time.Second)
			for id := range uint16(100) {
				w.publish(id+1, "t", "")
			}
			w.send(w.publishPacket(2, 201, "t", ""))
			w.expect("PUBACK 201 97")
		}},
		{name: "100 messages a second to a client", source: "2.9 publishes, S4: each way", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "q/#")
			for i := range 3 {
				p := r.connect(t, version, fmt.Sprint("p", i))
				for id := range uint16(100) {
					p.publish(id+1, "q/0", fmt.Sprint(id))
				}
				time.Sleep(time.Millisecond) // an acknowledgement comes before the message is passed on
			}
			for i := range 2 {
				for id := range 100 {
					if got, want := w.next(), fmt.Sprintf("PUBLISH q/0 q0 %d", id); got != want {
						t.Fatalf("%d: got %s, want %s", i, got, want)
					}
				}
			}
			w.quiet() // the excess is gone
			contains(t, r.log.String(), "messages discarded")
		}},
		{name: "512 KiB a second", source: "2.9 throughput, S4: delayed", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			before := time.Now()
			for id := range uint16(12) { // 1.5 MiB; the first 512 KiB are free
				w.publish(id+1, "t", strings.Repeat("x", 128<<10))
			}
			near(t, before, 2*time.Second)
		}},
		{name: "who is delayed is not silent", source: "2.9 throughput: delayed; 2.9 keep-alive", limits: `{"bytesPerSecond":1000}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", keepAlive(30))
			before := time.Now()
			w.publish(1, "t", strings.Repeat("x", 100_000))
			near(t, before, 99*time.Second)
			before = time.Now()
			w.expect("DISCONNECT 8d", "closed")
			within(t, before, 45*time.Second)
		}},
		{name: "512 KiB a second to a client", source: "2.9 throughput, S4: delayed", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(1, "t")
			for i := range 3 {
				p := r.connect(t, version, fmt.Sprint("p", i))
				for id := range uint16(4) {
					p.publish(id+1, "t", strings.Repeat("x", 128<<10))
				}
			}
			before := time.Now()
			for range 12 {
				w.send(puback(packetID(w.raw())))
			}
			near(t, before, 1750*time.Millisecond) // the last goes when the one before it has had its time
		}},
		{name: "message expiry of 0 is 1", source: "2.4, S1", run: expiryForwarded(0, "PUBLISH t q0 expiry=1 x")},
		{name: "message expiry over the maximum", source: "2.4, S1", run: expiryForwarded(604801, "PUBLISH t q0 expiry=604800 x")},
		{name: "remaining message expiry, and expired messages", source: "2.4, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", expiry(1000))
			w.subscribe(1, "t")
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			p := r.connect(t, version, "p")
			for i, seconds := range []uint32{30, 5, 10} {
				p.publish(uint16(i+1), "t", fmt.Sprint(seconds), append([]byte{0x02}, u32(seconds)...))
			}
			p.publish(9, "t", "for ever")
			time.Sleep(9*time.Second + 500*time.Millisecond)
			w = r.connect(t, version, "c", resume, expiry(1000))
			w.expect("PUBLISH t q1 expiry=20 30", "PUBLISH t q1 expiry=0 10", "PUBLISH t q1 for ever")
		}},
		{name: "expired retained messages", source: "2.4, S1: applies to retained", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.send(w.publishPacket(3, 1, "t", "x", append([]byte{0x02}, u32(10)...)))
			w.expect("PUBACK 1 00")
			time.Sleep(4 * time.Second)
			w.send(w.subscribePacket(2, 1, "t"))
			w.expect("SUBACK 2 01", "PUBLISH t q1 retain expiry=6 x")
			time.Sleep(6 * time.Second)
			w.send(w.subscribePacket(2, 1, "t"))
			w.expect("SUBACK 2 01")
			w.quiet()
		}},
		{name: "expired retained messages make room", source: "2.4, S1; 2.9 retained: the gateway's own", limits: `{"retainedMessages":1}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.send(w.publishPacket(3, 1, "a", "x", append([]byte{0x02}, u32(10)...)), w.publishPacket(3, 2, "b", "x"))
			w.expect("PUBACK 1 00", "PUBACK 2 97")
			time.Sleep(10 * time.Second)
			w.send(w.publishPacket(3, 3, "b", "x"))
			w.expect("PUBACK 3 00")
		}},
		{name: "the will's expiry of 0 is 1", source: "2.4, S1: applies to the will", run: func(t *testing.T, r *rig, version byte) {
			watcher := r.connect(t, version, "watcher")
			watcher.subscribe(1, "will")
			w := r.connect(t, version, "c", lastWill("will", "x", 8, append([]byte{0x02}, u32(0)...)))
			_ = w.conn.Close()
			watcher.expect("PUBLISH will q1 expiry=1 x")
		}},
		{name: "the will's expiry", source: "2.4, S1: applies to the will", run: func(t *testing.T, r *rig, version byte) {
			watcher := r.connect(t, version, "watcher")
			watcher.subscribe(1, "will")
			w := r.connect(t, version, "c", lastWill("will", "x", 8, append([]byte{0x02}, u32(9)...)))
			_ = w.conn.Close()
			watcher.expect("PUBLISH will q1 expiry=9 x")
		}},
		{name: "a will and its delay", source: "2.3, open", run: func(t *testing.T, r *rig, version byte) {
			watcher := r.connect(t, version, "watcher")
			watcher.subscribe(0, "will")
			will := lastWill("will", "x", 0, append([]byte{0x18}, u32(10)...))
			w := r.connect(t, version, "c", expiry(100), will)
			_ = w.conn.Close()
			time.Sleep(9 * time.Second)
			watcher.quiet()
			w = r.connect(t, version, "c", resume, expiry(100), will)
			time.Sleep(20 * time.Second)
			watcher.quiet()
			before := time.Now()
			_ = w.conn.Close()
			watcher.expect("PUBLISH will q0 x")
			within(t, before, 10*time.Second)
			w = r.connect(t, version, "c", expiry(100), will)
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			time.Sleep(20 * time.Second)
			watcher.quiet()
			w = r.connect(t, version, "c", will)
			w.send(w.disconnectPacket(4))
			watcher.expect("PUBLISH will q0 x") // the session ended
		}},
		{name: "sessions expire", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			for _, wait := range []time.Duration{99 * time.Second, 101 * time.Second} {
				w := r.connect(t, version, "c", expiry(100))
				w.subscribe(1, "t")
				w.send(w.disconnectPacket(0))
				w.expect("closed")
				time.Sleep(wait)
				present(t, r, version, "c", wait < 100*time.Second)
			}
			// mochi would let a new client inherit the expired one's subscriptions.
			w := r.connect(t, version, "c")
			w.publish(1, "t", "x")
			w.quiet()
		}},
		{name: "DISCONNECT changes session expiry", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			for _, each := range []struct{ asked, lasts uint32 }{{10, 10}, {200, 200}, {10_000, 3600}} {
				for _, wait := range []uint32{each.lasts - 1, each.lasts + 1} {
					w := r.connect(t, version, "c", expiry(100))
					w.send(w.disconnectPacket(0, append([]byte{0x11}, u32(each.asked)...)))
					w.expect("closed")
					time.Sleep(time.Duration(wait) * time.Second)
					present(t, r, version, "c", wait < each.lasts)
				}
			}
		}},
		{name: "3.1.1 sessions last as long as the ceiling", source: "2.5, S1", version: 4, run: func(t *testing.T, r *rig, version byte) {
			for _, wait := range []time.Duration{3599 * time.Second, 3601 * time.Second} {
				w := r.connect(t, version, "c")
				w.send(w.disconnectPacket(0))
				w.expect("closed")
				present(t, r, version, "c", false) // and makes one
				time.Sleep(wait)
				present(t, r, version, "c", wait < time.Hour)
			}
		}},
		{name: "replay in order, at most 10 a second", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", expiry(1000))
			w.subscribe(1, "t")
			p := r.connect(t, version, "p")
			var first []byte
			for i := range uint16(5) {
				p.publish(i+1, "t", fmt.Sprint(i))
				if i == 0 {
					first = w.raw()
				} else {
					w.raw()
				}
			}
			_ = w.conn.Close() // five are not acknowledged
			time.Sleep(time.Millisecond)
			for i := range uint16(20) {
				p.publish(i+1, "t", fmt.Sprint(i+5))
			}
			w = r.open(t, version)
			w.send(connectPacket(version, "c", resume, expiry(1000)))
			w.expect("CONNACK 1 00")
			before := time.Now()
			for i := range 25 {
				raw := w.raw()
				if got, want := describe(raw, version), fmt.Sprintf("PUBLISH t q1 %d", i); got != want { // 2.1: no DUP
					t.Fatalf("got %s, want %s", got, want)
				}
				if i == 0 && packetID(raw) != packetID(first) { // [MQTT-4.4.0-1]
					t.Error("another packet identifier")
				}
				w.send(puback(packetID(raw)))
			}
			near(t, before, 2400*time.Millisecond)
			p.publish(99, "t", "live")
			w.expect("PUBLISH t q1 live")
		}},
		{name: "replay to a shared subscription, at most 20 a second", source: "2.5, S1: shared 20/s", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", expiry(1000))
			w.subscribe(1, "$share/group/t")
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			p := r.connect(t, version, "p")
			for i := range uint16(21) {
				p.publish(i+1, "t", fmt.Sprint(i))
			}
			p.quiet() // the last is stored
			w = r.open(t, version)
			w.send(connectPacket(version, "c", resume, expiry(1000)))
			w.expect("CONNACK 1 00")
			before := time.Now()
			for i := range 21 {
				raw := w.raw()
				if got, want := describe(raw, version), fmt.Sprintf("PUBLISH t q1 %d", i); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
				w.send(puback(packetID(raw)))
			}
			near(t, before, time.Second)
		}},
		{name: "credentials that expire", source: "1.13, S2: disconnectAfterInSeconds", run: func(t *testing.T, r *rig, version byte) {
			watcher := r.connect(t, version, "watcher", keepAlive(1200))
			watcher.subscribe(0, "$aws/events/presence/disconnected/+")
			r.principal.ExpiresAt = time.Now().Add(300 * time.Second)
			w := r.connect(t, version, "c", keepAlive(1200))
			before := time.Now()
			w.expect("DISCONNECT 87", "closed")
			within(t, before, 300*time.Second)
			contains(t, watcher.next(), `"disconnectReason":"CUSTOMAUTH_TTL_EXPIRATION"`)
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, row.profile, row.limits).inBubble()
				version := row.version
				if version == 0 {
					version = 5
				}
				row.run(t, r, version)
			})
		})
	}
}

// expiryForwarded publishes with an expiry.
func expiryForwarded(seconds uint32, want string) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.connect(t, version, "c")
		w.subscribe(0, "t")
		w.publish(1, "t", "x", append([]byte{0x02}, u32(seconds)...))
		w.expect(want)
	}
}

// within checks that as much time has passed, to the millisecond.
func within(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got < want-time.Millisecond || got > want+time.Millisecond {
		t.Errorf("after %v, want %v", got, want)
	}
}

// near is within, to a tenth.
func near(t *testing.T, since time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(since); got < want*9/10 || got > want*11/10 {
		t.Errorf("after %v, want about %v", got, want)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
}
