package session

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// publishes are PUBLISH packets of every kind.
func publishes() []packets.Publish {
	one, alias, expiry, id := byte(1), uint16(7), uint32(1<<32-2), 268435455
	full := &packets.Properties{
		PayloadFormat: &one, MessageExpiry: &expiry, ContentType: "text/plain", ResponseTopic: "r", CorrelationData: []byte{0, 255}, TopicAlias: &alias,
		SubscriptionIdentifier: &id, User: []packets.User{{Key: "a", Value: "b"}, {Key: "a", Value: ""}},
	}
	var out []packets.Publish
	for _, topic := range []string{"t", "größe/\u2603", strings.Repeat("x", 65535)} {
		for _, size := range []int{0, 1, 100, 127, 128, 16_383, 16_384, 100_000} {
			for qos := range byte(3) {
				p := packets.Publish{Topic: topic, QoS: qos, Retain: qos == 1, Duplicate: qos == 2, Payload: bytes.Repeat([]byte{0xa5}, size)}
				if qos > 0 {
					p.PacketID = 0xfffe
				}
				out = append(out, p)
				p.Properties = full
				out = append(out, p)
			}
		}
	}
	return append(out, packets.Publish{Properties: &packets.Properties{TopicAlias: &alias}})
}

// What is written is, byte for byte, what paho writes.
func TestOutboundIsPahos(t *testing.T) {
	var out outbound
	for _, p := range publishes() {
		var want bytes.Buffer
		if _, err := p.WriteTo(&want); err != nil {
			t.Fatal(err)
		}
		if got := slices.Concat(out.write(&p), p.Payload); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("topic of %d, payload of %d, QoS %d, properties %t: differs", len(p.Topic), len(p.Payload), p.QoS, p.Properties != nil)
		}
	}
}

// What is read is what paho reads.
func TestInboundIsPahos(t *testing.T) {
	var in inbound
	for _, p := range publishes() {
		var b bytes.Buffer
		if _, err := p.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		checkInbound(t, &in, b.Bytes())
	}
}

func orNone(p *packets.Properties) *packets.Properties {
	if p == nil {
		return &packets.Properties{}
	}
	return p
}

// checkInbound compares what in makes of a whole packet with what paho does.
func checkInbound(t *testing.T, in *inbound, whole []byte) {
	t.Helper()
	head := 2
	for whole[head-1] >= 0x80 {
		head++
	}
	got, err := in.read(whole[0], whole[head:])
	cp, pahoErr := packets.ReadPacket(bytes.NewReader(whole))
	if err != nil {
		return // it may be stricter
	}
	if pahoErr != nil {
		t.Fatalf("%x: paho refuses it: %v", whole, pahoErr)
	}
	want := cp.Content.(*packets.Publish)
	if got.Topic != want.Topic || got.QoS != want.QoS || got.Retain != want.Retain || got.Duplicate != want.Duplicate || got.PacketID != want.PacketID ||
		!bytes.Equal(got.Payload, want.Payload) || !reflect.DeepEqual(orNone(got.Properties), want.Properties) {
		t.Fatalf("%x:\n\t%+v\nwant\n\t%+v", whole, got, want)
	}
}

func TestMalformedPublish(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header byte
		body   string
	}{
		{"empty", 0x30, ""},
		{"QoS 3", 0x36, "\x00\x01t\x00\x01\x00"},
		{"topic longer than the packet", 0x30, "\x00\x05t"},
		{"no packet identifier", 0x32, "\x00\x01t"},
		{"packet identifier 0", 0x32, "\x00\x01t\x00\x00\x00"},
		{"no properties", 0x30, "\x00\x01t"},
		{"property of another packet", 0x30, "\x00\x01t\x02\x13\x00"},
		{"property that ends early", 0x30, "\x00\x01t\x01\x02"},
	} {
		if p, err := new(inbound).read(tc.header, []byte(tc.body)); !errors.Is(err, errMalformedPublish) {
			t.Errorf("%s: %+v, %v", tc.name, p, err)
		}
	}
}

func TestPuback(t *testing.T) {
	reason := &packets.Properties{ReasonString: "full", User: []packets.User{{Key: "a", Value: "b"}}}
	for _, p := range []packets.Puback{
		{PacketID: 1, Properties: &packets.Properties{}}, {PacketID: 0xfffe, ReasonCode: 0x10, Properties: &packets.Properties{}}, {PacketID: 2, ReasonCode: 0x97, Properties: reason},
	} {
		var b bytes.Buffer
		if _, err := p.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		id, a, err := readPuback(b.Bytes()[2:])
		if err != nil || id != p.PacketID || a.ReasonCode != p.ReasonCode || !reflect.DeepEqual(orNone(a.Properties), p.Properties) {
			t.Errorf("%x: %d, %+v, %v", b.Bytes(), id, a, err)
		}
	}
	for _, body := range []string{"", "\x00", "\x00\x01\x97\x02\x1f", "\x00\x01\x97\x02\x01\x00"} {
		if _, a, err := readPuback([]byte(body)); !errors.Is(err, errMalformedPuback) {
			t.Errorf("%x: %+v, %v", body, a, err)
		}
	}
	if id, a, err := readPuback([]byte{0, 7}); err != nil || id != 7 || a.ReasonCode != 0 { // [MQTT-3.4.2.1]
		t.Errorf("short: %d, %+v, %v", id, a, err)
	}
}

func FuzzInbound(f *testing.F) {
	for _, p := range publishes() {
		if len(p.Topic)+len(p.Payload) > 1000 {
			continue
		}
		var b bytes.Buffer
		if _, err := p.WriteTo(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes()[0], b.Bytes()[2:])
	}
	in := new(inbound)
	f.Fuzz(func(t *testing.T, header byte, body []byte) {
		checkInbound(t, in, slices.Concat(appendVarInt([]byte{packets.PUBLISH<<4 | header&15}, len(body)), body))
	})
}

// pieces is a connection that gives its data in pieces.
type pieces struct {
	net.Conn
	data []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(p.size, len(b))], p.data)
	p.data = p.data[n:]
	return n, nil
}

// However the stream is cut, paho gets what is not a PUBLISH, and each PUBLISH
// comes between the packets that it stands between.
func TestGuardTakesPublishes(t *testing.T) {
	var stream, rest bytes.Buffer
	var want []string
	other := func(p packetWriter) {
		_, _ = p.WriteTo(&stream)
		_, _ = p.WriteTo(&rest)
	}
	for i, size := range []int{0, 5, 16_384, 300, 70_000, 1, 0} {
		other(&packets.Pubcomp{PacketID: uint16(i + 1)})
		other(packets.NewControlPacket(packets.PINGRESP))
		for j := range i {
			p := packets.Publish{Topic: fmt.Sprint("t", j), Payload: bytes.Repeat([]byte{byte(i)}, size)}
			_, _ = p.WriteTo(&stream)
			want = append(want, fmt.Sprint(p.Topic, " ", len(p.Payload), " after ", rest.Len()))
		}
	}
	for _, size := range []int{1, 2, 3, 7, 100, 1 << 20} {
		var got []string
		var in inbound
		passed := 0
		g := guard(&pieces{data: stream.Bytes(), size: size}, nil, new(counters), func(header byte, body []byte) error {
			p, err := in.read(header, body)
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprint(p.Topic, " ", len(p.Payload), " after ", passed))
			return nil
		})
		var pahos []byte
		b := make([]byte, 5)
		for {
			n, err := g.Read(b)
			pahos = append(pahos, b[:n]...)
			if passed = len(pahos); err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(pahos, rest.Bytes()) {
			t.Errorf("pieces of %d: paho got %d bytes, want %d", size, len(pahos), rest.Len())
		}
		if !slices.Equal(got, want) {
			t.Errorf("pieces of %d: %v, want %v", size, got, want)
		}
		if cap(g.buf) > keepSize {
			t.Errorf("pieces of %d: a buffer of %d is kept", size, cap(g.buf))
		}
	}
}
