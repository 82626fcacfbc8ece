package store

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Memory is a Store which ends with its process.
type Memory struct {
	mu      sync.RWMutex
	records map[string][]byte // nil once closed
}

// NewMemory returns a Memory without records.
func NewMemory() *Memory { return &Memory{records: map[string][]byte{}} }

// Get implements Store.
func (m *Memory) Get(key string) ([]byte, bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.records == nil {
		return nil, false, ErrClosed
	}
	value, ok := m.records[key]
	return slices.Clone(value), ok, nil
}

// Put implements Store.
func (m *Memory) Put(key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		return ErrClosed
	}
	m.records[key] = slices.Clone(value)
	return nil
}

// Delete implements Store.
func (m *Memory) Delete(key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		return ErrClosed
	}
	delete(m.records, key)
	return nil
}

// Each implements Store.
func (m *Memory) Each(prefix, after string, visit func(string, []byte) bool) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.records == nil {
		return ErrClosed
	}
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		if strings.HasPrefix(key, prefix) && key > after && !visit(key, m.records[key]) {
			break
		}
	}
	return nil
}

// Close implements Store.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = nil
	return nil
}
