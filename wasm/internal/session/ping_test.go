package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// slowConn is a connection whose writes may take a while.
type slowConn struct {
	net.Conn
	mu     sync.Mutex
	writes int
	stall  time.Duration // of the next write
	wrote  func()
}

func (c *slowConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	stall := c.stall
	c.writes++
	c.stall = 0
	c.mu.Unlock()
	time.Sleep(stall)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wrote != nil {
		c.wrote()
	}
	return len(b), nil
}

// does sets what happens after each write.
func (c *slowConn) does(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrote = f
}

// stalls makes the next write take so long.
func (c *slowConn) stalls(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stall = d
}

func TestPinger(t *testing.T) {
	const keepAlive = 60 // looks each 30 s
	for _, tc := range []struct {
		name  string
		act   func(p *pinger, c *slowConn)
		pings int
		dead  time.Duration // when it gives up; 0: not within five minutes
	}{
		{"nothing is answered", func(*pinger, *slowConn) {}, 1, 60 * time.Second},
		{"each PINGREQ is answered", func(p *pinger, c *slowConn) { c.does(p.PacketReceived) }, 10, 0},
		{"traffic both ways", func(p *pinger, _ *slowConn) {
			for range 300 {
				p.PacketSent()
				p.PacketReceived()
				time.Sleep(time.Second)
			}
		}, 0, 0},
		{"traffic one way", func(p *pinger, _ *slowConn) {
			for range 300 {
				p.PacketReceived()
				time.Sleep(time.Second)
			}
		}, 10, 0},
		{"a probe that nothing answers", func(p *pinger, _ *slowConn) {
			time.Sleep(10 * time.Second)
			p.look()
		}, 1, 15 * time.Second},
		{"a probe just before a look", func(p *pinger, c *slowConn) {
			time.Sleep(30*time.Second - time.Millisecond)
			c.does(func() { time.AfterFunc(100*time.Millisecond, p.PacketReceived) })
			p.look()
		}, 11, 0},
		{"a probe whose deadline falls into a quiet interval", func(p *pinger, c *slowConn) {
			time.Sleep(28 * time.Second)
			p.look()
			time.Sleep(time.Second)
			p.PacketReceived()
			p.PacketSent()
			time.Sleep(10 * time.Second)
			c.does(p.PacketReceived)
		}, 10, 0},
		{"a sleep of three minutes", func(p *pinger, c *slowConn) {
			c.stalls(3 * time.Minute) // the goroutine stands still
			time.Sleep(3*time.Minute + 31*time.Second)
			p.PacketReceived() // within the probe's deadline
			c.does(p.PacketReceived)
		}, 5, 0},
		{"a sleep after which the link is dead", func(_ *pinger, c *slowConn) { c.stalls(3 * time.Minute) }, 2, 3*time.Minute + 35*time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				c := new(slowConn)
				p := newPinger(func(bool) {}, func() {})
				start := time.Now()
				ended := make(chan error, 1)
				go func() { ended <- p.Run(ctx, c, keepAlive) }()
				go tc.act(p, c)
				time.AfterFunc(5*time.Minute+time.Second, cancel)
				err, after := <-ended, time.Since(start)
				cancel()
				if errors.Is(err, errKeepAlive) != (tc.dead != 0) || (tc.dead != 0 && after != tc.dead) {
					t.Errorf("ended with %v after %v, want the end after %v", err, after, tc.dead)
				}
				if c.writes != tc.pings {
					t.Errorf("%d PINGREQ, want %d", c.writes, tc.pings)
				}
			})
		})
	}
}

// A dead link whose server sends no FIN is noticed and replaced.
func TestDeadLinkIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ten := uint16(10)
		var tr transcript
		s, r := withPeers(t, func(c *wire.Connect) { c.KeepAlive = 600 },
			new(transcript).link(script{mute: true, props: &packets.Properties{ServerKeepAlive: &ten}}), tr.link(script{present: true}))
		mustOpen(t, s)
		start := time.Now()
		o := publish(s, 1, "m")
		r.await(wire.Reconnecting)
		if since := time.Since(start); since != 10*time.Second {
			t.Errorf("noticed after %v", since)
		}
		r.await(wire.Connected)
		if got := o.settled(t); got.err != nil {
			t.Error(got.err)
		}
		closeSession(s)
	})
}

func TestProbeFindsADeadLink(t *testing.T) {
	for _, keepAlive := range []uint16{0, 60} {
		synctest.Test(t, func(t *testing.T) {
			var tr transcript
			s, r := withPeers(t, func(c *wire.Connect) { c.KeepAlive = keepAlive }, tr.link(script{mute: true}), tr.link(script{}))
			mustOpen(t, s)
			time.Sleep(10 * time.Second)
			start := time.Now()
			s.Wake(wire.Probe)
			r.await(wire.Reconnecting)
			if since := time.Since(start); since != probeTimeout {
				t.Errorf("noticed after %v", since)
			}
			r.await(wire.Connected)
			tr.take()
			s.Wake(wire.Probe)
			time.Sleep(20 * time.Second)
			tr.expect(t, "probed on a link that lives", "PINGREQ")
			if rtt := s.Stats().PingRTT; rtt < 0 || r.states[len(r.states)-1] != wire.Connected {
				t.Errorf("states %v, round trip %v", r.states, rtt)
			}
			closeSession(s)
		})
	}
}
