package session

import (
	"slices"
	"strings"
)

// maxCachedTopics bounds the memory that routes spends on topics seen.
const maxCachedTopics = 1024

// routes finds the subscriptions that a topic name matches, by the rules of MQTT
// 5, section 4.7. The zero value is empty.
type routes struct {
	root    level
	filters map[uint32][]string
	cache   map[string][]uint32
}

// level is one level of the tree of topic filters.
type level struct {
	next map[string]*level
	ids  []uint32 // subscriptions whose filter ends here
	rest []uint32 // subscriptions whose filter ends here with "#"
}

func (r *routes) add(filter string, id uint32) {
	r.cache = nil
	if r.filters == nil {
		r.filters = make(map[uint32][]string)
	}
	if slices.Contains(r.filters[id], filter) {
		return
	}
	r.filters[id] = append(r.filters[id], filter)
	l := &r.root
	for part := range strings.SplitSeq(withoutShare(filter), "/") {
		if part == "#" {
			l.rest = append(l.rest, id)
			return
		}
		if l.next == nil {
			l.next = make(map[string]*level)
		}
		if l.next[part] == nil {
			l.next[part] = new(level)
		}
		l = l.next[part]
	}
	l.ids = append(l.ids, id)
}

// remove takes a filter from a subscription and reports whether no other
// subscription uses it.
func (r *routes) remove(filter string, id uint32) (unused bool) {
	r.cache = nil
	i := slices.Index(r.filters[id], filter)
	if i < 0 {
		return false
	}
	if r.filters[id] = slices.Delete(r.filters[id], i, i+1); len(r.filters[id]) == 0 {
		delete(r.filters, id)
	}
	r.root.remove(strings.Split(withoutShare(filter), "/"), id)
	for _, fs := range r.filters {
		if slices.Contains(fs, filter) {
			return false
		}
	}
	return true
}

// removeAll takes all filters from a subscription and returns those that no
// other subscription uses.
func (r *routes) removeAll(id uint32) (unused []string) {
	for _, f := range slices.Clone(r.filters[id]) {
		if r.remove(f, id) {
			unused = append(unused, f)
		}
	}
	return unused
}

func (l *level) remove(parts []string, id uint32) (empty bool) {
	drop := func(ids []uint32) []uint32 {
		if i := slices.Index(ids, id); i >= 0 {
			return slices.Delete(ids, i, i+1)
		}
		return ids
	}
	switch {
	case len(parts) == 0:
		l.ids = drop(l.ids)
	case parts[0] == "#":
		l.rest = drop(l.rest)
	case l.next[parts[0]] != nil && l.next[parts[0]].remove(parts[1:], id):
		delete(l.next, parts[0])
	}
	return len(l.next) == 0 && len(l.ids) == 0 && len(l.rest) == 0
}

// match returns the subscriptions that topic matches, each once, in ascending
// order. The result is shared: do not change it.
func (r *routes) match(topic string) []uint32 {
	if ids, ok := r.cache[topic]; ok {
		return ids
	}
	var ids []uint32
	r.root.match(topic, true, &ids)
	if r.cache == nil || len(r.cache) >= maxCachedTopics {
		r.cache = make(map[string][]uint32)
	}
	r.cache[topic] = ids
	return ids
}

// match walks the tree. At its first level a wildcard does not match a topic
// that begins with "$" [MQTT-4.7.2-1].
func (l *level) match(rest string, first bool, ids *[]uint32) {
	part, after, more := strings.Cut(rest, "/")
	wild := !first || !strings.HasPrefix(part, "$")
	if wild {
		addIDs(ids, l.rest)
	}
	step := func(n *level) {
		switch {
		case n == nil:
		case more:
			n.match(after, false, ids)
		default:
			addIDs(ids, n.ids)
			addIDs(ids, n.rest) // "a/#" matches "a" as well
		}
	}
	step(l.next[part])
	if wild {
		step(l.next["+"])
	}
}

// addIDs puts more into ids, each once and in ascending order.
func addIDs(ids *[]uint32, more []uint32) {
	for _, id := range more {
		if i, found := slices.BinarySearch(*ids, id); !found {
			*ids = slices.Insert(*ids, i, id)
		}
	}
}

// withoutShare returns the topic filter of a shared subscription,
// "$share/name/filter", and any other as it is.
func withoutShare(filter string) string {
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		if _, inner, ok := strings.Cut(rest, "/"); ok {
			return inner
		}
	}
	return filter
}
