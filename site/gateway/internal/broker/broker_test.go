package broker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"iotwasm/site/gateway/internal/broker"
)

// Messages that are published while a session goes from connection to connection all
// arrive, the first copy of each in order (aws-iot.md 2.5, 2.8).
func TestTakeOversLoseNothing(t *testing.T) {
	r := newRig(t, "", `{"publishesPerSecond":0,"replayPerSecond":0}`).overTCP(t)
	const takeOvers, perTakeOver = 15, 40
	w := r.connect(t, 5, "c", expiry(1000))
	w.subscribe(1, "t")
	p := r.connect(t, 5, "p")
	published := make(chan int)
	stop := make(chan struct{})
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				published <- n
				return
			default:
			}
			p.send(p.publishPacket(2, uint16(n%60000+1), "t", strconv.Itoa(n)))
			if got := <-p.packets; got == nil {
				published <- n
				return
			}
		}
	}()
	next := 0
	take := func(w *wire, raw []byte) {
		t.Helper()
		words := describe(raw, 5)
		fields := strings.Fields(words)
		got, err := strconv.Atoi(fields[len(fields)-1])
		switch {
		case err != nil || !strings.HasPrefix(words, "PUBLISH t q1"):
			t.Fatal(words)
		case got > next:
			t.Fatalf("%d came before %d", got, next)
		case got == next:
			next++
		}
		if got%3 != 0 { // the others stay under way
			w.send(puback(packetID(raw)))
		}
	}
	for range takeOvers {
		for range perTakeOver {
			raw := w.raw()
			if raw == nil || raw[0]>>4 != 3 {
				break
			}
			take(w, raw)
		}
		after := r.open(t, 5)
		after.send(connectPacket(5, "c", resume, expiry(1000)))
		after.expect("CONNACK 1 00")
		w = after
	}
	close(stop)
	count := <-published
	for next < count {
		raw := w.raw()
		if raw == nil {
			t.Fatalf("the connection ended after %d of %d", next, count)
		}
		take(w, raw)
		w.send(puback(packetID(raw)))
	}
}

func TestLifecycle(t *testing.T) { // aws-iot.md 2.10
	r := newRig(t, "", "").overTCP(t)
	watcher := r.connect(t, 5, "watcher")
	watcher.subscribe(1, "$aws/events/presence/+/c", "$aws/events/subscriptions/+/c")
	w := r.connect(t, 5, "c")
	contains(t, watcher.next(), "PUBLISH $aws/events/presence/connected/c q1", `"clientId":"c"`, `"eventType":"connected"`, `"timestamp":`,
		`"sessionIdentifier":"`, `"principalIdentifier":"someone"`, `"ipAddress":"127.0.0.1"`, `"versionNumber":0`)
	w.send(w.subscribePacket(1, 0, "a", "b/+", "wrong#"))
	contains(t, watcher.next(), "PUBLISH $aws/events/subscriptions/subscribed/c q1", `"eventType":"subscribed"`, `"topics":["a","b/+"]`)
	w.send(w.unsubscribePacket(2, "a", "not held"))
	contains(t, watcher.next(), "PUBLISH $aws/events/subscriptions/unsubscribed/c q1", `"eventType":"unsubscribed"`, `"topics":["a"]`)
	ends := []struct {
		reason string
		end    func(*wire)
	}{
		{"CLIENT_INITIATED_DISCONNECT", func(w *wire) { w.send(w.disconnectPacket(0)) }},
		{"CONNECTION_LOST", func(w *wire) { _ = w.conn.Close() }},
		{"CLIENT_ERROR", func(w *wire) { w.send([]byte{0x40, 0}) }},
		{"API_INITIATED_DISCONNECT", func(*wire) { r.Disconnect("c") }},
		{"DUPLICATE_CLIENTID", func(*wire) { w = r.connect(t, 5, "c") }},
	}
	for i, each := range ends {
		each.end(w)
		contains(t, watcher.next(), "PUBLISH $aws/events/presence/disconnected/c q1", `"eventType":"disconnected"`, fmt.Sprintf(`"versionNumber":%d`, i),
			fmt.Sprintf(`"disconnectReason":"%s"`, each.reason), fmt.Sprintf(`"clientInitiatedDisconnect":%t`, i == 0))
		if each.reason != "DUPLICATE_CLIENTID" {
			w = r.connect(t, 5, "c")
		}
		contains(t, watcher.next(), "PUBLISH $aws/events/presence/connected/c", fmt.Sprintf(`"versionNumber":%d`, i+1))
	}
}

// What waits for a client that does not read is bounded.
func TestSlowReaders(t *testing.T) {
	tests := map[string]struct {
		limits string
		want   int // of 100 messages, with the one that is under way
	}{
		"number": {`{"queueMessages":10,"publishesPerSecond":0}`, 11},
		"bytes":  {`{"queueBytes":4000,"publishesPerSecond":0}`, 10}, // of 379 bytes
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "", test.limits).overTCP(t)
			w := r.connect(t, 5, "slow", receiveMaximum(1))
			w.subscribe(1, "t")
			p := r.connect(t, 5, "p")
			payload := strings.Repeat("x", 250)
			p.publish(1, "t", payload)
			raw := w.raw()
			for id := range uint16(99) {
				p.publish(id+2, "t", payload)
			}
			p.quiet() // the last has been passed on
			if got := strings.Count(r.log.String(), "messages dropped"); got != 1 {
				t.Errorf("%d lines in the log", got)
			}
			for range test.want - 1 {
				w.send(puback(packetID(raw)))
				raw = w.raw()
			}
			w.send(puback(packetID(raw)))
			w.quiet()
		})
	}
}

func TestSharedSubscriptions(t *testing.T) {
	r := newRig(t, "", "").overTCP(t)
	members := []*wire{r.connect(t, 5, "a"), r.connect(t, 5, "b")}
	for _, w := range members {
		w.subscribe(1, "$share/g/t/+")
	}
	p := r.connect(t, 5, "p")
	const messages = 40
	for id := range uint16(messages) {
		p.publish(id+1, "t/x", "x")
	}
	got := map[*wire]int{}
	for range messages {
		select {
		case <-members[0].packets:
			got[members[0]]++
		case <-members[1].packets:
			got[members[1]]++
		}
	}
	for _, w := range members {
		w.quiet()
		if got[w] == 0 {
			t.Error("one member gets all")
		}
	}
}

func TestReadLimits(t *testing.T) {
	for text, want := range map[string]string{
		`{"topicSlashes":3}`:                     "",
		`{"maximumConnectionAge":"90m"}`:         "",
		`{"topicSlashs":3}`:                      `unknown field "topicSlashs"`,
		`{"topicSlashes":-1}`:                    "topicSlashes must be 0 or more",
		`{"topicSlashes":"7"}`:                   "topicSlashes",
		`{"maximumConnectionAge":"90"}`:          "want a duration with a unit",
		`{"maximumQoS":3}`:                       "maximumQoS must be 1 or 2",
		`{"receiveMaximum":0}`:                   "receiveMaximum must be 1 or more",
		`{"maximumPacketSize":0}`:                "maximumPacketSize must be",
		`{"queueBytes":0}`:                       "queueMessages and queueBytes",
		`{"retainedMessages":0}`:                 "retainedMessages and retainedBytes",
		`{"keepAliveMinimum":2000}`:              "keepAliveMinimum must not be over",
		`{} {}`:                                  "nothing after it",
		`[]`:                                     "cannot unmarshal",
		`{"publishesPerSecond":1e3}`:             "",
		`{"clientIdBytes":23,"willDelay":false}`: "",
	} {
		path := filepath.Join(t.TempDir(), "limits.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := broker.AWS()
		err := p.ReadLimits(path)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", text, err)
		case err != nil && p != broker.AWS():
			t.Errorf("%s changed the profile", text)
		}
	}
	if _, err := broker.ProfileNamed("azure"); err == nil {
		t.Error("an unknown profile")
	}
}
