package session

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// arrivals notes when each message came.
func arrivals(times *[]time.Time, sc script) func(peer) {
	answer := sc.answer
	sc.answer = func(p peer, cp *packets.ControlPacket) bool {
		if cp.Type == packets.PUBLISH {
			*times = append(*times, time.Now())
		}
		return answer != nil && answer(p, cp)
	}
	return new(transcript).link(sc)
}

// fastest is the most that came within any second.
func fastest(times []time.Time) int {
	most := 0
	for i := range times {
		n := i
		for n < len(times) && times[n].Sub(times[i]) < time.Second {
			n++
		}
		most = max(most, n-i)
	}
	return most
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 350
		var times []time.Time
		s, _ := withPeers(t, func(c *wire.Connect) { c.Limits.PublishesPerSecond = 100 }, arrivals(&times, script{}))
		mustOpen(t, s)
		start := time.Now()
		var last outcome
		for i := range n {
			last = publish(s, byte(i%2), fmt.Sprint(i))
			if i == 20 {
				time.Sleep(900 * time.Millisecond) // the second does not begin with a full one
			}
		}
		<-last.done
		synctest.Wait()
		if len(times) != n || fastest(times) != 100 {
			t.Errorf("%d messages, up to %d in a second", len(times), fastest(times))
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		closeSession(s)
	})
}

// What is sent again after an outage counts as well.
func TestPaceAfterAnOutage(t *testing.T) {
	for _, present := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var times []time.Time
			s, r := withPeers(t, func(c *wire.Connect) { c.Limits.PublishesPerSecond = 10 },
				new(transcript).link(script{mute: true, lives: time.Minute}), arrivals(&times, script{present: present}))
			mustOpen(t, s)
			var outcomes []outcome
			for i := range 25 {
				outcomes = append(outcomes, publish(s, 1, fmt.Sprint(i)))
			}
			r.await(wire.Reconnecting)
			for i := range 25 {
				outcomes = append(outcomes, publish(s, 1, fmt.Sprint(25+i)))
			}
			for _, o := range outcomes {
				if got := <-o.done; got.err != nil {
					t.Fatal(got.err)
				}
			}
			synctest.Wait()
			if len(times) != 50 || fastest(times) > 10 {
				t.Errorf("present %v: %d messages, up to %d in a second", present, len(times), fastest(times))
			}
			closeSession(s)
		})
	}
}

func TestPaceOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, rate = 100, 10_000
		payload := string(make([]byte, 1000))
		var times []time.Time
		s, _ := withPeers(t, func(c *wire.Connect) { c.Limits.BytesPerSecond = rate }, arrivals(&times, script{}))
		mustOpen(t, s)
		start := time.Now()
		var last outcome
		for range n {
			last = publish(s, 0, payload)
		}
		<-last.done
		size := float64(publishSize(wire.Outgoing{Topic: "t", Payload: []byte(payload)}))
		want := time.Duration((n*size - rate) / rate * float64(time.Second)) // less what may go out at once
		if took := time.Since(start); took < want-time.Second || took > want+time.Second {
			t.Errorf("took %v, want about %v", took, want)
		}
		synctest.Wait()
		for i, at := range times {
			if sent := float64(i+1) * size; sent > rate+rate*at.Sub(start).Seconds()+size+1 {
				t.Fatalf("%.0f bytes after %v", sent, at.Sub(start))
			}
		}
		closeSession(s)
	})
}
