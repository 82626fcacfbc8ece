package shadow

import (
	"encoding/base64"
	"fmt"
	"time"
)

// MaxPageSize is the most names that one answer to List has.
const MaxPageSize = 100

// list answers with the names of a thing's named shadows. A thing without any, or one
// that was never heard of, has an empty list: the gateway has no registry of things.
func (s *Service) list(r Request, now time.Time) (outcome, error) {
	size := r.PageSize
	if size == 0 {
		size = MaxPageSize
	}
	if size < 1 || size > MaxPageSize {
		return outcome{}, &rejection{400, fmt.Sprintf("Invalid page size: must be from 1 to %d", MaxPageSize)}
	}
	after, err := base64.RawURLEncoding.DecodeString(r.NextToken)
	if err != nil || len(after) > 0 && !namePattern.Match(after) {
		return outcome{}, &rejection{400, "Invalid next token"}
	}

	names, more := []string{}, false
	classic := id{thing: r.Thing}.key()
	var found error
	err = s.store.Each(classic, classic+string(after), func(key string, value []byte) bool {
		i, _ := idOf(key)
		e, err := decodeEntry(value)
		switch {
		case err != nil:
			found = fmt.Errorf("the record of shadow %s: %w", i, err)
		case i.name == "" || !e.deleted.IsZero():
		case len(names) == size:
			more = true
		default:
			names = append(names, i.name)
		}
		return found == nil && !more
	})
	if err == nil {
		err = found
	}
	if err != nil {
		return outcome{}, err
	}
	answer := body{{"results", names}}
	if more {
		last := base64.RawURLEncoding.EncodeToString([]byte(names[size-1]))
		answer = append(answer, member{"nextToken", last})
	}
	return outcome{accepted: append(answer, member{"timestamp", now.Unix()})}, nil
}

// Info is what there is to say of a shadow at a glance.
type Info struct {
	// Thing and Shadow name it; the classic one has no name.
	Thing, Shadow string
	Version       int64
	// Bytes is what Limits.DocumentBytes bounds.
	Bytes   int
	Updated time.Time
}

// Shadows lists every shadow that exists, by thing and name. Nobody is counted as
// having asked, and no fault strikes.
func (s *Service) Shadows() ([]Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Info
	var found error
	err := s.store.Each("", "", func(key string, value []byte) bool {
		i, _ := idOf(key)
		e, err := decodeEntry(value)
		if err != nil {
			found = fmt.Errorf("the record of shadow %s: %w", i, err)
			return false
		}
		if e.deleted.IsZero() {
			all = append(all, Info{Thing: i.thing, Shadow: i.name, Version: e.version, Bytes: e.size(), Updated: e.updated})
		}
		return true
	})
	if err == nil {
		err = found
	}
	if err != nil {
		return nil, fmt.Errorf("list the shadows: %w", err)
	}
	return all, nil
}
