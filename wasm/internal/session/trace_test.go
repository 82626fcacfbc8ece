package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

var packetNames = map[byte]string{
	packets.CONNECT: "CONNECT", packets.CONNACK: "CONNACK", packets.PUBLISH: "PUBLISH", packets.PUBACK: "PUBACK", packets.PUBREC: "PUBREC",
	packets.PUBREL: "PUBREL", packets.PUBCOMP: "PUBCOMP", packets.SUBSCRIBE: "SUBSCRIBE", packets.SUBACK: "SUBACK", packets.UNSUBSCRIBE: "UNSUBSCRIBE",
	packets.UNSUBACK: "UNSUBACK", packets.PINGREQ: "PINGREQ", packets.PINGRESP: "PINGRESP", packets.DISCONNECT: "DISCONNECT",
}

func TestTraceAndStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) {
			c.KeepAlive = 60
			c.HasUsername, c.Username, c.HasPassword, c.Password = true, "SECRET-user", true, []byte("SECRET-password")
			c.Will = &wire.Will{Topic: "will", Payload: []byte("SECRET-will")}
		}, tr.link(sends(script{},
			packets.Publish{Topic: "a", Payload: []byte("SECRET-in"), QoS: 1, PacketID: 5}, packets.Publish{Topic: "a", QoS: 2, PacketID: 6}, packets.Publish{Topic: "a"})))
		s.Trace(wire.TraceHeaders)
		mustOpen(t, s)
		if err := <-ask(s, 1, nil, wire.Filter{Topic: "a"}, wire.Filter{Topic: "b"}); err != nil {
			t.Fatal(err)
		}
		for qos := range byte(3) {
			o := newOutcome()
			s.Publish(0, 0, wire.Outgoing{Topic: "t", QoS: qos, Retain: true, Payload: []byte("SECRET-out"), Properties: &packets.Properties{ContentType: "SECRET-type"}}, o)
			o.settled(t)
		}
		time.Sleep(61 * time.Second)
		unsubscribed := make(chan struct{})
		s.Unsubscribe(wire.Unsubscribe{Subscription: 1, Timeout: time.Minute}, func(wire.Answer, *wire.Error) { close(unsubscribed) })
		<-unsubscribed
		stats := s.Stats()
		closeSession(s)
		synctest.Wait()
		var got []string
		out := 0
		for _, p := range r.packets {
			way := "<"
			if p.Sent {
				way, out = ">", out+1
			}
			got = append(got, strings.TrimSpace(way+packetNames[p.Type]+" "+strings.ReplaceAll(p.Topic, "\n", ",")))
			if p.At.IsZero() {
				t.Errorf("%+v has no time", p)
			}
			if text := fmt.Sprintf("%+v", p); strings.Contains(text, "SECRET") {
				t.Errorf("a trace tells %s", text)
			}
			if p.Type == packets.PUBLISH && p.Sent && (p.PayloadBytes != 10 || !p.Retain) {
				t.Errorf("PUBLISH = %+v", p)
			}
		}
		want := []string{">CONNECT", "<CONNACK", ">SUBSCRIBE a,b", "<SUBACK", "<PUBLISH a", ">PUBACK", "<PUBLISH a", ">PUBREC", "<PUBLISH a",
			">PUBLISH t", ">PUBLISH t", "<PUBACK", ">PUBLISH t", "<PUBREC", ">PUBREL", "<PUBCOMP", ">PINGREQ", "<PINGRESP", ">UNSUBSCRIBE a,b", "<UNSUBACK", ">DISCONNECT"}
		// What is routed runs beside what is read.
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("traced\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
		if stats.PacketsOut != uint64(out-1) || int(stats.PacketsIn) != len(got)-out || stats.MessagesIn != 3 || stats.MessagesOut != 3 || stats.Links != 1 ||
			stats.BytesIn == 0 || stats.BytesOut == 0 || stats.ConnectedAt.IsZero() || stats.InFlight != 0 {
			t.Errorf("stats = %+v with %d packets sent, %d received", stats, out, len(got)-out)
		}
		n := len(r.packets)
		s.Trace(wire.TraceOff)
		if len(r.packets) != n {
			t.Error("traced when off")
		}
	})
}

func TestStatsOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := outage(t, nil)
		publish(s, 0, "a")
		publish(s, 1, "b")
		if st := s.Stats(); st.Waiting != 2 || st.WaitingBytes == 0 || st.InFlight != 0 || !st.ConnectedAt.IsZero() || st.PingRTT != 0 {
			t.Errorf("stats = %+v", st)
		}
	})
}
