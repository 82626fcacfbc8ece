package fault

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"iotwasm/site/gateway/internal/strictjson"
)

const (
	maxPlan    = 256 << 10
	maxRules   = 256
	maxText    = 1024    // of a match
	maxDelayMs = 600_000 // keeps a mistyped delay from being one for ever
	maxCount   = 1_000_000_000
	maxBytes   = 1 << 20
	maxCopies  = 1000
)

// ParsePlan reads a plan, {"rules": [...]}, or a single rule. Its error names the place
// and is a *strictjson.Error.
func ParsePlan(text []byte) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, strictjson.Problem("longer than %d bytes", maxPlan)
	}
	members, err := strictjson.Object(text)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(members, func(m strictjson.Member) bool { return m.Name == "rules" })
	if at < 0 {
		rule, err := parseRule(members)
		if err != nil {
			return nil, err
		}
		return &Plan{Rules: []Rule{*rule}}, nil
	}
	for _, m := range members {
		if m.Name != "rules" {
			return nil, strictjson.Unknown(m.Name, "rules")
		}
	}
	elements, err := strictjson.Array(members[at].Value)
	switch {
	case err != nil:
		return nil, strictjson.In("rules", err)
	case len(elements) > maxRules:
		return nil, strictjson.In("rules", strictjson.Problem("there are more than %d", maxRules))
	}
	plan := &Plan{Rules: []Rule{}}
	for i, element := range elements {
		rule, err := ParseRule(element)
		if err != nil {
			return nil, strictjson.In("rules"+strictjson.Index(i), err)
		}
		plan.Rules = append(plan.Rules, *rule)
	}
	return plan, nil
}

// ParseRule reads one rule. Its error names the member and is a *strictjson.Error.
func ParseRule(text []byte) (*Rule, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		return nil, err
	}
	return parseRule(members)
}

func parseRule(members []strictjson.Member) (*Rule, error) {
	var r Rule
	given := map[string]bool{}
	for _, m := range members {
		given[m.Name] = true
		var err error
		switch m.Name {
		case "fault":
			r.Fault, err = choice(m.Value, slices.Sorted(maps.Keys(forms)))
		case "action":
			r.Action, err = strictjson.String(m.Value)
		}
		if err != nil {
			return nil, strictjson.In(m.Name, err)
		}
	}
	if !given["fault"] {
		return nil, strictjson.In("fault", strictjson.Problem("is missing"))
	}
	f, err := formOf(&r, given["action"])
	if err != nil {
		return nil, strictjson.In("action", err)
	}
	fault, action := r.Fault, r.Action
	r = f.standard
	r.Fault, r.Action = fault, action

	known := []string{"fault"}
	if action != "" {
		known = append(known, "action")
	}
	if f.match != nil {
		known = append(known, "match")
	}
	if !f.uncounted {
		known = append(known, memberTimes, memberEvery)
	}
	known = slices.Concat(known, f.required, f.optional)
	for _, m := range members {
		if !slices.Contains(known, m.Name) {
			return nil, strictjson.Unknown(m.Name, known...)
		}
		if err := r.set(m, f); err != nil {
			return nil, strictjson.In(m.Name, err)
		}
	}
	for _, name := range f.required {
		if !given[name] {
			return nil, strictjson.In(name, strictjson.Problem("is missing"))
		}
	}
	if r.Match.Topic != "" && (r.On == Connack || r.On == Pingresp) {
		return nil, strictjson.In("match.topic", strictjson.Problem("a %s has no topic", r.On))
	}
	return &r, nil
}

// formOf finds out what else there may be.
func formOf(r *Rule, given bool) (form, error) {
	actions := forms[r.Fault]
	if f, only := actions[""]; only {
		if given {
			return f, strictjson.Problem("%s has none", r.Fault)
		}
		return f, nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(actions)), ", ")
	f, ok := actions[r.Action]
	switch {
	case !given:
		return f, strictjson.Problem("is missing, it must be one of %s", names)
	case !ok:
		return f, strictjson.Problem("must be one of %s", names)
	}
	return f, nil
}

func choice(text json.RawMessage, names []string) (string, error) {
	value, err := strictjson.String(text)
	if err != nil || !slices.Contains(names, value) {
		return "", strictjson.Problem("must be one of %s", strings.Join(names, ", "))
	}
	return value, nil
}

func (r *Rule) set(m strictjson.Member, f form) (err error) {
	switch m.Name {
	case "match":
		r.Match, err = parseMatch(m.Value, f.match)
	case memberOn:
		r.On, err = choice(m.Value, triggers)
	case memberTimes:
		r.Times, err = strictjson.Int(m.Value, 1, maxCount)
	case memberEvery:
		r.Every, err = strictjson.Int(m.Value, 1, maxCount)
	case memberStatus:
		r.Status, err = r.parseStatus(m.Value)
	case memberReason:
		var code int
		low := 1 // 0 is no refusal
		if r.Fault == Disconnect {
			low = 0
		}
		code, err = strictjson.Int(m.Value, low, 255)
		r.ReasonCode = new(byte(code))
	case memberDelay:
		r.DelayMs, err = strictjson.Int(m.Value, 1, maxDelayMs)
	case memberWithin:
		r.WithinMs, err = strictjson.Int(m.Value, 1, maxDelayMs)
	case memberBytes:
		r.Bytes, err = strictjson.Int(m.Value, 1, maxBytes)
	case memberCopies:
		r.Copies, err = strictjson.Int(m.Value, 1, maxCopies)
	}
	return err
}

func (r *Rule) parseStatus(text json.RawMessage) (int, error) {
	if r.Fault != Shadow {
		return strictjson.Int(text, 400, 599)
	}
	status, err := strictjson.Int(text, 429, 503)
	if err != nil || status != 429 && status != 500 && status != 503 {
		return 0, strictjson.Problem("must be 429, 500 or 503")
	}
	return status, nil
}

func parseMatch(text json.RawMessage, known []string) (Match, error) {
	var match Match
	members, err := strictjson.Object(text)
	if err != nil {
		return match, err
	}
	for _, m := range members {
		if !slices.Contains(known, m.Name) {
			return match, strictjson.Unknown(m.Name, known...)
		}
		value, err := strictjson.String(m.Value)
		switch {
		case err != nil:
		case value == "" || len(value) > maxText:
			err = strictjson.Problem("must have 1 to %d bytes", maxText)
		case m.Name == memberClientID:
			match.ClientID = value
		case m.Name == memberTopic:
			match.Topic, err = value, checkFilter(value)
		case m.Name == memberThing:
			match.Thing, err = value, checkThing(value)
		}
		if err != nil {
			return match, strictjson.In(m.Name, err)
		}
	}
	return match, nil
}
