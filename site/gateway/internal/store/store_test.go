package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func openFile(t *testing.T, dir string) *File {
	t.Helper()
	f, err := Open(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // again, in some tests
	return f
}

// kinds runs a test with a store of each kind.
func kinds(t *testing.T, test func(*testing.T, Store)) {
	t.Run("memory", func(t *testing.T) { test(t, NewMemory()) })
	t.Run("file", func(t *testing.T) { test(t, openFile(t, t.TempDir())) })
}

func keys(t *testing.T, s Store, prefix, after string, limit int) []string {
	t.Helper()
	var all []string
	if err := s.Each(prefix, after, func(key string, value []byte) bool {
		if string(value) != "of "+key {
			t.Errorf("%q holds %q", key, value)
		}
		all = append(all, key)
		return len(all) != limit
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStore(t *testing.T) {
	kinds(t, func(t *testing.T, s Store) {
		if _, ok, err := s.Get("a\x00"); ok || err != nil {
			t.Errorf("an empty store has a record: %v", err)
		}
		for _, key := range []string{"b\x00", "a\x00y", "a\x00", "a\x00x", "ab\x00"} {
			for _, value := range []string{"old", "of " + key} {
				if err := s.Put(key, []byte(value)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if value, ok, err := s.Get("a\x00x"); !ok || err != nil || string(value) != "of a\x00x" {
			t.Errorf("got %q %v %v", value, ok, err)
		}
		for _, test := range []struct {
			prefix, after string
			limit         int
			want          []string
		}{
			{"", "", 0, []string{"a\x00", "a\x00x", "a\x00y", "ab\x00", "b\x00"}},
			{"a\x00", "", 0, []string{"a\x00", "a\x00x", "a\x00y"}},
			{"a\x00", "a\x00", 0, []string{"a\x00x", "a\x00y"}},
			{"a\x00", "a\x00", 1, []string{"a\x00x"}},
			{"a\x00", "a\x00xx", 0, []string{"a\x00y"}},
			{"a\x00", "a\x00y", 0, nil},
			{"c", "", 0, nil},
			{"a\x00", "z", 0, nil},
		} {
			if got := keys(t, s, test.prefix, test.after, test.limit); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v: %q", test, got)
			}
		}
		for range 2 { // also one that is gone
			if err := s.Delete("a\x00x"); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok, _ := s.Get("a\x00x"); ok {
			t.Error("deleted and still there")
		}
	})
}

func TestValuesAreTheStoresOwn(t *testing.T) {
	kinds(t, func(t *testing.T, s Store) {
		mine := []byte("mine")
		if err := s.Put("k", mine); err != nil {
			t.Fatal(err)
		}
		mine[0] = 'X'
		got, _, _ := s.Get("k")
		got[1] = 'X'
		if again, _, _ := s.Get("k"); string(again) != "mine" {
			t.Errorf("changed from outside: %q", again)
		}
	})
}

func TestClosed(t *testing.T) {
	kinds(t, func(t *testing.T, s Store) {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		_, _, get := s.Get("k")
		for name, err := range map[string]error{
			"get": get, "put": s.Put("k", nil), "delete": s.Delete("k"),
			"each": s.Each("", "", func(string, []byte) bool { return true }),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestManyGoroutines(t *testing.T) {
	kinds(t, func(t *testing.T, s Store) {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for j := range 5 {
					key := fmt.Sprintf("%d-%d", i, j)
					if err := s.Put(key, []byte("of "+key)); err != nil {
						t.Error(err)
					}
					keys(t, s, "", "", 0)
				}
			})
		}
		all.Wait()
		if got := keys(t, s, "", "", 0); len(got) != 20 {
			t.Errorf("%d records", len(got))
		}
	})
}

func TestFileSurvivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	f := openFile(t, dir)
	for _, key := range []string{"a", "b"} {
		if err := f.Put(key, []byte("of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, openFile(t, dir), "", "", 0); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
}

func TestFileIsNobodyElses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	mode := func() fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	_ = openFile(t, dir).Close()
	if mode() != 0o600 {
		t.Errorf("mode %v", mode())
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_ = openFile(t, dir).Close()
	if mode() != 0o600 {
		t.Errorf("mode %v stays", mode())
	}
}

func TestSecondGatewayIsRefused(t *testing.T) {
	dir := t.TempDir()
	f := openFile(t, dir)
	began := time.Now()
	_, err := Open(dir, 100*time.Millisecond)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("waited %v", waited)
	}
	go func() { // the first one ends while the second waits
		time.Sleep(50 * time.Millisecond)
		_ = f.Close()
	}()
	second, err := Open(dir, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

// A process that is killed leaves what its Puts returned for.
func TestFileSurvivesAKill(t *testing.T) {
	if dir := os.Getenv("STORE_TEST_DIR"); dir != "" {
		f, err := Open(dir, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			key := fmt.Sprintf("%06d", i)
			if err := f.Put(key, []byte("of "+key)); err != nil {
				t.Fatal(err)
			}
			fmt.Println(key)
		}
	}
	dir := t.TempDir()
	command := exec.Command(os.Args[0], "-test.run=^TestFileSurvivesAKill$")
	command.Env = append(os.Environ(), "STORE_TEST_DIR="+dir)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := ""
	for range 20 {
		if _, err := fmt.Fscanln(out, &acknowledged); err != nil {
			t.Fatal(err)
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // it was killed
	got := keys(t, openFile(t, dir), "", "", 0)
	if len(got) < 20 || got[19] != acknowledged {
		t.Errorf("%q was acknowledged, there are %q", acknowledged, got)
	}
}

func TestRefusedFiles(t *testing.T) {
	page := os.Getpagesize()
	tests := map[string]struct {
		spoil func(t *testing.T, content []byte) []byte
		want  error
	}{
		"a text":            {func(*testing.T, []byte) []byte { return []byte(strings.Repeat("not a database\n", 5000)) }, ErrForeign},
		"a short text":      {func(*testing.T, []byte) []byte { return []byte("x") }, ErrForeign},
		"zeros":             {func(_ *testing.T, b []byte) []byte { return make([]byte, len(b)) }, ErrForeign},
		"cut to the roots":  {func(_ *testing.T, b []byte) []byte { return b[:2*page] }, ErrCorrupt},
		"cut to four pages": {func(_ *testing.T, b []byte) []byte { return b[:4*page] }, ErrCorrupt},
		"both roots":        {func(_ *testing.T, b []byte) []byte { b[40] ^= 1; b[page+40] ^= 1; return b }, ErrCorrupt},
		"pages overwritten": {func(_ *testing.T, b []byte) []byte {
			for i := 2 * page; i < len(b); i++ {
				b[i] = 0xff
			}
			return b
		}, ErrCorrupt},
		"a page that is not there": {func(t *testing.T, b []byte) []byte {
			found := false
			for i := range b { // every copy of where the records are
				if name := "records"; bytes.HasPrefix(b[i:], []byte(name)) {
					binary.LittleEndian.PutUint64(b[i+len(name):], 1<<30)
					found = true
				}
			}
			if !found {
				t.Fatal("the bucket is not in the file")
			}
			return b
		}, ErrCorrupt},
		"one bit of a record": {func(t *testing.T, b []byte) []byte {
			at := strings.LastIndex(string(b), "of record")
			if at < 0 {
				t.Fatal("the record is not in the file")
			}
			for i := range b { // every copy of it
				if strings.HasPrefix(string(b[i:min(i+9, len(b))]), "of record") {
					b[i] ^= 1
				}
			}
			return b
		}, ErrCorrupt},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := openFile(t, dir)
			for i := range 50 {
				if err := f.Put(fmt.Sprintf("key %d", i), []byte("of record "+strings.Repeat("x", 400))); err != nil {
					t.Fatal(err)
				}
			}
			_ = f.Close()
			path := filepath.Join(dir, FileName)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			spoilt := test.spoil(t, content)
			if err := os.WriteFile(path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err = Open(dir, time.Second); !errors.Is(err, test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if left, err := os.ReadFile(path); err != nil || !reflect.DeepEqual(left, spoilt) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func TestOtherDatabasesAreRefused(t *testing.T) {
	for name, fill := range map[string]func(*bolt.Tx) error{
		"another program's": func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err },
		"another format's": func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucket(aboutBucket)
			if err != nil {
				return err
			}
			return bucket.Put(formatKey, []byte("iotwasm gateway 2"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, err := bolt.Open(filepath.Join(dir, FileName), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(fill); err != nil {
				t.Fatal(err)
			}
			_ = db.Close()
			if _, err := Open(dir, time.Second); !errors.Is(err, ErrForeign) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpenFailsWhereNothingCanBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, time.Second); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file for a directory: %v", err)
	}
}
