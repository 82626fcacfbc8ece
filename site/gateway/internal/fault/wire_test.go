package fault_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/fault"
	"iotwasm/site/gateway/internal/mqttws"
	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/store"
)

const patience = 20 * time.Second

// server is a broker at /mqtt under rules.
type server struct {
	*httptest.Server
	injector *fault.Injector
	broker   *broker.Broker
	shadows  *shadow.Service
}

func serve(t *testing.T, rules ...string) *server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	shadows, err := shadow.New(shadow.Config{Limits: shadow.DefaultLimits(), Store: store.NewMemory()}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{injector: fault.New(shadows), shadows: shadows}
	profile, err := broker.ProfileNamed("generic")
	if err != nil {
		t.Fatal(err)
	}
	if s.broker, err = broker.New(log, broker.Options{Profile: profile}); err != nil {
		t.Fatal(err)
	}
	for _, text := range rules {
		s.add(t, text)
	}
	var connections sync.WaitGroup
	upgrades := s.injector.Upgrades(&mqttws.Handler{
		Identify: func(*http.Request) (mqttws.Identity, error) { return mqttws.Identity{}, nil },
		Serve: func(ctx context.Context, conn *mqttws.Conn, _ mqttws.Identity) error {
			return s.broker.Serve(ctx, s.injector.Wrap(conn), broker.Principal{ID: "test", Allows: func(string, string) bool { return true }})
		},
		Log: log,
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections.Add(1)
		defer connections.Done()
		upgrades.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.injector.Close()
		_ = s.broker.Close()
		s.Close()
		connections.Wait()
	})
	return s
}

func (s *server) add(t *testing.T, text string) string {
	t.Helper()
	rule, err := fault.ParseRule([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.injector.Add(*rule)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// client sees what is on the wire.
type client struct {
	ws   *websocket.Conn
	have []byte
}

func (s *server) dial(t *testing.T) *client {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), s.URL+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{ws: ws}
}

func (c *client) send(t *testing.T, bytes string) {
	t.Helper()
	if err := c.ws.Write(t.Context(), websocket.MessageBinary, []byte(bytes)); err != nil {
		t.Fatal(err)
	}
}

// packet returns the next packet, or what ended the connection.
func (c *client) packet(ctx context.Context) (string, error) {
	for {
		if len(c.have) >= 2 && len(c.have) >= 2+int(c.have[1]) {
			size := 2 + int(c.have[1])
			packet := string(c.have[:size])
			c.have = c.have[size:]
			return packet, nil
		}
		_, message, err := c.ws.Read(ctx)
		if err != nil {
			return "", err
		}
		c.have = append(c.have, message...)
	}
}

const (
	connect3 = "\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a"
	connect5 = "\x10\x0e\x00\x04MQTT\x05\x02\x00\x1e\x00\x00\x01a"
	brief3   = "\x10\x0d\x00\x04MQTT\x04\x02\x00\x01\x00\x01a" // its keep alive is a second
	connack3 = "\x20\x02\x00\x00"
	ping     = "\xc0\x00"
	pong     = "\xd0\x00"
	publish3 = "\x32\x07\x00\x01t\x00\x07hi"
	publish5 = "\x32\x08\x00\x01t\x00\x07\x00hi"
	alias5   = "\x32\x0b\x00\x01t\x00\x07\x03\x23\x00\x01hi\x32\x0a\x00\x00\x00\x08\x03\x23\x00\x01hi"
	puback   = "\x40\x02\x00\x07"
	sub3     = "\x82\x06\x00\x01\x00\x01t\x01"
	sub5     = "\x82\x07\x00\x01\x00\x00\x01t\x01"
	suback3  = "\x90\x03\x00\x01\x01"
	suback5  = "\x90\x04\x00\x01\x00\x01"
	unsub3   = "\xa2\x05\x00\x02\x00\x01t"
	unsub5   = "\xa2\x06\x00\x02\x00\x00\x01t"
	unsuback = "\xb0\x02\x00\x02"
	exactly3 = "\x34\x07\x00\x01t\x00\x07hi" // QoS 2
	pubrec   = "\x50\x02\x00\x07"
	pubrel   = "\x62\x02\x00\x07"
	pubcomp  = "\x70\x02\x00\x07"
	any      = "any packet"
)

func message3(id int, payload string) string {
	return fmt.Sprintf("\x32%c\x00\x01t\x00%c%s", 5+len(payload), id, payload)
}

// step is what a client sends, what the broker publishes to t, or a packet that comes.
type step struct{ send, publish, want string }

func send(bytes string) step      { return step{send: bytes} }
func want(packet string) step     { return step{want: packet} }
func publish(payload string) step { return step{publish: payload} }

// How a connection is after the steps.
const (
	open   = ""       // it answers pings
	silent = "silent" // nothing comes
	closed = "closed" // with a close frame
	gone   = "gone"   // without one
)

func TestPacketsOnTheWire(t *testing.T) {
	subscribed := []step{send(connect3), want(connack3), send(sub3), want(suback3)}
	on := func(steps ...step) []step { return append(append([]step(nil), subscribed...), steps...) }
	for _, test := range []struct {
		name, rule string
		steps      []step
		end        string
		applied    int
	}{
		{"CONNACK refused, MQTT 5", `{"fault":"connack","action":"refuse","reasonCode":137}`, []step{send(connect5), want("\x20\x03\x00\x89\x00")}, closed, 1},
		{"CONNACK refused, MQTT 3.1.1", `{"fault":"connack","action":"refuse","reasonCode":3}`, []step{send(connect3), want("\x20\x02\x00\x03")}, closed, 1},
		{"CONNACK refused, another client", `{"fault":"connack","action":"refuse","reasonCode":3,"match":{"clientId":"b*"}}`, []step{send(connect3), want(connack3)}, open, 0},
		{"CONNACK dropped", `{"fault":"connack","action":"drop"}`, []step{send(connect3 + ping), want(pong)}, open, 1},
		{"CONNACK delayed, and nothing is before it", `{"fault":"connack","action":"delay","delayMs":100}`, []step{send(connect3 + ping), want(connack3), want(pong)}, open, 1},
		{"DISCONNECT after CONNACK", `{"fault":"disconnect","reasonCode":152}`, []step{send(connect5), want(any), want("\xe0\x02\x98\x00")}, closed, 1},
		{"DISCONNECT with code 0", `{"fault":"disconnect","reasonCode":0,"delayMs":50}`, []step{send(connect5 + ping), want(any), want(pong), want("\xe0\x02\x00\x00")}, closed, 1},
		{"DISCONNECT, MQTT 3.1.1", `{"fault":"disconnect","reasonCode":152}`, []step{send(connect3), want(connack3)}, closed, 1},
		{"DISCONNECT in the place of PUBACK", `{"fault":"disconnect","reasonCode":139,"on":"puback","match":{"topic":"t"}}`, []step{send(connect5), want(any), send(publish5), want("\xe0\x02\x8b\x00")}, closed, 1},
		{"kill after CONNACK", `{"fault":"kill"}`, []step{send(connect3), want(connack3)}, gone, 1},
		{"kill in the place of SUBACK", `{"fault":"kill","on":"suback","delayMs":1}`, []step{send(connect3), want(connack3), send(sub3)}, gone, 1},
		{"kill in the place of a message", `{"fault":"kill","on":"publish","match":{"topic":"+"},"delayMs":1}`, on(publish("hi")), gone, 1},
		{"kill in the place of PINGRESP", `{"fault":"kill","on":"pingresp","delayMs":1}`, on(send(ping)), gone, 1},
		{"freeze", `{"fault":"freeze"}`, []step{send(connect3), want(connack3), send(ping)}, silent, 1},
		{"freeze until the keep alive", `{"fault":"freeze"}`, []step{send(brief3), want(connack3)}, gone, 1},
		{"freeze in the place of PUBACK", `{"fault":"freeze","on":"puback"}`, []step{send(connect3), want(connack3), send(publish3)}, silent, 1},
		{"PUBACK dropped", `{"fault":"puback","action":"drop"}`, []step{send(connect3), want(connack3), send(publish3 + ping), want(pong)}, open, 1},
		{"PUBACK dropped, once", `{"fault":"puback","action":"drop","times":1}`, []step{send(connect3), want(connack3), send(publish3 + publish3), want(puback)}, open, 1},
		{"PUBACK dropped, every second", `{"fault":"puback","action":"drop","every":2}`, []step{send(connect3), want(connack3), send(publish3 + publish3 + publish3), want(puback), want(puback)}, open, 1},
		{"PUBACK dropped, another topic", `{"fault":"puback","action":"drop","match":{"topic":"t/+"}}`, []step{send(connect3), want(connack3), send(publish3), want(puback)}, open, 0},
		{"PUBACK dropped, by alias", `{"fault":"puback","action":"drop","match":{"topic":"t"}}`, []step{send(connect5), want(any), send(alias5 + ping), want(pong)}, open, 2},
		{"PUBACK delayed", `{"fault":"puback","action":"delay","delayMs":100}`, []step{send(connect3), want(connack3), send(publish3 + ping), want(pong), want(puback)}, open, 1},
		{"PUBACK refused", `{"fault":"puback","action":"refuse","reasonCode":151}`, []step{send(connect5), want(any), send(publish5), want("\x40\x04\x00\x07\x97\x00")}, open, 1},
		{"PUBACK refused, MQTT 3.1.1", `{"fault":"puback","action":"refuse","reasonCode":151}`, []step{send(connect3), want(connack3), send(publish3), want(puback)}, open, 1},
		{"SUBACK dropped", `{"fault":"suback","action":"drop","match":{"topic":"t/#"}}`, []step{send(connect3), want(connack3), send(sub3 + ping), want(pong)}, open, 1},
		{"SUBACK delayed", `{"fault":"suback","action":"delay","delayMs":100}`, []step{send(connect3), want(connack3), send(sub3 + ping), want(pong), want(suback3)}, open, 1},
		{"SUBACK refused", `{"fault":"suback","action":"refuse","reasonCode":135}`, []step{send(connect5), want(any), send(sub5), want("\x90\x04\x00\x01\x00\x87")}, open, 1},
		{"SUBACK refused, MQTT 3.1.1", `{"fault":"suback","action":"refuse","reasonCode":128}`, []step{send(connect3), want(connack3), send(sub3), want("\x90\x03\x00\x01\x80")}, open, 1},
		{"UNSUBACK dropped", `{"fault":"unsuback","action":"drop","match":{"topic":"t"}}`, on(send(unsub3+ping), want(pong)), open, 1},
		{"UNSUBACK delayed", `{"fault":"unsuback","action":"delay","delayMs":100}`, on(send(unsub3+ping), want(pong), want(unsuback)), open, 1},
		{"UNSUBACK, another filter", `{"fault":"unsuback","action":"drop","match":{"topic":"u"}}`, on(send(unsub3), want(unsuback)), open, 0},
		{"UNSUBACK refused", `{"fault":"unsuback","action":"refuse","reasonCode":131}`, []step{send(connect5), want(any), send(unsub5), want("\xb0\x04\x00\x02\x00\x83")}, open, 1},
		{"UNSUBACK refused, MQTT 3.1.1", `{"fault":"unsuback","action":"refuse","reasonCode":131}`, on(send(unsub3), want(unsuback)), open, 1},
		{"PUBREC dropped", `{"fault":"pubrec","action":"drop","match":{"topic":"t"}}`, []step{send(connect3), want(connack3), send(exactly3 + ping), want(pong)}, open, 1},
		{"PUBREC delayed", `{"fault":"pubrec","action":"delay","delayMs":100}`, []step{send(connect3), want(connack3), send(exactly3 + ping), want(pong), want(pubrec)}, open, 1},
		{"PUBCOMP dropped", `{"fault":"pubcomp","action":"drop","match":{"topic":"+"}}`, []step{send(connect3), want(connack3), send(exactly3), want(pubrec), send(pubrel + ping), want(pong)}, open, 1},
		{"PUBCOMP delayed", `{"fault":"pubcomp","action":"delay","delayMs":100}`, []step{send(connect3), want(connack3), send(exactly3), want(pubrec), send(pubrel + ping), want(pong), want(pubcomp)}, open, 1},
		{"PUBCOMP, another topic", `{"fault":"pubcomp","action":"drop","match":{"topic":"u"}}`, []step{send(connect3), want(connack3), send(exactly3), want(pubrec), send(pubrel), want(pubcomp)}, open, 0},
		{"PUBREL dropped", `{"fault":"pubrel","action":"drop","match":{"topic":"t"}}`,
			[]step{send(connect3), want(connack3), send("\x82\x06\x00\x01\x00\x01t\x02"), want("\x90\x03\x00\x01\x02"), send(exactly3),
				want(any), want(any), // PUBREC and the message, in either order
				send("\x50\x02\x00\x01" + ping), want(pong)}, open, 1},
		{"kill in the place of PUBREC", `{"fault":"kill","on":"pubrec","delayMs":1,"match":{"topic":"t"}}`, []step{send(connect3), want(connack3), send(exactly3)}, gone, 1},
		{"PINGRESP dropped", `{"fault":"pingresp","action":"drop","times":1}`, []step{send(connect3), want(connack3), send(ping + publish3), want(puback)}, open, 1},
		{"PINGRESP delayed", `{"fault":"pingresp","action":"delay","delayMs":100,"times":1}`, []step{send(connect3), want(connack3), send(ping + publish3), want(puback), want(pong)}, open, 1},
		{"message duplicated", `{"fault":"publish","action":"duplicate"}`, on(publish("hi"), want(message3(1, "hi")), want(message3(1, "hi"))), open, 1},
		{"message duplicated, twice and late", `{"fault":"publish","action":"duplicate","copies":2,"delayMs":100,"times":1}`,
			on(publish("a"), publish("b"), want(message3(1, "a")), want(message3(2, "b")), want(message3(1, "a")), want(message3(1, "a"))), open, 1},
		{"messages reordered", `{"fault":"publish","action":"reorder","times":1}`,
			on(publish("a"), publish("b"), publish("c"), want(message3(2, "b")), want(message3(1, "a")), want(message3(3, "c"))), open, 1},
		{"message reordered, alone", `{"fault":"publish","action":"reorder","delayMs":50}`, on(publish("a"), want(message3(1, "a"))), open, 1},
		{"message dropped", `{"fault":"publish","action":"drop","times":1,"match":{"topic":"#","clientId":"?"}}`, on(publish("a"), publish("b"), want(message3(2, "b"))), open, 1},
		{"message delayed", `{"fault":"publish","action":"delay","delayMs":100,"times":1}`, on(publish("a"), publish("b"), want(message3(2, "b")), want(message3(1, "a"))), open, 1},
		{"frames split", `{"fault":"frames","action":"split"}`, []step{send(connect3 + publish3), want(connack3), want(puback)}, open, -1},
		{"slow reading", `{"fault":"read","bytes":1,"delayMs":5}`, []step{send(connect3), want(connack3), send(publish3), want(puback)}, open, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.rule)
			c := s.dial(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for i, step := range test.steps {
				switch {
				case step.send != "":
					c.send(t, step.send)
				case step.publish != "":
					s.broker.Publish("t", []byte(step.publish), 1, false)
				default:
					got, err := c.packet(ctx)
					if err != nil || got != step.want && step.want != any {
						t.Fatalf("step %d: got %x and %v, want %x", i, got, err, step.want)
					}
				}
			}
			// Nothing is counted after the steps which does not belong to them.
			list := s.injector.List()
			s.check(ctx, t, c, test.end)
			if test.applied >= 0 {
				if test.end != open {
					list = s.injector.List()
				}
				if got := *list[0].Applied; got != test.applied {
					t.Errorf("applied %d, want %d", got, test.applied)
				}
			}
		})
	}
}

// check finds out how a connection is.
func (s *server) check(ctx context.Context, t *testing.T, c *client, end string) {
	t.Helper()
	if end == open {
		s.injector.Clear()
		c.send(t, ping)
		if got, err := c.packet(ctx); err != nil || got != pong {
			t.Errorf("ping: got %x and %v", got, err)
		}
		return
	}
	if end == silent {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
	}
	got, err := c.packet(ctx)
	status := websocket.CloseStatus(err)
	switch {
	case err == nil:
		t.Errorf("got packet %x", got)
	case end == silent && !errors.Is(err, context.DeadlineExceeded),
		end == closed && status != websocket.StatusNormalClosure,
		end == gone && (status != -1 || errors.Is(err, context.DeadlineExceeded)):
		t.Errorf("ended with %v", err)
	}
}

func TestFramesOnTheWire(t *testing.T) {
	for _, test := range []struct {
		name, rule string
		publish    []string
		want       []string // fin and opcode, and the payload
	}{
		{"none", `{"fault":"frames","action":"split","match":{"clientId":"b"}}`, nil, []string{"82 20020000"}},
		{"split", `{"fault":"frames","action":"split","bytes":3}`, nil, []string{"82 200200", "82 00"}},
		{"fragments, and an empty frame", `{"fault":"frames","action":"fragment","bytes":3}`, nil, []string{"02 200200", "00 00", "80 "}},
		{"empty messages", `{"fault":"frames","action":"empty","copies":2}`, nil, []string{"82 ", "82 ", "82 20020000"}},
		{"merged", `{"fault":"frames","action":"merge","delayMs":300}`, []string{"a", "b"},
			[]string{"82 20020000" + hex.EncodeToString([]byte(suback3+message3(1, "a")+message3(2, "b")))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, test.rule)
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(patience))
			mask := "\x00\x00\x00\x00"
			frame := func(bytes string) string {
				return fmt.Sprintf("\x82%s%s%s", string([]byte{0x80 | byte(len(bytes))}), mask, bytes)
			}
			if _, err := io.WriteString(conn, "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"+frame(connect3)); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			if response, err := http.ReadResponse(in, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(response, err)
			}
			if test.publish != nil {
				if _, err := io.WriteString(conn, frame(sub3)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond) // until it is subscribed; nothing tells, all is held
				for _, payload := range test.publish {
					s.broker.Publish("t", []byte(payload), 1, false)
				}
			}
			for i, want := range test.want {
				head := make([]byte, 2)
				if _, err := io.ReadFull(in, head); err != nil {
					t.Fatal(err)
				}
				payload := make([]byte, head[1])
				if _, err := io.ReadFull(in, payload); err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprintf("%02x %x", head[0], payload); got != want {
					t.Errorf("frame %d: %s, want %s", i, got, want)
				}
			}
		})
	}
}

// The broker gets to know that a frozen connection was killed.
func TestKillOfAFrozenConnection(t *testing.T) {
	s := serve(t, `{"fault":"freeze"}`)
	c := s.dial(t)
	c.send(t, connect3+ping)
	if got, err := c.packet(t.Context()); err != nil || got != connack3 {
		t.Fatal(got, err)
	}
	if !s.injector.Kill("a") {
		t.Error("there is no client")
	}
	for deadline := time.Now().Add(patience); len(s.broker.Snapshot().Sessions) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the broker still has the session")
		}
	}
}

func TestSlowReading(t *testing.T) {
	s := serve(t, `{"fault":"read","bytes":2,"delayMs":20}`)
	c := s.dial(t)
	c.send(t, connect3)
	if got, err := c.packet(t.Context()); err != nil || got != connack3 {
		t.Fatal(got, err)
	}
	before := time.Now()
	c.send(t, strings.Repeat(ping, 10))
	for range 10 {
		if got, err := c.packet(t.Context()); err != nil || got != pong {
			t.Fatal(got, err)
		}
	}
	if took := time.Since(before); took < 200*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func TestUpgradesOnTheWire(t *testing.T) {
	for _, test := range []struct {
		rule   string
		status int
		header map[string]string
		body   string
	}{
		{`{"fault":"upgrade","action":"refuse","status":403}`, 403, map[string]string{"x-amzn-ErrorType": "ForbiddenException:"}, `{"message":"Forbidden","traceId":`},
		{`{"fault":"upgrade","action":"refuse","status":426,"delayMs":20}`, 426, map[string]string{"Upgrade": "websocket"}, `{"message":"Upgrade Required"`},
		{`{"fault":"upgrade","action":"refuse","status":500}`, 500, map[string]string{"x-amzn-ErrorType": "InternalFailureException"}, `{"message":"Internal Server Error"`},
		{`{"fault":"upgrade","action":"refuse","status":599}`, 599, nil, `{"message":"Refused"`},
		{`{"fault":"upgrade","action":"delay","delayMs":20}`, 426, nil, ""}, // it was no upgrade
		{`{"fault":"upgrade","action":"hang"}`, 0, nil, ""},
	} {
		s := serve(t, test.rule)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if test.status == 0 {
			ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		}
		defer cancel()
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/mqtt", nil)
		response, err := http.DefaultTransport.RoundTrip(request)
		if test.status == 0 {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", test.rule, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != test.status || !strings.HasPrefix(string(body), test.body) {
			t.Errorf("%s: %d %s", test.rule, response.StatusCode, body)
		}
		for name, value := range test.header {
			if got := response.Header.Values(name); len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s %q", test.rule, name, got)
			}
		}
		if got := *s.injector.List()[0].Applied; got != 1 {
			t.Errorf("%s: applied %d", test.rule, got)
		}
	}
}

func TestHangEndsWithTheInjector(t *testing.T) {
	s := serve(t, `{"fault":"upgrade","action":"hang"}`)
	time.AfterFunc(50*time.Millisecond, s.injector.Close)
	if response, err := http.Get(s.URL + "/mqtt"); err == nil {
		_ = response.Body.Close()
		t.Errorf("answered with %s", response.Status)
	}
}
