package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

func TestReceivedTopicAlias(t *testing.T) {
	zero, three, four, five := uint16(0), uint16(3), uint16(4), uint16(5)
	message := func(topic string, alias *uint16) *packets.Publish {
		return &packets.Publish{Topic: topic, Properties: &packets.Properties{TopicAlias: alias}}
	}
	for _, tc := range []struct {
		name     string
		messages []*packets.Publish
		want     []string
		fails    bool
	}{
		{"set and used", []*packets.Publish{message("a", &three), message("", &three), message("b", &four), message("", &three)}, []string{"a", "a", "b", "a"}, false},
		{"set anew", []*packets.Publish{message("a", &three), message("b", &three), message("", &three)}, []string{"a", "b", "b"}, false},
		{"unknown", []*packets.Publish{message("a", &three), message("", &four)}, []string{"a"}, true},
		{"above the maximum", []*packets.Publish{message("a", &four), message("b", &five)}, []string{"a"}, true},
		{"0", []*packets.Publish{message("a", &zero)}, nil, true},
		{"no topic", []*packets.Publish{message("", nil)}, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tr transcript
				s, r := withPeers(t, func(c *wire.Connect) { c.Properties.TopicAliasMaximum = &four }, func(p peer) {
					p.accept(nil)
					for _, m := range tc.messages {
						p.write(m)
					}
					for {
						cp, err := packets.ReadPacket(p.conn)
						if err != nil {
							return
						}
						tr.note(describe(cp))
					}
				})
				mustOpen(t, s)
				synctest.Wait()
				var topics []string
				for _, m := range r.messages {
					topics = append(topics, m.topic)
				}
				if fmt.Sprint(topics) != fmt.Sprint(tc.want) {
					t.Errorf("topics %v, want %v", topics, tc.want)
				}
				if !tc.fails {
					closeSession(s)
					return
				}
				<-r.closed
				if r.err == nil || r.err.Code != wire.ProtocolError {
					t.Errorf("ended with %v", r.err)
				}
				tr.expect(t, "at the end", "DISCONNECT 0x94")
			})
		})
	}
}

// allowsAliases allows three topic aliases to the server.
func allowsAliases(c *wire.Connect) {
	three := uint16(3)
	c.Properties = &packets.Properties{TopicAliasMaximum: &three}
}

// Aliases belong to their link.
func TestReceivedTopicAliasOfALostLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		three := uint16(3)
		s, r := withPeers(t, allowsAliases, func(p peer) {
			p.accept(nil)
			p.write(&packets.Publish{Topic: "a", Properties: &packets.Properties{TopicAlias: &three}})
			time.Sleep(time.Minute)
			p.conn.Close()
		}, func(p peer) {
			p.accept(nil)
			p.write(&packets.Publish{Properties: &packets.Properties{TopicAlias: &three}})
			p.ack()
		})
		mustOpen(t, s)
		<-r.closed
		if len(r.messages) != 1 || r.err == nil || r.err.Code != wire.ProtocolError {
			t.Errorf("%d messages, ended with %v", len(r.messages), r.err)
		}
	})
}

func TestSentTopicAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := uint16(2)
		var tr transcript
		props := &packets.Properties{TopicAliasMaximum: &two}
		s, r := withPeers(t, func(c *wire.Connect) { c.TopicAliases = true }, tr.link(script{props: props, lives: time.Minute, answer: func(_ peer, cp *packets.ControlPacket) bool {
			m, ok := cp.Content.(*packets.Publish)
			return ok && m.QoS == 1 && len(m.Payload) > 0 // is not acknowledged
		}}), tr.link(script{present: true, props: props}))
		mustOpen(t, s)
		send := func(qos byte, topics ...string) {
			for _, topic := range topics {
				s.Publish(0, 0, wire.Outgoing{Topic: topic, QoS: qos}, newOutcome())
			}
		}
		send(0, "a", "a", "b")
		send(1, "a")
		send(0, "c", "a", "b", "c") // c takes the alias of b, b that of c, c that of a
		s.Publish(0, 0, wire.Outgoing{Topic: "b", QoS: 1, Payload: []byte("stays")}, newOutcome())
		tr.expect(t, "first", `CONNECT "test" clean=true`, "PUBLISH q0 a alias=1", "PUBLISH q0 alias=1", "PUBLISH q0 b alias=2", "PUBLISH q1 #1 alias=1",
			"PUBLISH q0 c alias=2", "PUBLISH q0 alias=1", "PUBLISH q0 b alias=2", "PUBLISH q0 c alias=1", `PUBLISH q1 #2 alias=2 "stays"`)
		r.await(wire.Reconnecting)
		send(0, "c", "c")
		r.await(wire.Connected)
		tr.expect(t, "then", `CONNECT "test" clean=false`, `PUBLISH q1 #2 dup b alias=1 "stays"`, "PUBLISH q0 c alias=2", "PUBLISH q0 alias=2")
		closeSession(s)
	})
}

func TestNoTopicAliasUnlessBothWantIt(t *testing.T) {
	two := uint16(2)
	for _, tc := range []struct {
		wanted bool
		server *uint16
	}{{false, &two}, {true, nil}} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, _ := withPeers(t, func(c *wire.Connect) { c.TopicAliases = tc.wanted }, tr.link(script{props: &packets.Properties{TopicAliasMaximum: tc.server}}))
			mustOpen(t, s)
			publish(s, 0, "1")
			publish(s, 0, "2")
			tr.expect(t, "then", `CONNECT "test" clean=true`, `PUBLISH q0 t "1"`, `PUBLISH q0 t "2"`)
			closeSession(s)
		})
	}
}

// The property of an alias never makes a packet larger than the server takes.
func TestTopicAliasAndMaximumPacketSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two, maximum := uint16(2), uint32(140)
		larger := 0
		s, _ := withPeers(t, func(c *wire.Connect) { c.TopicAliases = true }, new(transcript).link(script{
			props: &packets.Properties{TopicAliasMaximum: &two, MaximumPacketSize: &maximum},
			answer: func(_ peer, cp *packets.ControlPacket) bool {
				if m, ok := cp.Content.(*packets.Publish); ok {
					var b bytes.Buffer
					if _, _ = m.WriteTo(&b); b.Len() > int(maximum) {
						larger++
					}
				}
				return true
			},
		}))
		mustOpen(t, s)
		sent := 0
		for i := range 150 {
			for _, topic := range []string{"t", fmt.Sprint(i)} {
				o := newOutcome()
				s.Publish(0, 0, wire.Outgoing{Topic: topic, Payload: []byte(strings.Repeat("x", i))}, o)
				if o.settled(t).err == nil {
					sent++
				}
			}
		}
		if larger > 0 || sent < 250 {
			t.Errorf("%d of %d packets are larger than the server's maximum", larger, sent)
		}
		closeSession(s)
	})
}
