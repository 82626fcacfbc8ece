package shadow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/store"
)

// call is a request of a fact, and what is answered.
type call struct {
	topic, payload string // the topic after named, or a whole one
	after          time.Duration
	times          int      // how often, if more than once; want is of the last time
	want           []string // all of the answers, or the last ones if documents is not one of them
}

// none says that there is no answer, as no want leaves that open.
var none = []string{}

func checkCalls(t *testing.T, service *Service, calls []call) {
	t.Helper()
	now := start
	for i, c := range calls {
		now = now.Add(c.after)
		var got []Message
		for range max(c.times, 1) {
			got = service.Handle(whole(c.topic), []byte(c.payload), now)
		}
		all := c.want != nil && len(c.want) == 0 || slices.ContainsFunc(c.want, func(w string) bool { return strings.Contains(w, "/documents ") })
		if len(got) < len(c.want) || all && len(got) > len(c.want) {
			t.Fatalf("call %d: %d answers, want %d: %s", i, len(got), len(c.want), got)
		}
		for j, w := range c.want {
			tail, payload, _ := strings.Cut(w, " ")
			payload = strings.ReplaceAll(payload, ":T-1", fmt.Sprintf(":%d", now.Unix()-1))
			payload = strings.ReplaceAll(payload, ":T", fmt.Sprintf(":%d", now.Unix()))
			g := got[len(got)-len(c.want)+j]
			if g.Topic != whole(tail) || string(g.Payload) != payload {
				t.Errorf("call %d:\n got %s %s\nwant %s %s", i, g.Topic, g.Payload, whole(tail), payload)
			}
		}
	}
}

func whole(topic string) string {
	if strings.HasPrefix(topic, "$") {
		return topic
	}
	return named + "/" + topic
}

// TestFacts has a row for each fact of reference/aws-iot.md, section 3, with the mark
// of its source there, if it has one. Answers are compared to the byte.
func TestFacts(t *testing.T) {
	const classic = "$aws/things/T/shadow"
	one := func(payload string, want ...string) []call {
		return []call{{topic: "update", payload: payload, want: want}}
	}
	reject := func(payload, body string) []call { return one(payload, "update/rejected "+body) }
	long := strings.Repeat("x", 64)
	thing := "aZ09:_-" + strings.Repeat("x", 121)
	tests := []struct {
		fact  string
		calls []call
	}{
		{"3.1 [doc S2] the classic prefix", []call{{topic: classic + "/update", payload: `{"state":{}}`, want: []string{classic + `/update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}}}},
		{"3.1 [doc S2] the named prefix", one(`{"state":{}}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`)},
		{"3.1 [doc S2] the documentation's shadow/S/update is no topic", []call{{topic: classic + "/S/update", payload: `{"state":{}}`, want: none}}},
		{"3.1 [doc S2] each request and its answers, classic", []call{
			{topic: classic + "/get", want: []string{classic + `/get/rejected {"code":404,"message":"No shadow exists with name: 'T'"}`}},
			{topic: classic + "/update", payload: `{}`, want: []string{classic + `/update/rejected {"code":400,"message":"Missing required node: state"}`}},
			{topic: classic + "/update", payload: `{"state":{"desired":{"a":1}}}`, want: []string{
				classic + `/update/delta {"version":1,"timestamp":T,"state":{"a":1},"metadata":{"a":{"timestamp":T}}}`,
				classic + `/update/documents {"previous":null,"current":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":1},"timestamp":T}`,
				classic + `/update/accepted {"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":1,"timestamp":T}`,
			}},
			{topic: classic + "/get", want: []string{classic + `/get/accepted {"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":1,"timestamp":T}`}},
			{topic: classic + "/delete", want: []string{classic + `/delete/accepted {"version":1,"timestamp":T}`}},
			{topic: classic + "/delete", want: []string{classic + `/delete/rejected {"code":404,"message":"No shadow exists with name: 'T'"}`}},
		}},
		{"3.1 [doc S2] an answer's topic is no request's", []call{{topic: "update/accepted", payload: `{"state":{}}`, want: none}}},
		{"3.2 [doc] 128 characters of a thing, of each kind", []call{{topic: "$aws/things/" + thing + "/shadow/get", want: []string{"$aws/things/" + thing + `/shadow/get/rejected {"code":404,"message":"No shadow exists with name: '` + thing + `'"}`}}}},
		{"3.2 [doc] 129 are too many", []call{{topic: "$aws/things/" + thing + "x/shadow/get", want: []string{"$aws/things/" + thing + `x/shadow/get/rejected {"code":400,"message":"Invalid thing name"}`}}}},
		{"3.2 [doc] no other characters", []call{
			{topic: "$aws/things/a.b/shadow/get", want: []string{`$aws/things/a.b/shadow/get/rejected {"code":400,"message":"Invalid thing name"}`}},
			{topic: classic + "/name/a.b/get", want: []string{classic + `/name/a.b/get/rejected {"code":400,"message":"Invalid shadow name"}`}},
		}},
		{"3.2 [doc] 64 characters of a shadow, with $", []call{{topic: classic + "/name/$" + long[:63] + "/get", want: []string{classic + "/name/$" + long[:63] + `/get/rejected {"code":404,"message":"No shadow exists with name: 'T~$` + long[:63] + `'"}`}}}},
		{"3.2 [doc] 65 are too many", []call{{topic: classic + "/name/" + long + "x/get", want: []string{classic + "/name/" + long + `x/get/rejected {"code":400,"message":"Invalid shadow name"}`}}}},
		{"3.2 [doc] no $ in a thing", []call{{topic: "$aws/things/a$/shadow/get", want: []string{`$aws/things/a$/shadow/get/rejected {"code":400,"message":"Invalid thing name"}`}}}},
		{"3.2 topics are case sensitive", []call{
			{topic: "Update", payload: `{"state":{}}`, want: none},
			{topic: "update", payload: `{"state":{}}`},
			{topic: classic + "/name/s/get", want: []string{classic + `/name/s/get/rejected {"code":404,"message":"No shadow exists with name: 'T~s'"}`}},
		}},
		{"3.3 a token of 64 bytes", one(`{"state":{},"clientToken":"`+long+`"}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T,"clientToken":"`+long+`"}`)},
		{"3.3 bytes, not characters", reject(`{"state":{},"clientToken":"`+strings.Repeat("é", 33)+`"}`, `{"code":400,"message":"Invalid clientToken"}`)},
		{"3.3 get without and with a payload", []call{
			{topic: "update", payload: `{"state":{}}`},
			{topic: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
			{topic: "get", payload: `{"clientToken":"g"}`, want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T,"clientToken":"g"}`}},
		}},
		{"3.3 [doc S2] what delete says is ignored, but for a token", []call{
			{topic: "update", payload: `{"state":{}}`},
			{topic: "delete", payload: `{`, want: []string{`delete/accepted {"version":1,"timestamp":T}`}},
			{topic: "delete", payload: `{"clientToken":"d"}`, want: []string{`delete/rejected {"code":404,"message":"No shadow exists with name: 'T~S'","clientToken":"d"}`}},
		}},
		{"3.4 [src S6] delete/accepted has version, timestamp and token, and not the state", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{topic: "delete", payload: `{"clientToken":"d"}`, want: []string{`delete/accepted {"version":1,"timestamp":T,"clientToken":"d"}`}},
		}},
		{"3.4 a difference's path is shown to the root, with desired's metadata", []call{
			{topic: "update", payload: `{"state":{"desired":{"o":{"p":{"x":1,"y":2}}}}}`},
			{topic: "update", payload: `{"state":{"reported":{"o":{"p":{"x":1}}}}}`, after: time.Second, want: []string{
				`update/delta {"version":2,"timestamp":T,"state":{"o":{"p":{"y":2}}},"metadata":{"o":{"p":{"y":{"timestamp":T-1}}}}}`,
				`update/documents {"previous":{"state":{"desired":{"o":{"p":{"x":1,"y":2}}}},"metadata":{"desired":{"o":{"p":{"x":{"timestamp":T-1},"y":{"timestamp":T-1}}}}},"version":1},"current":{"state":{"desired":{"o":{"p":{"x":1,"y":2}}},"reported":{"o":{"p":{"x":1}}}},"metadata":{"desired":{"o":{"p":{"x":{"timestamp":T-1},"y":{"timestamp":T-1}}}},"reported":{"o":{"p":{"x":{"timestamp":T}}}}},"version":2},"timestamp":T}`,
				`update/accepted {"state":{"reported":{"o":{"p":{"x":1}}}},"metadata":{"reported":{"o":{"p":{"x":{"timestamp":T}}}}},"version":2,"timestamp":T}`,
			}},
		}},
		{"3.4 no delta once there is no difference", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":[1]}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":[1.0]}}}`, want: []string{
				`update/documents {"previous":{"state":{"desired":{"a":[1]}},"metadata":{"desired":{"a":[{"timestamp":T}]}},"version":1},"current":{"state":{"desired":{"a":[1]},"reported":{"a":[1.0]}},"metadata":{"desired":{"a":[{"timestamp":T}]},"reported":{"a":[{"timestamp":T}]}},"version":2},"timestamp":T}`,
				`update/accepted {"state":{"reported":{"a":[1.0]}},"metadata":{"reported":{"a":[{"timestamp":T}]}},"version":2,"timestamp":T}`,
			}},
		}},
		{"3.5 only named fields change, and null removes one", []call{
			{topic: "update", payload: `{"state":{"desired":{"z":1},"reported":{"a":1,"b":2,"c":3}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":10,"b":null}}}`, after: time.Second},
			{topic: "get", want: []string{`get/accepted {"state":{"desired":{"z":1},"reported":{"a":10,"c":3},"delta":{"z":1}},"metadata":{"desired":{"z":{"timestamp":T-1}},"reported":{"a":{"timestamp":T},"c":{"timestamp":T-1}}},"version":2,"timestamp":T}`}},
		}},
		{"3.4 accepted has only what the request carried; order delta, documents, accepted [src S6]", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1,"b":{"c":2}}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":2}},"clientToken":"k"}`, after: time.Second, want: []string{
				`update/delta {"version":2,"timestamp":T,"state":{"a":1,"b":{"c":2}},"metadata":{"a":{"timestamp":T-1},"b":{"c":{"timestamp":T-1}}},"clientToken":"k"}`,
				`update/documents {"previous":{"state":{"desired":{"a":1,"b":{"c":2}}},"metadata":{"desired":{"a":{"timestamp":T-1},"b":{"c":{"timestamp":T-1}}}},"version":1},"current":{"state":{"desired":{"a":1,"b":{"c":2}},"reported":{"a":2}},"metadata":{"desired":{"a":{"timestamp":T-1},"b":{"c":{"timestamp":T-1}}},"reported":{"a":{"timestamp":T}}},"version":2},"timestamp":T,"clientToken":"k"}`,
				`update/accepted {"state":{"reported":{"a":2}},"metadata":{"reported":{"a":{"timestamp":T}}},"version":2,"timestamp":T,"clientToken":"k"}`,
			}},
			{topic: "get", want: []string{`get/accepted {"state":{"desired":{"a":1,"b":{"c":2}},"reported":{"a":2},"delta":{"a":1,"b":{"c":2}}},"metadata":{"desired":{"a":{"timestamp":T-1},"b":{"c":{"timestamp":T-1}}},"reported":{"a":{"timestamp":T}}},"version":2,"timestamp":T}`}},
		}},
		{"3.4 delta on every update while a difference remains", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{topic: "update", payload: `{"state":{}}`, want: []string{
				`update/delta {"version":2,"timestamp":T,"state":{"a":1},"metadata":{"a":{"timestamp":T}}}`,
				`update/documents {"previous":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":1},"current":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":2},"timestamp":T}`,
				`update/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`,
			}},
		}},
		{"3.4 previous is null for a new shadow, and there is no delta", one(`{"state":{"reported":{"a":1}}}`,
			`update/documents {"previous":null,"current":{"state":{"reported":{"a":1}},"metadata":{"reported":{"a":{"timestamp":T}}},"version":1},"timestamp":T}`,
			`update/accepted {"state":{"reported":{"a":1}},"metadata":{"reported":{"a":{"timestamp":T}}},"version":1,"timestamp":T}`)},
		{"3.5 [doc] arrays are replaced, and have a timestamp for each value", []call{
			{topic: "update", payload: `{"state":{"reported":{"l":[1,[2],{"a":3}]}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"l":[1,[2],{"a":3}]}},"metadata":{"reported":{"l":[{"timestamp":T},[{"timestamp":T}],{"a":{"timestamp":T}}]}},"version":1,"timestamp":T}`}},
			{topic: "update", payload: `{"state":{"reported":{"l":[]}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"l":[]}},"metadata":{"reported":{"l":[]}},"version":2,"timestamp":T}`}},
		}},
		{"3.5 [doc] no null in an array", reject(`{"state":{"desired":{"colors":[null,"RED"]}}}`, `{"code":400,"message":"State contains an invalid node: 'colors'"}`)},
		{"3.5 [doc] nor deeper within one", reject(`{"state":{"reported":{"l":[1,{"k":[{"n":null}]}]}}}`, `{"code":400,"message":"State contains an invalid node: 'n'"}`)},
		{"3.5 a null section is removed", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1},"reported":{"b":2}}}`},
			{topic: "update", payload: `{"state":{"desired":null}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"b":2}},"metadata":{"reported":{"b":{"timestamp":T}}},"version":2,"timestamp":T}`}},
		}},
		{"3.5 [live S7] a section that becomes empty disappears", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{topic: "update", payload: `{"state":{"desired":{"a":null}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`}},
		}},
		{"3.5 [live S7] nested empty objects are kept and count in delta", []call{
			{topic: "update", payload: `{"state":{"desired":{"d":{}}}}`, want: []string{
				`update/delta {"version":1,"timestamp":T,"state":{"d":{}},"metadata":{"d":{}}}`,
				`update/documents {"previous":null,"current":{"state":{"desired":{"d":{}}},"metadata":{"desired":{"d":{}}},"version":1},"timestamp":T}`,
				`update/accepted {"state":{"desired":{"d":{}}},"metadata":{"desired":{"d":{}}},"version":1,"timestamp":T}`,
			}},
		}},
		{"3.5 [src S6] the patch wins a change of type", []call{
			{topic: "update", payload: `{"state":{"reported":{"a":1,"b":{"c":1},"l":[1]}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":{"x":1},"b":2,"l":{}}}}`, after: time.Second},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"a":{"x":1},"b":2,"l":{}}},"metadata":{"reported":{"a":{"x":{"timestamp":T}},"b":{"timestamp":T},"l":{}}},"version":2,"timestamp":T}`}},
		}},
		{"3.5 [src S6] nothing but nulls is not created", []call{
			{topic: "update", payload: `{"state":{"reported":{"a":{"b":{"c":null}},"k":1}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"k":1}},"metadata":{"reported":{"k":{"timestamp":T}}},"version":1,"timestamp":T}`}},
		}},
		{"3.5 timestamps are each leaf's own", []call{
			{topic: "update", payload: `{"state":{"reported":{"a":{"b":1,"c":1}}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":{"c":1}}}}`, after: time.Second},
			{topic: "get", want: []string{`get/accepted {"state":{"reported":{"a":{"b":1,"c":1}}},"metadata":{"reported":{"a":{"b":{"timestamp":T-1},"c":{"timestamp":T}}}},"version":2,"timestamp":T}`}},
		}},
		{"3.6 [live S7] an empty reported changes nothing but the version", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{topic: "update", payload: `{"state":{"reported":{}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}}},"version":2,"timestamp":T}`}},
		}},
		{"3.6 [live S7] an empty desired creates", []call{
			{topic: "update", payload: `{"state":{"desired":{}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		}},
		{"3.6 [live S7] a null state creates", []call{
			{topic: "update", payload: `{"state":null}`, want: []string{`update/accepted {"state":null,"metadata":{"timestamp":T},"version":1,"timestamp":T}`}},
			{topic: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		}},
		{"3.6 [live S7] a null state empties", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{topic: "update", payload: `{"state":null}`},
			{topic: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`}},
		}},
		{"3.6 the browser's creation: accepted with version 1, no delta", one(`{"state":{"reported":{}}}`,
			`update/documents {"previous":null,"current":{"state":{},"metadata":{},"version":1},"timestamp":T}`,
			`update/accepted {"state":{"reported":{}},"metadata":{"reported":{}},"version":1,"timestamp":T}`)},
		{"3.7 [src S6] desired only is in, reported only is not, numbers by value, arrays whole", []call{
			{topic: "update", payload: `{"state":{"desired":{"d":1,"n":1.0,"l":[1,2],"o":{"x":1,"y":2}},"reported":{"r":1,"n":1,"l":[1],"o":{"x":1}}}}`},
			{topic: "get", want: []string{`get/accepted {"state":{"desired":{"d":1,"l":[1,2],"n":1.0,"o":{"x":1,"y":2}},"reported":{"l":[1],"n":1,"o":{"x":1},"r":1},"delta":{"d":1,"l":[1,2],"o":{"y":2}}},"metadata":{"desired":{"d":{"timestamp":T},"l":[{"timestamp":T},{"timestamp":T}],"n":{"timestamp":T},"o":{"x":{"timestamp":T},"y":{"timestamp":T}}},"reported":{"l":[{"timestamp":T}],"n":{"timestamp":T},"o":{"x":{"timestamp":T}},"r":{"timestamp":T}}},"version":1,"timestamp":T}`}},
		}},
		{"3.8 [live S7] another version conflicts", []call{
			{topic: "update", payload: `{"state":{},"version":1}`},
			{topic: "update", payload: `{"state":{},"version":1}`},
			{topic: "update", payload: `{"state":{},"version":1,"clientToken":"v"}`, want: []string{`update/rejected {"code":409,"message":"Version conflict","clientToken":"v"}`}},
		}},
		{"3.8 a rejected update does not count", []call{
			{topic: "update", payload: `{"state":{}}`},
			{topic: "update", payload: `{"state":1}`},
			{topic: "update", payload: `{"state":{},"version":1}`, want: []string{`update/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`}},
		}},
		{"3.8 [src S6] a new shadow may be given version 1", one(`{"state":{},"version":1}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`)},
		{"3.8 a new shadow has no version but 1", reject(`{"state":{},"version":2}`, `{"code":400,"message":"Invalid version"}`)},
		{"3.8 [doc S2] deletion keeps the counter for 48 hours", []call{
			{topic: "update", payload: `{"state":{}}`},
			{topic: "delete", want: []string{`delete/accepted {"version":1,"timestamp":T}`}},
			{topic: "update", payload: `{"state":{}}`, after: 48*time.Hour - 1, want: []string{`update/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`}},
			{topic: "delete"},
			{topic: "update", payload: `{"state":{}}`, after: 48 * time.Hour, want: []string{`update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		}},
		{"3.9 [doc S5] Invalid JSON", reject(`{"state":`, `{"code":400,"message":"Invalid JSON"}`)},
		{"3.9 [doc S5] Missing required node: state", reject(`{"clientToken":"t"}`, `{"code":400,"message":"Missing required node: state","clientToken":"t"}`)},
		{"3.9 [doc S5] State node must be an object", reject(`{"state":1}`, `{"code":400,"message":"State node must be an object"}`)},
		{"3.9 [doc S5] Desired node must be an object", reject(`{"state":{"desired":[]}}`, `{"code":400,"message":"Desired node must be an object"}`)},
		{"3.9 [doc S5] Reported node must be an object", reject(`{"state":{"reported":"x"}}`, `{"code":400,"message":"Reported node must be an object"}`)},
		{"3.9 [doc S5] Invalid version", reject(`{"state":{},"version":"1"}`, `{"code":400,"message":"Invalid version"}`)},
		{"3.9 [doc S5] Invalid clientToken", reject(`{"state":{},"clientToken":"`+long+`x"}`, `{"code":400,"message":"Invalid clientToken"}`)},
		{"3.9 [doc S5] too many levels; 3.10 the number is the limit's", reject(`{"state":{"desired":`+nest(9)+`}}`, `{"code":400,"message":"JSON contains too many levels of nesting; maximum is 8"}`)},
		{"3.9 [doc S5] State contains an invalid node", reject(`{"state":{"wanted":{}}}`, `{"code":400,"message":"State contains an invalid node: 'wanted'"}`)},
		{"3.9 [live] no shadow, a named one", []call{{topic: "get", want: []string{`get/rejected {"code":404,"message":"No shadow exists with name: 'T~S'"}`}}}},
		{"3.9 [live] no shadow, the classic one", []call{{topic: classic + "/get", want: []string{classic + `/get/rejected {"code":404,"message":"No shadow exists with name: 'T'"}`}}}},
		{"3.9 [doc S5] 413", reject(`{"state":{"desired":{"a":"`+strings.Repeat("x", 8<<10)+`"}}}`, `{"code":413,"message":"The payload exceeds the maximum size allowed"}`)},
		{"3.9 [live S7] 409 without a token", []call{
			{topic: "update", payload: `{"state":{}}`},
			{topic: "update", payload: `{"state":{},"version":2}`, want: []string{`update/rejected {"code":409,"message":"Version conflict"}`}},
		}},
		{"3.9 [doc S5] 415", reject("\xff", `{"code":415,"message":"Unsupported documented encoding; supported encoding is UTF-8"}`)},
		{"3.9 [src S6] state.delta is dropped", one(`{"state":{"delta":{"a":1}}}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`)},
		{"3.9 a thing which nobody registered is no error", []call{{topic: "$aws/things/unheard-of/shadow/update", payload: `{"state":null}`, want: []string{`$aws/things/unheard-of/shadow/update/accepted {"state":null,"metadata":{"timestamp":T},"version":1,"timestamp":T}`}}}},
		{"3.10 8 KB of desired and reported together, metadata apart", []call{
			{topic: "update", payload: `{"state":{"desired":{"a":"` + strings.Repeat("x", 4088) + `"}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":"` + strings.Repeat("x", 4088) + `"}}}`, want: []string{`update/accepted {"state":{"reported":{"a":"` + strings.Repeat("x", 4088) + `"}},"metadata":{"reported":{"a":{"timestamp":T}}},"version":2,"timestamp":T}`}},
			{topic: "update", payload: `{"state":{"reported":{"a":"` + strings.Repeat("x", 4089) + `"}}}`, want: []string{`update/rejected {"code":413,"message":"The payload exceeds the maximum size allowed"}`}},
		}},
	}
	for _, test := range tests {
		t.Run(test.fact, func(t *testing.T) { checkCalls(t, NewService(DefaultLimits(), CreationFault{}), test.calls) })
	}
}

// TestFactsOfSettings goes on with what depends on a limit or a fault.
func TestFactsOfSettings(t *testing.T) {
	const empty = `{"state":{}}`
	accepted := func(version int) []string {
		return []string{fmt.Sprintf(`update/accepted {"state":{},"metadata":{},"version":%d,"timestamp":T}`, version)}
	}
	missing := []string{`get/rejected {"code":404,"message":"No shadow exists with name: 'T~S'"}`}
	tooMany := []string{`get/rejected {"code":429,"message":"Too many requests"}`}
	deepest := func(levels int) []call {
		return []call{
			{topic: "update", payload: `{"state":{"reported":` + nest(levels) + `}}`},
			{topic: "update", payload: `{"state":{"desired":` + nest(levels+1) + `}}`, want: []string{fmt.Sprintf(`update/rejected {"code":400,"message":"JSON contains too many levels of nesting; maximum is %d"}`, levels)}},
			{topic: "update", payload: empty, want: accepted(2)},
		}
	}
	other := func(thing, shadow string) string { return prefix + thing + "/shadow/name/" + shadow + "/" }
	var many []call
	for i := range 64 {
		topic := other("T", fmt.Sprint("S", i)) + "update"
		many = append(many, call{topic: topic, payload: empty, want: []string{topic + `/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}})
	}
	for _, test := range []struct {
		fact     string
		limits   Limits
		fault    Fault
		creation CreationFault
		calls    []call
	}{
		{"3.9 [doc S5] 429", Limits{}, Fault{Code: 429, Requests: 1}, CreationFault{}, []call{
			{topic: "update", payload: `{"state":{},"clientToken":"k"}`, want: []string{`update/rejected {"code":429,"message":"Too many requests","clientToken":"k"}`}},
			{topic: "get", want: missing}, // nothing was changed
		}},
		{"3.9 [doc S5] 500", Limits{}, Fault{Code: 500, Requests: 1}, CreationFault{}, []call{
			{topic: "delete", want: []string{`delete/rejected {"code":500,"message":"Internal service failure"}`}},
			{topic: "get", want: missing},
		}},
		{"3.9 503 is REST's only", Limits{}, Fault{Code: 503}, CreationFault{}, []call{{topic: "get", want: []string{`get/rejected {"code":500,"message":"Internal service failure"}`}}}},
		{"3.10 [doc S4] a depth of 5", Limits{Depth: 5}, Fault{}, CreationFault{}, deepest(5)},
		{"3.10 [doc S5, src S6] a depth of 6", Limits{Depth: 6}, Fault{}, CreationFault{}, deepest(6)},
		{"3.10 a depth of 8, the default", Limits{}, Fault{}, CreationFault{}, deepest(8)},
		{"3.10 another size of a document", Limits{DocumentBytes: 14}, Fault{}, CreationFault{}, []call{
			{topic: "update", payload: `{"state":{"desired":{"a":1},"reported":{"a":1}}}`},
			{topic: "update", payload: `{"state":{"reported":{"a":10}}}`, want: []string{`update/rejected {"code":413,"message":"The payload exceeds the maximum size allowed"}`}},
		}},
		{"3.10 [doc S4] 10 in flight for a thing", Limits{InFlight: 10, ServiceTime: time.Second}, Fault{}, CreationFault{}, []call{
			{topic: "get", times: 10, want: missing},
			{topic: "get", want: tooMany},
			{topic: other("U", "S") + "get", want: []string{other("U", "S") + `get/rejected {"code":404,"message":"No shadow exists with name: 'U~S'"}`}},
			{topic: "get", after: time.Second, want: missing},
		}},
		{"3.10 [doc S4, src S6] 20 requests a second for a thing", Limits{RequestsPerSecond: 20}, Fault{}, CreationFault{}, []call{
			{topic: "get", times: 20, want: missing},
			{topic: "get", after: time.Second - 1, want: tooMany},
			{topic: "get", after: 1, want: missing},
		}},
		{"3.10 [doc S4] 400 requests a second for the account", Limits{AccountRequestsPerSecond: 400}, Fault{}, CreationFault{}, []call{
			{topic: other("U", "S") + "get", times: 200},
			{topic: "get", times: 200, want: missing},
			{topic: "get", want: tooMany},
			{topic: "get", after: time.Second, want: missing},
		}},
		{"3.10 named shadows without a limit", Limits{}, Fault{}, CreationFault{}, many},
		{"3.11 creation spacing, off by default", Limits{}, Fault{}, CreationFault{}, []call{
			{topic: "update", payload: empty, want: accepted(1)},
			{topic: other("T", "U") + "update", payload: empty, want: []string{other("T", "U") + `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		}},
		{"3.11 creation spacing, rejects with 429", Limits{}, Fault{}, CreationFault{Spacing: 2 * time.Second}, []call{
			{topic: other("T", "U") + "update", payload: empty},
			{topic: "update", payload: empty, after: 2*time.Second - 1, want: []string{`update/rejected {"code":429,"message":"Too many requests"}`}},
			{topic: "get", want: missing},
			{topic: "update", payload: empty, after: 1, want: accepted(1)},
		}},
		{"3.11 creation spacing, drops", Limits{}, Fault{}, CreationFault{Spacing: 2 * time.Second, Drop: true}, []call{
			{topic: other("T", "U") + "update", payload: empty},
			{topic: "update", payload: empty, want: none},
			{topic: "get", want: missing},
		}},
	} {
		t.Run(test.fact, func(t *testing.T) {
			service := NewService(test.limits, test.creation)
			if err := service.SetFault(test.fault); err != nil {
				t.Fatal(err)
			}
			checkCalls(t, service, test.calls)
		})
	}
	want := Limits{DocumentBytes: 8 << 10, Depth: 8, RequestsPerSecond: 20, AccountRequestsPerSecond: 400, InFlight: 10, ServiceTime: 25 * time.Millisecond}
	if got := AWSLimits(); got != want {
		t.Errorf("3.10: the limits are %+v", got)
	}
}

// update asks for one update of a thing's named shadow, and returns the code.
func update(s *Service, thing string, now time.Time) (code int, done func()) {
	a := s.Do(Request{Operation: Update, Thing: thing, Shadow: "S", Payload: []byte(`{"state":{}}`)}, now)
	return a.Code, a.Done
}

func TestRateOfAThing(t *testing.T) { // 3.10 [doc S4, src S6]
	limits := DefaultLimits()
	limits.RequestsPerSecond = 20
	service := NewService(limits, CreationFault{})
	ask := func(thing string, at time.Duration, want int) {
		t.Helper()
		code, done := update(service, thing, start.Add(at))
		if done(); code != want {
			t.Errorf("%s after %v: %d", thing, at, code)
		}
	}
	for i := range 20 {
		ask("T", time.Duration(i)*time.Millisecond, 200)
	}
	ask("T", 20*time.Millisecond, 429)
	ask("U", 20*time.Millisecond, 200)
	ask("T", time.Second-1, 429)
	ask("T", time.Second, 200) // the first one is a second ago, and what was refused does not count
	ask("T", time.Second, 429)
	ask("T", time.Second+time.Millisecond, 200)
	answer := service.Do(Request{Operation: Get, Thing: "T", Shadow: "S", Payload: []byte(`{"clientToken":"t"}`)}, start.Add(time.Second+time.Millisecond))
	if got := string(answer.Reply.Payload); got != `{"code":429,"message":"Too many requests","clientToken":"t"}` {
		t.Error(got)
	}
}

func TestRateOfTheAccount(t *testing.T) { // 3.10 [doc S4]
	limits := AWSLimits()
	service := NewService(limits, CreationFault{})
	for i := range limits.AccountRequestsPerSecond + 1 {
		code, _ := update(service, fmt.Sprint("T", i), start)
		if refused := code == 429; refused != (i == limits.AccountRequestsPerSecond) {
			t.Fatalf("request %d: %d", i, code)
		}
	}
}

func TestInFlight(t *testing.T) { // 3.10 [doc S5]
	limits := DefaultLimits()
	limits.InFlight = 10
	service := NewService(limits, CreationFault{})
	var dones []func()
	for range 10 {
		code, done := update(service, "T", start)
		if code != 200 {
			t.Fatal(code)
		}
		dones = append(dones, done)
	}
	later := start.Add(time.Hour)
	if code, _ := update(service, "T", later); code != 429 {
		t.Error("the eleventh: ", code)
	}
	dones[3]()
	dones[3]() // again is nothing
	if code, _ := update(service, "T", later); code != 200 {
		t.Error("after one has left: ", code)
	}
	if code, _ := update(service, "T", later); code != 429 {
		t.Error("and full again: ", code)
	}
}

func TestServiceTime(t *testing.T) {
	limits := DefaultLimits()
	limits.InFlight, limits.ServiceTime = 2, 25*time.Millisecond
	service := NewService(limits, CreationFault{})
	for i, want := range []struct {
		at   time.Duration
		code int
	}{{0, 200}, {10, 200}, {20, 429}, {25, 200}, {34, 429}, {35, 200}} {
		code, done := update(service, "T", start.Add(want.at*time.Millisecond))
		if done(); code != want.code {
			t.Errorf("request %d: %d", i, code)
		}
	}
}

func TestRestingThingsAreForgotten(t *testing.T) {
	service := NewService(Limits{RequestsPerSecond: 20, InFlight: 10}, CreationFault{Spacing: time.Second})
	for i := range 10 * sweepEvery {
		_, done := update(service, fmt.Sprint("T", i), start.Add(time.Duration(i)*time.Second))
		done()
	}
	if things, created := len(service.meter.things), len(service.faults.created); things > 2*sweepEvery || created > 2*sweepEvery {
		t.Errorf("%d things and %d creations are remembered", things, created)
	}
}

func TestRestart(t *testing.T) {
	dir, now := t.TempDir(), start
	var service *Service
	var file *store.File
	restart := func() {
		t.Helper()
		if file != nil {
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if file, err = store.Open(dir, time.Second); err != nil {
			t.Fatal(err)
		}
		if service, err = New(Config{Store: file}, now); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	defer func() { _ = file.Close() }()
	ask := func(tail, payload, want string) {
		t.Helper()
		got := service.Handle(named+"/"+tail, []byte(payload), now)
		compare(t, 0, got[len(got)-1:], []string{want}, now)
	}
	ask("update", `{"state":{"desired":{"n":12345678901234567890.10,"l":[1,{"a":"<é>"}],"o":{}}}}`,
		`update/accepted {"state":{"desired":{"n":12345678901234567890.10,"l":[1,{"a":"<é>"}],"o":{}}},"metadata":{"desired":{"n":{"timestamp":T},"l":[{"timestamp":T},{"a":{"timestamp":T}}],"o":{}}},"version":1,"timestamp":T}`)
	before := service.Handle(named+"/get", nil, now)
	restart()
	if after := service.Handle(named+"/get", nil, now); string(after[0].Payload) != string(before[0].Payload) {
		t.Errorf("before %s\n after %s", before[0].Payload, after[0].Payload)
	}
	ask("delete", "", `delete/accepted {"version":1,"timestamp":T}`)
	restart()
	ask("get", "", `get/rejected {"code":404,"message":"No shadow exists with name: 'T~S'"}`)
	now = now.Add(47 * time.Hour)
	restart()
	ask("update", `{"state":{}}`, `update/accepted {"state":{},"metadata":{},"version":2,"timestamp":T}`)
	ask("delete", "", `delete/accepted {"version":2,"timestamp":T}`)
	now = now.Add(48 * time.Hour)
	restart()
	if err := file.Each("", "", func(key string, _ []byte) bool { t.Errorf("%q is kept for ever", key); return true }); err != nil {
		t.Fatal(err)
	}
	ask("update", `{"state":{}}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`)
}

// A change that the store did not take is refused, and did not happen.
func TestStoreFailure(t *testing.T) {
	failing := store.NewMemory()
	service, err := New(Config{Store: failing}, start)
	if err != nil {
		t.Fatal(err)
	}
	_ = failing.Close()
	answer := service.Do(Request{Operation: Update, Thing: "T", Payload: []byte(`{"state":{},"clientToken":"c"}`)}, start)
	if got := string(answer.Reply.Payload); got != `{"code":500,"message":"Internal service failure","clientToken":"c"}` || answer.Err == nil || len(answer.Events) > 0 {
		t.Errorf("%s %v", got, answer.Err) // 3.9 [doc S5]
	}
	if _, err := service.Shadows(); err == nil {
		t.Error("listed")
	}
}

func TestForeignRecordsAreRefused(t *testing.T) {
	for key, value := range map[string]string{
		"T\x00S": `{"version":0}`, "T\x00U": `{`, "T\x00V": `{"version":1,"other":1}`, "T": `{"version":1}`, "T \x00": `{"version":1}`,
	} {
		s := store.NewMemory()
		if err := s.Put(key, []byte(value)); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{Store: s}, start); err == nil {
			t.Errorf("%q %s: taken", key, value)
		}
	}
}

func TestList(t *testing.T) {
	service := NewService(DefaultLimits(), CreationFault{})
	create := func(thing, name string) {
		service.Do(Request{Operation: Update, Thing: thing, Shadow: name, Payload: []byte(`{"state":{"reported":{"a":1}}}`)}, start)
	}
	for _, name := range []string{"c", "a", "", "b", "gone", "$x"} {
		create("T", name)
	}
	create("T2", "other")
	service.Do(Request{Operation: Delete, Thing: "T", Shadow: "gone"}, start)
	timestamp := fmt.Sprint(start.Unix())
	for _, test := range []struct {
		request Request
		want    string
	}{
		{Request{Thing: "T"}, `{"results":["$x","a","b","c"],"timestamp":` + timestamp + `}`},
		{Request{Thing: "T", PageSize: 3}, `{"results":["$x","a","b"],"nextToken":"Yg","timestamp":` + timestamp + `}`},
		{Request{Thing: "T", PageSize: 3, NextToken: "Yg"}, `{"results":["c"],"timestamp":` + timestamp + `}`},
		{Request{Thing: "T", PageSize: 4}, `{"results":["$x","a","b","c"],"timestamp":` + timestamp + `}`},
		{Request{Thing: "nobody"}, `{"results":[],"timestamp":` + timestamp + `}`},
		{Request{Thing: "T", PageSize: 101}, `{"code":400,"message":"Invalid page size: must be from 1 to 100"}`},
		{Request{Thing: "T", PageSize: -1}, `{"code":400,"message":"Invalid page size: must be from 1 to 100"}`},
		{Request{Thing: "T", NextToken: "AA"}, `{"code":400,"message":"Invalid next token"}`},
		{Request{Thing: "T", NextToken: "%"}, `{"code":400,"message":"Invalid next token"}`},
		{Request{Thing: "T/"}, `{"code":400,"message":"Invalid thing name"}`},
	} {
		test.request.Operation = List
		if answer := service.Do(test.request, start); string(answer.Reply.Payload) != test.want || answer.Reply.Topic != "" {
			t.Errorf("%+v: %s", test.request, answer.Reply.Payload)
		}
	}
	all, err := service.Shadows()
	if err != nil || len(all) != 6 {
		t.Fatalf("%v %v", all, err)
	}
	if first := all[0]; first != (Info{Thing: "T", Version: 1, Bytes: 7, Updated: first.Updated}) || !first.Updated.Equal(start) || all[5].Shadow != "other" {
		t.Errorf("%+v", all)
	}
}
