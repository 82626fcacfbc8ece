package session

import (
	"errors"
	"net"
	"sync"

	"github.com/eclipse/paho.golang/packets"
)

// defaultMaximumPacketSize bounds a received packet where the page sets no limit.
const defaultMaximumPacketSize = 16 << 20

var (
	errMalformedLength = errors.New("malformed remaining length")
	errPacketTooLarge  = errors.New("packet larger than the maximum packet size")
	errOlderServer     = errors.New("CONNACK of an older MQTT")
)

// guardedConn is the connection that paho reads and writes. It checks the length
// of each packet as its header is read, since paho trusts a length of any size,
// reserves as much memory and panics at one of more than four bytes. It counts
// what passes, and takes each PUBLISH and PUBACK off the stream: paho would copy
// them four times over and hand the first to another goroutine.
type guardedConn struct {
	net.Conn
	sync.Locker // paho locks it around the writes that make up one packet
	counters    *counters
	limit       int
	will        *willPatch // until the CONNECT is written; nil without a will

	// take gets a PUBLISH or PUBACK, by its first byte and what follows the length.
	// The body is only good during the call.
	take func(header byte, body []byte) error
	over func() // told when it is closed: take may wait

	buf  []byte // read, of which from on is not handed on yet
	from int
	pass int // bytes of the present packet that paho is to get
}

// What is read at a time, and how large a buffer is kept.
const (
	readSize = 16 << 10
	keepSize = 256 << 10
)

func guard(conn net.Conn, p *packets.Properties, c *counters, take func(byte, []byte) error) *guardedConn {
	limit := defaultMaximumPacketSize
	if p != nil && p.MaximumPacketSize != nil {
		limit = int(min(*p.MaximumPacketSize, defaultMaximumPacketSize))
	}
	locker, ok := conn.(sync.Locker)
	if !ok {
		locker = new(sync.Mutex)
	}
	return &guardedConn{Conn: conn, Locker: locker, counters: c, limit: limit, take: take}
}

// Read reads what is not taken, and fails at a header that lies.
func (g *guardedConn) Read(b []byte) (int, error) {
	for g.pass == 0 {
		size, err := g.packet()
		if err != nil {
			return 0, err
		}
		if kind := g.buf[g.from] >> 4; kind != packets.PUBLISH && kind != packets.PUBACK {
			g.pass = size
			break
		}
		if err := g.fill(size); err != nil {
			return 0, err
		}
		whole := g.buf[g.from : g.from+size]
		g.from += size
		head := 2
		for whole[head-1] >= 0x80 {
			head++
		}
		if err := g.take(whole[0], whole[head:]); err != nil {
			return 0, err
		}
	}
	if err := g.fill(1); err != nil {
		return 0, err
	}
	n := copy(b, g.buf[g.from:min(len(g.buf), g.from+g.pass)])
	g.from += n
	g.pass -= n
	return n, nil
}

// packet returns the size of the packet that begins here, once its length is read.
func (g *guardedConn) packet() (size int, err error) {
	length := 0
	for digits := 1; ; digits++ {
		if err := g.fill(1 + digits); err != nil {
			return 0, err
		}
		c := g.buf[g.from+digits]
		length |= int(c&0x7f) << (7 * (digits - 1))
		switch {
		case c < 0x80:
			size = 1 + digits + length
			// Before MQTT 5 a CONNACK has no property length.
			if g.buf[g.from] == packets.CONNACK<<4 && length == 2 {
				return 0, errOlderServer
			}
			if size > g.limit {
				return 0, errPacketTooLarge
			}
			g.counters.packetsIn.Add(1)
			return size, nil
		case digits == 4: // [MQTT-1.5.5]
			return 0, errMalformedLength
		}
	}
}

// fill reads until so many bytes are there.
func (g *guardedConn) fill(n int) error {
	for len(g.buf)-g.from < n {
		if g.from == len(g.buf) {
			g.buf, g.from = g.buf[:0], 0
			if cap(g.buf) > keepSize {
				g.buf = nil
			}
		}
		if g.from+max(n, readSize) > cap(g.buf) {
			grown := make([]byte, len(g.buf)-g.from, max(n, readSize)+readSize)
			copy(grown, g.buf[g.from:])
			g.buf, g.from = grown, 0
		}
		read, err := g.Conn.Read(g.buf[len(g.buf):cap(g.buf)])
		g.counters.bytesIn.Add(uint64(read))
		g.buf = g.buf[:len(g.buf)+read]
		if err != nil && len(g.buf)-g.from < n {
			return err
		}
	}
	return nil
}

// Close closes the connection.
func (g *guardedConn) Close() error {
	g.over()
	return g.Conn.Close()
}

// Write writes as the connection does, and completes the CONNECT.
func (g *guardedConn) Write(b []byte) (int, error) {
	if g.will != nil {
		connect := g.will.write(b)
		if connect == nil {
			return len(b), nil
		}
		g.will = nil
		n, err := g.Conn.Write(connect)
		g.counters.bytesOut.Add(uint64(n))
		return len(b), err
	}
	n, err := g.Conn.Write(b)
	g.counters.bytesOut.Add(uint64(n))
	return n, err
}
