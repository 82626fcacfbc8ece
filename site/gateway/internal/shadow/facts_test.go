package shadow

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/store"
)

// TestFacts has a row for each fact of reference/aws-iot.md, section 3, with the mark
// of its source there. Answers are compared to the byte.
func TestFacts(t *testing.T) {
	const classic = "$aws/things/T/shadow"
	type call struct {
		topic, payload string // the topic after named, or a whole one
		after          time.Duration
		want           []string // the last ones only, if there are fewer than answers
	}
	one := func(payload string, want ...string) []call {
		return []call{{topic: "update", payload: payload, want: want}}
	}
	reject := func(payload, body string) []call { return one(payload, "update/rejected "+body) }
	long := strings.Repeat("x", 64)
	tests := []struct {
		fact  string
		calls []call
	}{
		{"3.1 [doc S2] the classic prefix", []call{{topic: classic + "/update", payload: `{"state":{}}`, want: []string{classic + `/update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}}}},
		{"3.1 [doc S2] the named prefix", one(`{"state":{}}`, `update/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`)},
		{"3.1 [doc S2] the documentation's shadow/S/update is no topic", []call{{topic: classic + "/S/update", payload: `{"state":{}}`}}},
		{"3.2 [doc] 64 characters of a shadow, with $", []call{{topic: classic + "/name/$" + long[:63] + "/get", want: []string{classic + "/name/$" + long[:63] + `/get/rejected {"code":404,"message":"No shadow exists with name: 'T~$` + long[:63] + `'"}`}}}},
		{"3.2 [doc] 65 are too many", []call{{topic: classic + "/name/" + long + "x/get", want: []string{classic + "/name/" + long + `x/get/rejected {"code":400,"message":"Invalid shadow name"}`}}}},
		{"3.2 [doc] no $ in a thing", []call{{topic: "$aws/things/a$/shadow/get", want: []string{`$aws/things/a$/shadow/get/rejected {"code":400,"message":"Invalid thing name"}`}}}},
		{"3.2 topics are case sensitive", []call{{topic: "Update", payload: `{"state":{}}`}}},
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
		t.Run(test.fact, func(t *testing.T) {
			service, now := NewService(DefaultLimits(), CreationFault{}), start
			for i, c := range test.calls {
				now = now.Add(c.after)
				got := service.Handle(whole(c.topic), []byte(c.payload), now)
				if len(got) < len(c.want) || c.want == nil && len(test.calls) == 1 && len(got) > 0 {
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
		})
	}
}

func whole(topic string) string {
	if strings.HasPrefix(topic, "$") {
		return topic
	}
	return named + "/" + topic
}

func TestDepthIsASetting(t *testing.T) { // 3.10 [doc S5 S6]
	service := NewService(Limits{Depth: 6}, CreationFault{})
	compare(t, 0, service.Handle(named+"/update", []byte(`{"state":{"desired":`+nest(7)+`}}`), start),
		[]string{`update/rejected {"code":400,"message":"JSON contains too many levels of nesting; maximum is 6"}`}, start)
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
