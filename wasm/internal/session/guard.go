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

// guardedConn checks the length of each packet as its header is read, and counts
// what passes. paho
// trusts a length of any size, reserves as much memory and panics at one of more
// than four bytes.
type guardedConn struct {
	net.Conn
	sync.Locker // paho locks it around the writes that make up one packet
	counters    *counters
	limit       int
	will        *willPatch // until the CONNECT is written; nil without a will

	header byte // the packet's first byte
	body   int  // bytes of the packet's body still to come
	length int  // remaining length as far as it is read
	digits int  // bytes of it read; -1 before the packet's first byte
}

func guard(conn net.Conn, p *packets.Properties, c *counters) *guardedConn {
	limit := defaultMaximumPacketSize
	if p != nil && p.MaximumPacketSize != nil {
		limit = int(min(*p.MaximumPacketSize, defaultMaximumPacketSize))
	}
	locker, ok := conn.(sync.Locker)
	if !ok {
		locker = new(sync.Mutex)
	}
	return &guardedConn{Conn: conn, Locker: locker, counters: c, limit: limit, digits: -1}
}

// Read reads as the connection does, and fails at a header that lies.
func (g *guardedConn) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.counters.bytesIn.Add(uint64(n))
	if cerr := g.check(b[:n]); cerr != nil {
		return 0, cerr
	}
	return n, err
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

func (g *guardedConn) check(b []byte) error {
	for len(b) > 0 {
		if g.body > 0 {
			n := min(g.body, len(b))
			g.body -= n
			b = b[n:]
			continue
		}
		c := b[0]
		b = b[1:]
		if g.digits < 0 {
			g.header, g.digits, g.length = c, 0, 0
			continue
		}
		g.length |= int(c&0x7f) << (7 * g.digits)
		g.digits++
		switch {
		case c < 0x80:
			if g.length+1+g.digits > g.limit {
				return errPacketTooLarge
			}
			// Before MQTT 5 a CONNACK has no property length.
			if g.header == packets.CONNACK<<4 && g.length == 2 {
				return errOlderServer
			}
			g.body, g.digits = g.length, -1
			g.counters.packetsIn.Add(1)
		case g.digits == 4: // [MQTT-1.5.5]
			return errMalformedLength
		}
	}
	return nil
}
