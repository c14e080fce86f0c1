// Package walls has the rules of code on which the isolation of tenants rests, as analyzers for go vet. Tests and
// test helpers are held to none of them: they try what the product must not do.
//
//   - Pools: connections are opened, and lent with a tenant's scope, in few packages.
//   - SQL: statements are constants, of the tenant's own schema, and name their columns.
//   - Labels: a tenant in a log or a metric is a typed value.
package walls

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const (
	module = "github.com/pitboss-hub/pitboss/"
	pgx    = "github.com/jackc/pgx/v5"
)

// exempt reports whether a file of a package is of tests.
func exempt(pass *analysis.Pass, pos token.Pos) bool {
	return strings.HasSuffix(pass.Fset.Position(pos).Filename, "_test.go") || path(pass) == module+"store/storetest"
}

// path returns the package's path, also of its test variant.
func path(pass *analysis.Pass) string {
	own, _, _ := strings.Cut(pass.Pkg.Path(), " ")
	return own
}

// files returns the files that the rules are for.
func files(pass *analysis.Pass) (out []*ast.File) {
	for _, f := range pass.Files {
		if !exempt(pass, f.Pos()) {
			out = append(out, f)
		}
	}
	return out
}

// isPgx reports whether a path is that of pgx, or below it.
func isPgx(path string) bool { return path == pgx || strings.HasPrefix(path, pgx+"/") }

// isNamed reports whether t, or what it points to, is a type of one of the names, in the package root or below it.
func isNamed(t types.Type, root string, names ...string) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return false
	}
	if at := n.Obj().Pkg().Path(); at != root && !strings.HasPrefix(at, root+"/") {
		return false
	}
	return slices.Contains(names, n.Obj().Name())
}

// callee returns the function or method that a call calls; nil if it is a value.
func callee(pass *analysis.Pass, call *ast.CallExpr) *types.Func {
	f, _ := pass.TypesInfo.Uses[calleeName(call)].(*types.Func)
	if f != nil {
		f = f.Origin()
	}
	return f
}

// calleeName returns the name of what a call calls; nil if it has none.
func calleeName(call *ast.CallExpr) *ast.Ident {
	fun := ast.Unparen(call.Fun)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	switch f := fun.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	}
	return nil
}
