package walls

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// Pools reports uses of pgx's pools and bare connections, with which a query can be asked outside of any scope. The
// *pgxpool.Conn that db.Platform lends is neither: it is behind the gate, and its login sees no tenant's rows.
var Pools = &analysis.Analyzer{
	Name: "pools",
	Doc:  "reports raw connections to the database outside of the packages that lend them",
	Run:  pools,
}

// owners are the packages that may, and why.
var owners = map[string]string{
	module + "store/internal/db": "it has the pools, and lends their connections behind gates and in scopes",
	module + "store/jobs":        "the owner's login does jobs, in a process that serves nobody",
	module + "store/tenancy":     "the owner's login migrates and makes tenants, in a process that serves nobody",
	module + "store/doctor":      "it tries as both logins what scopes must refuse, in a process that serves nobody",
	module + "store/localpg":     "it starts a server of one's own, and asks it by the superuser's login whether it is there",
}

// raw are the types of such connections.
var raw = map[[2]string]bool{
	{pgx + "/pgxpool", "Pool"}: true, {pgx, "Conn"}: true, {pgx + "/pgconn", "PgConn"}: true,
	{"database/sql", "DB"}: true, {"database/sql", "Conn"}: true, {"database/sql", "Tx"}: true, {"database/sql", "Stmt"}: true,
}

// connecting are functions and methods of pgx that return them.
var connecting = map[string]bool{
	"Connect": true, "ConnectConfig": true, "ConnectWithOptions": true, "New": true, "NewWithConfig": true, "Construct": true, "Hijack": true,
}

func pools(pass *analysis.Pass) (any, error) {
	if _, ok := owners[path(pass)]; ok {
		return nil, nil
	}
	for _, f := range files(pass) {
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			switch o := pass.TypesInfo.Uses[id].(type) {
			case *types.TypeName:
				if raw[[2]string{pkgPath(o), o.Name()}] {
					pass.Reportf(id.Pos(), "%s.%s is for the packages that lend connections (db.Scope, db.Platform)", o.Pkg().Name(), o.Name())
				}
			case *types.Func:
				if p := pkgPath(o); p == "database/sql" && (o.Name() == "Open" || o.Name() == "OpenDB") || p == pgx+"/stdlib" {
					pass.Reportf(id.Pos(), "%s.%s gives a connection without a scope: ask db.Scope or db.Platform", o.Pkg().Name(), o.Name())
					return true
				}
				if !isPgx(pkgPath(o)) {
					return true
				}
				returnsConn := o.Signature().Recv() != nil && (o.Name() == "Conn" || o.Name() == "PgConn") && o.Signature().Params().Len() == 0
				if returnsConn || connecting[o.Name()] && o.Pkg().Path() != pgx+"/pgtype" {
					pass.Reportf(id.Pos(), "%s.%s gives a connection without a scope: ask db.Scope or db.Platform", o.Pkg().Name(), o.Name())
				}
			}
			return true
		})
	}
	return nil, nil
}

func pkgPath(o types.Object) string {
	if o.Pkg() == nil {
		return ""
	}
	return o.Pkg().Path()
}
