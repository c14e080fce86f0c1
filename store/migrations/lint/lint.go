// Package lint says what is wrong with a step of a migration, by the rules of its phase, as PostgreSQL's own parser
// reads it. It is for tests: the parser is not part of the program.
//
// A rule can be lifted for a step by a line "-- allow <rule>: <reason>".
package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wasilibs/go-pgquery/parser"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

// The rules, by the names that lift them.
const (
	RulePhase     = "phase"     // a step says its phase in its first line
	RuleAdditive  = "additive"  // Expand only adds
	RuleNotNull   = "not-null"  // a new column of an existing table that is NOT NULL has a default
	RuleValidate  = "validate"  // a constraint of an existing table is added NOT VALID, and validated by a later step
	RuleDefault   = "default"   // a default that is volatile rewrites the table
	RuleIndex     = "index"     // an index on an existing table stops its writes while it is built
	RuleRewrite   = "rewrite"   // another type of a column rewrites the table under its lock
	RuleRename    = "rename"    // no phase renames: of two binaries one would not find its name
	RuleBatch     = "batch"     // Backfill is one UPDATE or INSERT with a LIMIT, and no Expand step copies a table of tenants
	RuleLock      = "lock"      // locks are taken by the runner's rules: no LOCK, no transactions, no settings
	RuleObject    = "object"    // no types, functions or triggers in each tenant
	RuleQualified = "qualified" // a tenant's SQL names no schema
	RuleStar      = "star"      // no SELECT *
	RuleSyntax    = "syntax"
)

var allowLine = regexp.MustCompile(`(?m)^-- allow ([a-z-]+): \S.*$`)

// Tenant returns what is wrong with a step of tenants.
func Tenant(m migrations.Step) []string { return check(m, true) }

// Platform returns what is wrong with a step of the platform, which may name schemas and make functions.
func Platform(m migrations.Step) []string { return check(m, false) }

type node = map[string]any

// linter collects what is wrong with a step.
type linter struct {
	step    migrations.Step
	tenant  bool
	allowed map[string]bool
	made    map[string]bool // tables that the step makes
	found   []string
}

func check(m migrations.Step, tenant bool) []string {
	l := &linter{step: m, tenant: tenant, allowed: map[string]bool{}, made: map[string]bool{}}
	for _, a := range allowLine.FindAllStringSubmatch(m.SQL, -1) {
		l.allowed[a[1]] = true
	}
	if m.Phase == migrations.Unphased {
		l.say(RulePhase, "the first line must be -- phase: expand, backfill or contract")
		return l.found
	}
	text, err := parser.ParseToJSON(m.SQL)
	var tree struct {
		Stmts []struct {
			Stmt node `json:"stmt"`
		} `json:"stmts"`
	}
	if err == nil {
		err = strict.DecodeKnown([]byte(text), &tree)
	}
	if err != nil {
		l.say(RuleSyntax, "%v", err)
		return l.found
	}
	if m.Phase == migrations.Backfill && len(tree.Stmts) != 1 {
		l.say(RuleBatch, "a backfill is one statement, which is repeated until it changes no row")
	}
	for _, s := range tree.Stmts {
		for kind, body := range s.Stmt { // one
			l.statement(kind, body.(node))
		}
		l.walk(s.Stmt)
	}
	return l.found
}

func (l *linter) say(rule, format string, args ...any) {
	if !l.allowed[rule] {
		l.found = append(l.found, fmt.Sprintf("%04d_%s: %s: ", l.step.Version, l.step.Name, rule)+fmt.Sprintf(format, args...))
	}
}

// perTenant lists the statements that make an object in each tenant which PostgreSQL keeps in every backend, or
// that is no tenant's to make.
var perTenant = []string{"CreateEnumStmt", "CompositeTypeStmt", "CreateDomainStmt", "CreateRangeStmt", "CreateFunctionStmt", "CreateTrigStmt",
	"CreateExtensionStmt", "CreateSchemaStmt", "CreateRoleStmt", "CreatePolicyStmt", "RuleStmt", "DefineStmt", "DoStmt", "ViewStmt"}

// ruling lists the statements that belong to the runner.
var ruling = []string{"LockStmt", "TransactionStmt", "VariableSetStmt", "AlterRoleStmt", "AlterSystemStmt", "VacuumStmt"}

// adding lists the statements that add, or leave to their parts what they do.
var adding = []string{"CreateStmt", "IndexStmt", "AlterTableStmt", "InsertStmt", "CommentStmt", "CreateSeqStmt",
	"CreateFunctionStmt", "CreateTrigStmt", "CreatePolicyStmt", "GrantStmt"}

// statement judges a statement as a whole.
func (l *linter) statement(kind string, s node) {
	if slices.Contains(ruling, kind) {
		l.say(RuleLock, "%s: the runner sets locks, settings and transactions", kind)
	}
	if l.tenant && slices.Contains(perTenant, kind) {
		l.say(RuleObject, "%s in each tenant", kind)
	}
	switch l.step.Phase {
	case migrations.Expand:
		l.expand(kind, s)
	case migrations.Backfill:
		if kind != "UpdateStmt" && kind != "InsertStmt" {
			l.say(RuleBatch, "a backfill is an UPDATE or an INSERT, not %s", kind)
		}
		if !bounded(kind, s) {
			l.say(RuleBatch, "a backfill has a LIMIT, a number, on the rows that it changes, so that each batch is short")
		}
		if has(s, "DeleteStmt") {
			l.say(RuleBatch, "a backfill deletes nothing")
		}
	case migrations.Contract:
		l.contract(kind, s)
	case migrations.Unphased:
	}
	if kind == "IndexStmt" && s["concurrent"] == true {
		l.say(RuleIndex, "CREATE INDEX CONCURRENTLY cannot be part of a step's transaction")
	}
}

// expand judges a statement of an Expand step.
func (l *linter) expand(kind string, s node) {
	if !slices.Contains(adding, kind) {
		l.say(RuleAdditive, "%s is not additive", kind)
	}
	if has(s, "UpdateStmt") || has(s, "DeleteStmt") || has(s, "MergeStmt") || part(s, "onConflictClause")["action"] == "ONCONFLICT_UPDATE" {
		l.say(RuleAdditive, "a part of %s changes or deletes rows that are there", kind)
	}
	switch kind {
	case "InsertStmt":
		if l.tenant && has(part(s["selectStmt"], "SelectStmt")["fromClause"], "RangeVar") && !bounded(kind, s) {
			l.say(RuleBatch, "a table is copied by a backfill, or with a LIMIT")
		}
	case "CreateStmt":
		l.make(s)
	case "GrantStmt":
		if s["is_grant"] != true {
			l.say(RuleAdditive, "REVOKE is not additive")
		}
	case "CreateFunctionStmt":
		if s["replace"] == true {
			l.say(RuleAdditive, "OR REPLACE changes what older binaries use")
		}
	case "IndexStmt":
		l.index(s)
	case "AlterTableStmt":
		l.commands(s, l.alter)
	}
}

// contract judges a statement of a Contract step: it may take away, but what it adds or changes must not hold up the
// binaries that serve.
func (l *linter) contract(kind string, s node) {
	switch kind {
	case "CreateStmt":
		l.make(s)
	case "IndexStmt":
		l.index(s)
	case "RenameStmt":
		if of := s["renameType"]; of == "OBJECT_COLUMN" || of == "OBJECT_TABLE" {
			l.say(RuleRename, "%s: add the new name, fill it, and take the old one away", table(s["relation"]))
		}
	case "AlterTableStmt":
		l.commands(s, func(table string, c node) {
			switch c["subtype"] {
			case "AT_AddColumn", "AT_AddConstraint", "AT_SetNotNull":
				l.alter(table, c)
			case "AT_AlterColumnType":
				l.say(RuleRewrite, "%s.%v: another type rewrites the table under its lock", table, c["name"])
			}
		})
	}
}

// make notes a table that a step makes. One that may have been there is none.
func (l *linter) make(s node) {
	if s["if_not_exists"] != true {
		l.made[qualifiedTable(s["relation"])] = true
	}
}

// index judges an index.
func (l *linter) index(s node) {
	if !l.made[qualifiedTable(s["relation"])] {
		l.say(RuleIndex, "%s exists: no writes while the index is built", table(s["relation"]))
	}
}

// commands calls judge with each part of an ALTER TABLE of an existing table.
func (l *linter) commands(s node, judge func(table string, c node)) {
	if l.made[qualifiedTable(s["relation"])] {
		return
	}
	cmds, _ := s["cmds"].([]any)
	for _, c := range cmds {
		judge(table(s["relation"]), c.(node)["AlterTableCmd"].(node))
	}
}

// alter judges what is altered of an existing table.
func (l *linter) alter(table string, c node) {
	switch subtype, _ := c["subtype"].(string); subtype {
	case "AT_AddColumn":
		l.addColumn(table, part(c["def"], "ColumnDef"))
	case "AT_AddConstraint":
		if k := part(c["def"], "Constraint"); k["skip_validation"] != true && k["indexname"] == nil {
			l.say(RuleValidate, "a constraint of %s without NOT VALID reads the whole table under its lock", table)
		}
	case "AT_SetNotNull":
		l.say(RuleNotNull, "SET NOT NULL of %s reads the whole table, unless a valid CHECK says it already; older binaries may write nulls", table)
	case "AT_ColumnDefault":
		if c["def"] == nil {
			l.say(RuleAdditive, "DROP DEFAULT of %s: older binaries may leave it to the default", table)
		}
	case "AT_SetStatistics", "AT_SetRelOptions", "AT_SetOptions", "AT_ValidateConstraint":
	default:
		l.say(RuleAdditive, "%s of %s is not additive", strings.TrimPrefix(subtype, "AT_"), table)
	}
}

// addColumn judges a column that an existing table gets.
func (l *linter) addColumn(table string, def node) {
	kinds := map[string]node{}
	list, _ := def["constraints"].([]any)
	for _, c := range list {
		k := part(c, "Constraint")
		kind, _ := k["contype"].(string)
		kinds[kind] = k
	}
	name := fmt.Sprintf("%s.%v", table, def["colname"])
	if kinds["CONSTR_NOTNULL"] != nil && kinds["CONSTR_DEFAULT"] == nil {
		l.say(RuleNotNull, "%s is NOT NULL without a default", name)
	}
	if d := kinds["CONSTR_DEFAULT"]; d != nil && volatile(d) {
		l.say(RuleDefault, "the default of %s calls a function that may be volatile, which rewrites the table", name)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		switch kind {
		case "CONSTR_NOTNULL", "CONSTR_NULL", "CONSTR_DEFAULT":
		case "CONSTR_IDENTITY", "CONSTR_GENERATED":
			l.say(RuleDefault, "%s rewrites the table", name)
		default:
			l.say(RuleValidate, "the constraint of %s reads the whole table under its lock: add it NOT VALID", name)
		}
	}
}

// stable lists the functions that may be in the default of a new column.
var stable = []string{"now", "transaction_timestamp", "statement_timestamp"}

// volatile reports whether an expression calls a function that is not known to be stable.
func volatile(tree any) (found bool) {
	visit(tree, func(kind string, n node) {
		if kind == "FuncCall" {
			names := texts(n["funcname"])
			found = found || !slices.Contains(stable, names[len(names)-1])
		}
	})
	return found
}

// walk judges what is anywhere in a statement.
func (l *linter) walk(tree node) {
	qualified := func(names []string) {
		if l.tenant && len(names) > 1 && names[0] != "pg_catalog" {
			l.say(RuleQualified, "%s", strings.Join(names, "."))
		}
	}
	visit(tree, func(kind string, n node) {
		switch kind {
		case "relation", "RangeVar", "pktable":
			if schema, ok := n["schemaname"].(string); ok {
				qualified([]string{schema, fmt.Sprint(n["relname"])})
			}
		case "FuncCall":
			qualified(texts(n["funcname"]))
		case "typeName", "TypeName":
			qualified(texts(n["names"]))
		case "DropStmt":
			objects, _ := n["objects"].([]any)
			for _, o := range objects {
				qualified(texts(part(o, "List")["items"]))
			}
		case "ResTarget":
			if ref := part(n["val"], "ColumnRef"); has(ref["fields"], "A_Star") {
				l.say(RuleStar, "name the columns")
			}
		}
	})
}

// visit calls f with every named node of a tree, in an order that is always the same.
func visit(tree any, f func(kind string, n node)) {
	switch t := tree.(type) {
	case node:
		for _, kind := range slices.Sorted(maps.Keys(t)) {
			if n, ok := t[kind].(node); ok {
				f(kind, n)
			}
			visit(t[kind], f)
		}
	case []any:
		for _, x := range t {
			visit(x, f)
		}
	}
}

// has reports whether a node of a name is in a tree.
func has(tree any, name string) (found bool) {
	visit(tree, func(kind string, _ node) { found = found || kind == name })
	return found
}

// bounded reports whether an UPDATE or INSERT has a LIMIT that is a number where its rows come from, and not only in what
// they are set to, or in a condition that all rows may meet.
func bounded(kind string, s node) (found bool) {
	from := s
	if kind == "InsertStmt" {
		from = part(s["selectStmt"], "SelectStmt")
		found = isNumber(from["limitCount"])
	}
	limited := func(tree any) (found bool) {
		visit(tree, func(kind string, n node) { found = found || kind == "limitCount" && isNumber(n) })
		return found
	}
	visit(from["whereClause"], func(kind string, n node) { // IN or = ANY
		found = found || kind == "SubLink" && n["subLinkType"] == "ANY_SUBLINK" && limited(n["subselect"])
	})
	for _, rows := range []any{from["fromClause"], from["withClause"], s["withClause"]} {
		found = found || limited(rows)
	}
	return found
}

// isNumber reports whether an expression is a number, other than 0.
func isNumber(expr any) bool { return part(part(expr, "A_Const"), "ival")["ival"] != nil }

// part returns a node's part of a name, or none.
func part(n any, name string) node {
	if m, ok := n.(node); ok {
		p, _ := m[name].(node)
		return p
	}
	return nil
}

// table returns the name of a table without its schema.
func table(relation any) string {
	if r, ok := relation.(node); ok {
		return fmt.Sprint(r["relname"])
	}
	return ""
}

// qualifiedTable returns the name of a table with its schema.
func qualifiedTable(relation any) string {
	r, _ := relation.(node)
	return fmt.Sprint(r["schemaname"], ".", r["relname"])
}

// texts returns the strings of a list of String nodes.
func texts(list any) (out []string) {
	items, _ := list.([]any)
	for _, i := range items {
		out = append(out, fmt.Sprint(part(i, "String")["sval"]))
	}
	return out
}
