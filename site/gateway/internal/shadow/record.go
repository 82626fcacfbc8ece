package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// entry is a shadow, or what is left of it after its deletion.
type entry struct {
	document
	version          int64
	updated, deleted time.Time // deleted is zero while the shadow exists
}

// whole is the document as get and update/documents show it, with a delta for get.
func (e *entry) whole(delta object) body {
	state := e.state.sections()
	if delta != nil {
		state = append(state, member{"delta", delta})
	}
	return body{{"state", state}, {"metadata", e.metadata.sections()}, {"version", e.version}}
}

// record is an entry in the store. Times are nanoseconds since 1970.
type record struct {
	Version  int64  `json:"version"`
	Updated  int64  `json:"updated"`
	Deleted  int64  `json:"deleted,omitempty"`
	State    halves `json:"state"`
	Metadata halves `json:"metadata"`
}

type halves struct {
	Desired  object `json:"desired,omitempty"`
	Reported object `json:"reported,omitempty"`
}

// separator is between a thing and the name of its shadow in a key. No name has it.
const separator = "\x00"

func (i id) key() string { return i.thing + separator + i.name }

func idOf(key string) (id, bool) {
	thing, name, ok := strings.Cut(key, separator)
	return id{thing, name}, ok
}

func (e *entry) encode() []byte {
	r := record{
		Version: e.version, Updated: e.updated.UnixNano(),
		State:    halves{e.state.desired, e.state.reported},
		Metadata: halves{e.metadata.desired, e.metadata.reported},
	}
	if !e.deleted.IsZero() {
		r.Deleted = e.deleted.UnixNano()
	}
	return encode(r)
}

func decodeEntry(value []byte) (*entry, error) {
	var r record
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return nil, err
	}
	if r.Version < 1 {
		return nil, fmt.Errorf("version %d", r.Version)
	}
	e := &entry{version: r.Version, updated: time.Unix(0, r.Updated)}
	e.state = sections{r.State.Desired, r.State.Reported}
	e.metadata = sections{r.Metadata.Desired, r.Metadata.Reported}
	if r.Deleted != 0 {
		e.deleted = time.Unix(0, r.Deleted)
	}
	return e, nil
}

// expired reports that a deleted shadow leaves nothing behind any more.
func (e *entry) expired(now time.Time) bool {
	return !e.deleted.IsZero() && now.Sub(e.deleted) >= retention
}

// load returns what the store has of a shadow, nil if that is nothing.
func (s *Service) load(i id, now time.Time) (*entry, error) {
	value, ok, err := s.store.Get(i.key())
	if err != nil || !ok {
		return nil, err
	}
	e, err := decodeEntry(value)
	if err != nil {
		return nil, fmt.Errorf("the record of shadow %s: %w", i, err)
	}
	if e.expired(now) {
		return nil, s.store.Delete(i.key())
	}
	return e, nil
}

func (s *Service) save(i id, e *entry) error { return s.store.Put(i.key(), e.encode()) }

// review looks at every record, and removes those that have had their time.
func (s *Service) review(now time.Time) error {
	var old []string
	var found error
	err := s.store.Each("", "", func(key string, value []byte) bool {
		i, ok := idOf(key)
		if !ok || i.check() != nil {
			found = fmt.Errorf("%.80q is not the key of a shadow", key)
			return false
		}
		e, err := decodeEntry(value)
		if err != nil {
			found = fmt.Errorf("the record of shadow %s: %w", i, err)
			return false
		}
		if e.expired(now) {
			old = append(old, key)
		}
		return true
	})
	if err == nil {
		err = found
	}
	for _, key := range old {
		if err == nil {
			err = s.store.Delete(key)
		}
	}
	if err != nil {
		return fmt.Errorf("read the shadows: %w", err)
	}
	return nil
}
