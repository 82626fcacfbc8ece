package fault

import (
	"strings"
	"unicode/utf8"

	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/strictjson"
)

// glob reports whether text is what pattern says, in which * is any characters and ?
// any one. An empty pattern is anything.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	// Only the last * needs another try: what an earlier one could take in addition,
	// the last one can take as well.
	star, retry, p, t := -1, 0, 0, 0
	for t < len(text) {
		_, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			t += size
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			_, size := utf8.DecodeRuneInString(text[retry:])
			retry += size
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func checkFilter(filter string) error {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if len(level) > 1 && strings.ContainsAny(level, "+#") || level == "#" && i < len(levels)-1 {
			return strictjson.Problem("must be a topic filter: a wildcard is in the wrong place")
		}
	}
	return nil
}

func checkThing(name string) error {
	if (shadow.Fault{Thing: name}).Check() != nil {
		return strictjson.Problem("must be the name of a thing")
	}
	return nil
}

// matches reports whether one of topics is what filter says; an empty filter is any.
func matches(filter string, topics []string) bool {
	if filter == "" {
		return true
	}
	for _, topic := range topics {
		if matchesTopic(filter, topic) {
			return true
		}
	}
	return false
}

func matchesTopic(filter, topic string) bool {
	for {
		want, more, wantMore := strings.Cut(filter, "/")
		if want == "#" {
			return true
		}
		level, rest, some := strings.Cut(topic, "/")
		switch {
		case want != "+" && want != level:
			return false
		case wantMore && !some:
			return more == "#" // which includes the level above it
		case wantMore != some:
			return false
		case !wantMore:
			return true
		}
		filter, topic = more, rest
	}
}
