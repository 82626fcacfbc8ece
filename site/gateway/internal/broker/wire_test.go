package broker_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/logtest"
)

// rig is a broker and the way to it.
type rig struct {
	*broker.Broker
	log       *logtest.Buffer
	principal broker.Principal
	dial      func(t *testing.T) net.Conn
	served    sync.WaitGroup
}

// plain is a connection without a WebSocket around it.
type plain struct{ net.Conn }

func (p plain) LastWords() { _ = p.SetWriteDeadline(time.Now().Add(time.Second)) }

// Close ends both directions. A socket stays open until the client's end came: one that
// is closed with unread data would throw the client's copy of the last packet away.
func (p plain) Close() error {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
		return tcp.SetReadDeadline(time.Now())
	}
	return p.Conn.Close()
}

// newRig starts a broker with a profile ("aws" if it is empty) changed by limits.
func newRig(t *testing.T, profile, limits string) *rig {
	t.Helper()
	p, err := broker.ProfileNamed(cmp.Or(profile, "aws"))
	if err != nil {
		t.Fatal(err)
	}
	if limits != "" {
		path := filepath.Join(t.TempDir(), "limits.json")
		if err := os.WriteFile(path, []byte(limits), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := p.ReadLimits(path); err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{log: &logtest.Buffer{}, principal: broker.Principal{ID: "someone"}}
	r.Broker, err = broker.New(slog.New(slog.NewTextHandler(r.log, nil)), broker.Options{Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		r.served.Wait()
	})
	return r
}

func (r *rig) serve(conn net.Conn) {
	principal := r.principal
	r.served.Go(func() {
		defer func() { _ = conn.Close() }()
		_ = r.Serve(context.Background(), plain{conn}, principal) // what comes of it is seen by the client
		_ = conn.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, conn)
	})
}

// overTCP makes connections over the loopback interface.
func (r *rig) overTCP(t *testing.T) *rig {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serve(conn)
		}
	}()
	r.dial = func(t *testing.T) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	return r
}

// inBubble makes connections in memory, whose time is synctest's.
func (r *rig) inBubble() *rig {
	r.dial = func(*testing.T) net.Conn {
		ours, theirs := net.Pipe()
		r.serve(theirs)
		return ours
	}
	return r
}

// wire is a client's end, spoken in bytes.
type wire struct {
	t       *testing.T
	version byte
	conn    net.Conn
	packets chan []byte // closed with the connection
}

func (r *rig) open(t *testing.T, version byte) *wire {
	t.Helper()
	w := &wire{t: t, version: version, conn: r.dial(t), packets: make(chan []byte, 1<<16)}
	t.Cleanup(func() { _ = w.conn.Close() })
	go func() {
		defer close(w.packets)
		in := bufio.NewReader(w.conn)
		for {
			packet, err := readPacket(in)
			if err != nil {
				return
			}
			w.packets <- packet
		}
	}()
	return w
}

// connect opens a connection and has a CONNECT accepted.
func (r *rig) connect(t *testing.T, version byte, id string, options ...func(*connectOptions)) *wire {
	t.Helper()
	w := r.open(t, version)
	w.send(connectPacket(version, id, options...))
	if got := w.next(); !strings.HasPrefix(got, "CONNACK") || !strings.HasSuffix(got, " 00") {
		t.Fatalf("got %s", got)
	}
	return w
}

func readPacket(in *bufio.Reader) ([]byte, error) {
	first, err := in.ReadByte()
	if err != nil {
		return nil, err
	}
	length, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	packet := binary.AppendUvarint([]byte{first}, length)
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	return append(packet, body...), nil
}

func (w *wire) send(packets ...[]byte) {
	w.t.Helper()
	if _, err := w.conn.Write(bytes.Join(packets, nil)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		// Where the broker ends the connection early, what it says is what counts.
		w.t.Logf("write: %v", err)
	}
}

// raw returns the next packet, or nil at the end of the connection.
func (w *wire) raw() []byte {
	w.t.Helper()
	select {
	case packet := <-w.packets:
		return packet
	case <-time.After(48 * time.Hour): // in a bubble; go test has its own end
		w.t.Fatal("nothing came")
		return nil
	}
}

// next describes the next packet.
func (w *wire) next() string {
	w.t.Helper()
	return describe(w.raw(), w.version)
}

// expect compares what comes next with descriptions.
func (w *wire) expect(want ...string) {
	w.t.Helper()
	for i, each := range want {
		if got := w.next(); got != each {
			w.t.Fatalf("packet %d: got %q, want %q", i+1, got, each)
		}
	}
}

// quiet checks that nothing is on its way. Messages and answers have separate ways
// through the broker: it waits a moment for the former.
func (w *wire) quiet() {
	w.t.Helper()
	time.Sleep(20 * time.Millisecond)
	w.send(pingreq)
	w.expect("PINGRESP")
}

// describe puts a packet into words: reason codes in hexadecimal, properties only
// where the tests look at them.
func describe(packet []byte, version byte) string {
	if packet == nil {
		return "closed"
	}
	_, n := binary.Uvarint(packet[1:])
	flags, body := packet[0]&15, packet[1+n:]
	id := func() uint16 { return binary.BigEndian.Uint16(body) }
	switch packet[0] >> 4 {
	case 2:
		return fmt.Sprintf("CONNACK %d %02x", body[0], body[1])
	case 3:
		return describePublish(flags, body, version)
	case 4, 5, 6, 7:
		code := byte(0)
		if len(body) > 2 {
			code = body[2]
		}
		return fmt.Sprintf("%s %d %02x", []string{"PUBACK", "PUBREC", "PUBREL", "PUBCOMP"}[packet[0]>>4-4], id(), code)
	case 9, 11:
		codes := body[2:]
		if version == 5 {
			length, n := binary.Uvarint(codes)
			codes = codes[n+int(length):]
		}
		return fmt.Sprintf("%s %d % x", map[byte]string{9: "SUBACK", 11: "UNSUBACK"}[packet[0]>>4], id(), codes)
	case 13:
		return "PINGRESP"
	case 14:
		return fmt.Sprintf("DISCONNECT %02x", body[0])
	}
	return fmt.Sprintf("% x", packet)
}

func describePublish(flags byte, body []byte, version byte) string {
	length := int(binary.BigEndian.Uint16(body))
	words := fmt.Sprintf("PUBLISH %s q%d", body[2:2+length], flags>>1&3)
	body = body[2+length:]
	if flags&6 != 0 {
		body = body[2:]
	}
	if flags&8 != 0 {
		words += " dup"
	}
	if flags&1 != 0 {
		words += " retain"
	}
	if version == 5 {
		size, n := binary.Uvarint(body)
		properties := body[n : n+int(size)]
		body = body[n+int(size):]
		for len(properties) > 0 {
			switch properties[0] {
			case 0x02:
				words += fmt.Sprintf(" expiry=%d", binary.BigEndian.Uint32(properties[1:]))
				properties = properties[5:]
			case 0x0b:
				id, n := binary.Uvarint(properties[1:])
				words += fmt.Sprintf(" id=%d", id)
				properties = properties[1+n:]
			default:
				words += fmt.Sprintf(" properties=%x", properties)
				properties = nil
			}
		}
	}
	if len(body) > 1000 {
		return fmt.Sprintf("%s %d bytes", words, len(body))
	}
	return words + " " + string(body)
}

func packetID(publish []byte) uint16 {
	_, n := binary.Uvarint(publish[1:])
	body := publish[1+n:]
	return binary.BigEndian.Uint16(body[2+int(binary.BigEndian.Uint16(body)):])
}

// Packets of the client.

var pingreq = []byte{0xc0, 0}

func packet(first byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.AppendUvarint([]byte{first}, uint64(len(body))), body...)
}

func str(s string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...)
}

func u16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func properties(version byte, parts ...[]byte) []byte {
	if version < 5 {
		return nil
	}
	body := bytes.Join(parts, nil)
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

type connectOptions struct {
	flags          byte
	keepAlive      uint16
	properties     [][]byte
	willProperties [][]byte
	will           string // topic
	payload        string
}

func keepAlive(seconds uint16) func(*connectOptions) {
	return func(o *connectOptions) { o.keepAlive = seconds }
}

func resume(o *connectOptions) { o.flags &^= 2 }

func expiry(seconds uint32) func(*connectOptions) {
	return func(o *connectOptions) { o.properties = append(o.properties, append([]byte{0x11}, u32(seconds)...)) }
}

func receiveMaximum(n uint16) func(*connectOptions) {
	return func(o *connectOptions) { o.properties = append(o.properties, append([]byte{0x21}, u16(n)...)) }
}

// lastWill is a will; flags are QoS and RETAIN as CONNECT has them.
func lastWill(topic, payload string, flags byte, properties ...[]byte) func(*connectOptions) {
	return func(o *connectOptions) {
		o.flags |= 4 | flags
		o.will, o.payload, o.willProperties = topic, payload, properties
	}
}

func connectPacket(version byte, id string, options ...func(*connectOptions)) []byte {
	o := connectOptions{flags: 2, keepAlive: 60}
	for _, option := range options {
		option(&o)
	}
	parts := [][]byte{str("MQTT"), {version, o.flags}, u16(o.keepAlive), properties(version, o.properties...), str(id)}
	if o.will != "" {
		parts = append(parts, properties(version, o.willProperties...), str(o.will), str(o.payload))
	}
	return packet(0x10, parts...)
}

// publishPacket is a PUBLISH with QoS and RETAIN as in flags: 2 is QoS 1, 1 is RETAIN.
func (w *wire) publishPacket(flags byte, id uint16, topic, payload string, p ...[]byte) []byte {
	parts := [][]byte{str(topic)}
	if flags&6 != 0 {
		parts = append(parts, u16(id))
	}
	return packet(0x30|flags, append(parts, properties(w.version, p...), []byte(payload))...)
}

// publish sends one with QoS 1 and takes its PUBACK.
func (w *wire) publish(id uint16, topic, payload string, p ...[]byte) {
	w.t.Helper()
	w.send(w.publishPacket(2, id, topic, payload, p...))
	w.expect(fmt.Sprintf("PUBACK %d 00", id))
}

func (w *wire) subscribePacket(id uint16, options byte, filters ...string) []byte {
	parts := [][]byte{u16(id), properties(w.version)}
	for _, filter := range filters {
		parts = append(parts, str(filter), []byte{options})
	}
	return packet(0x82, parts...)
}

// subscribe has filters granted.
func (w *wire) subscribe(qos byte, filters ...string) {
	w.t.Helper()
	w.send(w.subscribePacket(7, qos, filters...))
	w.expect(strings.TrimSpace("SUBACK 7" + strings.Repeat(fmt.Sprintf(" %02x", qos), len(filters))))
}

func (w *wire) unsubscribePacket(id uint16, filters ...string) []byte {
	parts := [][]byte{u16(id), properties(w.version)}
	for _, filter := range filters {
		parts = append(parts, str(filter))
	}
	return packet(0xa2, parts...)
}

func (w *wire) disconnectPacket(code byte, p ...[]byte) []byte {
	if w.version < 5 {
		return []byte{0xe0, 0}
	}
	return packet(0xe0, []byte{code}, properties(5, p...))
}

func puback(id uint16) []byte { return packet(0x40, u16(id)) }
