package broker

import "strings"

const (
	sharePrefix = "$share/"
	rulesPrefix = "$aws/rules/"
)

// checkTopic tells what is wrong with a topic of a PUBLISH, or nothing.
func (p *Profile) checkTopic(topic string) string {
	switch {
	case topic == "":
		return "the topic is empty"
	case strings.ContainsAny(topic, "+#"):
		return "the topic contains a wildcard"
	case hasPrefixFold(topic, "$SYS"), hasPrefixFold(topic, "$share"): // mochi drops them
		return "the topic is the server's"
	}
	return p.checkLength(afterName(topic, rulesPrefix))
}

// checkFilter tells what is wrong with a topic filter, or nothing.
func (p *Profile) checkFilter(filter string) string {
	inner := filter
	if strings.HasPrefix(filter, sharePrefix) {
		name, rest, found := strings.Cut(filter[len(sharePrefix):], "/")
		switch {
		case name == "" || strings.ContainsAny(name, "+#"):
			return "the share name is empty or contains a wildcard"
		case p.ShareNameBytes > 0 && len(name) > p.ShareNameBytes:
			return "the share name is too long"
		case !found:
			return "the topic filter of the share is empty"
		}
		inner = rest
	}
	if inner == "" {
		return "the topic filter is empty"
	}
	for rest, more := inner, true; more; {
		var level string
		level, rest, more = strings.Cut(rest, "/")
		if len(level) > 1 && strings.ContainsAny(level, "+#") || level == "#" && more {
			return "a wildcard is in the wrong place"
		}
	}
	return p.checkLength(afterName(inner, rulesPrefix))
}

func hasPrefixFold(topic, prefix string) bool {
	return len(topic) >= len(prefix) && strings.EqualFold(topic[:len(prefix)], prefix)
}

func (p *Profile) checkLength(topic string) string {
	switch {
	case p.TopicBytes > 0 && len(topic) > p.TopicBytes:
		return "the topic is too long"
	case p.TopicSlashes > 0 && strings.Count(topic, "/") > p.TopicSlashes:
		return "the topic has too many slashes"
	}
	return ""
}

// afterName cuts prefix and the name after it off, which limits do not count.
func afterName(topic, prefix string) string {
	if name, ok := strings.CutPrefix(topic, prefix); ok {
		if _, rest, found := strings.Cut(name, "/"); found {
			return rest
		}
	}
	return topic
}

// shared returns the filter inside a shared subscription.
func shared(filter string) (inner string, ok bool) {
	if !strings.HasPrefix(filter, sharePrefix) {
		return filter, false
	}
	_, inner, _ = strings.Cut(filter[len(sharePrefix):], "/")
	return inner, true
}

func hasWildcard(filter string) bool { return strings.ContainsAny(filter, "+#") }

// matches reports whether a filter, not a shared one, takes a topic [MQTT-4.7]; with
// parents, a/# takes a as well.
func matches(filter, topic string, parents bool) bool {
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")) {
		return false // [MQTT-4.7.2-1]
	}
	moreFilter, moreTopic := true, true
	for moreFilter {
		var level, name string
		level, filter, moreFilter = strings.Cut(filter, "/")
		if level == "#" {
			return moreTopic || parents
		}
		if !moreTopic {
			return false
		}
		name, topic, moreTopic = strings.Cut(topic, "/")
		if level != "+" && level != name {
			return false
		}
	}
	return !moreTopic
}
