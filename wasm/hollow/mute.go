package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mute returns the files that declare the named functions, with these emptied.
func (p library) mute(names []string) (map[string][]byte, error) {
	sources := make(map[string][]byte)
	missing := slices.Clone(names)
	for _, name := range p.GoFiles {
		source, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		edited := false
		used := make(map[string]bool)
		for _, decl := range slices.Backward(file.Decls) { // so that positions hold
			function, ok := decl.(*ast.FuncDecl)
			if !ok || !slices.Contains(names, functionName(function)) {
				usedNames(decl, used)
				continue
			}
			if function.Body == nil || function.Type.Results.NumFields() > 0 {
				return nil, fmt.Errorf("%s cannot be muted: it has results, or no body", functionName(function))
			}
			source = slices.Concat(source[:function.Body.Lbrace], source[function.Body.Rbrace-1:])
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == functionName(function) })
			edited = true
		}
		if !edited {
			continue
		}
		for _, spec := range slices.Backward(file.Imports) {
			if spec.Name == nil && !used[importName(spec)] {
				at := spec.Path.Pos() - 1
				source = slices.Concat(source[:at], []byte("_ "), source[at:])
			}
		}
		sources[name] = bytes.Clone(source)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("no function %s", strings.Join(missing, ", "))
	}
	return sources, nil
}
