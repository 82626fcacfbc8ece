package broker

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDescribePacket(t *testing.T) {
	long := strings.Repeat("é", 400)
	tests := map[string]struct {
		raw     string
		version byte
		want    PacketInfo
	}{
		"CONNECT 5": {
			"\x10\x22\x00\x04MQTT\x05\xc6\x00\x3c\x03\x21\x00\x07\x00\x01c\x00\x00\x01w\x00\x01p\x00\x01u\x00\x01p", 0,
			PacketInfo{Type: "CONNECT", ClientID: "c"},
		},
		"CONNECT 3.1.1":  {"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c", 0, PacketInfo{Type: "CONNECT", ClientID: "c"}},
		"CONNACK":        {"\x20\x03\x00\x87\x00", 5, PacketInfo{Type: "CONNACK", Reasons: []byte{0x87}}},
		"PUBLISH QoS 0":  {"\x31\x04\x00\x01tp", 4, PacketInfo{Type: "PUBLISH", Topics: []string{"t"}, Retain: true}},
		"PUBLISH QoS 1":  {"\x3a\x06\x00\x01t\x01\x02p", 4, PacketInfo{Type: "PUBLISH", Topics: []string{"t"}, QoS: 1, Dup: true, ID: 0x102}},
		"PUBACK":         {"\x40\x02\x00\x07", 5, PacketInfo{Type: "PUBACK", ID: 7}},
		"PUBACK refusal": {"\x40\x04\x00\x07\x87\x00", 5, PacketInfo{Type: "PUBACK", ID: 7, Reasons: []byte{0x87}}},
		"SUBSCRIBE 5":    {"\x82\x0b\x00\x01\x00\x00\x01a\x00\x00\x01b\x29", 5, PacketInfo{Type: "SUBSCRIBE", ID: 1, Topics: []string{"a", "b"}, QoS: 1}},
		"UNSUBSCRIBE 4":  {"\xa2\x05\x00\x01\x00\x01a", 4, PacketInfo{Type: "UNSUBSCRIBE", ID: 1, Topics: []string{"a"}}},
		"SUBACK 5":       {"\x90\x05\x00\x01\x00\x01\x87", 5, PacketInfo{Type: "SUBACK", ID: 1, Reasons: []byte{1, 0x87}}},
		"SUBACK 4":       {"\x90\x03\x00\x01\x01", 4, PacketInfo{Type: "SUBACK", ID: 1, Reasons: []byte{1}}},
		"PINGREQ":        {"\xc0\x00", 5, PacketInfo{Type: "PINGREQ"}},
		"DISCONNECT":     {"\xe0\x02\x8e\x00", 5, PacketInfo{Type: "DISCONNECT", Reasons: []byte{0x8e}}},
		"long topic":     {"\x30\xa2\x06\x03\x20" + long, 4, PacketInfo{Type: "PUBLISH", Topics: []string{strings.Repeat("é", 128) + "…"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := describePacket([]byte(test.raw), test.version, "", false)
			got.Time = time.Time{}
			if test.want.Size = len(test.raw); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			for end := range test.raw { // what is cut short is no reason to panic
				describePacket([]byte(test.raw)[:end], test.version, "", false)
			}
		})
	}
}

func FuzzDescribePacket(f *testing.F) {
	f.Add([]byte("\x30\x04\x00\x01tp"), byte(5))
	f.Add([]byte("\x82\xff\xff\xff\xff\x0f"), byte(5))
	f.Fuzz(func(t *testing.T, raw []byte, version byte) {
		p := describePacket(raw, version, "c", true)
		for _, topic := range p.Topics {
			if len(topic) > recordedTopic+len("…") {
				t.Errorf("%d bytes of a topic", len(topic))
			}
		}
	})
}

func TestRecorderKeepsTheLastPackets(t *testing.T) {
	var r recorder
	if _, packets := r.snapshot(); len(packets) != 0 {
		t.Errorf("%d packets before the first", len(packets))
	}
	const more = 7
	for i := range recordedPackets + more {
		r.add(PacketInfo{ClientID: fmt.Sprint(i), Type: "PUBLISH", Sent: i%2 == 0, Size: 10})
	}
	counters, packets := r.snapshot()
	if len(packets) != recordedPackets || packets[0].ClientID != fmt.Sprint(more) || packets[recordedPackets-1].ClientID != fmt.Sprint(recordedPackets+more-1) {
		t.Errorf("%d packets, from %s to %s", len(packets), packets[0].ClientID, packets[len(packets)-1].ClientID)
	}
	want := Counters{PacketsReceived: 103, PacketsSent: 104, BytesReceived: 1030, BytesSent: 1040, PublishesReceived: 103, PublishesSent: 104}
	if counters != want {
		t.Errorf("counters %+v, want %+v", counters, want)
	}
}
