//go:build !js

package main

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const packagesFile = "testdata/packages.txt"

var updatePackages = flag.Bool("update-packages", false, "write "+packagesFile)

// A package that comes in unnoticed brings its init, and all that leads to.
func TestPackages(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^WASM_TAGS := (\S+)$`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("no WASM_TAGS in the Makefile")
	}
	tags := "-tags=" + string(found[1])

	// What the commands below read, told to the cache of test results.
	os.Stat("../go.mod")
	filepath.WalkDir(".", func(path string, _ fs.DirEntry, _ error) error {
		_, err := os.Stat(path)
		return err
	})

	folder := t.TempDir()
	root := filepath.Join(folder, "goroot")
	run(t, exec.Command("go", "run", "./hollow", "overlay", tags, folder))
	list := exec.Command(filepath.Join(root, "bin/go"), "list", "-deps", tags, "-overlay="+filepath.Join(folder, "overlay.json"), ".")
	list.Env = append(os.Environ(), "GOROOT="+root, "GOTOOLCHAIN=local", "GOOS=js", "GOARCH=wasm")
	release := regexp.MustCompile(`^go\d+\.\d+`).FindString(run(t, exec.Command("go", "env", "GOVERSION")))

	inFile := make(map[string]bool)
	for path := range strings.Lines(run(t, list)) {
		if path = strings.TrimSpace(path); !standard(path) || !internal.MatchString(path) {
			inFile[path] = true
		}
	}

	if *updatePackages {
		list := "# The packages in the wasm file, with internal ones of the standard library left out.\n" +
			"# Of some it has only the shell: see wasm/hollow.\n" +
			release + "\n" + strings.Join(slices.Sorted(maps.Keys(inFile)), "\n") + "\n"
		if err := os.WriteFile(packagesFile, []byte(list), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(packagesFile)
	if err != nil {
		t.Fatal(err)
	}
	allowed := make(map[string]bool)
	for path := range strings.Lines(string(committed)) {
		allowed[strings.TrimSpace(path)] = true
	}
	for _, path := range slices.Sorted(maps.Keys(inFile)) {
		if standard(path) && !allowed[release] {
			continue // what imports what in there changes with the release
		}
		if !allowed[path] {
			t.Errorf("the wasm file has a new package, %s: see what it weighs (make size), and if it is worth it run go test ./wasm -update-packages", path)
		}
	}
}

var internal = regexp.MustCompile(`^vendor/|(^|/)internal(/|$)`)

// standard tells packages of the standard library by their names.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "iotwasm" && !strings.Contains(first, ".")
}

func run(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, stderr.Bytes())
	}
	return string(output)
}
