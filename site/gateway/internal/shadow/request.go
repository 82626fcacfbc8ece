package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

const maxClientToken = 64 // bytes

// rejection is what goes out on .../rejected.
type rejection struct {
	code    int
	message string
}

func (r *rejection) Error() string { return fmt.Sprintf("%d %s", r.code, r.message) }

// request is a checked request document.
type request struct {
	clears            bool // "state": null
	desired, reported section
	version           *int64
	clientToken       *string
}

// section is one half of a request's state: absent, null (a nil value) or an object.
type section struct {
	given bool
	value object
}

// readRequest decodes and checks a payload. Where it fails, the request still has the
// client token if that could be read.
func readRequest(payload []byte, operation Operation, limits Limits) (request, error) {
	switch operation {
	case List:
		return request{}, nil
	case Delete: // whose content is ignored, but for a token
		if r, err := readDocument(payload, false, limits); err == nil {
			return r, nil
		}
		return request{}, nil
	default:
		return readDocument(payload, operation == Update, limits)
	}
}

func readDocument(payload []byte, needsState bool, limits Limits) (request, error) {
	var r request
	if !utf8.Valid(payload) {
		return r, &rejection{415, "Unsupported documented encoding; supported encoding is UTF-8"}
	}
	if len(bytes.TrimSpace(payload)) == 0 && !needsState {
		return r, nil
	}
	body, err := decode(payload)
	if err != nil {
		return r, &rejection{400, "Invalid JSON"}
	}
	if value, given := body["clientToken"]; given {
		token, ok := value.(string)
		if !ok || len(token) > maxClientToken {
			return r, &rejection{400, "Invalid clientToken"}
		}
		r.clientToken = &token
	}
	if !needsState {
		return r, nil
	}
	if value, given := body["version"]; given {
		number, _ := value.(json.Number)
		version, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || version < 0 {
			return r, &rejection{400, "Invalid version"}
		}
		r.version = &version
	}
	value, given := body["state"]
	if !given {
		return r, &rejection{400, "Missing required node: state"}
	}
	return r, r.readState(value, limits)
}

func (r *request) readState(value any, limits Limits) error {
	if value == nil {
		r.clears = true
		return nil
	}
	state, ok := value.(object)
	if !ok {
		return &rejection{400, "State node must be an object"}
	}
	for _, key := range sortedKeys(state) {
		var err error
		switch key {
		case "desired":
			r.desired, err = readSection(state[key], "Desired", limits)
		case "reported":
			r.reported, err = readSection(state[key], "Reported", limits)
		case "delta": // the service's own; dropped
		default:
			err = &rejection{400, fmt.Sprintf("State contains an invalid node: '%s'", key)}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readSection(value any, name string, limits Limits) (section, error) {
	if value == nil {
		return section{given: true}, nil
	}
	content, ok := value.(object)
	if !ok {
		return section{}, &rejection{400, name + " node must be an object"}
	}
	if depth(content) > limits.Depth {
		return section{}, &rejection{400, fmt.Sprintf("JSON contains too many levels of nesting; maximum is %d", limits.Depth)}
	}
	if key, found := nullInArray(content); found {
		return section{}, &rejection{400, fmt.Sprintf("State contains an invalid node: '%s'", key)}
	}
	return section{given: true, value: content}, nil
}

// sortedKeys has what is wrong with a request in several places told of the same one
// every time.
func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }

// nullInArray finds a null where it cannot mean removal, and the key it is under.
func nullInArray(content object) (key string, found bool) {
	for _, key := range sortedKeys(content) {
		switch v := content[key].(type) {
		case object:
			if inner, found := nullInArray(v); found {
				return inner, true
			}
		case array:
			if inner, found := nullIn(v, key); found {
				return inner, true
			}
		}
	}
	return "", false
}

// nullIn finds a null at any level of a value that an array holds, or of the array.
func nullIn(value any, key string) (string, bool) {
	switch v := value.(type) {
	case nil:
		return key, true
	case array:
		for _, item := range v {
			if inner, found := nullIn(item, key); found {
				return inner, true
			}
		}
	case object:
		for _, name := range sortedKeys(v) {
			if inner, found := nullIn(v[name], name); found {
				return inner, true
			}
		}
	}
	return "", false
}

// echo is the state which update/accepted shows: what the request carried.
func (r request) echo() any {
	if r.clears {
		return nil
	}
	out := object{}
	for name, s := range map[string]section{"desired": r.desired, "reported": r.reported} {
		switch {
		case !s.given:
		case s.value == nil:
			out[name] = nil
		default:
			out[name] = s.value
		}
	}
	return out
}

// sign adds the client token, if the request had one.
func (r request) sign(b body) body {
	if r.clientToken != nil {
		b = append(b[:len(b):len(b)], member{"clientToken", *r.clientToken})
	}
	return b
}
