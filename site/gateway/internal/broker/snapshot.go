package broker

import (
	"cmp"
	"slices"
	"time"
)

// Snapshot is the broker at one moment, but for what changed while it was taken.
type Snapshot struct {
	Sessions []SessionInfo // by client identifier
	Packets  []PacketInfo  // the last ones, oldest first
	Counters Counters
	Retained int // messages
}

// SessionInfo is a session, and its connection if it has one.
type SessionInfo struct {
	ClientID      string
	Connection    *ConnectionInfo // nil while the client is away
	InFlight      int             // messages sent and not acknowledged
	Queued        int             // messages that wait
	Bytes         int             // of both
	Subscriptions []SubscriptionInfo
}

// ConnectionInfo is a connection that CONNACK was sent on.
type ConnectionInfo struct {
	Version     byte // of MQTT: 4 is 3.1.1
	PrincipalID string
	Remote      string
	Since       time.Time
	KeepAlive   time.Duration // as it counts; 0 is none
	// Unanswered are the client's messages whose PUBACK is due.
	Unanswered int
}

// SubscriptionInfo is one of a session's subscriptions.
type SubscriptionInfo struct {
	Filter                     string
	QoS                        byte
	NoLocal, RetainAsPublished bool
	RetainHandling             byte
	Identifier                 int
}

// Snapshot looks at the broker without holding it up for long. It may be called from
// any goroutine.
func (b *Broker) Snapshot() Snapshot {
	type pair struct {
		session *session
		link    *link
	}
	b.mu.RLock()
	pairs := make([]pair, 0, len(b.sessions))
	for id, s := range b.sessions {
		l := b.byID[id]
		if l != nil && (l.session != s || !l.connected.Load()) {
			l = nil // it is about to be connected, or it waits for the one before it
		}
		pairs = append(pairs, pair{s, l})
	}
	b.mu.RUnlock()

	var out Snapshot
	for _, p := range pairs {
		info := p.session.info()
		if l := p.link; l != nil {
			info.Connection = &ConnectionInfo{
				Version: l.version, PrincipalID: l.principal.ID, Remote: l.RemoteAddr().String(), Since: l.since,
				KeepAlive: time.Duration(l.keepAlive) * time.Second, Unanswered: int(l.unanswered.Load()),
			}
		}
		out.Sessions = append(out.Sessions, info)
	}
	slices.SortFunc(out.Sessions, func(a, b SessionInfo) int { return cmp.Compare(a.ClientID, b.ClientID) })
	out.Counters, out.Packets = b.recorder.snapshot()
	b.retained.mu.Lock()
	out.Retained = len(b.retained.messages)
	b.retained.mu.Unlock()
	return out
}

func (s *session) info() SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := SessionInfo{ClientID: s.clientID, InFlight: len(s.flight), Queued: len(s.queue), Bytes: s.bytes}
	for _, sub := range s.subscriptions {
		info.Subscriptions = append(info.Subscriptions, SubscriptionInfo{
			Filter: sub.Filter, QoS: sub.Qos, NoLocal: sub.NoLocal, RetainAsPublished: sub.RetainAsPublished,
			RetainHandling: sub.RetainHandling, Identifier: sub.Identifier,
		})
	}
	slices.SortFunc(info.Subscriptions, func(a, b SubscriptionInfo) int { return cmp.Compare(a.Filter, b.Filter) })
	return info
}
