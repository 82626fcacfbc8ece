package session

import (
	"bytes"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

func TestWillProperties(t *testing.T) {
	expiry, delay, format := uint32(6), uint32(5), byte(1)
	for _, contentType := range []string{"text/plain", strings.Repeat("x", 300)} {
		c := paho.Connect{
			ClientID: "me", KeepAlive: 9, UsernameFlag: true, Username: "user", PasswordFlag: true, Password: []byte("pass"),
			Properties:  &paho.ConnectProperties{User: paho.UserProperties{{Key: "a", Value: strings.Repeat("y", 200)}}},
			WillMessage: &paho.WillMessage{Topic: "will", Payload: []byte("gone"), QoS: 1},
			WillProperties: &paho.WillProperties{
				WillDelayInterval: &delay, PayloadFormat: &format, MessageExpiry: &expiry, ContentType: contentType, ResponseTopic: "r",
				CorrelationData: []byte{9}, User: paho.UserProperties{{Key: "w", Value: "1"}, {Key: "w", Value: "2"}},
			},
		}
		var plain bytes.Buffer
		p := c.Packet()
		p.ProtocolName, p.ProtocolVersion = "MQTT", 5 // as paho.Client does
		if _, err := p.WriteTo(&plain); err != nil {
			t.Fatal(err)
		}
		patch := newWillPatch(c.WillProperties)
		var patched []byte
		for i, b := range plain.Bytes() { // however it is cut
			patched = patch.write([]byte{b})
			if (patched != nil) != (i == plain.Len()-1) {
				t.Fatalf("complete after %d of %d bytes", i+1, plain.Len())
			}
		}
		got := wholeConnect(t, patched)
		want := wholeConnect(t, plain.Bytes())
		if got.ClientID != want.ClientID || got.WillTopic != "will" || string(got.WillMessage) != "gone" || got.Username != "user" || string(got.Password) != "pass" {
			t.Errorf("the rest changed: %v", got)
		}
		w := got.WillProperties
		if *w.WillDelayInterval != 5 || *w.PayloadFormat != 1 || *w.MessageExpiry != 6 || w.ContentType != contentType || w.ResponseTopic != "r" ||
			!bytes.Equal(w.CorrelationData, []byte{9}) || len(w.User) != 2 || w.User[1] != (packets.User{Key: "w", Value: "2"}) {
			t.Errorf("will properties %v", w)
		}
	}
}

// wholeConnect reads a CONNECT, and fails where anything is left.
func wholeConnect(t *testing.T, b []byte) *packets.Connect {
	t.Helper()
	r := bytes.NewReader(b)
	p, err := packets.ReadPacket(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() > 0 {
		t.Fatalf("%d bytes left", r.Len())
	}
	return p.Content.(*packets.Connect)
}
