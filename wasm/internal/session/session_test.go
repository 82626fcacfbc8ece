package session

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

func TestConnectRefused(t *testing.T) {
	for _, tc := range []struct {
		code      byte
		retryable bool
	}{{0x80, true}, {0x84, false}, {0x85, false}, {0x86, false}, {0x87, false}, {0x88, true}, {0x89, true}, {0x97, true}, {0x9B, false}} {
		t.Run(fmt.Sprintf("%#x", tc.code), func(t *testing.T) {
			s, r := withPeer(t, nil, func(p peer) {
				p.read()
				p.write(&packets.Connack{ReasonCode: tc.code, Properties: &packets.Properties{ReasonString: "because"}})
			})
			_, err := s.Open(context.Background())
			if err == nil || err.Code != wire.ConnackRefused || err.ReasonCode != tc.code || !err.HasReasonCode || err.Retryable != tc.retryable {
				t.Fatalf("error = %+v", err)
			}
			if !strings.Contains(err.Message, "because") {
				t.Errorf("message %q lacks the reason string", err.Message)
			}
			<-r.closed
		})
	}
}

func TestConnackIsTaken(t *testing.T) {
	connects := make(chan *packets.Connect, 1)
	s, _ := withPeer(t, func(c *wire.Connect) {
		c.KeepAlive, c.HasUsername, c.Username, c.HasPassword, c.Password = 77, true, "user", true, []byte("pass")
		expiry := uint32(60)
		c.Properties = &packets.Properties{SessionExpiryInterval: &expiry, User: []packets.User{{Key: "a", Value: "b"}}}
		delay := uint32(5)
		c.Will = &wire.Will{Topic: "will", Payload: []byte("gone"), QoS: 1, Retain: true, Properties: &packets.Properties{WillDelayInterval: &delay, ContentType: "text/plain"}}
	}, func(p peer) {
		connects <- p.accept(&packets.Properties{AssignedClientID: "assigned", User: []packets.User{{Key: "k", Value: "v"}}})
		p.ack()
	})
	opened, connect := mustOpen(t, s), <-connects
	if opened.ClientID != "assigned" || opened.Connack.Properties.User[0].Key != "k" {
		t.Errorf("opened = %+v", opened)
	}
	if connect.KeepAlive != 77 || connect.Username != "user" || string(connect.Password) != "pass" || !connect.CleanStart {
		t.Errorf("CONNECT = %v", connect)
	}
	if p := connect.Properties; *p.SessionExpiryInterval != 60 || *p.ReceiveMaximum != 100 || p.User[0].Key != "a" {
		t.Errorf("CONNECT properties = %v", p)
	}
	if connect.WillTopic != "will" || string(connect.WillMessage) != "gone" || connect.WillQOS != 1 || !connect.WillRetain || *connect.WillProperties.WillDelayInterval != 5 {
		t.Errorf("will of %v", connect)
	}
	closeSession(s)
}

func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPeer(t, nil, func(p peer) { p.read() }) // and no answer
		start := time.Now()
		_, err := s.Open(context.Background())
		if err == nil || err.Code != wire.Timeout || time.Since(start) != 5*time.Second {
			t.Errorf("error after %v = %v", time.Since(start), err)
		}
	})
}

func TestTargetThatHangsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newSession(nil, nil)
		s.cfg.Target = func(ctx context.Context) (wire.Target, *wire.Error) {
			<-ctx.Done()
			return wire.Target{}, &wire.Error{Code: wire.Internal}
		}
		if _, err := s.Open(context.Background()); err == nil || err.Code != wire.CredentialsFailed || !err.Retryable {
			t.Errorf("error = %v", err)
		}
	})
}

func TestCloseWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := withPeer(t, nil, func(p peer) { p.read() })
		failed := make(chan *wire.Error, 1)
		go func() {
			_, err := s.Open(context.Background())
			failed <- err
		}()
		synctest.Wait()
		closeSession(s)
		if err := <-failed; err == nil || err.Code != wire.ClientClosed {
			t.Errorf("error = %v", err)
		}
		<-r.closed
	})
}

func TestPublishOrderAndFlowControl(t *testing.T) {
	const n = 50
	one := uint16(1)
	var order []string
	unacknowledged := 0
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(&packets.Properties{ReceiveMaximum: &one})
		for range n {
			m := p.read().Content.(*packets.Publish)
			order = append(order, string(m.Payload))
			if m.QoS == 1 {
				if unacknowledged++; unacknowledged > 1 {
					p.t.Error("more in flight than the Receive Maximum")
				}
				unacknowledged--
				p.write(&packets.Puback{PacketID: m.PacketID})
			}
		}
		p.ack()
	})
	mustOpen(t, s)
	outcomes := make([]outcome, n)
	for i := range outcomes {
		outcomes[i] = newOutcome()
		s.Publish(0, 0, wire.Outgoing{Topic: "t", Payload: fmt.Append(nil, i), QoS: byte(i % 2)}, outcomes[i])
	}
	for i, o := range outcomes {
		if got := <-o.done; got.err != nil || got.sentAt.IsZero() {
			t.Errorf("publish %d: %+v", i, got)
		}
	}
	for i, payload := range order {
		if payload != fmt.Sprint(i) {
			t.Fatalf("message %d on the wire is %s: order is lost", i, payload)
		}
	}
	closeSession(s)
}

func TestPublishRefused(t *testing.T) {
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(nil)
		m := p.read().Content.(*packets.Publish)
		p.write(&packets.Puback{PacketID: m.PacketID, ReasonCode: 0x87, Properties: &packets.Properties{ReasonString: "no"}})
		m = p.read().Content.(*packets.Publish)
		p.write(&packets.Puback{PacketID: m.PacketID, ReasonCode: 0x10, Properties: &packets.Properties{}})
		m = p.read().Content.(*packets.Publish)
		p.write(&packets.Pubrec{PacketID: m.PacketID, ReasonCode: 0x97, Properties: &packets.Properties{}})
		p.ack()
	})
	mustOpen(t, s)
	o := newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: 1}, o)
	if got := <-o.done; got.err == nil || got.err.Code != wire.PublishRefused || got.err.ReasonCode != 0x87 || got.err.Retryable {
		t.Errorf("refused with 0x87: %+v", got)
	}
	o = newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: 1}, o)
	if got := <-o.done; got.err != nil || got.ack.ReasonCode != 0x10 {
		t.Errorf("no matching subscribers is a success: %+v", got)
	}
	o = newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: 2}, o)
	if got := <-o.done; got.err == nil || got.err.ReasonCode != 0x97 || !got.err.Retryable {
		t.Errorf("refused PUBREC: %+v", got)
	}
	closeSession(s)
}

func TestServerLimitsAreCheckedBeforeSending(t *testing.T) {
	qos, no, size := byte(1), byte(0), uint32(64)
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(&packets.Properties{MaximumQOS: &qos, RetainAvailable: &no, MaximumPacketSize: &size})
		m, ok := p.read().Content.(*packets.Publish)
		if !ok || string(m.Payload) != "fits" {
			p.t.Error("something was sent before the message that fits")
			return
		}
		p.write(&packets.Puback{PacketID: m.PacketID})
		p.ack()
	})
	mustOpen(t, s)
	for _, tc := range []struct {
		m     wire.Outgoing
		field string
	}{
		{wire.Outgoing{Topic: "t", QoS: 2}, "qos"},
		{wire.Outgoing{Topic: "t", Retain: true}, "retain"},
		{wire.Outgoing{Topic: "t", Payload: make([]byte, 64)}, "payload"},
		{wire.Outgoing{Topic: "t", Payload: make([]byte, 59)}, "payload"}, // 2 + 3 + 1 + 59 = 65
		{wire.Outgoing{Topic: "t", Properties: &packets.Properties{ContentType: strings.Repeat("x", 64)}}, "payload"},
	} {
		o := newOutcome()
		s.Publish(0, 0, tc.m, o)
		if got := <-o.done; got.err == nil || got.err.Code != wire.InvalidArgument || got.err.Field != tc.field {
			t.Errorf("%+v: %+v", tc.m, got.err)
		}
	}
	o := newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", Payload: []byte("fits"), QoS: 1}, o)
	if got := <-o.done; got.err != nil {
		t.Error(got.err)
	}
	closeSession(s)
}

func TestPublishSize(t *testing.T) {
	seven := uint32(7)
	for _, m := range []wire.Outgoing{
		{Topic: "t"}, {Topic: "t", QoS: 1}, {Topic: strings.Repeat("x", 120)}, {Topic: "t", Payload: make([]byte, 20000)},
		{Topic: "t", Properties: &packets.Properties{MessageExpiry: &seven, ContentType: strings.Repeat("c", 200)}, QoS: 1},
	} {
		var b bytes.Buffer
		p := packets.Publish{Topic: m.Topic, Payload: m.Payload, QoS: m.QoS, Properties: m.Properties}
		if _, err := p.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if got := publishSize(m); got != int64(b.Len()) {
			t.Errorf("publishSize = %d, the packet has %d bytes", got, b.Len())
		}
	}
}

func TestQoS2(t *testing.T) {
	s, r := withPeer(t, nil, func(p peer) {
		p.accept(nil)
		m := p.read().Content.(*packets.Publish)
		p.write(&packets.Pubrec{PacketID: m.PacketID})
		if rel := p.read().Content.(*packets.Pubrel); rel.PacketID != m.PacketID {
			p.t.Errorf("PUBREL of %d, want %d", rel.PacketID, m.PacketID)
		}
		p.write(&packets.Pubcomp{PacketID: m.PacketID})

		in := &packets.Publish{Topic: "in", Payload: []byte("once"), QoS: 2, PacketID: 9}
		p.write(in)
		if rec := p.read().Content.(*packets.Pubrec); rec.PacketID != 9 {
			p.t.Errorf("PUBREC of %d", rec.PacketID)
		}
		in.Duplicate = true
		p.write(in)
		p.read()
		p.write(&packets.Pubrel{PacketID: 9})
		if comp := p.read().Content.(*packets.Pubcomp); comp.PacketID != 9 {
			p.t.Errorf("PUBCOMP of %d", comp.PacketID)
		}
		p.write(&packets.Publish{Topic: "in", Payload: []byte("end"), Properties: &packets.Properties{}})
		p.ack()
	})
	mustOpen(t, s)
	o := newOutcome()
	s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: 2}, o)
	if got := <-o.done; got.err != nil {
		t.Error(got.err)
	}
	got := r.waitMessages(t, 2)
	if len(got) != 2 || got[0].payload != "once" || got[1].payload != "end" {
		t.Errorf("received %+v, want one delivery of the duplicate", got)
	}
	closeSession(s)
}

func TestLostLinkSettlesEverything(t *testing.T) {
	one := uint16(1)
	drop := make(chan struct{})
	s, r := withPeer(t, nil, func(p peer) {
		p.accept(&packets.Properties{ReceiveMaximum: &one})
		p.read() // the PUBLISH
		p.read() // the SUBSCRIBE
		<-drop
		p.conn.Close()
	})
	mustOpen(t, s)
	sent, queued := newOutcome(), newOutcome()
	s.Publish(1, 0, wire.Outgoing{Topic: "t", QoS: 1}, sent)
	s.Publish(2, 0, wire.Outgoing{Topic: "t", QoS: 1}, queued)
	asked := make(chan *wire.Error, 1)
	s.Subscribe(wire.Subscribe{Op: 3, Subscription: 3, Timeout: 30 * time.Second, Filters: []wire.Filter{{Topic: "a"}}}, func(_ wire.Answer, err *wire.Error) { asked <- err })
	close(drop)
	if got := <-sent.done; got.err == nil || got.err.Code != wire.TransportClosed || got.sentAt.IsZero() {
		t.Errorf("in flight: %+v", got)
	}
	if got := <-queued.done; got.err == nil || got.err.Code != wire.ClientClosed || !got.sentAt.IsZero() {
		t.Errorf("queued: %+v", got)
	}
	if err := <-asked; err == nil || err.Code != wire.TransportClosed {
		t.Errorf("subscribe: %v", err)
	}
	<-r.closed
	if r.err == nil || r.err.Code != wire.TransportClosed || !r.err.Retryable {
		t.Errorf("close: %+v", r.err)
	}
	late := newOutcome()
	s.Publish(4, 0, wire.Outgoing{Topic: "t"}, late)
	if got := <-late.done; got.err == nil || got.err.Code != wire.ClientClosed {
		t.Errorf("after the end: %+v", got)
	}
}

func TestServerDisconnect(t *testing.T) {
	for _, code := range []byte{0x8B, 0x8E, 0x97} {
		s, r := withPeer(t, nil, func(p peer) {
			p.accept(nil)
			p.write(&packets.Disconnect{ReasonCode: code, Properties: &packets.Properties{ReasonString: "why"}})
			p.conn.Close()
		})
		mustOpen(t, s)
		<-r.closed
		if r.err.Code != wire.ServerDisconnect || r.err.ReasonCode != code || !strings.Contains(r.err.Message, "why") {
			t.Errorf("close after 0x%X: %+v", code, r.err)
		}
		if len(r.disconnects) > 1 {
			t.Errorf("DISCONNECT told %d times", len(r.disconnects))
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	for name, raw := range map[string][]byte{
		"length of five bytes":  {0x30, 0xff, 0xff, 0xff, 0xff, 0x01},
		"reserved packet type":  {0x00, 0x00},
		"larger than the limit": {0x30, 0xff, 0xff, 0xff, 0x7f},
		"a second CONNACK":      {0x20, 0x03, 0x00, 0x00, 0x00},
		"truncated SUBACK":      {0x90, 0x01, 0x00},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := withPeer(t, nil, func(p peer) {
				p.accept(nil)
				_, _ = p.conn.Write(raw)
			})
			mustOpen(t, s)
			<-r.closed
			if r.err.Code != wire.ProtocolError && r.err.Code != wire.TransportClosed {
				t.Errorf("error = %+v", r.err)
			}
		})
	}
}

// A server that names an authentication method nobody asked for must not crash
// paho.
func TestUnexpectedAuthentication(t *testing.T) {
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(&packets.Properties{AuthMethod: "x"})
		p.write(&packets.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &packets.Properties{AuthMethod: "x"}})
		p.ack()
	})
	mustOpen(t, s)
	closeSession(s)
}

func TestSubscribeSplitsAtEightFilters(t *testing.T) {
	var sizes []int
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(nil)
		for range 3 {
			sub := p.read().Content.(*packets.Subscribe)
			sizes = append(sizes, len(sub.Subscriptions))
			codes := make([]byte, len(sub.Subscriptions))
			codes[len(codes)-1] = 0x87
			p.write(&packets.Suback{PacketID: sub.PacketID, Reasons: codes, Properties: &packets.Properties{}})
		}
		for range 3 {
			u := p.read().Content.(*packets.Unsubscribe)
			sizes = append(sizes, len(u.Topics))
			p.write(&packets.Unsuback{PacketID: u.PacketID, Reasons: make([]byte, len(u.Topics)), Properties: &packets.Properties{}})
		}
		p.ack()
	})
	mustOpen(t, s)
	var filters []string
	for i := range 20 {
		filters = append(filters, fmt.Sprint("f/", i))
	}
	codes := subscribe(t, s, 7, 1, filters...)
	refused := 0
	for _, c := range codes {
		if c == 0x87 {
			refused++
		}
	}
	if refused != 3 || codes[7] != 0x87 || codes[15] != 0x87 || codes[19] != 0x87 {
		t.Errorf("codes = %x", codes)
	}
	done := make(chan *wire.Error, 1)
	s.Unsubscribe(wire.Unsubscribe{Op: 8, Subscription: 7, Timeout: 30 * time.Second}, func(_ wire.Answer, err *wire.Error) { done <- err })
	if err := <-done; err != nil {
		t.Error(err)
	}
	if fmt.Sprint(sizes) != "[8 8 4 8 8 1]" {
		t.Errorf("filters to a packet: %v", sizes)
	}
	closeSession(s)
}

func TestSharedFilterIsUnsubscribedOnce(t *testing.T) {
	unsubscribed := make(chan []string, 4)
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(nil)
		for {
			cp, err := packets.ReadPacket(p.conn)
			if err != nil {
				return
			}
			switch c := cp.Content.(type) {
			case *packets.Subscribe:
				p.write(&packets.Suback{PacketID: c.PacketID, Reasons: []byte{0}, Properties: &packets.Properties{}})
			case *packets.Unsubscribe:
				unsubscribed <- c.Topics
				p.write(&packets.Unsuback{PacketID: c.PacketID, Reasons: []byte{0}, Properties: &packets.Properties{}})
			}
		}
	})
	mustOpen(t, s)
	subscribe(t, s, 1, 0, "a")
	subscribe(t, s, 2, 0, "a")
	for id := range uint32(2) {
		done := make(chan *wire.Error, 1)
		s.Unsubscribe(wire.Unsubscribe{Subscription: id + 1, Timeout: 30 * time.Second}, func(_ wire.Answer, err *wire.Error) { done <- err })
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	closeSession(s)
	close(unsubscribed)
	n := 0
	for range unsubscribed {
		n++
	}
	if n != 1 {
		t.Errorf("%d UNSUBSCRIBE, want 1, after the last subscription", n)
	}
}

func TestUnansweredSubscribeTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := withPeer(t, nil, func(p peer) {
			p.accept(nil)
			for {
				if _, err := packets.ReadPacket(p.conn); err != nil {
					return
				}
			}
		})
		mustOpen(t, s)
		done := make(chan *wire.Error, 1)
		s.Subscribe(wire.Subscribe{Op: 1, Subscription: 1, Timeout: 30 * time.Second, Filters: []wire.Filter{{Topic: "a"}}}, func(_ wire.Answer, err *wire.Error) { done <- err })
		if err := <-done; err == nil || err.Code != wire.Timeout {
			t.Errorf("error = %v", err)
		}
		s.Subscribe(wire.Subscribe{Op: 2, Subscription: 2, Timeout: 30 * time.Second, Filters: []wire.Filter{{Topic: "b"}}}, func(_ wire.Answer, err *wire.Error) { done <- err })
		s.AbortRequest(2)
		if err := <-done; err == nil || err.Code != wire.Aborted {
			t.Errorf("error = %v", err)
		}
		closeSession(s)
	})
}

func TestAbortTakesBackOnlyWhatWaits(t *testing.T) {
	one := uint16(1)
	release := make(chan struct{})
	s, _ := withPeer(t, nil, func(p peer) {
		p.accept(&packets.Properties{ReceiveMaximum: &one})
		m := p.read().Content.(*packets.Publish)
		<-release
		p.write(&packets.Puback{PacketID: m.PacketID})
		p.ack()
	})
	mustOpen(t, s)
	first, second, third := newOutcome(), newOutcome(), newOutcome()
	s.Publish(1, 0, wire.Outgoing{Topic: "1", QoS: 1}, first)
	s.Publish(2, 0, wire.Outgoing{Topic: "2", QoS: 1}, second)
	s.Publish(3, 0, wire.Outgoing{Topic: "3", QoS: 1}, third)
	s.AbortPublish(1)
	s.AbortPublish(2)
	if got := <-second.done; got.err == nil || got.err.Code != wire.Aborted {
		t.Errorf("waiting: %+v", got)
	}
	close(release)
	if got := <-first.done; got.err != nil {
		t.Errorf("sent: %+v", got)
	}
	if got := <-third.done; got.err != nil {
		t.Errorf("behind: %+v", got)
	}
	closeSession(s)
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pings []time.Duration
		start := time.Now()
		s, r := withPeer(t, func(c *wire.Connect) { c.KeepAlive = 60 }, func(p peer) {
			p.accept(nil)
			for {
				cp, err := packets.ReadPacket(p.conn)
				if err != nil {
					return
				}
				if cp.Type == packets.PINGREQ {
					pings = append(pings, time.Since(start))
					if len(pings) < 3 {
						p.write(packets.NewControlPacket(packets.PINGRESP))
					}
				}
			}
		})
		mustOpen(t, s)
		<-r.closed
		if fmt.Sprint(pings) != "[30s 1m0s 1m30s]" {
			t.Errorf("PINGREQ at %v", pings)
		}
		if since := time.Since(start); since != 2*time.Minute || r.err.Code != wire.TransportClosed {
			t.Errorf("closed after %v: %v", since, r.err)
		}
	})
}

func TestServerKeepAliveWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ten := uint16(10)
		pinged := make(chan time.Duration, 1)
		start := time.Now()
		s, _ := withPeer(t, func(c *wire.Connect) { c.KeepAlive = 600 }, func(p peer) {
			p.accept(&packets.Properties{ServerKeepAlive: &ten})
			p.read()
			pinged <- time.Since(start)
			p.ack()
		})
		mustOpen(t, s)
		if at := <-pinged; at != 5*time.Second {
			t.Errorf("PINGREQ after %v", at)
		}
		closeSession(s)
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan *packets.Disconnect, 1)
		s, r := withPeer(t, nil, func(p peer) {
			p.accept(nil)
			got <- p.read().Content.(*packets.Disconnect)
		})
		mustOpen(t, s)
		start := time.Now()
		done := make(chan struct{})
		s.Close(&packets.Disconnect{ReasonCode: 4, Properties: &packets.Properties{ReasonString: "bye"}}, func() { close(done) })
		<-done
		if time.Since(start) > time.Second {
			t.Errorf("Close took %v", time.Since(start))
		}
		if d := <-got; d.ReasonCode != 4 || d.Properties.ReasonString != "bye" {
			t.Errorf("DISCONNECT = %v", d)
		}
		if <-r.closed; r.err != nil {
			t.Errorf("closed with %v", r.err)
		}
	})
}

func TestHandshakeErrorHoldsNoSecret(t *testing.T) {
	s, _ := newSession(func() (net.Conn, error) { return nil, fmt.Errorf("dial ws://x?X-Amz-Signature=SECRET") }, nil)
	s.cfg.Target = func(context.Context) (wire.Target, *wire.Error) {
		return wire.Target{Presign: wire.Presign{Endpoint: "abc.iot.eu-west-1.amazonaws.com", Region: "eu-west-1",
			AccessKeyID: "AKIASECRET", SecretAccessKey: "SECRET", SessionToken: "SECRETTOKEN"}}, nil
	}
	_, err := s.Open(context.Background())
	if err == nil || err.Code != wire.HandshakeFailed || err.Field != "credentials" {
		t.Fatalf("error = %+v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", err, *err, *err); strings.Contains(text, "SECRET") {
		t.Errorf("a secret in %s", text)
	}
}

func TestWrongTargetNamesTheField(t *testing.T) {
	for _, tc := range []struct {
		target wire.Target
		field  string
	}{
		{wire.Target{URL: "ws://broker.example/mqtt"}, "url"},
		{wire.Target{Presign: wire.Presign{Endpoint: "ws://iot.example", Region: "eu-west-1", AccessKeyID: "a", SecretAccessKey: "b"}}, "endpoint"},
		{wire.Target{Presign: wire.Presign{Endpoint: "iot.example", AccessKeyID: "a", SecretAccessKey: "b"}}, "region"},
	} {
		s, _ := newSession(func() (net.Conn, error) { t.Error("dialled"); return nil, net.ErrClosed }, nil)
		s.cfg.Target = func(context.Context) (wire.Target, *wire.Error) { return tc.target, nil }
		if _, err := s.Open(context.Background()); err == nil || err.Code != wire.InvalidArgument || err.Field != tc.field {
			t.Errorf("error = %+v, want field %s", err, tc.field)
		}
	}
}
