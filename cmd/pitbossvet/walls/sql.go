package walls

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// SQL reports statements that are no constants, since whoever can change a statement can leave the scope that it is
// executed in, and constant ones that name another schema, all columns, a role, or what a whole database shares.
//
// A function that passes a parameter on as a statement takes statements itself: its callers are looked at, in
// whatever package. A function that has to build a statement says why, in a line of its doc comment:
//
//	//pitboss:sql the names are those of the table's own fields
var SQL = &analysis.Analyzer{
	Name:      "tenantsql",
	Doc:       "reports SQL that is no constant, or that leaves the tenant's schema",
	Run:       runSQL,
	FactTypes: []analysis.Fact{new(takesSQL)},
}

// takesSQL says which parameters of a function are statements.
type takesSQL struct{ Params []int }

// AFact implements analysis.Fact.
func (*takesSQL) AFact() {}

// String implements fmt.Stringer, for tests.
func (f *takesSQL) String() string { return fmt.Sprint("takes SQL as ", f.Params) }

const directive = "//pitboss:sql"

// rule is what no statement has, but in the packages of except, each with its reason.
type rule struct {
	text   *regexp.Regexp
	says   string
	except map[string]string
}

var rules = []rule{
	{regexp.MustCompile(`(?i)\bselect\s+(\w+\.)?\*`), "names all columns, which differ between versions of the schema: name those that are read", nil},
	{regexp.MustCompile(`(?i)\bt_[a-z0-9_]+"?\s*\.\s*["a-z]`), "names a tenant's schema: the scope says which it is", nil},
	{regexp.MustCompile(`(?i)\btpl"?\s*\.`), "names the template's schema, of which nobody reads", nil},
	{regexp.MustCompile(`(?i)\bpublic"?\.["a-z]`), "names the schema public, which is nobody's", nil},
	{regexp.MustCompile(`(?i)\breset\s+role\b|\bset\s+((local|session)\s+)?(role|session\s+authorization)\s+("|[a-z]|$)|set_config\(\s*'role'`), "changes the role: a scope does that", map[string]string{
		module + "store/internal/db": "it makes the scopes",
		module + "store/doctor":      "it tries to leave a scope, to see that nothing is to be had outside",
		module + "store/journal":     "credits leave the scope at the end of a transaction, for the terms that the platform has of the tenant",
		module + "store/localpg":     "the superuser of a server of one's own makes the application's login in its owner's name",
	}},
	{regexp.MustCompile(`(?i)^\s*(un)?listen\s+["a-z]+;?\s*$|^\s*notify\s+["a-z]+\b|\bpg_notify\s*\(`), "tells all of the database: what is a tenant's goes by its topics", nil},
	{regexp.MustCompile(`(?i)\bpg_(try_)?advisory_(un)?lock(_shared|_all)?\s*\(`), "locks for a session, which a pooler does not keep: lock for a transaction (pg_advisory_xact_lock)", nil},
}

// subquery is a query of all columns of another one, which names them.
var subquery = regexp.MustCompile(`(?i)\bselect\s+\*\s+from\s+\(`)

// statements are the methods of pgx that take one, and the position of it.
var statements = map[string]int{"Exec": 1, "Query": 1, "QueryRow": 1, "Queue": 0, "Prepare": 2}

type sqlPass struct {
	*analysis.Pass
	takes  map[*types.Func]*takesSQL // of this package
	params map[*types.Var]place      // where a parameter stands
	values map[types.Object][]ast.Expr
	opaque map[types.Object]bool // variables that get values in ways that are not followed
}

// place is a parameter's function and position.
type place struct {
	fn *types.Func
	i  int
}

func runSQL(pass *analysis.Pass) (any, error) {
	s := &sqlPass{pass, map[*types.Func]*takesSQL{}, map[*types.Var]place{}, map[types.Object][]ast.Expr{}, map[types.Object]bool{}}
	fs := files(pass)
	for _, f := range fs {
		ast.Inspect(f, s.learn)
	}
	for again := true; again; { // what takes a statement may pass it to what is found later
		again = false
		for _, f := range fs {
			s.calls(f, func(fn *ast.FuncDecl, sql ast.Expr) { again = s.followed(sql) || again })
		}
	}
	for fn, fact := range s.takes {
		pass.ExportObjectFact(fn, fact)
	}
	for _, f := range fs {
		s.calls(f, func(fn *ast.FuncDecl, sql ast.Expr) {
			if fn != nil {
				if why, ok := reason(fn); ok {
					if why == "" {
						pass.Reportf(fn.Pos(), "%s wants a reason", directive)
					}
					return
				}
			}
			if !s.constant(sql, nil) {
				pass.Reportf(sql.Pos(), "SQL that is no constant: build none, or say why in the function's doc comment (%s REASON)", directive)
			}
		})
		ast.Inspect(f, func(n ast.Node) bool { s.text(f, n); return true })
	}
	return nil, nil
}

// reason returns what a function says after the directive, and whether it has one.
func reason(fn *ast.FuncDecl) (why string, ok bool) {
	if fn.Doc == nil {
		return "", false
	}
	for _, c := range fn.Doc.List {
		if rest, has := strings.CutPrefix(c.Text, directive); has {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// learn notes parameters, and what variables are set to.
func (s *sqlPass) learn(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		fn, _ := s.TypesInfo.Defs[n.Name].(*types.Func)
		for i := range fn.Signature().Params().Len() {
			s.params[fn.Signature().Params().At(i)] = place{fn, i}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if len(n.Rhs) == len(n.Lhs) && (n.Tok == token.ASSIGN || n.Tok == token.DEFINE || n.Tok == token.ADD_ASSIGN) {
				s.set(left, n.Rhs[i])
			} else {
				s.set(left, nil)
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				s.set(name, n.Values[i])
			}
		}
	case *ast.RangeStmt:
		s.set(n.Key, nil)
		if n.Value != nil {
			s.set(n.Value, n.X) // a literal of constants is one
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			s.set(n.X, nil)
		}
	}
	return true
}

// set notes that a variable gets a value; nil is one that is not followed.
func (s *sqlPass) set(left, value ast.Expr) {
	id, ok := left.(*ast.Ident)
	if !ok {
		return
	}
	o := s.TypesInfo.ObjectOf(id)
	if o == nil {
		return
	}
	if value == nil {
		s.opaque[o] = true
		return
	}
	s.values[o] = append(s.values[o], value)
}

// calls calls do with each expression that a file passes on as a statement, and the declaration that it is in.
func (s *sqlPass) calls(f *ast.File, do func(*ast.FuncDecl, ast.Expr)) {
	for _, d := range f.Decls {
		fn, _ := d.(*ast.FuncDecl)
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				for _, sql := range s.passed(n) {
					do(fn, sql)
				}
			case *ast.CompositeLit:
				if !isNamed(s.TypesInfo.TypeOf(n), pgx, "TxOptions", "QueuedQuery") {
					break
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if id, ok := kv.Key.(*ast.Ident); ok && slices.Contains([]string{"BeginQuery", "CommitQuery", "SQL"}, id.Name) {
							do(fn, kv.Value)
						}
					}
				}
			}
			return true
		})
	}
}

// passed returns the arguments of a call that are statements.
func (s *sqlPass) passed(call *ast.CallExpr) (out []ast.Expr) {
	fn := callee(s.Pass, call)
	if fn == nil {
		return nil
	}
	if fn.Pkg() != nil && isPgx(fn.Pkg().Path()) {
		i, ok := statements[fn.Name()]
		params := fn.Signature().Params()
		if !ok || fn.Signature().Recv() == nil || i >= params.Len() || i >= len(call.Args) || params.At(i).Name() != "sql" && params.At(i).Name() != "query" {
			return nil
		}
		return call.Args[i : i+1]
	}
	fact := s.takes[fn]
	if fact == nil {
		fact = new(takesSQL)
		if fn.Pkg() == s.Pkg || !s.ImportObjectFact(fn, fact) {
			return nil
		}
	}
	for i, arg := range call.Args {
		if slices.Contains(fact.Params, i) {
			out = append(out, arg)
		}
	}
	return out
}

// followed notes that the parameters of which an expression is made take statements, and reports whether that is news.
func (s *sqlPass) followed(sql ast.Expr) (news bool) {
	s.constant(sql, func(p place) {
		fact := s.takes[p.fn]
		if fact == nil {
			fact = new(takesSQL)
			s.takes[p.fn] = fact
		}
		if !slices.Contains(fact.Params, p.i) {
			fact.Params = append(fact.Params, p.i)
			news = true
		}
	})
	return news
}

// constant reports whether an expression is a constant, a variable that is only ever set to such, or a parameter of a
// function whose callers are looked at. It calls param, if there is one, with each of these.
func (s *sqlPass) constant(e ast.Expr, param func(place)) bool {
	return s.constantBut(e, param, map[types.Object]bool{})
}

func (s *sqlPass) constantBut(e ast.Expr, param func(place), seen map[types.Object]bool) bool {
	e = ast.Unparen(e)
	if v := s.TypesInfo.Types[e].Value; v != nil {
		return v.Kind() == constant.String
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		left := s.constantBut(e.X, param, seen)
		return s.constantBut(e.Y, param, seen) && left && e.Op == token.ADD
	case *ast.CompositeLit:
		all := true
		for _, x := range e.Elts {
			all = s.constantBut(x, param, seen) && all
		}
		return all && len(e.Elts) > 0
	case *ast.Ident:
		o, ok := s.TypesInfo.ObjectOf(e).(*types.Var)
		if !ok || s.opaque[o] {
			return false
		}
		if seen[o] {
			return true
		}
		seen[o] = true
		p, isParam := s.params[o]
		if isParam && param != nil {
			param(p)
		}
		all := isParam || len(s.values[o]) > 0
		for _, v := range s.values[o] {
			all = s.constantBut(v, param, seen) && all
		}
		return all && (isParam || o.Parent() != o.Pkg().Scope() || !o.Exported())
	}
	return false
}

// text reports what a constant statement has and must not. One that is put together of several is looked at in parts.
func (s *sqlPass) text(f *ast.File, n ast.Node) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING || !importsPgx(f) && !strings.HasPrefix(s.Pkg.Path(), module+"store/") {
		return
	}
	sql := subquery.ReplaceAllString(constant.StringVal(constant.MakeFromLiteral(lit.Value, lit.Kind, 0)), "select x from (")
	for _, r := range rules {
		if _, ok := r.except[path(s.Pass)]; !ok && r.text.MatchString(sql) {
			s.Reportf(lit.Pos(), "SQL that %s", r.says)
		}
	}
}

func importsPgx(f *ast.File) bool {
	for _, i := range f.Imports {
		if isPgx(strings.Trim(i.Path.Value, `"`)) {
			return true
		}
	}
	return false
}
