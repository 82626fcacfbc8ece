package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"iotwasm/site/gateway/internal/shadow"
)

// withoutEnd is more strikes than there will be.
const withoutEnd = 1 << 30

var (
	// ErrTaken means that the shadow service, which knows one fault of a sort, has one.
	ErrTaken = errors.New("there is a rule of this fault, remove it first")
	// ErrTooMany means that there is no room for another rule.
	ErrTooMany = fmt.Errorf("there are %d rules, remove some first", maxRules)
)

// Shadows is the shadow service's own way to go wrong.
type Shadows interface {
	SetFault(shadow.Fault) error
	Fault() shadow.Fault
	SetCreationFault(shadow.CreationFault) error
	CreationFault() shadow.CreationFault
}

// Injector holds the rules and the connections. It is safe for concurrent use.
type Injector struct {
	shadows Shadows
	ended   chan struct{}
	end     func()

	mu       sync.Mutex
	last     int
	rules    []*entry
	creation shadow.CreationFault // what is there without a rule
	conns    map[string]map[*Conn]bool
}

// entry is a rule that is set.
type entry struct {
	id            int
	rule          Rule
	seen, applied int
}

func (e *entry) spent() bool { return e.rule.Times > 0 && e.applied >= e.rule.Times }

// Status is a rule and how often it was looked at and struck. Of the shadow service's
// faults, seen is not known; of the one at creation, neither.
type Status struct {
	ID      string `json:"id"`
	Rule    Rule   `json:"rule"`
	Seen    *int   `json:"seen,omitempty"`
	Applied *int   `json:"applied,omitempty"`
	// Spent rules strike no more.
	Spent bool `json:"spent"`
}

// New returns an Injector without rules.
func New(shadows Shadows) *Injector {
	i := &Injector{shadows: shadows, ended: make(chan struct{}), conns: map[string]map[*Conn]bool{}}
	i.end = sync.OnceFunc(func() { close(i.ended) })
	return i
}

// Close lets upgrades go that hang.
func (i *Injector) Close() { i.end() }

// Add sets a rule that Parse made, behind those which are set, and returns its id. Of
// rules which match the same, the first strikes.
func (i *Injector) Add(r Rule) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.rules) >= maxRules {
		return "", ErrTooMany
	}
	if r.Fault == Shadow || r.Fault == ShadowCreation {
		i.count()
		for _, e := range i.rules {
			if e.rule.Fault == r.Fault && !e.spent() {
				return "", fmt.Errorf("rule %d: %w", e.id, ErrTaken)
			}
		}
	}
	var err error
	switch r.Fault {
	case Shadow:
		err = i.shadows.SetFault(r.shadowFault())
	case ShadowCreation:
		i.creation = i.shadows.CreationFault()
		err = i.shadows.SetCreationFault(r.creationFault())
	}
	if err != nil {
		return "", err
	}
	i.last++
	i.rules = append(i.rules, &entry{id: i.last, rule: r})
	return strconv.Itoa(i.last), nil
}

// Remove takes a rule back, and reports whether there was one. What is late already
// stays so.
func (i *Injector) Remove(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := slices.IndexFunc(i.rules, func(e *entry) bool { return strconv.Itoa(e.id) == id })
	if at < 0 {
		return false
	}
	i.count()
	i.revoke(i.rules[at])
	i.rules = slices.Delete(i.rules, at, at+1)
	return true
}

// Clear takes all rules back.
func (i *Injector) Clear() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count()
	for _, e := range i.rules {
		i.revoke(e)
	}
	i.rules = nil
}

// revoke takes a rule from the shadow service. i.mu is held.
func (i *Injector) revoke(e *entry) {
	if e.spent() {
		return
	}
	switch e.rule.Fault { // neither is refused: they are no fault, and one that was set before
	case Shadow:
		_ = i.shadows.SetFault(shadow.Fault{})
	case ShadowCreation:
		_ = i.shadows.SetCreationFault(i.creation)
	}
}

// count learns from the shadow service how often its rule has struck. i.mu is held.
func (i *Injector) count() {
	for _, e := range i.rules {
		if e.rule.Fault == Shadow && !e.spent() {
			e.applied = e.rule.shadowFault().Requests - i.shadows.Fault().Requests
		}
	}
}

// List returns the rules in the order in which they were set.
func (i *Injector) List() []Status {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count()
	list := make([]Status, 0, len(i.rules))
	for _, e := range i.rules {
		s := Status{ID: strconv.Itoa(e.id), Rule: e.rule, Spent: e.spent()}
		if e.rule.Fault != ShadowCreation {
			s.Applied = new(e.applied)
			if e.rule.Fault != Shadow {
				s.Seen = new(e.seen)
			}
		}
		list = append(list, s)
	}
	return list
}

// strike returns the rule that strikes, if one does: the first which fits and whose
// turn it is. A rule that fits has then seen one more.
func (i *Injector) strike(fits func(*Rule) bool) *Rule {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range i.rules {
		if e.spent() || !fits(&e.rule) {
			continue
		}
		e.seen++
		if e.rule.Every > 1 && e.seen%e.rule.Every != 0 {
			continue
		}
		e.applied++
		return new(e.rule)
	}
	return nil
}

// enrol makes a connection known by its client identifier.
func (i *Injector) enrol(clientID string, c *Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.conns[clientID] == nil {
		i.conns[clientID] = map[*Conn]bool{}
	}
	i.conns[clientID][c] = true
}

func (i *Injector) dismiss(clientID string, c *Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.conns[clientID], c)
	if len(i.conns[clientID]) == 0 {
		delete(i.conns, clientID)
	}
}

// each does something to the connections of a client, of which there are two for a
// moment when one takes the place of another, and reports whether there was any.
func (i *Injector) each(clientID string, do func(*Conn)) bool {
	i.mu.Lock()
	var conns []*Conn
	for c := range i.conns[clientID] {
		conns = append(conns, c)
	}
	i.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
	return len(conns) > 0
}

// Kill ends a client's connection without a word.
func (i *Injector) Kill(clientID string) bool { return i.each(clientID, (*Conn).kill) }

// Freeze leaves a client's connection open, and neither reads from it nor writes to it.
func (i *Injector) Freeze(clientID string) bool { return i.each(clientID, (*Conn).freeze) }

// Disconnect sends a client DISCONNECT, if its MQTT has one from a server, and closes.
func (i *Injector) Disconnect(clientID string, code byte) bool {
	return i.each(clientID, func(c *Conn) { c.disconnect(code) })
}
