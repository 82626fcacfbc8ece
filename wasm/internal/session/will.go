package session

import (
	"encoding/binary"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// connectHead is what a CONNECT has before its properties: protocol name and
// version, flags, keep alive.
const connectHead = 2 + 4 + 1 + 1 + 2

// willPatch puts the will's properties into a CONNECT. paho packs of them only
// what a CONNECT itself may have, and so leaves out all that the will shares with
// a PUBLISH.
type willPatch struct {
	properties []byte
	connect    []byte // as far as paho wrote it
}

func newWillPatch(w *paho.WillProperties) *willPatch {
	delay := packets.Properties{WillDelayInterval: w.WillDelayInterval}
	message := packets.Properties{
		PayloadFormat: w.PayloadFormat, MessageExpiry: w.MessageExpiry, ContentType: w.ContentType, ResponseTopic: w.ResponseTopic,
		CorrelationData: w.CorrelationData, User: w.User.ToPacketProperties(),
	}
	return &willPatch{properties: append(delay.Pack(packets.CONNECT), message.Pack(packets.PUBLISH)...)}
}

// write takes a piece of the CONNECT, and returns the whole of it once it is
// complete.
func (w *willPatch) write(b []byte) []byte {
	w.connect = append(w.connect, b...)
	length, n := binary.Uvarint(w.connect[min(1, len(w.connect)):])
	if n <= 0 || len(w.connect) < 1+n+int(length) {
		return nil
	}
	body := w.connect[1+n:]
	at := connectHead
	at += sized(body[at:])
	at += 2 + int(binary.BigEndian.Uint16(body[at:])) // client identifier
	after := at + sized(body[at:])

	patched := append([]byte(nil), body[:at]...)
	patched = binary.AppendUvarint(patched, uint64(len(w.properties)))
	patched = append(patched, w.properties...)
	patched = append(patched, body[after:]...)
	out := binary.AppendUvarint(w.connect[:1:1], uint64(len(patched)))
	return append(out, patched...)
}

// sized returns how long properties are with their length. A variable byte integer
// of MQTT is a varint.
func sized(b []byte) int {
	length, n := binary.Uvarint(b)
	return n + int(length)
}
