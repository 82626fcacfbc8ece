package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// item is a declaration and what it refers to.
type item struct {
	file  *ast.File
	decl  ast.Decl
	names []string
}

// hollow returns the package's files, without what only function bodies use.
func (p library) hollow() (map[string][]byte, error) {
	fset := token.NewFileSet()
	files := make(map[string]*ast.File)
	linked := make(map[string]string)    // functions that other packages know by a go:linkname
	results := make(map[string]ast.Expr) // of functions with a single one
	var items []*item
	declared := make(map[string]*item) // package-level names
	methods := make(map[string][]*item)
	abstract := make(map[string]bool) // unexported methods of interfaces
	for _, name := range p.GoFiles {
		source, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, directive := range linkname.FindAllSubmatch(source, -1) {
			linked[string(directive[1])] = string(directive[0])
		}
		files[name] = file
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Recv != nil {
				continue
			}
			if function.Type.Results.NumFields() == 1 {
				results[function.Name.Name] = function.Type.Results.List[0].Type
			}
			if function.Body == nil { // it is another package's
				delete(linked, function.Name.Name)
			}
		}
	}
	for _, name := range p.GoFiles {
		file := files[name]
		for _, decl := range file.Decls {
			split, err := p.declarations(fset, decl, results)
			if err != nil {
				return nil, err
			}
			for _, it := range split {
				it.file = file
				items = append(items, it)
				if function, ok := it.decl.(*ast.FuncDecl); ok && function.Recv != nil {
					receiver := receiverName(function)
					methods[receiver] = append(methods[receiver], it)
					continue
				}
				for _, name := range it.names {
					declared[name] = it
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if t, ok := n.(*ast.InterfaceType); ok {
				for _, method := range t.Methods.List {
					for _, name := range method.Names {
						abstract[name.Name] = true
					}
				}
			}
			return true
		})
	}

	kept := make(map[*item]bool)
	var keep func(*item)
	keep = func(it *item) {
		if it == nil || kept[it] {
			return
		}
		kept[it] = true
		ast.Inspect(it.decl, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				keep(declared[name.Name])
			}
			return true
		})
		for _, name := range it.names {
			for _, method := range methods[name] {
				if ast.IsExported(method.names[0]) || abstract[method.names[0]] {
					keep(method)
				}
			}
		}
	}
	for name, it := range declared {
		if ast.IsExported(name) || linked[name] != "" {
			keep(it)
		}
	}

	sources := make(map[string][]byte)
	for name, file := range files {
		used := make(map[string]bool)
		var decls []ast.Decl
		var directives []string
		for _, it := range items {
			if it.file != file || !kept[it] {
				continue
			}
			decls = append(decls, it.decl)
			usedNames(it.decl, used)
			if _, ok := it.decl.(*ast.FuncDecl); ok && declared[it.names[0]] == it && linked[it.names[0]] != "" {
				directives = append(directives, linked[it.names[0]])
			}
		}
		if len(decls) == 0 {
			continue
		}
		var source bytes.Buffer
		fmt.Fprintf(&source, "package %s\n\n", file.Name.Name)
		for _, spec := range file.Imports {
			if used[importName(spec)] {
				fmt.Fprint(&source, "import ")
				if spec.Name != nil {
					fmt.Fprint(&source, spec.Name.Name, " ")
				}
				fmt.Fprintln(&source, spec.Path.Value)
			}
		}
		if directives != nil {
			fmt.Fprintf(&source, "import _ \"unsafe\"\n\n%s\n", strings.Join(directives, "\n"))
		}
		for _, decl := range decls {
			fmt.Fprintln(&source)
			if err := printer.Fprint(&source, fset, decl); err != nil {
				return nil, err
			}
			fmt.Fprintln(&source)
		}
		sources[name] = source.Bytes()
	}
	return sources, nil
}

// declarations splits a declaration in parts that can be kept or left out, each
// emptied of what a hollow package has no use for.
func (p library) declarations(fset *token.FileSet, decl ast.Decl, results map[string]ast.Expr) ([]*item, error) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil && decl.Name.Name == "init" || decl.Name.Name == "_" {
			return nil, nil
		}
		message := strconv.Quote(fmt.Sprintf(panicFormat, p.ImportPath+"."+functionName(decl)))
		decl.Body = &ast.BlockStmt{List: []ast.Stmt{&ast.ExprStmt{X: &ast.CallExpr{
			Fun: ast.NewIdent("panic"), Args: []ast.Expr{&ast.BasicLit{Kind: token.STRING, Value: message}},
		}}}}
		return []*item{{decl: decl, names: []string{decl.Name.Name}}}, nil
	case *ast.GenDecl:
		switch decl.Tok {
		case token.CONST: // iota ties a group together
			it := &item{decl: decl}
			for _, spec := range decl.Specs {
				it.names = append(it.names, identifiers(spec.(*ast.ValueSpec).Names)...)
			}
			return []*item{it}, nil
		case token.TYPE:
			var items []*item
			for _, spec := range decl.Specs {
				spec := spec.(*ast.TypeSpec)
				if structure, ok := spec.Type.(*ast.StructType); ok {
					hideFields(structure)
				}
				items = append(items, &item{decl: &ast.GenDecl{Tok: token.TYPE, Specs: []ast.Spec{spec}}, names: []string{spec.Name.Name}})
			}
			return items, nil
		case token.VAR:
			var items []*item
			for _, spec := range decl.Specs {
				spec := spec.(*ast.ValueSpec)
				if spec.Type == nil {
					spec.Type = results[called(spec)]
				}
				if spec.Type != nil {
					spec.Values = nil
				} else if !slices.ContainsFunc(spec.Names, (*ast.Ident).IsExported) {
					continue
				} else if !isPlain(spec) {
					return nil, errors.New(fset.Position(spec.Pos()).String() + ": a variable whose type only its value tells")
				}
				items = append(items, &item{decl: &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{spec}}, names: identifiers(spec.Names)})
			}
			return items, nil
		}
	}
	return nil, nil
}

// called is the function of this package whose result is a variable's value.
func called(spec *ast.ValueSpec) string {
	if len(spec.Names) == 1 && len(spec.Values) == 1 {
		if call, ok := spec.Values[0].(*ast.CallExpr); ok {
			if function, ok := call.Fun.(*ast.Ident); ok {
				return function.Name
			}
		}
	}
	return ""
}

// isPlain tells whether a variable's value needs none of the emptied functions:
// errors.New("...") is the one call allowed.
func isPlain(spec *ast.ValueSpec) bool {
	plain := true
	for _, value := range spec.Values {
		ast.Inspect(value, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				plain = false
			case *ast.CallExpr:
				function, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || function.Sel.Name != "New" {
					plain = false
					return true
				}
				from, ok := function.X.(*ast.Ident)
				plain = plain && ok && from.Name == "errors"
			}
			return true
		})
	}
	return plain
}

// hideFields leaves out what only the package itself could reach.
func hideFields(structure *ast.StructType) {
	var fields []*ast.Field
	for _, field := range structure.Fields.List {
		if field.Names == nil || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
			fields = append(fields, field)
		}
	}
	structure.Fields.List = fields
}

// functionName is the name of a function, or of a method as Type.Method.
func functionName(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	return receiverName(function) + "." + function.Name.Name
}

func receiverName(function *ast.FuncDecl) string {
	t := function.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

func identifiers(names []*ast.Ident) []string {
	var all []string
	for _, name := range names {
		all = append(all, name.Name)
	}
	return all
}

// importName is the name that a file knows an import by.
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	name, _ := strconv.Unquote(spec.Path.Value)
	if version.MatchString(path.Base(name)) {
		name = path.Dir(name)
	}
	return path.Base(name)
}

var linkname = regexp.MustCompile(`(?m)^//go:linkname (\w+)( \S+)?$`)

var version = regexp.MustCompile(`^v[0-9]+$`)

// usedNames are the names before a dot: those of packages are among them.
func usedNames(node ast.Node, used map[string]bool) {
	ast.Inspect(node, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
}
