package session

import (
	"bytes"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// sends makes a script send these messages once the first filter is subscribed
// to, or at once where the session is present.
func sends(sc script, messages ...packets.Publish) script {
	answer := sc.answer
	sc.answer = func(p peer, cp *packets.ControlPacket) bool {
		if answer != nil && answer(p, cp) {
			return true
		}
		p.answer(cp)
		if cp.Type == packets.SUBSCRIBE {
			for i := range messages {
				messages[i].Properties = &packets.Properties{}
				p.write(&messages[i])
			}
		}
		return true
	}
	return sc
}

func manual(s *Session, id uint32, filter string) chan *wire.Error {
	done := make(chan *wire.Error, 1)
	s.Subscribe(wire.Subscribe{Op: id, Subscription: id, Timeout: time.Minute, Manual: true, Filters: []wire.Filter{{Topic: filter, QoS: 2}}},
		func(_ wire.Answer, err *wire.Error) { done <- err })
	return done
}

func TestManualAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil, tr.link(sends(script{},
			packets.Publish{Topic: "m", QoS: 1, PacketID: 11}, packets.Publish{Topic: "other", QoS: 1, PacketID: 12},
			packets.Publish{Topic: "m", QoS: 0}, packets.Publish{Topic: "m", QoS: 2, PacketID: 13}, packets.Publish{Topic: "m", QoS: 1, PacketID: 14},
		)))
		mustOpen(t, s)
		if err := <-manual(s, 1, "m"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		tr.take()
		if len(r.messages) != 5 {
			t.Fatalf("%d messages", len(r.messages))
		}
		tokens := []uint32{r.messages[0].token, r.messages[3].token, r.messages[4].token}
		if r.messages[1].token != 0 || r.messages[2].token != 0 || tokens[0] == 0 || tokens[1] == 0 || tokens[2] == 0 {
			t.Errorf("messages = %+v", r.messages)
		}
		s.Acknowledge(tokens[2], 0)
		s.Acknowledge(9999, 0)
		tr.expect(t, "with the last acknowledged")
		s.Acknowledge(tokens[0], 0x83)
		tr.expect(t, "with the first acknowledged", "PUBACK #11 0x83", "PUBACK #12 0x00")
		s.Acknowledge(tokens[1], 0x80)
		tr.expect(t, "with all acknowledged", "PUBREC #13 0x80", "PUBACK #14 0x00")
		s.Acknowledge(tokens[0], 0)
		tr.expect(t, "with the first acknowledged twice")
		closeSession(s)
	})
}

// An acknowledgement counts on the link of its message only.
func TestAcknowledgementOfALostLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, nil,
			tr.link(sends(script{lives: time.Minute}, packets.Publish{Topic: "m", QoS: 1, PacketID: 11})),
			tr.link(sends(script{}, packets.Publish{Topic: "m", QoS: 1, PacketID: 11, Duplicate: true})))
		mustOpen(t, s)
		if err := <-manual(s, 1, "m"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		old := r.messages[0].token
		r.await(wire.Reconnecting)
		s.Acknowledge(old, 0)
		r.await(wire.Connected)
		if len(r.messages) != 2 || r.messages[1].token == old {
			t.Fatalf("messages = %+v", r.messages)
		}
		tr.take()
		s.Acknowledge(old, 0)
		tr.expect(t, "with the old token")
		s.Acknowledge(r.messages[1].token, 0)
		tr.expect(t, "with the new token", "PUBACK #11 0x00")
		closeSession(s)
	})
}

// A QoS 2 message arrives once, however often and on how many links it is sent.
func TestReceivedQoS2OverLinks(t *testing.T) {
	for _, tc := range []struct {
		name    string
		present bool
		want    int
	}{{"present", true, 1}, {"lost", false, 2}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				once := packets.Publish{Topic: "m", QoS: 2, PacketID: 9, Properties: &packets.Properties{}}
				again := once
				again.Duplicate = true
				s, r := withPeers(t, nil, func(p peer) {
					p.accept(nil)
					p.write(&once)
					time.Sleep(time.Minute)
					p.conn.Close() // before it saw the PUBREC
				}, func(p peer) {
					p.read()
					p.write(&packets.Connack{SessionPresent: tc.present, Properties: &packets.Properties{}})
					p.write(&again)
					tr.note(describe(p.read()))
					p.write(&packets.Pubrel{PacketID: 9})
					tr.note(describe(p.read()))
					p.write(&once) // another message: the identifier is free
					tr.note(describe(p.read()))
					p.ack()
				})
				mustOpen(t, s)
				r.await(wire.Reconnecting)
				r.await(wire.Connected)
				tr.expect(t, "then", "PUBREC #9 0x00", "PUBCOMP #9", "PUBREC #9 0x00")
				if len(r.messages) != tc.want+1 {
					t.Errorf("%d messages, want %d", len(r.messages), tc.want+1)
				}
				closeSession(s)
			})
		})
	}
}

// What a link still holds when it is given up is not taken for handed over.
func TestQoS2OfAGivenUpLinkIsNotLost(t *testing.T) {
	s, r := newSession(nil, nil)
	old, present := newLink(s, nil), newLink(s, discard{})
	s.state, s.link = wire.Connected, present
	once := func() packets.Publish {
		return packets.Publish{Topic: "m", QoS: 2, PacketID: 9, Properties: &packets.Properties{}}
	}
	receive(t, old, once())
	receive(t, present, once())
	receive(t, present, once())
	if len(r.messages) != 1 {
		t.Errorf("%d messages, want 1", len(r.messages))
	}
}

// receive hands a packet of a message to a link as its connection, or paho, does.
func receive(t *testing.T, l *link, p packets.Publish) {
	t.Helper()
	l.serve()
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := l.take(b.Bytes()[0], b.Bytes()[2:]); err != nil {
		t.Fatal(err)
	}
}

// discard is a connection that takes everything.
type discard struct{ net.Conn }

func (discard) Write(b []byte) (int, error) { return len(b), nil }
