package walls

import (
	"go/ast"
	"go/constant"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// Labels reports tenants that are plain strings in logs, which may be anything that somebody typed, and metrics with
// one series for each tenant, whose number nobody bounds.
var Labels = &analysis.Analyzer{
	Name: "tenantlabels",
	Doc:  "reports tenants in logs that are no tenant.ID or tenant.Slug, and metrics by tenant",
	Run:  labels,
}

const key = "tenant"

// metered are the packages whose metrics have a label for the tenant, and why that is bounded.
var metered = map[string]string{
	module + "store/cache": "labels are of tenant.Labels: the first 100 tenants that a node serves have one each, the others share one",
	module + "hub":         "as in store/cache",
}

func labels(pass *analysis.Pass) (any, error) {
	_, byTenant := metered[path(pass)]
	for _, f := range files(pass) {
		prometheus := false
		for _, i := range f.Imports {
			prometheus = prometheus || i.Path.Value == `"github.com/prometheus/client_golang/prometheus"`
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				logged(pass, n)
				if prometheus && !byTenant {
					measured(pass, n)
				}
			case *ast.CompositeLit:
				if prometheus && !byTenant && types.Identical(pass.TypesInfo.TypeOf(n), types.NewSlice(types.Typ[types.String])) {
					for _, e := range n.Elts {
						if isKey(pass, e) {
							pass.Reportf(e.Pos(), "a metric by tenant has a series for each: if they are bounded, say in pitbossvet why")
						}
					}
				}
			}
			return true
		})
	}
	return nil, nil
}

// logged reports a plain string under the key of a tenant, in a call that takes keys and values, or in slog.String.
func logged(pass *analysis.Pass, call *ast.CallExpr) {
	fn := callee(pass, call)
	if fn == nil {
		return
	}
	if fn.Pkg() != nil && fn.Pkg().Path() == "log/slog" && fn.Name() == "String" && len(call.Args) == 2 && isKey(pass, call.Args[0]) {
		pass.Reportf(call.Args[1].Pos(), "a tenant in a log is a tenant.ID or a tenant.Slug: slog.Any")
		return
	}
	sig := fn.Signature()
	takesAny := sig.Variadic() && types.Identical(sig.Params().At(sig.Params().Len()-1).Type(), types.NewSlice(types.Universe.Lookup("any").Type()))
	pair := fn.Pkg() != nil && fn.Pkg().Path() == "log/slog" && fn.Name() == "Any"
	if !takesAny && !pair {
		return
	}
	first := 0
	if takesAny {
		first = sig.Params().Len() - 1
	}
	for i := first; i+1 < len(call.Args); i++ {
		if isKey(pass, call.Args[i]) && isString(pass.TypesInfo.TypeOf(call.Args[i+1])) {
			pass.Reportf(call.Args[i+1].Pos(), "a tenant in a log is a tenant.ID or a tenant.Slug, and no string")
		}
	}
}

// measured reports the label of a tenant in a call that takes labels.
func measured(pass *analysis.Pass, call *ast.CallExpr) {
	fn := callee(pass, call)
	if fn == nil || !fn.Signature().Variadic() {
		return
	}
	params := fn.Signature().Params()
	if !types.Identical(params.At(params.Len()-1).Type(), types.NewSlice(types.Typ[types.String])) {
		return
	}
	for _, arg := range call.Args[min(params.Len()-1, len(call.Args)):] {
		if isKey(pass, arg) {
			pass.Reportf(arg.Pos(), "a metric by tenant has a series for each: if they are bounded, say in pitbossvet why")
		}
	}
}

func isKey(pass *analysis.Pass, e ast.Expr) bool {
	v := pass.TypesInfo.Types[e].Value
	return v != nil && v.Kind() == constant.String && constant.StringVal(v) == key
}

// isString reports whether t is string itself, and no type of the program's.
func isString(t types.Type) bool {
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Info()&types.IsString != 0
}
