package session

import (
	"time"

	"iotwasm/wasm/internal/wire"
)

// pace spaces what is published, so that a server that discards or delays what
// comes too fast never does: at most so many messages in any second, and so many
// bytes. AWS IoT Core discards QoS 0 messages beyond 100 a second (AWS IoT Core
// quotas, "Publish requests per second per connection").
type pace struct {
	limits wire.Limits
	sentAt []time.Time // ring of the last PublishesPerSecond messages
	next   int
	bytes  float64 // that may be sent now; below 0 where a large message went out
	filled time.Time
	timer  *time.Timer
}

// wait returns how long the next message still has to wait.
func (p *pace) wait(now time.Time) time.Duration {
	var wait time.Duration
	if n := int(p.limits.PublishesPerSecond); n > 0 {
		if p.sentAt == nil {
			p.sentAt = make([]time.Time, n)
		}
		if oldest := p.sentAt[p.next]; !oldest.IsZero() {
			wait = max(0, time.Second-now.Sub(oldest))
		}
	}
	if rate := float64(p.limits.BytesPerSecond); rate > 0 {
		p.bytes = min(rate, p.bytes+rate*now.Sub(p.filled).Seconds())
		if p.filled.IsZero() {
			p.bytes = rate
		}
		p.filled = now
		if p.bytes < 0 {
			wait = max(wait, time.Duration(-p.bytes/rate*float64(time.Second)))
		}
	}
	return wait
}

// spent notes a message that went out.
func (p *pace) spent(now time.Time, size int64) {
	if len(p.sentAt) > 0 {
		p.sentAt[p.next] = now
		p.next = (p.next + 1) % len(p.sentAt)
	}
	if p.limits.BytesPerSecond > 0 {
		p.bytes -= float64(size)
	}
}

// active reports whether there is a limit to keep.
func (p *pace) active() bool { return p.limits.PublishesPerSecond > 0 || p.limits.BytesPerSecond > 0 }

// after calls f once after wait. One call waits at a time.
func (p *pace) after(wait time.Duration, f func()) {
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, f)
	} else {
		p.timer.Reset(wait)
	}
}

func (p *pace) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}
