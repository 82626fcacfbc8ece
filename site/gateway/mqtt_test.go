package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

func TestConnack(t *testing.T) {
	_, connack := start(t).connect(t, "c")
	p := connack.Properties
	if p.ReceiveMaximum == nil || *p.ReceiveMaximum != 100 || p.MaximumQoS == nil || *p.MaximumQoS != 1 ||
		p.TopicAliasMaximum == nil || *p.TopicAliasMaximum != 8 || p.MaximumPacketSize == nil || *p.MaximumPacketSize != 149504 ||
		!p.RetainAvailable || !p.WildcardSubAvailable || p.SubIDAvailable || !p.SharedSubAvailable {
		t.Errorf("CONNACK %+v", p)
	}
}

func TestShadowOverMQTT(t *testing.T) {
	g := start(t)
	c, _ := g.connect(t, "page")
	const shadow = "$aws/things/thing/shadow/name/test1"
	c.subscribe(t, 1, shadow+"/update/accepted", shadow+"/update/rejected", shadow+"/update/delta", shadow+"/update/documents",
		shadow+"/get/accepted", shadow+"/get/rejected", shadow+"/delete/accepted", shadow+"/delete/rejected")
	watcher, _ := g.connect(t, "watcher")
	watcher.subscribe(t, 0, shadow+"/update")

	steps := []struct {
		topic, payload string
		want           []string // tail and a part of the payload
	}{
		{"update", `{"state":{"reported":{}}}`, []string{`update/documents "previous":null`, `update/accepted "version":1`}},
		{"update", `{"state":{"desired":{"on":true}},"clientToken":"x"}`, []string{`update/delta "state":{"on":true}`, `update/documents "version":2`, `update/accepted "clientToken":"x"`}},
		{"update", `{"state":{"reported":{"on":true}},"version":1}`, []string{`update/rejected "code":409`}},
		{"update", `{"state":`, []string{`update/rejected "message":"Invalid JSON"`}},
		{"get", ``, []string{`get/accepted "delta":{"on":true}`}},
		{"delete", ``, []string{`delete/accepted "version":2`}},
		{"get", ``, []string{`get/rejected "message":"No shadow exists with name: 'thing~test1'"`}},
	}
	for _, step := range steps {
		for qos := range byte(2) {
			if qos == 1 && step.topic != "get" {
				continue
			}
			c.publish(t, qos, shadow+"/"+step.topic, step.payload)
			for _, want := range step.want {
				tail, part, _ := strings.Cut(want, " ")
				got := c.next(t)
				if got.Topic != shadow+"/"+tail || !strings.Contains(string(got.Payload), part) {
					t.Fatalf("%s %s: got %s %s, want %s", step.topic, step.payload, got.Topic, got.Payload, want)
				}
				if got.QoS != 1 || !json.Valid(got.Payload) {
					t.Errorf("QoS %d: %s", got.QoS, got.Payload)
				}
			}
		}
		if step.topic == "update" {
			if got := watcher.next(t); string(got.Payload) != step.payload {
				t.Errorf("the request did not reach another subscriber: %s", got.Payload)
			}
		}
	}
}

func TestShadowCreationFault(t *testing.T) {
	const create, first, second = `{"state":{},"clientToken":"x"}`, "$aws/things/thing/shadow/name/first", "$aws/things/thing/shadow/name/second"
	spacing := []string{"-shadow-creation-spacing", "1h"}
	tests := map[string]struct {
		args []string
		want string // the answer to the second creation; none if empty
	}{
		"off":     {nil, `update/accepted "clientToken":"x"`},
		"default": {spacing, `update/rejected {"code":429,"message":"Too many requests",`},
		"reject":  {append(spacing, "-shadow-creation-fault", "reject"), `update/rejected "code":429`},
		"drop":    {append(spacing, "-shadow-creation-fault", "drop"), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, test.args...).connect(t, "page")
			c.subscribe(t, 1, "$aws/things/+/shadow/update/accepted", "$aws/things/+/shadow/name/+/update/accepted",
				"$aws/things/+/shadow/name/+/update/rejected", "$aws/things/+/shadow/name/+/get/rejected")
			expect := func(base, want string) {
				t.Helper()
				tail, part, _ := strings.Cut(want, " ")
				if got := c.next(t); got.Topic != base+"/"+tail || !strings.Contains(string(got.Payload), part) {
					t.Fatalf("got %s %s, want %s on %s", got.Topic, got.Payload, want, base)
				}
			}
			c.publish(t, 1, first+"/update", create)
			expect(first, "update/accepted")
			c.publish(t, 1, second+"/update", create)
			if test.want != "" {
				expect(second, test.want)
			}
			if name != "off" {
				c.publish(t, 1, second+"/get", "")
				expect(second, `get/rejected "code":404`)
			}
			for _, base := range []string{first, "$aws/things/thing/shadow", "$aws/things/other/shadow/name/first"} {
				c.publish(t, 1, base+"/update", create)
				expect(base, "update/accepted")
			}
		})
	}
}

func TestClientsDoNotSpeakForTheShadowService(t *testing.T) {
	g := start(t)
	c, _ := g.connect(t, "c")
	const accepted = "$aws/things/thing/shadow/update/accepted"
	c.subscribe(t, 0, accepted, "$aws/things/thing/other")
	c.publish(t, 0, accepted, "forged")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if response, err := c.Publish(ctx, &paho.Publish{Topic: accepted, QoS: 1, Payload: []byte("forged")}); err == nil || response.ReasonCode != 0x87 {
		t.Errorf("PUBACK %+v, %v", response, err)
	}
	c.publish(t, 1, "$aws/things/thing/other", "last")
	if got := c.next(t); string(got.Payload) != "last" {
		t.Errorf("got %s on %s", got.Payload, got.Topic)
	}
}

func TestAnswersOfOneShadowAreOrdered(t *testing.T) {
	g := start(t, "-profile", "generic")
	watcher, _ := g.connect(t, "watcher")
	watcher.subscribe(t, 0, "$aws/things/thing/shadow/update/accepted")
	const clients, updates = 4, 50
	var all sync.WaitGroup
	for i := range clients {
		c, _ := g.connect(t, fmt.Sprint("c", i))
		all.Go(func() {
			for range updates {
				if _, err := c.Publish(t.Context(), &paho.Publish{Topic: "$aws/things/thing/shadow/update", Payload: []byte(`{"state":{}}`)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for version := 1; version <= clients*updates; version++ {
		var body struct{ Version int }
		if err := json.Unmarshal(watcher.next(t).Payload, &body); err != nil || body.Version != version {
			t.Fatalf("version %d, want %d (%v)", body.Version, version, err)
		}
	}
}

// mochi's codec panics on this packet.
func TestAMalformedPacketEndsOneConnection(t *testing.T) {
	g := start(t)
	bystander, _ := g.connect(t, "bystander")
	bystander.subscribe(t, 0, "t")

	conn := g.dial(t)
	culprit, _ := connect(t, conn, &paho.Connect{ClientID: "culprit", KeepAlive: 30, CleanStart: true})
	if _, err := conn.Write([]byte{0x82, 0x06, 0x12, 0x34, 0x00, 0x00, 0x01, 0x70}); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, culprit.disconnect); got.ReasonCode != 0x81 {
		t.Errorf("DISCONNECT 0x%x", got.ReasonCode)
	}
	bystander.publish(t, 1, "t", "alive")
	if got := bystander.next(t); string(got.Payload) != "alive" {
		t.Errorf("got %s", got.Payload)
	}
	again, connack := g.connect(t, "culprit")
	if connack.SessionPresent {
		t.Error("the client is still registered")
	}
	again.publish(t, 1, "t", "back")
	bystander.next(t)
	if strings.Contains(g.log.String(), "panic") {
		t.Error("mochi saw the packet")
	}
}

func TestFloodArrivesWhole(t *testing.T) {
	const messages = 20_000
	for qos := range byte(2) {
		t.Run(fmt.Sprintf("QoS %d", qos), func(t *testing.T) {
			g := start(t, "-profile", "generic")
			subscriber, _ := g.connect(t, "subscriber")
			subscriber.subscribe(t, qos, "flood")
			publisher, _ := g.connect(t, "publisher")
			sent := make(chan error, 1)
			const senders = 50
			go func() {
				var all sync.WaitGroup
				errs := make(chan error, senders)
				for range senders {
					all.Go(func() {
						for range messages / senders {
							if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: "flood", QoS: qos, Payload: make([]byte, 128)}); err != nil {
								errs <- err
								return
							}
						}
					})
				}
				all.Wait()
				close(errs)
				sent <- <-errs
			}()
			for range messages {
				subscriber.next(t)
			}
			if err := receive(t, sent); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A raw CONNECT, SUBSCRIBE QoS 1, no acknowledgement: at most Receive Maximum messages
// may come [MQTT-3.3.4-9].
func TestReceiveMaximumOfTheClientIsKept(t *testing.T) {
	g := start(t)
	conn := g.dial(t)
	write := func(packet string) {
		t.Helper()
		if _, err := conn.Write([]byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	write("\x10\x11\x00\x04MQTT\x05\x02\x00\x1e\x03\x21\x00\x03\x00\x01s")
	write("\x82\x07\x00\x01\x00\x00\x01t\x01")
	publisher, _ := g.connect(t, "p")
	readPacket(t, conn) // CONNACK
	readPacket(t, conn) // SUBACK
	const messages = 10
	for range messages {
		publisher.publish(t, 1, "t", "x")
	}
	write("\xc0\x00") // PINGREQ, answered after what is let through by then
	got := 0
	var ids []byte
	for pong := false; got < 3 || !pong; {
		switch packet := readPacket(t, conn); packet[0] >> 4 {
		case 3:
			got++
			ids = append(ids, packet[len(packet)-3])
		case 13:
			pong = true
		}
	}
	for ; got < messages; got++ { // one more for each acknowledgement
		write("\x40\x02\x00" + string(rune(ids[0])))
		packet := readPacket(t, conn)
		if packet[0]>>4 != 3 {
			t.Fatalf("got packet %x", packet)
		}
		ids = append(ids[1:], packet[len(packet)-3])
	}
}

func readPacket(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, head[1])
	if _, err := io.ReadFull(conn, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

func TestTakeOver(t *testing.T) {
	g := start(t)
	old, _ := g.connect(t, "same")
	g.connect(t, "same")
	if got := receive(t, old.disconnect); got.ReasonCode != 0x8e {
		t.Errorf("DISCONNECT 0x%x", got.ReasonCode)
	}
}

// A client that reads nothing must not hold up the one that takes its id.
func TestTakeOverOfAStuckClient(t *testing.T) {
	g := start(t, "-profile", "generic")
	conn := g.dial(t)
	if _, err := conn.Write([]byte("\x10\x11\x00\x04MQTT\x05\x02\x00\x1e\x03\x21\x00\x03\x00\x01s" + "\x82\x07\x00\x01\x00\x00\x01t\x00")); err != nil {
		t.Fatal(err)
	}
	publisher, _ := g.connect(t, "p")
	readPacket(t, conn) // CONNACK
	readPacket(t, conn) // SUBACK
	payload := strings.Repeat("x", 100<<10)
	for range 200 {
		publisher.publish(t, 1, "t", payload)
	}
	before := time.Now()
	connect(t, g.dial(t), &paho.Connect{ClientID: "s", KeepAlive: 30, CleanStart: true})
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestShutdownDisconnectsClients(t *testing.T) {
	g := start(t)
	c, _ := g.connect(t, "c")
	silent := g.dial(t) // never sends CONNECT
	before := time.Now()
	g.stop()
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if got := receive(t, c.disconnect); got.ReasonCode != 0x8b {
		t.Errorf("DISCONNECT 0x%x", got.ReasonCode)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is left")
	} else if !errors.Is(err, io.EOF) {
		t.Logf("closed with %v", err)
	}
}

func TestMQTT311(t *testing.T) {
	conn := start(t).dial(t)
	if _, err := conn.Write([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a\x82\x06\x00\x01\x00\x01t\x01\x30\x05\x00\x01thi")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\x20\x02\x00\x00", "\x90\x03\x00\x01\x01", "\x30\x05\x00\x01thi"} {
		if got := string(readPacket(t, conn)); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	}
}

func TestPacketsSplitOverManyMessages(t *testing.T) {
	conn := start(t).dial(t)
	for _, b := range []byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a\xc0\x00") {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"\x20\x02\x00\x00", "\xd0\x00"} {
		if got := string(readPacket(t, conn)); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	}
}

func TestMQTTFlags(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "limits.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for want, args := range map[string][]string{
		`no profile "azure"`:            {"-profile", "azure"},
		`unknown field "topicSlashs"`:   {"-limits", file(`{"topicSlashs":3}`)},
		"no such file":                  {"-limits", "/does/not/exist"},
		"want 0 or more with a unit":    {"-max-connection-age", "90"},
		"want a duration with a unit":   {"-limits", file(`{"maximumConnectionAge":"90"}`)},
		"maximumQoS must be 1 or 2":     {"-profile", "generic", "-limits", file(`{"maximumQoS":0}`)},
		"topicBytes must be 0 or more":  {"-limits", file(`{"topicBytes":-1}`)},
		"cannot unmarshal string into":  {"-limits", file(`{"topicBytes":"1"}`)},
		"want 0 or more with a unit, f": {"-max-connection-age", "-1s"},
	} {
		if _, err := readFlags(args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}

	g := start(t, "-limits", file(`{"receiveMaximum":7,"maximumConnectionAge":"1h"}`), "-max-connection-age", "200ms")
	c, connack := g.connect(t, "c")
	if got := connack.Properties.ReceiveMaximum; got == nil || *got != 7 {
		t.Errorf("Receive Maximum %v", got)
	}
	if got := receive(t, c.disconnect); got.ReasonCode != 0x98 {
		t.Errorf("DISCONNECT 0x%x", got.ReasonCode)
	}
	_, connack = start(t, "-profile", "generic").connect(t, "c")
	if connack.Properties.MaximumQoS != nil || !connack.Properties.SubIDAvailable {
		t.Errorf("CONNACK %+v", connack.Properties)
	}
}
