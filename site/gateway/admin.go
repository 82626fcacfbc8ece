package main

import (
	"log/slog"
	"time"

	"iotwasm/site/gateway/internal/admin"
	"iotwasm/site/gateway/internal/broker"
)

// seeingIn shows what goes on in the gateway.
func seeingIn(mqtt *broker.Broker, shadows *shadows, profile string, log *slog.Logger) *admin.Handler {
	return &admin.Handler{
		Broker: mqtt.Snapshot, Shadows: shadows.service.Shadows,
		Profile: profile, Started: time.Now(), Now: time.Now, Log: log,
	}
}
