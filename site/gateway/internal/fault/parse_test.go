package fault

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ text, want string }{ // as it is listed; or after !, the error
		{`{"fault":"puback","action":"drop"}`, `{"fault":"puback","action":"drop"}`},
		{`{"match":{"topic":"a/#","clientId":"b?*"},"times":3,"every":2,"delayMs":5,"action":"delay","fault":"suback"}`,
			`{"fault":"suback","action":"delay","match":{"clientId":"b?*","topic":"a/#"},"times":3,"every":2,"delayMs":5}`},
		{`{"fault":"disconnect","reasonCode":0}`, `{"fault":"disconnect","on":"connack","reasonCode":0}`},
		{`{"fault":"kill"}`, `{"fault":"kill","on":"connack","delayMs":100}`},
		{`{"fault":"publish","action":"duplicate"}`, `{"fault":"publish","action":"duplicate","copies":1}`},
		{`{"fault":"shadow","action":"refuse","status":429,"match":{"thing":"t"}}`, `{"fault":"shadow","action":"refuse","match":{"thing":"t"},"status":429}`},
		{`{"fault":"shadowCreation","action":"drop","withinMs":1500}`, `{"fault":"shadowCreation","action":"drop","withinMs":1500}`},
		{`{"rules":[]}`, ``},

		{`[]`, `!must be an object`},
		{`{`, `!line 1: not JSON`},
		{`{}`, `!fault: is missing`},
		{`{"fault":"x"}`, `!fault: must be one of connack, disconnect, frames, freeze`},
		{`{"fault":"puback"}`, `!action: is missing, it must be one of delay, drop, refuse`},
		{`{"fault":"puback","action":"hang"}`, `!action: must be one of delay, drop, refuse`},
		{`{"fault":"puback","action":1}`, `!action: must be a string`},
		{`{"fault":"kill","action":"drop"}`, `!action: kill has none`},
		{`{"fault":"kill","fault":"kill"}`, `!member "fault" is given twice`},
		{`{"fault":"kill","tims":1}`, `!unknown member "tims", known are fault, match, times, every, on, delayMs`},
		{`{"fault":"puback","action":"drop","delayMs":1}`, `!unknown member "delayMs"`},
		{`{"fault":"puback","action":"delay"}`, `!delayMs: is missing`},
		{`{"fault":"puback","action":"delay","delayMs":600001}`, `!delayMs: must be a whole number from 1 to 600000`},
		{`{"fault":"connack","action":"refuse","reasonCode":0}`, `!reasonCode: must be a whole number from 1 to 255`},
		{`{"fault":"connack","action":"refuse","reasonCode":256}`, `!reasonCode: must be a whole number`},
		{`{"fault":"upgrade","action":"refuse","status":200}`, `!status: must be a whole number from 400 to 599`},
		{`{"fault":"upgrade","action":"hang","match":{}}`, `!unknown member "match"`},
		{`{"fault":"shadow","action":"refuse","status":501}`, `!status: must be 429, 500 or 503`},
		{`{"fault":"shadow","action":"drop","match":{"thing":"a/b"}}`, `!match.thing: must be the name of a thing`},
		{`{"fault":"shadowCreation","action":"refuse","withinMs":1,"times":1}`, `!unknown member "times"`},
		{`{"fault":"pingresp","action":"drop","match":{"topic":"a"}}`, `!match: unknown member "topic", known are clientId`},
		{`{"fault":"kill","match":{"topic":"a"}}`, `!match.topic: a connack has no topic`},
		{`{"fault":"kill","on":"connect"}`, `!on: must be one of connack`},
		{`{"fault":"kill","match":{"clientId":""}}`, `!match.clientId: must have 1 to 1024 bytes`},
		{`{"fault":"kill","on":"puback","match":{"topic":"#/a"}}`, `!match.topic: must be a topic filter`},
		{`{"rules":[],"x":1}`, `!unknown member "x", known are rules`},
		{`{"rules":[{"fault":"kill"},{"fault":"kill","match":{"id":"a"}}]}`, `!rules[1].match: unknown member "id"`},
		{`{"rules":{}}`, `!rules: must be an array`},
		{`{"rules":[` + strings.Repeat(`{},`, maxRules) + `{}]}`, `!rules: there are more than 256`},
		{strings.Repeat(" ", maxPlan+1), `!longer than`},
	} {
		plan, err := ParsePlan([]byte(test.text))
		if problem, wrong := strings.CutPrefix(test.want, "!"); wrong {
			if err == nil || !strings.HasPrefix(err.Error(), problem) {
				t.Errorf("%.80s: %v, want %s", test.text, err, problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		got := ""
		for _, rule := range plan.Rules {
			text, _ := json.Marshal(rule)
			got += string(text)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.text, got, test.want)
		}
	}
}

// What is listed can be set again.
func FuzzParsePlan(f *testing.F) {
	for fault, actions := range forms {
		for action := range actions {
			f.Add([]byte(`{"fault":"` + fault + `","action":"` + action + `","delayMs":5,"reasonCode":135,"status":500}`))
		}
	}
	f.Add([]byte(`{"fault":"disconnect","reasonCode":0,"on":"puback","match":{"topic":"a/#","clientId":"*"},"every":2,"times":3}`))
	f.Add([]byte(`{"rules":[{"fault":"kill"},{"fault":"shadowCreation","action":"drop","withinMs":1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		plan, err := ParsePlan(text)
		if err != nil {
			return
		}
		listed, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePlan(listed)
		if len(listed) <= maxPlan && (err != nil || !reflect.DeepEqual(plan, again)) {
			t.Fatalf("%s: %v", listed, err)
		}
	})
}

// What clients send is looked at before the broker finds out that it is malformed.
func FuzzSee(f *testing.F) {
	f.Add([]byte("\x10\x0e\x00\x04MQTT\x05\x02\x00\x1e\x00\x00\x01a\x32\x0b\x00\x01t\x00\x07\x03\x23\x00\x01hi\x82\x07\x00\x01\x00\x00\x01t\x01"), uint8(3))
	f.Add([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a\x32\x07\x00\x01t\x00\x07hi"), uint8(1))
	f.Add([]byte("\x10\x01\x00\x32\x01\x00\x82\x00\x90\xff\xff\xff\xff\xff"), uint8(2))
	f.Fuzz(func(t *testing.T, sent []byte, size uint8) {
		c := &Conn{injector: New(nil), in: framer{limit: 1 << 10}, aliases: map[uint16]string{}, topics: map[uint32][]string{}}
		for len(sent) > 0 {
			n := min(len(sent), int(size)+1)
			c.see(sent[:n])
			sent = sent[n:]
		}
	})
}

func TestFramer(t *testing.T) {
	large := "\x30\x81\x01" + strings.Repeat("x", 129)
	stream := "\xc0\x00" + large + "\x40\x02\x00\x01" + "\xd0\x00"
	for size := 1; size <= len(stream); size++ {
		for limit, want := range map[int]string{0: "\xc0\x00|" + large + "|\x40\x02\x00\x01|\xd0\x00|", 100: "\xc0\x00|\x40\x02\x00\x01|\xd0\x00|"} {
			f, got := framer{limit: limit}, ""
			for rest := stream; rest != ""; {
				n := min(size, len(rest))
				if err := f.feed([]byte(rest[:n]), func(p []byte) error { got += string(p) + "|"; return nil }); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if got != want {
				t.Errorf("in pieces of %d, limit %d: %q", size, limit, got)
			}
		}
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "a", true}, {"a", "a", true}, {"a", "ab", false}, {"a", "", false}, {"*", "", true}, {"a*", "ab", true},
		{"a*c", "abcbc", true}, {"a*c", "abcb", false}, {"?", "é", true}, {"?", "", false}, {"*?b*", "xab", true}, {"**", "x", true}, {"a?c*", "abc", true},
	} {
		if got := glob(test.pattern, test.text); got != test.want {
			t.Errorf("%q of %q: %v", test.pattern, test.text, got)
		}
	}
}

func TestMatchesTopic(t *testing.T) {
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a", false}, {"a", "a/b", false}, {"a/+", "a/b", true}, {"+", "a/b", false}, {"a/#", "a", true},
		{"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"#", "$aws/x", true}, {"+/+", "/", true}, {"a/+/c", "a//c", true}, {"a/+", "a", false},
	} {
		if got := matchesTopic(test.filter, test.topic); got != test.want {
			t.Errorf("%q of %q: %v", test.filter, test.topic, got)
		}
	}
}
