package session

import (
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"iotwasm/wasm/internal/wire"
)

// counters are raised by whoever reads or writes.
type counters struct {
	packetsIn, packetsOut   atomic.Uint64
	bytesIn, bytesOut       atomic.Uint64
	messagesIn, messagesOut atomic.Uint64
	pubackRTT               atomic.Int64 // ns
}

// Stats returns the session's figures.
func (s *Session) Stats() wire.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.counters
	out := wire.Stats{
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(),
		Waiting: uint32(s.queue.len()), WaitingBytes: uint32(s.queue.bytes), InFlight: uint32(len(s.inFlight)),
		Dropped: s.dropped, Links: s.connections,
		PubackRTT: time.Duration(c.pubackRTT.Load()),
	}
	if l := s.link; l != nil {
		out.PingRTT, out.ConnectedAt = l.pinger.roundTrip(), l.connectedAt
	}
	return out
}

// Trace sets what Events.Packet tells.
func (s *Session) Trace(d wire.TraceDetail) { s.trace.Store(uint32(d)) }

func (s *Session) traceDetail() wire.TraceDetail { return wire.TraceDetail(s.trace.Load()) }

func (s *Session) traced(p wire.Packet) {
	detail := s.traceDetail()
	if detail == wire.TraceOff {
		return
	}
	if detail == wire.TraceHeaders {
		p.Payload, p.Properties = nil, nil
	}
	p.At = time.Now()
	s.cfg.Events.Packet(p)
}

// tracedPublish tells of a message; topic is its name, where p has an alias.
func (s *Session) tracedPublish(sent bool, p *packets.Publish, topic string) {
	if s.traceDetail() != wire.TraceOff {
		s.traced(wire.Packet{
			Sent: sent, Type: packets.PUBLISH, ID: p.PacketID, Topic: topic, QoS: p.QoS, Retain: p.Retain, Dup: p.Duplicate, PayloadBytes: uint32(len(p.Payload)),
			Payload: p.Payload, Properties: p.Properties,
		})
	}
}
