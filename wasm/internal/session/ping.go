package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho/log"
)

var errKeepAlive = errors.New("keep alive timeout")

// probeTimeout bounds the answer to a PINGREQ that asks whether the link is alive.
const probeTimeout = 5 * time.Second

// pinger keeps a connection alive. It sends a PINGREQ when half the keep alive
// interval passed without a packet in each direction, so that a late timer does
// not cost the connection, and gives up when the next half brings nothing. After
// the page or the machine slept it probes instead: what the timers missed says
// nothing about the link.
type pinger struct {
	traced func(sent bool)
	dead   func() // told before Run gives up: paho may hear first that the connection is closed
	probes chan struct{}

	mu       sync.Mutex
	sent     bool // since the last look
	received bool
	pinged   bool // a PINGREQ is unanswered
	probing  bool // nothing came since the probe began
	pingedAt time.Time
	rtt      time.Duration
}

func newPinger(traced func(sent bool), dead func()) *pinger {
	return &pinger{traced: traced, dead: dead, probes: make(chan struct{}, 1)}
}

// Run looks at the traffic until ctx ends. keepAlive is in seconds; 0 is off.
func (p *pinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	half := time.Duration(keepAlive) * time.Second / 2
	var tick, deadline <-chan time.Time
	if half > 0 {
		ticker := time.NewTicker(half)
		defer ticker.Stop()
		tick = ticker.C
	}
	last := time.Now()
	for {
		ping := false
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
			// The wall clock runs on while the machine sleeps.
			slept := time.Since(last.Round(0)) > 2*half
			last = time.Now()
			var dead bool
			if ping, dead = p.due(); dead && !slept && deadline == nil {
				p.dead()
				return errKeepAlive
			}
			if slept {
				ping = true
				deadline = p.begin(deadline)
			}
		case <-p.probes:
			ping = true
			deadline = p.begin(deadline)
		case <-deadline:
			deadline = nil
			if p.silent() {
				p.dead()
				return errKeepAlive
			}
		}
		if ping {
			if err := p.send(conn); err != nil {
				return err
			}
		}
	}
}

// begin begins a probe, whose answer must come by the deadline that it returns.
func (p *pinger) begin(deadline <-chan time.Time) <-chan time.Time {
	if deadline != nil {
		return deadline
	}
	p.mu.Lock()
	p.probing = true
	p.mu.Unlock()
	return time.After(probeTimeout)
}

func (p *pinger) send(conn net.Conn) error {
	p.mu.Lock()
	p.pinged, p.pingedAt = true, time.Now()
	p.mu.Unlock()
	p.traced(true)
	_, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn)
	return err
}

// due reports whether a PINGREQ is to be sent, and whether the last one went
// unanswered.
func (p *pinger) due() (ping, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dead = p.pinged && !p.received
	ping = !p.sent || !p.received
	p.sent, p.received, p.pinged = false, false, ping
	return ping, dead
}

// silent reports whether nothing came since the probe began.
func (p *pinger) silent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probing
}

// look asks the server for a sign of life.
func (p *pinger) look() {
	select {
	case p.probes <- struct{}{}:
	default:
	}
}

// roundTrip is how long the last PINGREQ took to be answered, 0 where none was.
func (p *pinger) roundTrip() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rtt
}

// PacketSent notes that a packet went out.
func (p *pinger) PacketSent() {
	p.mu.Lock()
	p.sent = true
	p.mu.Unlock()
}

// PacketReceived notes that a packet came in.
func (p *pinger) PacketReceived() {
	p.mu.Lock()
	p.received, p.probing = true, false
	p.mu.Unlock()
}

// PingResp measures the round trip.
func (p *pinger) PingResp() {
	p.traced(false)
	p.mu.Lock()
	if !p.pingedAt.IsZero() {
		p.rtt, p.pingedAt = time.Since(p.pingedAt), time.Time{}
	}
	p.mu.Unlock()
}

// SetDebug does nothing.
func (p *pinger) SetDebug(log.Logger) {}
