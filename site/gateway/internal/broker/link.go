package broker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	readBuffer = 16 << 10
	// keepBuffer is the largest packet buffer which an idle connection keeps.
	keepBuffer = 64 << 10
	// connectTimeout is how long a connection may take to send its CONNECT.
	connectTimeout = 10 * time.Second
)

// Conn is a client's connection. Write takes whole packets, from any goroutine.
// LastWords is called before a final packet is written: writes which wait for a slow
// peer must then end.
type Conn interface {
	net.Conn
	LastWords()
}

// link stands between a connection and mochi: mochi reads from it what admit let
// through, one packet at a time, and writes to it everything but messages, which a
// sender sends. mochi asks for more only when it is done with a packet, so that what
// admit noted about one holds until mochi's hooks are called for it.
type link struct {
	Conn
	broker    *Broker
	profile   *Profile
	principal *Principal

	// Of the goroutine that reads, which is mochi's for the client.
	frames  frameReader
	current []byte // of the packet that mochi reads
	aliases map[uint16]string
	rate    *bucket
	bytes   *bucket
	topic   string          // of the PUBLISH that mochi works on, by alias or not
	expires bool            // the PUBLISH that mochi works on has an expiry
	denied  map[string]byte // reasons for filters of the SUBSCRIBE that mochi works on
	invalid []bool          // which filters of the UNSUBSCRIBE are wrong
	// overSubscribed ends the connection after the SUBACK.
	overSubscribed bool
	granted        []grant // what SUBACK grants, for the retained messages behind it
	client         *mqtt.Client

	// Set by CONNECT, before anything else looks at the link.
	clientID          string
	assigned          string // the same, if the broker made it
	version           byte
	persistent        bool // the session outlives the connection
	sessionExpiry     uint32
	keepAlive         uint16
	keepAliveChanged  bool
	expiryChanged     bool
	receiveMaximum    uint16
	maximumPacketSize uint32
	noProblems        bool // Request Problem Information is 0
	will              *will
	session           *session
	sessionID         string
	connects          int64

	greeting sync.Mutex // held while CONNACK is written
	greeted  bool       // of greeting: a DISCONNECT may follow

	since      time.Time   // set before connected
	connected  atomic.Bool // CONNACK was sent, and the session is attached
	unanswered atomic.Int32
	logged     atomic.Bool
	idle       *time.Timer
	deadlines  []*time.Timer

	once  sync.Once
	end   ending // valid when ended is closed
	ended chan struct{}
	done  chan struct{} // Serve returned
	wake  chan struct{} // to the sender
}

func newLink(b *Broker, conn Conn, principal *Principal) *link {
	now := time.Now()
	p := &b.profile
	l := &link{
		broker: b, profile: p, principal: principal,
		frames: frameReader{in: bufio.NewReaderSize(conn, readBuffer)},
		rate:   newBucket(p.PublishesPerSecond, p.PublishBurst, now),
		bytes:  newBucket(p.BytesPerSecond, p.BytesPerSecond, now),
		ended:  make(chan struct{}), done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	l.Conn = watched{conn, l}
	b.recorder.connection()
	return l
}

// Read gives mochi the packets which are let in.
func (l *link) Read(p []byte) (int, error) {
	for len(l.current) == 0 {
		if err := l.next(); err != nil {
			var e ending
			if !errors.As(err, &e) {
				e = endLost
				if errors.Is(err, errTooLarge) {
					e = fault(l.profile.TooLargeReason, "packet too large")
				} else if code := (packets.Code{}); errors.As(err, &code) {
					e = malformed("malformed packet")
				}
			}
			l.close(e)
			return 0, l.end
		}
	}
	n := copy(p, l.current)
	l.current = l.current[n:]
	return n, nil
}

// next reads a packet and lets it in, answers it or refuses it.
func (l *link) next() error {
	limit := l.profile.MaximumPacketSize
	if l.version == 0 && l.profile.ConnectBytes > 0 {
		limit = l.profile.ConnectBytes
	}
	f, err := l.frames.next(limit)
	if err != nil {
		return err
	}
	l.recordReceived(f)
	if l.version == 0 {
		return l.admitConnect(f)
	}
	if err := l.throttle(len(f.raw)); err != nil {
		return err
	}
	if l.idle != nil {
		l.idle.Reset(l.patience())
	}
	return l.admit(f)
}

// throttle delays a client that sends too many bytes.
func (l *link) throttle(n int) error {
	l.bytes.spend(float64(n), time.Now())
	pause := l.bytes.wait(time.Now())
	if pause == 0 {
		return nil
	}
	if l.idle != nil {
		l.idle.Stop() // it is not the client who is silent
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.ended:
		return l.end
	}
}

// patience is how long the client may be silent [MQTT-3.1.2-22].
func (l *link) patience() time.Duration {
	return time.Duration(l.keepAlive) * time.Second * 3 / 2
}

// start lets the clocks of an established connection run.
func (l *link) start(now time.Time) {
	after := func(d time.Duration, e ending) *time.Timer {
		return time.AfterFunc(d, func() { l.close(e) })
	}
	if l.keepAlive > 0 {
		l.idle = after(l.patience(), endKeepAlive)
		l.deadlines = append(l.deadlines, l.idle)
	}
	if age := time.Duration(l.profile.MaximumConnectionAge); age > 0 {
		l.deadlines = append(l.deadlines, after(age, ending{l.profile.MaximumConnectionAgeReason, "the connection reached its maximum age", lifecycleTooOld}))
	}
	if at := l.principal.ExpiresAt; !at.IsZero() {
		l.deadlines = append(l.deadlines, after(at.Sub(now), endCredential))
	}
}

// Write takes what mochi has to say: a whole packet.
func (l *link) Write(p []byte) (int, error) {
	switch p[0] >> 4 {
	case packets.Connack:
		l.greeting.Lock()
		defer l.greeting.Unlock()
		l.greeted = true
	case packets.Disconnect: // mochi found something that admit did not
		e := fault(0x80, "refused by the broker")
		if len(p) > 2 {
			e.code = p[2]
		}
		l.close(e)
		return len(p), nil
	case packets.Puback:
		if delay := time.Duration(l.profile.PubackDelay); delay > 0 {
			late := append([]byte(nil), p...)
			time.AfterFunc(delay, func() {
				select {
				case <-l.ended:
					return
				default:
				}
				l.unanswered.Add(-1)
				_, _ = l.Conn.Write(late) // the reader notices a broken connection
			})
			return len(p), nil
		}
		l.unanswered.Add(-1)
	}
	n, err := l.Conn.Write(p)
	if err != nil {
		return n, fmt.Errorf("broker: %w", err)
	}
	return n, nil
}

// say writes a packet of the broker's own.
func (l *link) say(p []byte) error {
	if _, err := l.Conn.Write(p); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return nil
}

// Close is mochi's; whoever ended the connection before it told why.
func (l *link) Close() error {
	l.close(endLost)
	return nil
}

// close ends the connection, from any goroutine. The first reason counts.
func (l *link) close(e ending) {
	l.once.Do(func() {
		l.end = e
		close(l.ended)
		l.LastWords()
		l.greeting.Lock()
		defer l.greeting.Unlock()
		if e.code != 0 && l.greeted && l.version >= 5 {
			_, _ = l.Conn.Write(encodeDisconnect(e.code, e.text, l.maximumPacketSize)) // the peer may be gone
		}
		_ = l.Conn.Close()
	})
	<-l.ended
}

// SetDeadline keeps mochi from its own keep alive.
func (l *link) SetDeadline(time.Time) error { return nil }

// logOnce logs what would be repeated for every message.
func (l *link) logOnce(text string) {
	if !l.logged.Swap(true) {
		l.broker.log.Warn(text, "client", l.clientID)
	}
}

var _ io.ReadWriteCloser = (*link)(nil)
