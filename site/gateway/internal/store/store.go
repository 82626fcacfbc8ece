// Package store owns where the gateway's state is kept between requests: records by
// key, in memory or in one file of a directory. What a record means it does not know.
// It imports bbolt, whose file is written by copy and one last page, so that a crash
// leaves the state before a write or the state after it. A Store may be used from any
// goroutine; the shadow service calls it from the goroutine of each request.
package store

import "errors"

// Store keeps records. What Put and Delete return without an error is there to stay,
// as far as the kind of store goes.
type Store interface {
	// Get returns the record of a key; ok is false if there is none.
	Get(key string) (value []byte, ok bool, err error)
	// Put writes a record over the one before it.
	Put(key string, value []byte) error
	// Delete removes a record, if there is one.
	Delete(key string) error
	// Each calls visit with the records whose key begins with prefix and comes after
	// after, in the order of their keys, until it returns false. visit must not write
	// to the store, nor keep value.
	Each(prefix, after string, visit func(key string, value []byte) bool) error
	// Close ends the use of the store. What comes after it fails.
	Close() error
}

var (
	// ErrLocked says that another process uses the directory.
	ErrLocked = errors.New("another gateway uses this directory")
	// ErrForeign says that the file is there, but not a gateway's.
	ErrForeign = errors.New("the file is not this gateway's")
	// ErrCorrupt says that the file is a gateway's, and damaged.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrClosed says that the store is no longer in use.
	ErrClosed = errors.New("the store is closed")
)
