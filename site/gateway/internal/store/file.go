package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// FileName is the file which a directory of state holds.
	FileName = "gateway.db"

	// DefaultLockTimeout is how long to wait for a gateway which is just ending.
	DefaultLockTimeout = 2 * time.Second

	fileMode = 0o600 // device state is nobody else's
	dirMode  = 0o700
	// format is in every file, and another one once records change their form.
	format = "iotwasm gateway 1"
)

var (
	aboutBucket   = []byte("about")
	formatKey     = []byte("format")
	recordsBucket = []byte("records")

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// File is a Store in a file: what was put is on the disk before Put returns.
type File struct{ db *bolt.DB }

// Open opens the file in dir, both of which it makes if they are not there, and
// checks the whole of it. The error wraps ErrLocked, ErrForeign or ErrCorrupt where
// one of them says what is wrong; a file which is refused is left as it was.
func Open(dir string, lockTimeout time.Duration) (*File, error) {
	path := filepath.Join(dir, FileName)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the directory of state: %w", err)
	}
	f, err := open(path, lockTimeout)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

func open(path string, lockTimeout time.Duration) (f *File, err error) {
	var file *os.File // to be closed if bbolt panics, before there is a db
	var db *bolt.DB
	// The file is mapped, and bbolt trusts it: where a page is cut off or says
	// nonsense, reading it faults or panics.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = ErrCorrupt
		}
		if err == nil {
			return
		}
		f = nil
		switch {
		case db != nil:
			_ = db.Close() // nothing was written
		case file != nil:
			_ = file.Close() // its lock stays with the mapping, until the process ends
		}
	}()

	db, err = bolt.Open(path, fileMode, &bolt.Options{
		Timeout: lockTimeout,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			opened, err := os.OpenFile(name, flag, mode)
			file = opened
			return opened, err
		},
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w (waited %v for it to end)", ErrLocked, lockTimeout)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, ErrForeign
	case errors.Is(err, bolterrors.ErrChecksum):
		return nil, ErrCorrupt
	case err != nil:
		return nil, err
	}

	isNew, err := inspect(db, file)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, fileMode); err != nil { // it may come from a backup
		return nil, err
	}
	if isNew {
		if err := db.Update(initialise); err != nil {
			return nil, err
		}
	}
	return &File{db: db}, nil
}

// inspect reads every page, and reports whether nothing was ever kept in the file.
func inspect(db *bolt.DB, file *os.File) (isNew bool, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		if info, err := file.Stat(); err != nil {
			return err
		} else if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it was cut off", ErrCorrupt)
		}
		// Check reads in a goroutine of its own, where a page that is not there would
		// end the process; here open recovers.
		if err := tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		}); err != nil {
			return err
		}
		var damage error
		for problem := range tx.Check() { // to the end, or its goroutine stays
			damage = problem
		}
		if damage != nil {
			return fmt.Errorf("%w: %v", ErrCorrupt, damage)
		}
		about, records := tx.Bucket(aboutBucket), tx.Bucket(recordsBucket)
		if first, _ := tx.Cursor().First(); first == nil {
			isNew = true
			return nil
		}
		if about == nil {
			return fmt.Errorf("%w: it is another program's database", ErrForeign)
		}
		if found := string(about.Get(formatKey)); found != format {
			return fmt.Errorf("%w: its format is %.40q, this gateway's is %q", ErrForeign, found, format)
		}
		if records == nil {
			return fmt.Errorf("%w: it has no records", ErrCorrupt)
		}
		return records.ForEach(func(_, sealed []byte) error {
			_, err := unseal(sealed)
			return err
		})
	})
	return isNew, err
}

// seal puts a checksum in front of a record: bbolt has them for its root pages only.
func seal(value []byte) []byte {
	sealed := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(value)), crc32.Checksum(value, castagnoli))
	return append(sealed, value...)
}

// unseal returns what was sealed, within sealed.
func unseal(sealed []byte) ([]byte, error) {
	if len(sealed) < 4 || binary.BigEndian.Uint32(sealed) != crc32.Checksum(sealed[4:], castagnoli) {
		return nil, fmt.Errorf("%w: a record is not what was written", ErrCorrupt)
	}
	return sealed[4:], nil
}

func initialise(tx *bolt.Tx) error {
	about, err := tx.CreateBucketIfNotExists(aboutBucket)
	if err != nil {
		return err
	}
	if err := about.Put(formatKey, []byte(format)); err != nil {
		return err
	}
	_, err = tx.CreateBucketIfNotExists(recordsBucket)
	return err
}

// Get implements Store.
func (f *File) Get(key string) (value []byte, ok bool, err error) {
	err = f.db.View(func(tx *bolt.Tx) error {
		sealed := tx.Bucket(recordsBucket).Get([]byte(key))
		if ok = sealed != nil; !ok {
			return nil
		}
		found, err := unseal(sealed)
		value = slices.Clone(found) // the page is bbolt's
		return err
	})
	return value, ok, wrap("read", err)
}

// Put implements Store.
func (f *File) Put(key string, value []byte) error {
	return wrap("write", f.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(recordsBucket).Put([]byte(key), seal(value))
	}))
}

// Delete implements Store.
func (f *File) Delete(key string) error {
	return wrap("write", f.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(recordsBucket).Delete([]byte(key))
	}))
}

// Each implements Store.
func (f *File) Each(prefix, after string, visit func(string, []byte) bool) error {
	return wrap("read", f.db.View(func(tx *bolt.Tx) error {
		cursor := tx.Bucket(recordsBucket).Cursor()
		for key, sealed := cursor.Seek([]byte(max(prefix, after))); key != nil && bytes.HasPrefix(key, []byte(prefix)); key, sealed = cursor.Next() {
			if string(key) == after {
				continue
			}
			value, err := unseal(sealed)
			if err != nil {
				return err
			}
			if !visit(string(key), value) {
				break
			}
		}
		return nil
	}))
}

// Close implements Store, and lets another gateway have the directory.
func (f *File) Close() error { return wrap("close", f.db.Close()) }

func wrap(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	default:
		return fmt.Errorf("%s the gateway's state: %w", what, err)
	}
}
