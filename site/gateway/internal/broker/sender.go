package broker

import (
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
)

// sender sends a session's messages over one connection, as fast as the client's
// window and the limits allow. It belongs to one goroutine.
type sender struct {
	session *session
	link    *link
	window  int
	replay  [2]*bucket // for stored messages: others, and those of shared subscriptions
	rate    *bucket    // for messages
	bytes   *bucket
}

func newSender(s *session, l *link, now time.Time) *sender {
	p := s.profile
	window := int(l.receiveMaximum)
	if p.SendMaximum > 0 {
		window = min(window, int(p.SendMaximum))
	}
	return &sender{
		session: s, link: l, window: window,
		replay: [2]*bucket{newBucket(p.ReplayPerSecond, 1, now), newBucket(p.ReplaySharedPerSecond, 1, now)},
		rate:   newBucket(p.PublishesPerSecond, p.PublishBurst, now),
		bytes:  newBucket(p.BytesPerSecond, p.BytesPerSecond, now),
	}
}

// run ends with the connection.
func (s *sender) run() {
	for {
		packet, pause := s.next(time.Now())
		switch {
		case packet != nil:
			if _, err := s.link.Conn.Write(packet); err != nil {
				return // the reader notices as well, and ends the connection
			}
			continue
		case pause == 0: // until something changes
			select {
			case <-s.link.wake:
			case <-s.link.ended:
				return
			}
		default:
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-s.link.ended:
				timer.Stop()
				return
			}
		}
	}
}

// next returns a packet to be sent, or how long to wait for one; 0 is until wake.
func (s *sender) next(now time.Time) ([]byte, time.Duration) {
	s.session.mu.Lock()
	defer s.session.mu.Unlock()
	for len(s.session.queue) > 0 && s.session.link == s.link {
		first := s.session.queue[0]
		if first.message.expired(now) && !first.dup {
			s.session.drop()
			continue
		}
		// Whoever it was stored for, this is who would get it.
		if first.stored && !s.link.principal.allows(actionReceive, "topic/"+first.message.topic) {
			s.session.drop()
			continue
		}
		if first.qos > 0 && len(s.session.flight) >= s.window {
			return nil, 0
		}
		var replay *bucket
		if first.stored {
			replay = s.replay[0]
			if first.shared {
				replay = s.replay[1]
			}
		}
		pause := replay.wait(now)
		if first.qos > 0 {
			pause = max(pause, s.rate.wait(now))
		}
		if pause = max(pause, s.bytes.wait(now)); pause > 0 {
			return nil, pause
		}
		if first.qos == 0 && s.rate.wait(now) > 0 { // the excess is discarded
			s.session.drop()
			s.link.logOnce("messages discarded: over the rate of messages to a client")
			continue
		}
		if first.released {
			s.session.launch()
			return encodeAck(packets.Pubrel, first.id), 0
		}
		if first.id == 0 && first.qos > 0 {
			first.id = s.session.nextID()
		}
		packet := encodePublish(s.link.version, first, first.dup && s.link.profile.DuplicateFlag, first.message.remaining(now))
		if s.link.maximumPacketSize > 0 && uint32(len(packet)) > s.link.maximumPacketSize {
			s.session.drop() // as if it had been delivered [MQTT-3.1.2-25]
			continue
		}
		s.session.launch()
		replay.spend(1, now)
		s.rate.spend(1, now)
		s.bytes.spend(float64(len(packet)), now)
		return packet, 0
	}
	return nil, 0
}
