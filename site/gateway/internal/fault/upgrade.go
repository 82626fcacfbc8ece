package fault

import (
	"net/http"
	"time"

	"iotwasm/site/gateway/internal/mqttws"
)

// Upgrades puts the handler of upgrades under the rules.
func (i *Injector) Upgrades(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule := i.strike(func(r *Rule) bool { return r.Fault == Upgrade })
		if rule == nil {
			next.ServeHTTP(w, r)
			return
		}
		if rule.Action == hang {
			select {
			case <-r.Context().Done():
			case <-i.ended:
			}
			panic(http.ErrAbortHandler) // net/http's way to end a connection without an answer
		}
		if rule.DelayMs > 0 {
			timer := time.NewTimer(rule.wait())
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-i.ended:
			case <-r.Context().Done():
			}
		}
		if rule.Action == delay {
			next.ServeHTTP(w, r)
			return
		}
		if rule.Status == http.StatusUpgradeRequired {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
		}
		kind, message := refusal(rule.Status)
		mqttws.Refuse(w, rule.Status, kind, message)
	})
}

func refusal(status int) (kind, message string) {
	switch status {
	case http.StatusForbidden:
		return "ForbiddenException:", "Forbidden"
	case http.StatusTooManyRequests:
		return "ThrottlingException", "Too many requests"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailableException", "Service unavailable"
	}
	if message = http.StatusText(status); message == "" {
		message = "Refused"
	}
	if status < 500 {
		return "InvalidRequestException", message
	}
	return "InternalFailureException", message
}
