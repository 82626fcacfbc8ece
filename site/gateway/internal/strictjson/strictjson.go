// Package strictjson owns the reading of the gateway's small JSON files: it refuses
// what encoding/json lets pass, such as a member that is given twice, and its errors
// say where in the file the problem is and never what the file holds, which may be a
// secret. It imports the standard library only; policy and authorizer call it, from
// any goroutine.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxName is how much of an unknown member's name an error quotes.
const maxName = 64

// Error is a problem and the place which has it, such as Statement[0].Action.
type Error struct{ Path, Problem string }

// Error returns the place and the problem.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// Problem returns an *Error without a place, which In adds.
func Problem(format string, args ...any) error {
	return &Error{Problem: fmt.Sprintf(format, args...)}
}

// In puts the place of err inside of another: a member's name, or Index.
func In(place string, err error) error {
	if err == nil {
		return nil
	}
	e := new(Error)
	if !errors.As(err, &e) {
		return &Error{Path: place, Problem: err.Error()}
	}
	switch {
	case e.Path == "":
		return &Error{Path: place, Problem: e.Problem}
	case strings.HasPrefix(e.Path, "["):
		return &Error{Path: place + e.Path, Problem: e.Problem}
	}
	return &Error{Path: place + "." + e.Path, Problem: e.Problem}
}

// Index is the place of an element of an array.
func Index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// Unknown is the error for a member which is none of known.
func Unknown(name string, known ...string) error {
	return Problem("unknown member %s, known are %s", Quote(name), strings.Join(known, ", "))
}

// Quote quotes text for an error, and shortens it.
func Quote(text string) string {
	if len(text) > maxName {
		cut := maxName
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strconv.Quote(text)
}

// Check reports whether text is one JSON value, and in which line it is not.
func Check(text []byte) error {
	var raw json.RawMessage
	err := json.Unmarshal(text, &raw)
	syntax := new(json.SyntaxError)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		before := text[:min(max(syntax.Offset, 0), int64(len(text)))]
		return Problem("line %d: not JSON: %v", bytes.Count(before, []byte("\n"))+1, syntax)
	}
	return Problem("not JSON")
}

// Member is one member of an object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Object returns the members of an object, in order.
func Object(text []byte) ([]Member, error) {
	if !begins(text, '{') {
		return nil, Problem("must be an object")
	}
	if err := Check(text); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil {
		return nil, Problem("must be an object")
	}
	var members []Member
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, Problem("must be an object")
		}
		if seen[name] {
			return nil, Problem("member %s is given twice", Quote(name))
		}
		seen[name] = true
		member := Member{Name: name}
		if err := decoder.Decode(&member.Value); err != nil {
			return nil, In(name, Problem("not JSON"))
		}
		members = append(members, member)
	}
	return members, nil
}

// Array returns the elements of an array.
func Array(text []byte) ([]json.RawMessage, error) {
	var elements []json.RawMessage
	if !begins(text, '[') || json.Unmarshal(text, &elements) != nil {
		return nil, Problem("must be an array")
	}
	return elements, nil
}

// String returns a string.
func String(text []byte) (string, error) {
	var value string
	if !begins(text, '"') || json.Unmarshal(text, &value) != nil {
		return "", Problem("must be a string")
	}
	return value, nil
}

// Strings returns the elements of an array of strings, of which there is one at least.
func Strings(text []byte) ([]string, error) {
	elements, err := Array(text)
	if err != nil {
		return nil, Problem("must be an array of strings")
	}
	if len(elements) == 0 {
		return nil, Problem("must not be empty")
	}
	values := make([]string, 0, len(elements))
	for i, element := range elements {
		value, err := String(element)
		if err != nil {
			return nil, In(Index(i), err)
		}
		values = append(values, value)
	}
	return values, nil
}

// OneOrMore returns a string, or the elements of an array of strings.
func OneOrMore(text []byte) ([]string, error) {
	switch {
	case begins(text, '"'):
		value, err := String(text)
		return []string{value}, err
	case begins(text, '['):
		return Strings(text)
	}
	return nil, Problem("must be a string or an array of strings")
}

// Bool returns true or false.
func Bool(text []byte) (bool, error) {
	switch string(bytes.TrimSpace(text)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, Problem("must be true or false")
}

// Int returns a whole number from low to high.
func Int(text []byte, low, high int) (int, error) {
	value, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || value < low || value > high {
		return 0, Problem("must be a whole number from %d to %d", low, high)
	}
	return value, nil
}

func begins(text []byte, with byte) bool {
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == with
}
