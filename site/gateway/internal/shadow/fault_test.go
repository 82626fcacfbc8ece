package shadow

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestCreationFault(t *testing.T) {
	const (
		spacing  = 2 * time.Second
		accepted = 0  // the code of no rejection
		nothing  = -1 // no answer
	)
	type call struct {
		shadow, operation string        // shadow as in T/shadow/name/S
		after             time.Duration // since the call before
		payload           string        // an empty one stands for {"state":{}}
		code              int
	}
	const a, b, classic = "T/shadow/name/a", "T/shadow/name/b", "T/shadow"
	reject, drop := CreationFault{Spacing: spacing}, CreationFault{Spacing: spacing, Drop: true}
	tests := map[string]struct {
		fault CreationFault
		calls []call
	}{
		"off by default": {CreationFault{}, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update"},
		}},
		"off by default, whatever the mode": {CreationFault{Drop: true}, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update"},
		}},
		"refused within the spacing, accepted after it": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update", code: 429},
			{shadow: b, operation: "get", code: 404},
			{shadow: b, operation: "update", after: spacing - 1, code: 429},
			{shadow: b, operation: "update", after: 1},
			{shadow: "T/shadow/name/c", operation: "update", after: spacing - 1, code: 429},
		}},
		"a refusal does not prolong the spacing": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update", after: spacing / 2, code: 429},
			{shadow: b, operation: "update", after: spacing / 2},
		}},
		"neither does an update": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: a, operation: "update", after: spacing / 2},
			{shadow: b, operation: "update", after: spacing / 2},
		}},
		"a wrong request is told why and creates nothing": {reject, []call{
			{shadow: a, operation: "update", payload: `{`, code: 400},
			{shadow: a, operation: "update", payload: `{"state":{},"version":2}`, code: 400},
			{shadow: b, operation: "update"},
			{shadow: a, operation: "update", payload: `{"state":{},"version":2}`, code: 400},
		}},
		"deleted and created anew is a creation": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: a, operation: "delete"},
			{shadow: a, operation: "update", code: 429},
			{shadow: a, operation: "update", after: spacing},
			{shadow: b, operation: "update", code: 429},
		}},
		"other things": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: "U/shadow/name/a", operation: "update"},
			{shadow: b, operation: "update", code: 429},
			{shadow: "U/shadow/name/b", operation: "update", code: 429},
		}},
		"existing shadows": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update", after: spacing},
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update"},
			{shadow: a, operation: "get"},
			{shadow: b, operation: "delete"},
		}},
		"the classic shadow is not refused": {reject, []call{
			{shadow: a, operation: "update"},
			{shadow: classic, operation: "update"},
			{shadow: classic, operation: "delete"},
			{shadow: classic, operation: "update"},
		}},
		"the classic shadow does not count": {reject, []call{
			{shadow: classic, operation: "update"},
			{shadow: a, operation: "update"},
		}},
		"drop": {drop, []call{
			{shadow: a, operation: "update"},
			{shadow: b, operation: "update", code: nothing},
			{shadow: b, operation: "get", code: 404},
			{shadow: b, operation: "update", payload: `{`, code: 400},
			{shadow: a, operation: "update"},
			{shadow: classic, operation: "update"},
			{shadow: "U/shadow/name/b", operation: "update"},
			{shadow: b, operation: "update", after: spacing - 1, code: nothing},
			{shadow: b, operation: "update", after: 1},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			service, now := NewService(DefaultLimits(), test.fault), start
			for i, c := range test.calls {
				now = now.Add(c.after)
				if c.payload == "" {
					c.payload = `{"state":{}}`
				}
				messages := service.Handle(prefix+c.shadow+"/"+c.operation, []byte(c.payload), now)
				if c.code == nothing || len(messages) == 0 {
					if c.code != nothing || len(messages) > 0 {
						t.Fatalf("call %d: %d answers: %s", i, len(messages), messages)
					}
					continue
				}
				last := messages[len(messages)-1]
				want := prefix + c.shadow + "/" + c.operation + "/rejected"
				if c.code == accepted {
					want = strings.TrimSuffix(want, "rejected") + "accepted"
				}
				var body struct{ Code int }
				if err := json.Unmarshal(last.Payload, &body); err != nil || last.Topic != want || body.Code != c.code {
					t.Fatalf("call %d: %s %s, want %s with code %d", i, last.Topic, last.Payload, want, c.code)
				}
			}
		})
	}
}

func TestCreationFaultRejection(t *testing.T) {
	service := NewService(DefaultLimits(), CreationFault{Spacing: time.Second})
	service.Handle("$aws/things/T/shadow/name/first/update", []byte(`{"state":{}}`), start)
	messages := service.Handle(named+"/update", []byte(`{"state":{"reported":{"a":1}},"clientToken":"tok"}`), start)
	compare(t, 0, messages, []string{`update/rejected {"code":429,"message":"Too many requests","clientToken":"tok"}`}, start)
}

// The version of a deleted shadow goes on counting from where it was, refused or not.
func TestCreationFaultKeepsTheVersion(t *testing.T) {
	for _, drop := range []bool{false, true} {
		service, now := NewService(DefaultLimits(), CreationFault{Spacing: time.Second, Drop: drop}), start
		for _, tail := range []string{"update", "update", "delete", "update"} {
			service.Handle(named+"/"+tail, []byte(`{"state":{}}`), now)
		}
		now = now.Add(time.Second)
		service.Handle(named+"/update", []byte(`{"state":{}}`), now)
		compare(t, 0, service.Handle(named+"/get", nil, now), []string{`get/accepted {"state":{},"metadata":{},"version":3,"timestamp":T}`}, now)
	}
}
