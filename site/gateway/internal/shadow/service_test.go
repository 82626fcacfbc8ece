package shadow

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const named = "$aws/things/T/shadow/name/S"

var start = time.Unix(1_700_000_000, 0)

// Handle carries out the request that payload on topic is, and returns the answers in
// the order in which they are to be published, at once.
func (s *Service) Handle(topic string, payload []byte, now time.Time) []Message {
	request, ok := ParseTopic(topic, payload)
	if !ok {
		return nil
	}
	answer := s.Do(request, now)
	defer answer.Done()
	return answer.Messages()
}

// step is one request and the answers it must get: "tail payload", in order. T stands
// for the time of the step, T-n for n seconds earlier.
type step struct {
	tail, payload string
	after         time.Duration // since the step before
	want          []string
}

func TestHandle(t *testing.T) {
	rejected := func(operation string, code int, message string) []string {
		return []string{fmt.Sprintf(`%s/rejected {"code":%d,"message":%q}`, operation, code, message)}
	}
	bad := func(payload string, code int, message string) []step {
		return []step{{tail: "update", payload: payload, want: rejected("update", code, message)}}
	}
	tests := map[string][]step{
		"an empty reported creates version 1": {
			{tail: "update", payload: `{"state":{"reported":{}}}`, want: []string{
				`update/documents {"previous":null,"current":{"state":{},"metadata":{},"version":1},"timestamp":T}`,
				`update/accepted {"state":{"reported":{}},"metadata":{"reported":{}},"version":1,"timestamp":T}`,
			}},
			{tail: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		},
		"an empty update changes nothing but the version": {
			{tail: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{tail: "update", payload: `{"state":{"reported":{}}}`, after: time.Second},
			{tail: "get", want: []string{`get/accepted {"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T-1}}},"version":2,"timestamp":T}`}},
		},
		"delta, documents, accepted; the token in each": {
			{tail: "update", payload: `{"state":{"desired":{"a":1},"reported":{"a":2,"b":3}},"clientToken":"tok"}`, want: []string{
				`update/delta {"state":{"a":1},"metadata":{"a":{"timestamp":T}},"version":1,"timestamp":T,"clientToken":"tok"}`,
				`update/documents {"previous":null,"current":{"state":{"desired":{"a":1},"reported":{"a":2,"b":3}},"metadata":{"desired":{"a":{"timestamp":T}},"reported":{"a":{"timestamp":T},"b":{"timestamp":T}}},"version":1},"timestamp":T,"clientToken":"tok"}`,
				`update/accepted {"state":{"desired":{"a":1},"reported":{"a":2,"b":3}},"metadata":{"desired":{"a":{"timestamp":T}},"reported":{"a":{"timestamp":T},"b":{"timestamp":T}}},"version":1,"timestamp":T,"clientToken":"tok"}`,
			}},
		},
		"delta goes out while a difference remains": {
			{tail: "update", payload: `{"state":{"desired":{"a":1}}}`},
			{tail: "update", payload: `{"state":{"reported":{"b":2}}}`, after: time.Second, want: []string{
				`update/delta {"state":{"a":1},"metadata":{"a":{"timestamp":T-1}},"version":2,"timestamp":T}`,
				`update/documents {"previous":{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T-1}}},"version":1},"current":{"state":{"desired":{"a":1},"reported":{"b":2}},"metadata":{"desired":{"a":{"timestamp":T-1}},"reported":{"b":{"timestamp":T}}},"version":2},"timestamp":T}`,
				`update/accepted {"state":{"reported":{"b":2}},"metadata":{"reported":{"b":{"timestamp":T}}},"version":2,"timestamp":T}`,
			}},
			{tail: "update", payload: `{"state":{"reported":{"a":1.0}}}`, want: []string{
				`update/documents {"previous":{"state":{"desired":{"a":1},"reported":{"b":2}},"metadata":{"desired":{"a":{"timestamp":T-1}},"reported":{"b":{"timestamp":T}}},"version":2},"current":{"state":{"desired":{"a":1},"reported":{"a":1.0,"b":2}},"metadata":{"desired":{"a":{"timestamp":T-1}},"reported":{"a":{"timestamp":T},"b":{"timestamp":T}}},"version":3},"timestamp":T}`,
				`update/accepted {"state":{"reported":{"a":1.0}},"metadata":{"reported":{"a":{"timestamp":T}}},"version":3,"timestamp":T}`,
			}},
		},
		"merge": {
			{tail: "update", payload: `{"state":{"reported":{"a":{"b":1,"c":2},"l":[1,{"x":2}],"s":1}}}`},
			{tail: "update", payload: `{"state":{"reported":{"a":{"b":null,"d":{}},"l":[3],"s":{"n":{"only":null}},"t":{"u":null}}}}`, after: time.Second},
			{tail: "get", want: []string{`get/accepted {"state":{"reported":{"a":{"c":2,"d":{}},"l":[3]}},"metadata":{"reported":{"a":{"c":{"timestamp":T-1},"d":{}},"l":[{"timestamp":T}]}},"version":2,"timestamp":T}`}},
		},
		"nulls remove, empty sections vanish": {
			{tail: "update", payload: `{"state":{"desired":{"a":1},"reported":{"a":1}}}`},
			{tail: "update", payload: `{"state":{"desired":null,"reported":{"a":null}}}`, want: []string{
				`update/documents {"previous":{"state":{"desired":{"a":1},"reported":{"a":1}},"metadata":{"desired":{"a":{"timestamp":T}},"reported":{"a":{"timestamp":T}}},"version":1},"current":{"state":{},"metadata":{},"version":2},"timestamp":T}`,
				`update/accepted {"state":{"desired":null,"reported":{"a":null}},"metadata":{"desired":{"timestamp":T},"reported":{"a":{"timestamp":T}}},"version":2,"timestamp":T}`,
			}},
		},
		"a null state empties": {
			{tail: "update", payload: `{"state":null}`, want: []string{
				`update/documents {"previous":null,"current":{"state":{},"metadata":{},"version":1},"timestamp":T}`,
				`update/accepted {"state":null,"metadata":{"timestamp":T},"version":1,"timestamp":T}`,
			}},
		},
		"delta of nested and empty objects": {
			{tail: "update", payload: `{"state":{"desired":{"a":{"b":1,"c":{"d":[1]}},"e":{}},"reported":{"a":{"b":1,"c":{"d":[1,2]}}}}}`},
			{tail: "get", want: []string{`get/accepted {"state":{"desired":{"a":{"b":1,"c":{"d":[1]}},"e":{}},"reported":{"a":{"b":1,"c":{"d":[1,2]}}},"delta":{"a":{"c":{"d":[1]}},"e":{}}},"metadata":{"desired":{"a":{"b":{"timestamp":T},"c":{"d":[{"timestamp":T}]}},"e":{}},"reported":{"a":{"b":{"timestamp":T},"c":{"d":[{"timestamp":T},{"timestamp":T}]}}}},"version":1,"timestamp":T}`}},
		},
		"numbers and texts keep their form": {
			{tail: "update", payload: `{"state":{"reported":{"n":12345678901234567890.10,"t":"<&>é"}}}`, want: []string{
				`update/documents {"previous":null,"current":{"state":{"reported":{"n":12345678901234567890.10,"t":"<&>é"}},"metadata":{"reported":{"n":{"timestamp":T},"t":{"timestamp":T}}},"version":1},"timestamp":T}`,
				`update/accepted {"state":{"reported":{"n":12345678901234567890.10,"t":"<&>é"}},"metadata":{"reported":{"n":{"timestamp":T},"t":{"timestamp":T}}},"version":1,"timestamp":T}`,
			}},
		},
		"versions": {
			{tail: "update", payload: `{"state":{},"version":2}`, want: rejected("update", 400, "Invalid version")},
			{tail: "update", payload: `{"state":{},"version":1}`},
			{tail: "update", payload: `{"state":{},"version":1}`},
			{tail: "update", payload: `{"state":{},"version":1}`, want: rejected("update", 409, "Version conflict")},
			{tail: "update", payload: `{"state":{"desired":{}},"version":2}`, want: []string{
				`update/documents {"previous":{"state":{},"metadata":{},"version":2},"current":{"state":{},"metadata":{},"version":3},"timestamp":T}`,
				`update/accepted {"state":{"desired":{}},"metadata":{"desired":{}},"version":3,"timestamp":T}`,
			}},
		},
		"delete keeps the counter for 48 hours": {
			{tail: "delete", want: rejected("delete", 404, "No shadow exists with name: 'T~S'")},
			{tail: "update", payload: `{"state":{}}`},
			{tail: "delete", payload: `{"clientToken":"d"}`, want: []string{`delete/accepted {"version":1,"timestamp":T,"clientToken":"d"}`}},
			{tail: "get", want: rejected("get", 404, "No shadow exists with name: 'T~S'")},
			{tail: "update", payload: `{"state":{}}`, after: 47 * time.Hour},
			{tail: "delete", want: []string{`delete/accepted {"version":2,"timestamp":T}`}},
			{tail: "update", payload: `{"state":{}}`, after: 48 * time.Hour},
			{tail: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		},
		"a rejection carries the token": {
			{tail: "get", payload: `{"clientToken":"g"}`, want: []string{`get/rejected {"code":404,"message":"No shadow exists with name: 'T~S'","clientToken":"g"}`}},
			{tail: "update", payload: `{"clientToken":"u"}`, want: []string{`update/rejected {"code":400,"message":"Missing required node: state","clientToken":"u"}`}},
		},
		"state.delta is dropped": {
			{tail: "update", payload: `{"state":{"delta":{"a":1}}}`},
			{tail: "get", want: []string{`get/accepted {"state":{},"metadata":{},"version":1,"timestamp":T}`}},
		},
		"bad JSON of get":     {{tail: "get", payload: `{`, want: rejected("get", 400, "Invalid JSON")}},
		"cut":                 bad(`{"state":`, 400, "Invalid JSON"),
		"empty":               bad(``, 400, "Invalid JSON"),
		"an array":            bad(`[]`, 400, "Invalid JSON"),
		"two documents":       bad(`{"state":{}}{}`, 400, "Invalid JSON"),
		"not UTF-8":           bad("{\"state\":{\"\xff\":1}}", 415, "Unsupported documented encoding; supported encoding is UTF-8"),
		"no state":            bad(`{}`, 400, "Missing required node: state"),
		"state a list":        bad(`{"state":[]}`, 400, "State node must be an object"),
		"desired a text":      bad(`{"state":{"desired":"x"}}`, 400, "Desired node must be an object"),
		"reported a number":   bad(`{"state":{"reported":1}}`, 400, "Reported node must be an object"),
		"other section":       bad(`{"state":{"x":{}}}`, 400, "State contains an invalid node: 'x'"),
		"null in a list":      bad(`{"state":{"reported":{"l":[1,null]}}}`, 400, "State contains an invalid node: 'l'"),
		"null deep in list":   bad(`{"state":{"reported":{"l":[{"a":{"b":null}}]}}}`, 400, "State contains an invalid node: 'b'"),
		"null deep in one":    bad(`{"state":{"reported":{"l":[{"k":null}]}}}`, 400, "State contains an invalid node: 'k'"),
		"what is wrong first": bad(`{"state":{"z":{},"y":1,"reported":{"b":[null],"a":[{"d":null,"c":null}]}}}`, 400, "State contains an invalid node: 'c'"),
		"version a text":      bad(`{"state":{},"version":"1"}`, 400, "Invalid version"),
		"version negative":    bad(`{"state":{},"version":-1}`, 400, "Invalid version"),
		"token a number":      bad(`{"state":{},"clientToken":1}`, 400, "Invalid clientToken"),
		"token too long":      bad(`{"state":{},"clientToken":"`+strings.Repeat("x", 65)+`"}`, 400, "Invalid clientToken"),
		"nine levels":         bad(`{"state":{"desired":`+nest(9)+`}}`, 400, "JSON contains too many levels of nesting; maximum is 8"),
		"eight levels":        {{tail: "update", payload: `{"state":{"desired":` + nest(8) + `}}`}, {tail: "delete", want: []string{`delete/accepted {"version":1,"timestamp":T}`}}},
		"8 KB together": {
			{tail: "update", payload: `{"state":{"desired":{"a":"` + strings.Repeat("x", 4088) + `"},"reported":{"a":"` + strings.Repeat("x", 4088) + `"}}}`},
			{tail: "update", payload: `{"state":{"reported":{"b":1}}}`, want: rejected("update", 413, "The payload exceeds the maximum size allowed")},
			{tail: "delete", want: []string{`delete/accepted {"version":1,"timestamp":T}`}},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			service, now := NewService(DefaultLimits(), CreationFault{}), start
			for i, s := range steps {
				now = now.Add(s.after)
				messages := service.Handle(named+"/"+s.tail, []byte(s.payload), now)
				if s.want != nil {
					compare(t, i, messages, s.want, now)
				} else if last := messages[len(messages)-1].Topic; !strings.HasSuffix(last, "/accepted") {
					t.Fatalf("step %d: %s %s", i, last, messages[len(messages)-1].Payload)
				}
			}
		})
	}
}

func nest(levels int) string {
	return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
}

func compare(t *testing.T, step int, got []Message, want []string, now time.Time) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("step %d: %d answers, want %d: %s", step, len(got), len(want), got)
	}
	for i, w := range want {
		tail, payload, _ := strings.Cut(w, " ")
		for ago := range 3 {
			payload = strings.ReplaceAll(payload, fmt.Sprintf(":T-%d", ago), fmt.Sprintf(":%d", now.Unix()-int64(ago)))
		}
		payload = strings.ReplaceAll(payload, ":T", fmt.Sprintf(":%d", now.Unix()))
		if got[i].Topic != named+"/"+tail {
			t.Errorf("step %d: answer %d on %s, want %s", step, i, got[i].Topic, tail)
		}
		gotBody, err := decode(got[i].Payload)
		if err != nil {
			t.Fatal(err)
		}
		wantBody, err := decode([]byte(payload))
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		if !reflect.DeepEqual(gotBody, wantBody) {
			t.Errorf("step %d, %s:\n got %s\nwant %s", step, tail, got[i].Payload, payload)
		}
	}
}

func TestTopics(t *testing.T) {
	long := strings.Repeat("x", 129)
	tests := map[string]struct {
		request, answer bool
		reply           string // the topic of the first answer to {"state":{}}
		code            int
	}{
		"$aws/things/T/shadow/update":                        {request: true, reply: "$aws/things/T/shadow/update/documents"},
		"$aws/things/T/shadow/name/S/update":                 {request: true, reply: "$aws/things/T/shadow/name/S/update/documents"},
		"$aws/things/a:B_-9/shadow/name/$x:y/update":         {request: true, reply: "$aws/things/a:B_-9/shadow/name/$x:y/update/documents"},
		"$aws/things/a.b/shadow/update":                      {request: true, reply: "$aws/things/a.b/shadow/update/rejected", code: 400},
		"$aws/things/" + long + "/shadow/update":             {request: true, reply: "$aws/things/" + long + "/shadow/update/rejected", code: 400},
		"$aws/things/T/shadow/name/" + long[:65] + "/update": {request: true, reply: "$aws/things/T/shadow/name/" + long[:65] + "/update/rejected", code: 400},
		"$aws/things/T/shadow/get":                           {request: true, reply: "$aws/things/T/shadow/get/rejected", code: 404},
		"$aws/things/T/shadow/name/S/delete":                 {request: true, reply: "$aws/things/T/shadow/name/S/delete/rejected", code: 404},
		"$aws/things/T/shadow/update/accepted":               {answer: true},
		"$aws/things/T/shadow/name/S/update/delta":           {answer: true},
		"$aws/things/T/shadow/name/S/get/rejected":           {answer: true},
		"$aws/things/T/shadow/Update":                        {},
		"$aws/things/T/shadow/name/update":                   {},
		"$aws/things/T/shadow/name//update":                  {},
		"$aws/things/T/shadow/":                              {},
		"$aws/things/T/x/shadow/update":                      {},
		"$aws/things/T/jobs/update":                          {},
		"aws/things/T/shadow/update":                         {},
		"":                                                   {},
	}
	for topic, want := range tests {
		if _, isRequest := ParseTopic(topic, nil); isRequest != want.request || IsAnswer(topic) != want.answer {
			t.Errorf("%s: request %v, answer %v", topic, isRequest, IsAnswer(topic))
		}
		messages := NewService(DefaultLimits(), CreationFault{}).Handle(topic, []byte(`{"state":{}}`), start)
		if (len(messages) > 0) != want.request {
			t.Errorf("%s: %d answers", topic, len(messages))
			continue
		}
		if !want.request {
			continue
		}
		var body struct{ Code int }
		if err := json.Unmarshal(messages[0].Payload, &body); err != nil || messages[0].Topic != want.reply || body.Code != want.code {
			t.Errorf("%s: %s %s", topic, messages[0].Topic, messages[0].Payload)
		}
	}
}

func TestClassicAndNamedAreApart(t *testing.T) {
	service := NewService(DefaultLimits(), CreationFault{})
	service.Handle(named+"/update", []byte(`{"state":{}}`), start)
	messages := service.Handle("$aws/things/T/shadow/get", nil, start)
	if got := string(messages[0].Payload); !strings.Contains(got, `No shadow exists with name: 'T'`) {
		t.Error(got)
	}
}

func TestEqualNumbers(t *testing.T) {
	for _, pair := range [][2]string{{"1", "1.0"}, {"1e2", "100"}, {"0.10", "1E-1"}, {"-0", "0"}, {"12300e-2", "123"}, {"1e99999999999", "1E99999999999"}, {"0e99999999999", "0.0"}, {"-0.00e1", "0e-7"}} {
		if !equal(json.Number(pair[0]), json.Number(pair[1])) {
			t.Errorf("%s != %s", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"1", "10"}, {"1", "-1"}, {"0.1", "0.01"}, {"9007199254740993", "9007199254740992"}, {"1e3", "1e4"}} {
		if equal(json.Number(pair[0]), json.Number(pair[1])) {
			t.Errorf("%s == %s", pair[0], pair[1])
		}
	}
}

// FuzzHandle lets two updates work on one shadow. Whatever they are: there is an answer,
// it is JSON, versions count by one, and the store gives back what it was given.
func FuzzHandle(f *testing.F) {
	for _, seed := range []string{
		`{"state":{"reported":{}}}`, `{"state":null}`, `{"state":{"desired":{"a":[1,{"b":null}]},"reported":{"a":{"b":1e999}}},"version":1,"clientToken":"x"}`,
		`{"state":{"desired":{"a":null,"b":{"c":null}}}}`, `[[[[`, "\xff", `{"state":{"reported":{"\ud800":1}}}`,
	} {
		f.Add([]byte(seed), []byte(`{"state":{"reported":{"a":{"b":1}}}}`))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		service := NewService(DefaultLimits(), CreationFault{})
		version := int64(0)
		for _, payload := range [][]byte{first, second, first} {
			for _, operation := range []Operation{Update, Get} {
				answer := service.Do(Request{Operation: operation, Thing: "T", Shadow: "S", Payload: payload}, start)
				answer.Done()
				for _, m := range answer.Messages() {
					if !json.Valid(m.Payload) {
						t.Fatalf("%s: %s", m.Topic, m.Payload)
					}
				}
				if operation == Update && answer.Code == 200 {
					version++
				}
				if answer.Err != nil {
					t.Fatalf("%s of %q: %v", operation, payload, answer.Err)
				}
			}
			e, err := service.load(id{"T", "S"}, start)
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				continue
			}
			again, err := decodeEntry(e.encode())
			if err != nil || e.version != version || !reflect.DeepEqual(again, e) {
				t.Fatalf("version %d of %d, %+v is %+v (%v)", e.version, version, e, again, err)
			}
			if e.size() > service.limits.DocumentBytes {
				t.Fatalf("%d bytes", e.size())
			}
			// What is desired is either reported or in the delta, and the other way round.
			if delta, _ := e.delta(); (delta == nil) != covered(e.state.desired, e.state.reported) {
				t.Fatalf("desired %v, reported %v, delta %v", e.state.desired, e.state.reported, delta)
			}
		}
	})
}

// covered reports whether have has all that want has.
func covered(want, have object) bool {
	for key, w := range want {
		h, there := have[key]
		wo, wantsObject := w.(object)
		ho, hasObject := h.(object)
		switch {
		case !there:
			return false
		case wantsObject && hasObject:
			if !covered(wo, ho) {
				return false
			}
		case !equal(w, h):
			return false
		}
	}
	return true
}
