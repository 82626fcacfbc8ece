// Command hollow takes out of the wasm file what a page never runs.
//
// The linker drops the functions that nothing calls, but it keeps every imported
// package's init and package variables, and all that these lead to. Signing needs
// net/http's Request, net/http imports crypto/tls, and with that come elliptic
// curves, big numbers and certificates, for what the browser does. So, of the
// packages in [hollowed], only the shell is built: constants, types and functions
// as the toolchain in use declares them, without function bodies, inits, values of
// variables and unexported fields. A function of theirs panics, naming this folder.
//
// Nothing of it is written by hand: `hollow overlay` reads the toolchain's own
// files, and fills a folder with the emptied ones, with the overlay.json that puts
// them in place (`go help build`, -overlay), and with goroot, a link to the
// toolchain by which the build has to name it: an overlay may not reach into the
// module cache, where a toolchain that go has fetched is kept. What cannot be
// emptied stops the build, and so does `hollow check` where the linker has kept a
// function that panics: then something does call it, and its package has to leave
// the list.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// hollowed are the packages that are imported in the wasm file but never run.
var hollowed = []string{
	// Under crypto/tls. Signing keeps crypto/hmac and crypto/sha256.
	"crypto/ecdh",
	"crypto/ecdsa",
	"crypto/elliptic",
	"crypto/internal/fips140/aes",
	"crypto/internal/fips140/aes/gcm",
	"crypto/internal/fips140/drbg",
	"crypto/internal/fips140/sha3",
	"crypto/internal/fips140/sha512",
	"crypto/rsa",
	"crypto/sha3",
	"crypto/tls",
	"crypto/x509",
	"encoding/asn1",

	// Under net/http: bodies, forms, proxies and names of hosts are the browser's.
	"compress/flate",
	"mime",
	"vendor/golang.org/x/net/dns/dnsmessage",
	"vendor/golang.org/x/net/idna",

	// Under the AWS SDK's and the MQTT library's other uses.
	"crypto/md5",
	"crypto/rand",
	"encoding/json",
	"net/http/httputil",

	// Under internal/godebug: for a GODEBUG that a page does not have.
	"internal/bisect",
}

// muted are functions with nothing to do in a page, emptied in packages that do run.
var muted = map[string][]string{
	// Settings keep their defaults, and are not counted: GODEBUG is not read.
	"internal/godebug": {"init", "Setting.IncNonDefault"},
	// Gives log/slog its output.
	"log": {"init"},
}

// reachable are hollow functions that the linker keeps though nothing calls them.
var reachable = []string{
	"crypto/internal/fips140/sha3.Digest.", // crypto/hmac asks whether a hash is one
	"crypto/sha3.fips140hash_sha3Unwrap",
	"internal/bisect.Matcher.", // internal/godebug has one where GODEBUG says so
}

const (
	panicFormat = "iotwasm: %s is not part of this build, see wasm/hollow"
	usage       = "usage: hollow overlay [-tags tags] folder\n       hollow check file.wasm"
)

var panicMessage = regexp.MustCompile(strings.Replace(regexp.QuoteMeta(panicFormat), "%s", `([\w./]+)`, 1))

func main() {
	err := errors.New(usage)
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "overlay":
			flags := flag.NewFlagSet("overlay", flag.ExitOnError)
			tags := flags.String("tags", "", "build tags of the wasm file")
			flags.Parse(os.Args[2:])
			err = overlay(*tags, flags.Arg(0))
		case "check":
			err = check(os.Args[2])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasm/hollow:", err)
		os.Exit(1)
	}
}

// overlay fills folder.
func overlay(tags, folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	link := filepath.Join(folder, "goroot")
	if err := os.Symlink(strings.TrimSpace(string(root)), link); err != nil {
		return err
	}
	replace := make(map[string]string)
	put := func(p library, files map[string][]byte) error {
		for name, source := range files {
			path := filepath.Join(folder, "src", filepath.FromSlash(p.ImportPath), name)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return err
			}
			if err := os.WriteFile(path, source, 0o666); err != nil {
				return err
			}
			replace[filepath.Join(p.Dir, name)] = path
		}
		return nil
	}

	packages, err := list(link, tags, slices.Concat(hollowed, slices.Sorted(maps.Keys(muted))))
	if err != nil {
		return err
	}
	for _, p := range packages {
		var files map[string][]byte
		if names := muted[p.ImportPath]; names != nil {
			files, err = p.mute(names)
		} else {
			for _, name := range slices.Concat(p.GoFiles, p.SFiles) {
				replace[filepath.Join(p.Dir, name)] = ""
			}
			files, err = p.hollow()
		}
		if err == nil {
			err = put(p, files)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
	}
	data, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "overlay.json"), data, 0o666)
}

// library is a package of the standard library, as built for a page.
type library struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles, SFiles []string
}

// list leaves out the packages that the toolchain does not have.
func list(root, tags string, paths []string) ([]library, error) {
	command := exec.Command(filepath.Join(root, "bin/go"), append([]string{"list", "-e", "-tags=" + tags, "-json=ImportPath,Dir,Standard,GoFiles,SFiles"}, paths...)...)
	command.Env = append(os.Environ(), "GOROOT="+root, "GOTOOLCHAIN=local", "GOOS=js", "GOARCH=wasm")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return nil, err
	}
	var packages []library
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var p library
		if err := decoder.Decode(&p); err != nil {
			return nil, err
		}
		if p.Standard && len(p.GoFiles) > 0 {
			packages = append(packages, p)
		}
	}
	if len(packages) == 0 {
		return nil, fs.ErrNotExist
	}
	return packages, nil
}

// check fails where a wasm file has hollow functions that may be called.
func check(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var called []string
	for _, match := range panicMessage.FindAllSubmatch(data, -1) {
		name := string(match[1])
		if !slices.ContainsFunc(reachable, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			called = append(called, name)
		}
	}
	if len(called) > 0 {
		return fmt.Errorf("%s may call what was left out of it: %s", file, strings.Join(called, ", "))
	}
	return nil
}
