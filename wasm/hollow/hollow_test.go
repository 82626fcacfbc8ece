package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, source string) library {
	t.Helper()
	p := library{ImportPath: "some/lib", Dir: t.TempDir(), GoFiles: []string{"lib.go"}}
	if err := os.WriteFile(filepath.Join(p.Dir, "lib.go"), []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHollow(t *testing.T) {
	t.Parallel()
	files, err := write(t, `package lib

import (
	"crypto/tls"
	"errors"
	"io"
	"sync"
	v1 "some/other/v1"
	_ "unsafe"
)

const Limit = 1 << iota

var (
	ErrOne  = errors.New("one")
	Reader  io.Reader = newReader()
	Default = newReader()
	cache   = expensive()
)

type Conn struct {
	Name string
	mu   sync.Mutex
	v1.Option
}

type reader struct{ next v1.Reader }

type secret struct{ tls.Config }

func newReader() *reader { return new(reader) }

func expensive() *secret { return nil }

func init() { cache = nil }

func (c *Conn) Dial(address string) error { _ = cache; return nil }

func (c *Conn) quiet() {}

//go:linkname pushed other/lib.pushed
func pushed() {}

//go:linkname pulled other/lib.pulled
func pulled()
`).hollow()
	if err != nil {
		t.Fatal(err)
	}
	const want = `package lib

import "errors"
import "io"
import v1 "some/other/v1"
import _ "unsafe"

//go:linkname pushed other/lib.pushed

const Limit = 1 << iota

var ErrOne = errors.New("one")

var Reader io.Reader

var Default *reader

type Conn struct {
	Name	string
	v1.Option
}

type reader struct{}

func (c *Conn) Dial(address string) error {
	panic("iotwasm: some/lib.Conn.Dial is not part of this build, see wasm/hollow")
}

func pushed()	{ panic("iotwasm: some/lib.pushed is not part of this build, see wasm/hollow") }
`
	if got := squeeze(string(files["lib.go"])); got != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", got, squeeze(want))
	}
}

// squeeze leaves the printer's choice of white space out of the comparison.
func squeeze(source string) string { return strings.Join(strings.Fields(source), " ") }

func TestHollowRefuses(t *testing.T) {
	t.Parallel()
	_, err := write(t, "package lib\n\nvar Table = [...]int{size()}[0]\n").hollow()
	if err == nil || !strings.Contains(err.Error(), "lib.go:3:5") {
		t.Errorf("got %v, want an error at the variable", err)
	}
}

func TestMute(t *testing.T) {
	t.Parallel()
	p := write(t, `package lib

import (
	"os"
	"strings"
)

func init() { setting = os.Getenv("X") }

var setting string

// Count counts.
func (s *Setting) Count() {
	if s != nil {
		count++
	}
}

func Get() string { return strings.ToLower(setting) }
`)
	files, err := p.mute([]string{"init", "Setting.Count"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `package lib

import (
	_ "os"
	"strings"
)

func init() {}

var setting string

// Count counts.
func (s *Setting) Count() {}

func Get() string { return strings.ToLower(setting) }
`
	if got := string(files["lib.go"]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"Get", "Absent"} {
		if _, err := p.mute([]string{name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("mute %s: got %v, want an error that names it", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file.wasm")
	for content, want := range map[string]string{
		"\x00iotwasm: internal/bisect.Matcher.Stack is not part of this build, see wasm/hollow\x00":      "",
		"Somethingiotwasm: crypto/tls.Dial is not part of this build, see wasm/hollowand another string": "crypto/tls.Dial",
	} {
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		err := check(file)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+want)) {
			t.Errorf("%q: got %v, want %q", content, err, want)
		}
	}
}
