// Package logtest owns the log that tests of the gateway read. Only tests import it; it
// imports nothing of the gateway.
package logtest

import (
	"bytes"
	"sync"
)

// Buffer is a log that may be read while it is written, from any goroutine. Its zero
// value is an empty one.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Reset empties the log.
func (b *Buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

// String returns all that was written since it was empty.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
