package shadow

import (
	"regexp"
	"strings"
)

const prefix = "$aws/things/"

var (
	thingPattern = regexp.MustCompile(`^[a-zA-Z0-9:_-]{1,128}$`)
	namePattern  = regexp.MustCompile(`^[$a-zA-Z0-9:_-]{1,64}$`)
)

// id names one shadow; name is empty for a thing's classic shadow.
type id struct{ thing, name string }

// base is the topic in front of the operations.
func (i id) base() string {
	if i.name == "" {
		return prefix + i.thing + "/shadow"
	}
	return prefix + i.thing + "/shadow/name/" + i.name
}

// check refuses names which AWS does not allow. The texts are not published.
func (i id) check() error {
	if !thingPattern.MatchString(i.thing) {
		return &rejection{400, "Invalid thing name"}
	}
	if i.name != "" && !namePattern.MatchString(i.name) {
		return &rejection{400, "Invalid shadow name"}
	}
	return nil
}

// String is the name which error texts use: the thing's, or thing~shadow.
func (i id) String() string {
	if i.name == "" {
		return i.thing
	}
	return i.thing + "~" + i.name
}

// address is a reserved topic taken apart.
type address struct {
	id   id
	tail string
}

// parse splits a reserved shadow topic ("Device Shadow MQTT topics", AWS IoT
// developer guide): $aws/things/T/shadow/... or $aws/things/T/shadow/name/S/...
func parse(topic string) (_ address, ok bool) {
	rest, ok := strings.CutPrefix(topic, prefix)
	if !ok {
		return address{}, false
	}
	thing, rest, ok := strings.Cut(rest, "/shadow/")
	if !ok || strings.Contains(thing, "/") {
		return address{}, false
	}
	a := address{id: id{thing: thing}, tail: rest}
	if named, isNamed := strings.CutPrefix(rest, "name/"); isNamed {
		if a.id.name, a.tail, ok = strings.Cut(named, "/"); !ok || a.id.name == "" {
			return address{}, false
		}
	}
	return a, true
}

// ParseTopic returns the request that a message is, if it is one.
func ParseTopic(topic string, payload []byte) (r Request, ok bool) {
	a, ok := parse(topic)
	if !ok {
		return Request{}, false
	}
	switch operation := Operation(a.tail); operation {
	case Get, Update, Delete:
		return Request{Operation: operation, Thing: a.id.thing, Shadow: a.id.name, Payload: payload}, true
	}
	return Request{}, false
}

// IsAnswer reports whether topic is one on which only the shadow service speaks.
func IsAnswer(topic string) bool {
	a, ok := parse(topic)
	if !ok {
		return false
	}
	switch a.tail {
	case "get/accepted", "get/rejected", "delete/accepted", "delete/rejected",
		"update/accepted", "update/rejected", "update/delta", "update/documents":
		return true
	}
	return false
}
