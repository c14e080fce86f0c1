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
	{regexp.MustCompile(`(?i)\b(select|returning)\s+(all\s+|distinct\s+(on\s*\([^)]*\)\s*)?)?("?\w+"?\.)*\*|[\w")],\s*("?\w+"?\.)+\*|(select|returning)\b[^'();]*,\s*\*`), "names all columns, which differ between versions of the schema: name those that are read", nil},
	{regexp.MustCompile(`(?i)\bt_[a-z0-9_]+"?\s*\.\s*["a-z]`), "names a tenant's schema: the scope says which it is", nil},
	{regexp.MustCompile(`(?i)\btpl"?\s*\.`), "names the template's schema, of which nobody reads", nil},
	{regexp.MustCompile(`(?i)\b(public"\s*\.\s*|public\.)["a-z]`), "names the schema public, which is nobody's", nil},
	{regexp.MustCompile(`(?i)\breset\s+("?role\b|session\s+authorization\b)|\bset\s+((local|session)\s+)?("?role"?|session\s+authorization)\s+("|[a-z]|$)|(^|;)\s*set\s+"?role"?\s*=|` +
		`\bset\s+(local|session)\s+"?(role|session_authorization)\b|set_config\(\s*('(role|session_authorization)'|\$)|(^|;)\s*(reset|discard)\s+all\b`), "changes the role: a scope does that", map[string]string{
		module + "store/internal/db": "it makes the scopes",
		module + "store/doctor":      "it tries to leave a scope, to see that nothing is to be had outside",
		module + "store/journal":     "credits leave the scope at the end of a transaction, for the terms that the platform has of the tenant",
		module + "store/localpg":     "the superuser of a server of one's own makes the application's login in its owner's name",
	}},
	{regexp.MustCompile(`(?i)(^|;)\s*(re)?set\s+("?search_path\b|schema\s+')|\bset\s+(local|session)\s+("?search_path\b|schema\s+')|set_config\(\s*'search_path'`), "changes the search_path: the login's leads to the scope's schema", map[string]string{
		module + "store/doctor":  "it tries a path that leads nowhere",
		module + "store/tenancy": "the owner's login has no scopes: its transactions name the schema that they make or move",
	}},
	{regexp.MustCompile(`(?i)^\s*(un)?listen\s+["a-z]+;?\s*$|^\s*notify\s+["a-z]+\b|\bpg_notify\s*\(`), "tells all of the database: what is a tenant's goes by its topics", nil},
	{regexp.MustCompile(`(?i)\bpg_(try_)?advisory_(un)?lock(_shared|_all)?\s*\(`), "locks for a session, which a pooler does not keep: lock for a transaction (pg_advisory_xact_lock)", nil},
}

// subquery is a query of all columns of another one, which names them.
var subquery = regexp.MustCompile(`(?i)\bselect\s+\*\s+from\s+\(`)

// shapes are the methods that take a statement, of whatever type, by the types of their parameters: an interface with them
// may have a connection of pgx in it.
var shapes = map[string][]string{
	"Exec": {"any", "string", "...any"}, "Query": {"any", "string", "...any"}, "QueryRow": {"any", "string", "...any"},
	"Queue": {"string", "...any"}, "Prepare": {"any", "string", "string"},
}

// ofDatabaseSQL are the methods of database/sql that take a statement, and its position.
var ofDatabaseSQL = map[string]int{
	"Exec": 0, "Query": 0, "QueryRow": 0, "Prepare": 0, "ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1,
}

// fields are those of pgx's structs that are statements.
var fields = []string{"BeginQuery", "CommitQuery", "SQL", "String", "Query"}

// hasFields reports whether a type is a struct of pgx that has such fields.
func hasFields(t types.Type) bool {
	return isNamed(t, pgx, "TxOptions", "QueuedQuery") || isNamed(t, pgx+"/pgproto3", "Query", "Parse")
}

// taken returns which parameters of a function are statements.
func (s *sqlPass) taken(fn *types.Func) (out []int) {
	sig, pkg := fn.Signature(), pkgPath(fn)
	params := sig.Params()
	if isPgx(pkg) && sig.Recv() != nil { // whatever it is called: Exec, ExecParams, SendPrepare, CopyTo, …
		for i := range params.Len() {
			if name := params.At(i).Name(); (name == "sql" || name == "query") && isString(params.At(i).Type()) {
				out = append(out, i)
			}
		}
		return out
	}
	if i, ok := ofDatabaseSQL[fn.Name()]; ok && pkg == "database/sql" {
		return []int{i}
	}
	if shape := shapes[fn.Name()]; shape != nil && sig.Recv() != nil && params.Len() == len(shape) {
		last := len(shape)
		for i := range shape {
			switch t := params.At(i).Type(); {
			case shape[i] == "any" || shape[i] == "string" && isString(t):
			case shape[i] == "...any" && sig.Variadic() && types.Identical(t, types.NewSlice(types.Universe.Lookup("any").Type())):
			default:
				return nil
			}
			if shape[i] == "string" {
				last = i
			}
		}
		return []int{last}
	}
	fact := s.takes[fn]
	if fact == nil {
		fact = new(takesSQL)
		if fn.Pkg() == s.Pkg || !s.ImportObjectFact(fn, fact) {
			return nil
		}
	}
	return fact.Params
}

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
		s.kept(f)
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
				if !hasFields(s.TypesInfo.TypeOf(n)) {
					break
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						if id, ok := kv.Key.(*ast.Ident); ok && slices.Contains(fields, id.Name) {
							do(fn, kv.Value)
						}
					}
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if sel, ok := left.(*ast.SelectorExpr); ok && len(n.Lhs) == len(n.Rhs) && hasFields(s.TypesInfo.TypeOf(sel.X)) && slices.Contains(fields, sel.Sel.Name) {
						do(fn, n.Rhs[i])
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
	taken := s.taken(fn)
	shift := 0
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && s.TypesInfo.Selections[sel] != nil && s.TypesInfo.Selections[sel].Kind() == types.MethodExpr {
		shift = 1 // the receiver comes first
	}
	for i, arg := range call.Args {
		if slices.Contains(taken, i-shift) {
			out = append(out, arg)
		}
	}
	return out
}

// kept reports functions that take statements and are not called, but kept or passed on: who calls them cannot be followed.
func (s *sqlPass) kept(f *ast.File) {
	called := map[*ast.Ident]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if _, ok := reason(n); ok {
				return false
			}
		case *ast.CallExpr:
			called[calleeName(n)] = true
		case *ast.Ident:
			if fn, ok := s.TypesInfo.Uses[n].(*types.Func); ok && !called[n] && len(s.taken(fn.Origin())) > 0 {
				s.Reportf(n.Pos(), "%s takes SQL, and is no value: nobody could see what it is called with", fn.Name())
			}
		}
		return true
	})
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
