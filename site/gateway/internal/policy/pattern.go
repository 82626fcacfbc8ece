package policy

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"iotwasm/site/gateway/internal/strictjson"
)

type partKind uint8

const (
	literal  partKind = iota
	variable          // its text is the name, in lower case
	one               // ? is any one character
	many              // * is any characters, slashes too
)

type part struct {
	kind partKind
	text string
}

// pattern is a text of a policy. + and # have no meaning in it: they are characters.
type pattern []part

// variables are the policy variables which the gateway can fill in, by their name in
// lower case; ok is false when this client has none.
var variables = map[string]func(v *Variables) (value string, ok bool){
	"iot:clientid":                   func(v *Variables) (string, bool) { return v.ClientID, v.ClientID != "" },
	"iot:connection.thing.thingname": thingName,
	"iot:thing.thingname":            thingName, // the developer guide uses both
	"iot:connection.thing.isattached": func(v *Variables) (string, bool) {
		_, ok := thingName(v) // there is no registry: a client that can be a thing is one
		return strconv.FormatBool(ok), true
	},
	"iot:domainname":      func(v *Variables) (string, bool) { return v.DomainName, v.DomainName != "" },
	"aws:sourceip":        func(v *Variables) (string, bool) { return sourceIP(v).String(), v.SourceIP.IsValid() },
	"aws:securetransport": func(v *Variables) (string, bool) { return strconv.FormatBool(v.Secure), true },
}

const knownVariables = "iot:ClientId, iot:Connection.Thing.ThingName, iot:Connection.Thing.IsAttached, iot:DomainName, aws:SourceIp and aws:SecureTransport"

// thingName is the client identifier, if that can be the name of a thing.
func thingName(v *Variables) (string, bool) {
	return v.ClientID, len(v.ClientID) <= thingNameMax && thingNamePattern.MatchString(v.ClientID)
}

func sourceIP(v *Variables) netip.Addr { return v.SourceIP.Unmap().WithZone("") }

// parsePattern reads a text in which * and ? are wildcards, if there are any, and
// ${name} is a variable. ${*}, ${?} and ${$} are the characters themselves.
func parsePattern(text string, wildcards bool) (pattern, error) {
	var p pattern
	plain := func(s string) {
		if n := len(p); n > 0 && p[n-1].kind == literal {
			p[n-1].text += s
			return
		}
		p = append(p, part{literal, s})
	}
	for text != "" {
		switch {
		case wildcards && text[0] == '*':
			if n := len(p); n == 0 || p[n-1].kind != many {
				p = append(p, part{kind: many})
			}
			text = text[1:]
		case wildcards && text[0] == '?':
			p = append(p, part{kind: one})
			text = text[1:]
		case strings.HasPrefix(text, "${"):
			name, rest, closed := strings.Cut(text[2:], "}")
			if !closed {
				return nil, strictjson.Problem("${ is not closed")
			}
			text = rest
			switch lower := strings.ToLower(name); {
			case name == "*" || name == "?" || name == "$":
				plain(name)
			case variables[lower] != nil:
				p = append(p, part{variable, lower})
			default:
				return nil, unknownVariable(name)
			}
		default:
			end := 1
			for end < len(text) && text[end] != '$' && (!wildcards || text[end] != '*' && text[end] != '?') {
				end++
			}
			plain(text[:end])
			text = text[end:]
		}
	}
	return p, nil
}

// unknownVariable says why the likely ones are not there.
func unknownVariable(name string) error {
	lower, why := strings.ToLower(name), ""
	switch {
	case strings.HasPrefix(lower, "iot:certificate"):
		why = ", for certificates do not authenticate WebSockets"
	case strings.HasPrefix(lower, "iot:connection.thing.") || strings.HasPrefix(lower, "iot:thing."):
		why = ", for there is no registry of things"
	case strings.HasPrefix(lower, "cognito-identity."):
		why = ", for there are no Amazon Cognito identities"
	case strings.Contains(name, ","):
		why = " with a default value"
	}
	return strictjson.Problem("the gateway has no policy variable %s%s: it knows %s", strictjson.Quote("${"+name+"}"), why, knownVariables)
}

// resolved reports whether each of its variables has a value.
func (p pattern) resolved(v *Variables) bool {
	for _, part := range p {
		if part.kind == variable {
			if _, ok := variables[part.text](v); !ok {
				return false
			}
		}
	}
	return true
}

// matches compares the whole of text. A variable is compared as the characters of its
// value; one without a value matches nothing.
func (p pattern) matches(text string, v *Variables) bool {
	next, at := 0, 0      // of p, of text
	star, starAt := -1, 0 // the last *, and where what follows it was tried
	for {
		if next == len(p) {
			if at == len(text) {
				return true
			}
		} else {
			matched := true
			switch current := p[next]; current.kind {
			case many:
				star, starAt = next, at
			case one:
				_, size := utf8.DecodeRuneInString(text[at:])
				matched = size > 0
				at += size
			case literal:
				matched = strings.HasPrefix(text[at:], current.text)
				if matched {
					at += len(current.text)
				}
			case variable:
				value, ok := variables[current.text](v)
				if !ok {
					return false
				}
				matched = strings.HasPrefix(text[at:], value)
				if matched {
					at += len(value)
				}
			}
			if matched {
				next++
				continue
			}
		}
		if star < 0 || starAt >= len(text) {
			return false
		}
		// What stands between two * is found where it comes first, so only the last counts.
		_, size := utf8.DecodeRuneInString(text[starAt:])
		starAt += size
		next, at = star+1, starAt
	}
}
