package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"iotwasm/site/gateway/internal/strictjson"
)

const (
	documentVersion         = "2012-10-17"
	effectAllow, effectDeny = "Allow", "Deny"
	maxDocument             = 64 << 10 // bytes; AWS takes 2048 characters for an IoT policy, 6144 for an IAM one
	maxPatterns             = 1 << 10  // in one document

	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	digits       = "0123456789"
)

// Parse reads a policy document. The error names the statement and the field, and is
// a *strictjson.Error.
func Parse(text []byte) (*Document, error) {
	if len(text) > maxDocument {
		return nil, strictjson.Problem("the document is longer than %d bytes", maxDocument)
	}
	members, err := strictjson.Object(text)
	if err != nil {
		return nil, err
	}
	var d Document
	versioned := false
	for _, m := range members {
		switch m.Name {
		case "Version":
			// The older one, which is IAM's default, knows no policy variables.
			if version, err := strictjson.String(m.Value); err != nil || version != documentVersion {
				return nil, strictjson.In(m.Name, strictjson.Problem("must be %q", documentVersion))
			}
			versioned = true
		case "Id":
			if _, err := strictjson.String(m.Value); err != nil {
				return nil, strictjson.In(m.Name, err)
			}
		case "Statement":
			if d.statements, err = parseStatements(m.Value); err != nil {
				return nil, err
			}
		default:
			return nil, strictjson.Unknown(m.Name, "Version", "Id", "Statement")
		}
	}
	switch {
	case !versioned:
		return nil, strictjson.In("Version", strictjson.Problem("is missing, it must be %q", documentVersion))
	case d.statements == nil:
		return nil, strictjson.In("Statement", strictjson.Problem("is missing"))
	}
	patterns := 0
	for _, s := range d.statements {
		patterns += len(s.actions) + len(s.resources)
		for _, c := range s.conditions {
			patterns += len(c.values) + len(c.prefixes)
		}
	}
	if patterns > maxPatterns {
		return nil, strictjson.In("Statement", strictjson.Problem("there are more than %d actions, resources and values", maxPatterns))
	}
	return &d, nil
}

// parseStatements takes one statement or an array of them.
func parseStatements(text json.RawMessage) ([]statement, error) {
	const name = "Statement"
	elements, err := strictjson.Array(text)
	if err != nil {
		if _, err := strictjson.Object(text); err != nil {
			return nil, strictjson.In(name, strictjson.Problem("must be an object or an array of them"))
		}
		elements = []json.RawMessage{text}
	}
	if len(elements) == 0 {
		return nil, strictjson.In(name, strictjson.Problem("must not be empty"))
	}
	statements := make([]statement, 0, len(elements))
	for i, element := range elements {
		s, err := parseStatement(element)
		if err != nil {
			return nil, strictjson.In(name+strictjson.Index(i), err)
		}
		statements = append(statements, s)
	}
	return statements, nil
}

func parseStatement(text []byte) (statement, error) {
	var s statement
	members, err := strictjson.Object(text)
	if err != nil {
		return s, err
	}
	given := map[string]bool{}
	for _, m := range members {
		given[m.Name] = true
		if err := s.set(m.Name, m.Value); err != nil {
			return s, err
		}
	}
	if !given["Effect"] {
		return s, strictjson.In("Effect", strictjson.Problem("is missing"))
	}
	for _, name := range []string{"Action", "Resource"} {
		switch not := "Not" + name; {
		case given[name] && given[not]:
			return s, strictjson.In(not, strictjson.Problem("must not be given together with %s", name))
		case !given[name] && !given[not]:
			return s, strictjson.In(name, strictjson.Problem("is missing"))
		}
	}
	return s, nil
}

func (s *statement) set(name string, value json.RawMessage) error {
	var err error
	switch name {
	case "Sid":
		_, err = strictjson.String(value)
	case "Effect":
		var effect string
		effect, err = strictjson.String(value)
		if err == nil && effect != effectAllow && effect != effectDeny {
			err = strictjson.Problem("must be %q or %q", effectAllow, effectDeny)
		}
		s.deny = effect == effectDeny
	case "Action", "NotAction":
		s.notActions = name == "NotAction"
		s.actions, err = parseEach(value, parseAction)
	case "Resource", "NotResource":
		s.notThose = name == "NotResource"
		s.resources, err = parseEach(value, parseResource)
	case "Condition":
		s.conditions, err = parseConditions(value)
	case "Principal", "NotPrincipal":
		err = strictjson.Problem("is not for a policy which is attached to a principal")
	default:
		return strictjson.Unknown(name, "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
	}
	return strictjson.In(name, err)
}

// parseEach reads a string, or each of an array.
func parseEach[T any](value json.RawMessage, parse func(string) (T, error)) ([]T, error) {
	texts, err := strictjson.OneOrMore(value)
	if err != nil {
		return nil, err
	}
	parsed := make([]T, 0, len(texts))
	for i, text := range texts {
		one, err := parse(text)
		if err != nil {
			if value[0] == '[' {
				err = strictjson.In(strictjson.Index(i), err)
			}
			return nil, err
		}
		parsed = append(parsed, one)
	}
	return parsed, nil
}

// parseAction refuses actions which nothing here asks for: most are typing mistakes.
func parseAction(text string) (pattern, error) {
	lower := strings.ToLower(text)
	if lower != "*" && !strings.HasPrefix(lower, "iot:") {
		return nil, strictjson.Problem("%s is not an action of AWS IoT Core: they begin with iot:", strictjson.Quote(text))
	}
	if strings.Contains(text, "$") {
		return nil, strictjson.Problem("policy variables are not for actions")
	}
	p, err := parsePattern(lower, true)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(actions, func(action string) bool { return p.matches(strings.ToLower(action), &Variables{}) }) {
		return nil, strictjson.Problem("%s is not an action of clients, which are %s", strictjson.Quote(text), strings.Join(actions, ", "))
	}
	return p, nil
}

func parseResource(text string) (resource, error) {
	var r resource
	if text == "*" {
		r.every = true
		return r, nil
	}
	parts := strings.SplitN(text, ":", arnSections)
	if len(parts) != arnSections || parts[0] != "arn" || parts[2] != "iot" {
		return r, strictjson.Problem("%s must be * or arn:partition:iot:region:account:resource", strictjson.Quote(text))
	}
	for _, section := range []struct {
		name, text, allowed string
		into                *pattern
	}{
		{"partition", parts[1], lowerLetters + "-", &r.partition},
		{"region", parts[3], lowerLetters + digits + "-", &r.region},
		{"account", parts[4], digits, &r.account},
	} {
		if section.text == "" || strings.Trim(section.text, section.allowed+"*?") != "" {
			return r, strictjson.Problem("%s: malformed %s", strictjson.Quote(text), section.name)
		}
		p, err := parsePattern(section.text, true)
		if err != nil {
			return r, err
		}
		*section.into = p
	}
	var err error
	if r.object, err = parsePattern(parts[5], true); err != nil {
		return r, err
	}
	// A type can be told apart where a slash comes before anything that varies.
	kind, _, typed := strings.Cut(parts[5], "/")
	varies := strings.ContainsAny(kind, "*?$")
	switch kind {
	case "client", "topic", "topicfilter", "thing":
		if typed {
			return r, nil
		}
	}
	if !varies {
		return r, strictjson.Problem("%s: the type of the resource is none of client, topic, topicfilter and thing", strictjson.Quote(text))
	}
	return r, nil
}
