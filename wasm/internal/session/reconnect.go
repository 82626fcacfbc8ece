package session

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// shortestCycle is the least time between two attempts, however often the page
// wakes up: AWS IoT Core takes one CONNECT a second for a client identifier.
const shortestCycle = time.Second

// backoff spaces the attempts of an outage: full jitter under a ceiling that
// doubles.
type backoff struct{ failures int }

func (b *backoff) next(r wire.Reconnect, cause *wire.Error) time.Duration {
	if r.Steady {
		return r.MinDelay
	}
	ceiling := r.MaxDelay
	if b.failures < 20 && r.MinDelay < ceiling>>b.failures {
		ceiling = r.MinDelay << b.failures
	}
	b.failures++
	delay := time.Duration(rand.Int64N(int64(ceiling) + 1))
	if coolsDown(cause) {
		delay += min(r.MaxDelay, 10*r.MinDelay)
	}
	return delay
}

// coolsDown reports whether the server asked for fewer connections.
func coolsDown(err *wire.Error) bool {
	if err == nil || !err.HasReasonCode {
		return false
	}
	switch err.ReasonCode {
	case packets.ConnackServerBusy, packets.ConnackQuotaExceeded, packets.ConnackUseAnotherServer, packets.ConnackServerMoved,
		packets.ConnackConnectionRateExceeded, packets.DisconnectMessageRateTooHigh:
		return true
	}
	return false
}

// reconnect makes attempts until one succeeds or the session closes. One runs at
// a time: whoever takes a link out of service starts it. With atOnce the first
// attempt does not wait.
func (s *Session) reconnect(cause *wire.Error, atOnce bool) {
	for attempt := 1; ; attempt++ {
		s.mu.Lock()
		if s.state != wire.Reconnecting {
			s.mu.Unlock()
			return
		}
		if cause != nil && !s.retries(cause) {
			s.held = true
		}
		delay, told := time.Duration(0), time.Duration(0)
		if s.held {
			told = -time.Millisecond
		} else if !atOnce {
			delay = s.backoff.next(s.cfg.Connect.Reconnect, cause)
			told = delay
		}
		atOnce = false
		s.cfg.Events.Retry(attempt, told, cause)
		s.mu.Unlock()
		if !s.waitToRetry(delay, coolsDown(cause)) {
			return
		}
		l, err := s.attempt(context.Background(), wire.Reconnecting)
		s.mu.Lock()
		switch {
		case err == nil && s.state == wire.Reconnecting && !s.suspended:
			s.linked(l)
			s.mu.Unlock()
			return
		case err == nil:
			go l.disconnect(&packets.Disconnect{})
		case s.state == wire.Reconnecting && !s.suspended && !s.retries(err) && !s.outlives():
			s.end(err)
		}
		s.mu.Unlock()
		cause = err
	}
}

// waitToRetry waits for delay; the page waking up cuts it short unless the server
// asked for it. It reports whether there is to be an attempt.
func (s *Session) waitToRetry(delay time.Duration, fixed bool) bool {
	due, until := false, time.Now().Add(delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		s.mu.Lock()
		state, idle, soonest := s.state, s.suspended || s.held, s.lastAttempt.Add(shortestCycle)
		due = due || s.hurried
		s.hurried = false
		s.mu.Unlock()
		switch {
		case state != wire.Reconnecting:
			return false
		case due && !idle:
			return true
		}
		select {
		case <-timer.C:
			due = true
		case <-s.wakeup:
			if !fixed && !due && soonest.Before(until) {
				until = soonest
				timer.Reset(time.Until(until))
			}
		}
	}
}

func (s *Session) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// Wake tells the session what happened to the page.
func (s *Session) Wake(reason wire.WakeReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch reason {
	case wire.Suspend:
		s.suspended = true
		if s.state == wire.Connected {
			s.replaceLink()
		} else if s.state == wire.Reconnecting && s.cancel != nil {
			s.cancel(errSuspended)
		}
	case wire.Resume:
		s.suspended = false
		s.wake()
	case wire.Redial:
		if s.state == wire.Connected {
			s.renew()
			return
		}
		s.held, s.hurried = false, true
		s.wake()
	case wire.Probe:
		if s.link != nil {
			s.link.pinger.look()
		} else {
			s.wake()
		}
	}
}

// drainTimeout bounds how long a renewal waits for what is in flight.
const drainTimeout = 5 * time.Second

// renewal replaces a link by a new one before its time: it lets what is in flight
// be acknowledged, holds back what is new, and sends that on the new link.
type renewal struct {
	age      *time.Timer // the link's
	drain    *time.Timer
	draining bool
	waiting  []func(*wire.Error)
}

// Renew replaces the link. done is called when there is a new one, or the session
// ended.
func (s *Session) Renew(done func(*wire.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == wire.Closed {
		done(closedError())
		return
	}
	s.renewal.waiting = append(s.renewal.waiting, done)
	s.renew()
}

// renew starts a renewal, if there is a link and none is under way. The mutex is
// held.
func (s *Session) renew() {
	r := &s.renewal
	if s.link == nil || r.draining {
		s.wake()
		return
	}
	r.draining = true
	l := s.link
	r.drain = time.AfterFunc(drainTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.link == l {
			s.replaceLink()
		}
	})
	s.drained()
}

// drained goes on with a renewal when nothing is in flight any more. The mutex is
// held.
func (s *Session) drained() {
	if s.renewal.draining && len(s.inFlight) == 0 && len(s.requests) == 0 {
		s.replaceLink()
	}
}

// replaceLink ends the link and connects anew at once. The mutex is held.
func (s *Session) replaceLink() {
	l := s.link
	s.unlink()
	s.cfg.Events.State(wire.Reconnecting, nil)
	go func() {
		l.disconnectWithin(&packets.Disconnect{}, closeTimeout)
		s.reconnect(nil, true)
	}()
}

func (r *renewal) linked(s *Session) {
	for _, done := range r.waiting {
		done(nil)
	}
	r.waiting = nil
	if maxAge := s.cfg.Connect.Reconnect.MaxAge; maxAge > 0 {
		l := s.link
		r.age = time.AfterFunc(maxAge, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.link == l {
				s.renew()
			}
		})
	}
}

func (r *renewal) unlinked() {
	r.draining = false
	for _, timer := range []*time.Timer{r.age, r.drain} {
		if timer != nil {
			timer.Stop()
		}
	}
}

func (r *renewal) end() {
	r.unlinked()
	for _, done := range r.waiting {
		done(closedError())
	}
	r.waiting = nil
}
