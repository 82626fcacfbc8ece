package admin

import (
	"time"

	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/shadow"
)

// state is what /_gateway/state.json shows. Times are RFC 3339, lists are never null.
type state struct {
	Now           time.Time      `json:"now"`
	Started       time.Time      `json:"started"`
	Profile       string         `json:"profile"`
	Counters      counters       `json:"counters"`
	Connections   []connection   `json:"connections"`
	Away          []away         `json:"away"` // sessions without a connection
	Subscriptions []subscription `json:"subscriptions"`
	Shadows       []shadowInfo   `json:"shadows"`
	Packets       []packet       `json:"packets"` // oldest first
}

type counters struct {
	Connections       int64 `json:"connections"`
	PacketsReceived   int64 `json:"packetsReceived"`
	PacketsSent       int64 `json:"packetsSent"`
	BytesReceived     int64 `json:"bytesReceived"`
	BytesSent         int64 `json:"bytesSent"`
	PublishesReceived int64 `json:"publishesReceived"`
	PublishesSent     int64 `json:"publishesSent"`
	Retained          int   `json:"retained"`
}

type connection struct {
	ClientID        string    `json:"clientId"`
	ProtocolVersion string    `json:"protocolVersion"`
	PrincipalID     string    `json:"principalId"`
	Remote          string    `json:"remote"`
	Since           time.Time `json:"since"`
	KeepAlive       int       `json:"keepAliveSeconds"`
	InFlight        int       `json:"inFlight"`
	Queued          int       `json:"queued"`
	Bytes           int       `json:"bytes"` // of both
	Unanswered      int       `json:"unanswered"`
}

type away struct {
	ClientID string `json:"clientId"`
	Queued   int    `json:"queued"`
	Bytes    int    `json:"bytes"`
}

type subscription struct {
	ClientID          string `json:"clientId"`
	Filter            string `json:"filter"`
	QoS               byte   `json:"qos"`
	NoLocal           bool   `json:"noLocal,omitempty"`
	RetainAsPublished bool   `json:"retainAsPublished,omitempty"`
	RetainHandling    byte   `json:"retainHandling,omitempty"`
	Identifier        int    `json:"identifier,omitempty"`
}

type shadowInfo struct {
	Thing   string    `json:"thing"`
	Name    string    `json:"name"` // empty: the classic one
	Version int64     `json:"version"`
	Bytes   int       `json:"bytes"`
	Updated time.Time `json:"updated"`
}

type packet struct {
	Time      time.Time `json:"time"`
	ClientID  string    `json:"clientId"`
	Direction string    `json:"direction"` // received or sent, by the gateway
	Type      string    `json:"type"`
	Topics    []string  `json:"topics,omitempty"`
	ID        uint16    `json:"id,omitempty"`
	QoS       *byte     `json:"qos,omitempty"`
	Retain    bool      `json:"retain,omitempty"`
	Dup       bool      `json:"dup,omitempty"`
	Size      int       `json:"size"`
	Reasons   []int     `json:"reasonCodes,omitempty"`
}

func (h *Handler) state(s broker.Snapshot, shadows []shadow.Info) state {
	c := s.Counters
	out := state{
		Now: h.Now().UTC(), Started: h.Started.UTC(), Profile: h.Profile,
		Counters: counters{
			c.Connections, c.PacketsReceived, c.PacketsSent, c.BytesReceived, c.BytesSent,
			c.PublishesReceived, c.PublishesSent, s.Retained,
		},
		Connections: []connection{}, Away: []away{}, Subscriptions: []subscription{}, Shadows: []shadowInfo{}, Packets: []packet{},
	}
	for _, session := range s.Sessions {
		if live := session.Connection; live != nil {
			out.Connections = append(out.Connections, connection{
				session.ClientID, protocol(live.Version), live.PrincipalID, live.Remote, live.Since.UTC(),
				int(live.KeepAlive / time.Second), session.InFlight, session.Queued, session.Bytes, live.Unanswered,
			})
		} else {
			out.Away = append(out.Away, away{session.ClientID, session.Queued, session.Bytes})
		}
		for _, sub := range session.Subscriptions {
			out.Subscriptions = append(out.Subscriptions, subscription{
				session.ClientID, sub.Filter, sub.QoS, sub.NoLocal, sub.RetainAsPublished, sub.RetainHandling, sub.Identifier,
			})
		}
	}
	for _, i := range shadows {
		out.Shadows = append(out.Shadows, shadowInfo{i.Thing, i.Shadow, i.Version, i.Bytes, i.Updated.UTC()})
	}
	for _, p := range s.Packets {
		out.Packets = append(out.Packets, newPacket(p))
	}
	return out
}

func newPacket(p broker.PacketInfo) packet {
	out := packet{
		Time: p.Time.UTC(), ClientID: p.ClientID, Direction: "received", Type: p.Type, Topics: p.Topics,
		ID: p.ID, Retain: p.Retain, Dup: p.Dup, Size: p.Size,
	}
	if p.Sent {
		out.Direction = "sent"
	}
	if p.Type == "PUBLISH" || p.Type == "SUBSCRIBE" {
		out.QoS = &p.QoS
	}
	for _, code := range p.Reasons {
		out.Reasons = append(out.Reasons, int(code)) // bytes would be Base64
	}
	return out
}

func protocol(version byte) string {
	if version >= 5 {
		return "5"
	}
	return "3.1.1"
}
