package shadow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// object and array are JSON values as encoding/json decodes them.
type (
	object = map[string]any
	array  = []any
)

// body is a JSON object whose members are written in their order, which is AWS's.
type body []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (b body) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range b {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, encode(m.name)...), ':'), encode(m.value)...)
	}
	return append(out, '}'), nil
}

// decode reads one JSON object and keeps numbers as they are written.
func decode(payload []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decode request: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode request: something follows the document")
	}
	body, ok := value.(object)
	if !ok {
		return nil, errors.New("decode request: not an object")
	}
	return body, nil
}

// encode writes compact JSON, text as it was given.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("shadow: encode what was decoded: %v", err)) // cannot be: only JSON values come here
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
