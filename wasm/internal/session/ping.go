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

// pinger keeps a connection alive. It sends a PINGREQ when half the keep alive
// interval passed without a packet in each direction, so that a late timer does
// not cost the connection, and gives up when the next half brings nothing.
type pinger struct {
	mu       sync.Mutex
	sent     bool // since the last look
	received bool
	pinged   bool // a PINGREQ is unanswered
}

func newPinger() *pinger { return new(pinger) }

// Run looks at the traffic until ctx ends. keepAlive is in seconds; 0 is off.
func (p *pinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	if keepAlive == 0 {
		return nil
	}
	tick := time.NewTicker(time.Duration(keepAlive) * time.Second / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		due, dead := p.look()
		if dead {
			return errKeepAlive
		}
		if due {
			if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
				return err
			}
		}
	}
}

func (p *pinger) look() (due, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	dead = p.pinged && !p.received
	due = !p.sent || !p.received
	p.sent, p.received, p.pinged = false, false, due
	return due, dead
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
	p.received = true
	p.mu.Unlock()
}

// PingResp does nothing: paho tells PacketReceived as well.
func (p *pinger) PingResp() {}

// SetDebug does nothing.
func (p *pinger) SetDebug(log.Logger) {}
