package broker

import (
	"encoding/json"
	"strings"
	"time"
)

const eventsPrefix = "$aws/events/"

// event is a lifecycle event ("Lifecycle events", AWS IoT developer guide).
type event struct {
	ClientID            string   `json:"clientId"`
	Timestamp           int64    `json:"timestamp"` // milliseconds
	EventType           string   `json:"eventType"`
	SessionIdentifier   string   `json:"sessionIdentifier"`
	PrincipalIdentifier string   `json:"principalIdentifier"`
	IPAddress           string   `json:"ipAddress,omitempty"`
	ByClient            *bool    `json:"clientInitiatedDisconnect,omitempty"`
	Reason              string   `json:"disconnectReason,omitempty"`
	Topics              []string `json:"topics,omitempty"`
	VersionNumber       *int64   `json:"versionNumber,omitempty"`
}

func (b *Broker) newEvent(l *link, kind string) event {
	return event{
		ClientID: l.clientID, Timestamp: time.Now().UnixMilli(), EventType: kind,
		SessionIdentifier: strings.ReplaceAll(l.sessionID, "-", ""), PrincipalIdentifier: l.principal.ID,
	}
}

func (b *Broker) tellConnected(l *link) {
	e := b.newEvent(l, "connected")
	e.VersionNumber = &l.connects
	e.IPAddress = hostOf(l.RemoteAddr().String())
	b.tell("presence", e)
}

func (b *Broker) tellDisconnected(l *link) {
	e := b.newEvent(l, "disconnected")
	e.VersionNumber = &l.connects
	byClient := l.end.lifecycle == lifecycleClientInitiated
	e.ByClient, e.Reason = &byClient, l.end.lifecycle
	b.tell("presence", e)
}

func (b *Broker) tellFilters(l *link, kind string, filters []string) {
	if len(filters) == 0 {
		return
	}
	e := b.newEvent(l, kind)
	e.Topics = filters
	b.tell("subscriptions", e)
}

func (b *Broker) tell(about string, e event) {
	if !b.profile.Lifecycle {
		return
	}
	payload, err := json.Marshal(e)
	if err != nil {
		b.log.Error("lifecycle event failed", "reason", err.Error())
		return
	}
	b.Publish(eventsPrefix+about+"/"+e.EventType+"/"+e.ClientID, payload, 1, false)
}

func hostOf(address string) string {
	if at := strings.LastIndexByte(address, ':'); at >= 0 {
		return strings.Trim(address[:at], "[]")
	}
	return address
}
