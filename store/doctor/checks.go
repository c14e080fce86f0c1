package doctor

import "context"

// check is one thing that holds of a sound deployment.
type check struct {
	name, what string
	run        func(context.Context, *Doctor) (finding, error)
}

// checks are made in this order.
var checks = []check{
	{"place", "all URLs lead to one database, with an owner's login and another one for nodes", place},

	{"login", "nodes' login has and inherits nothing of its own, and is a member of tenants' roles only", lines(mightOfLogin, Fail)},
	{"settings", "nodes' login has the settings that keep pg_temp last in its path and bound its locks", settings},
	{"public", "everybody may connect to the database, and nothing else", lines(publicRights, Fail)},
	{"temporary", "nodes' login makes no temporary tables, which would hide a tenant's", temporary},
	{"session", "no setting of one transaction is left on a connection, of the pool or of a pooler", session},
	{"pooler", "what is between nodes and PostgreSQL lends a connection for a transaction at a time", pooler},

	{"unscoped", "a query outside a tenant's scope is denied", unscoped},
	{"missing", "a path that leads to no schema finds no table", missing},
	{"scope", "a tenant's scope sees its own tables, and neither those of another tenant nor the platform's", scope},
	{"leaving", "whoever leaves a tenant's role has the login's rights, which are none", leaving},
	{"savepoint", "what is rolled back to a savepoint leaves the scope as it was", savepoint},
	{"prepared", "a prepared statement reads the tables of the tenant in whose scope it is executed", prepared},
	{"locks", "nobody holds an advisory lock for a session, which would outlive its transaction", locks},

	{"foreign", "no tenant's role has a right outside its schema, on it, or by another role", lines(foreignRights, Fail)},
	{"others", "nobody but the owner and the tenant's own role has rights in a tenant's schema, or that role", lines(otherRights, Warn)},
	{"append", "what is a record of the past cannot be changed: events, commands, transfers, credits, the audit log", lines(changeable, Fail)},
	{"functions", "functions say where their names are, and those with their owner's rights are not everybody's", lines(openFunctions, Fail)},
	{"types", "tenants' schemas have tables only: no types, functions, triggers or views", lines(notTables, Fail)},

	{"names", "tenants, schemas and roles have the names that Pitboss gives", lines(wrongNames, Fail)},
	{"orphans", "each schema and role is a tenant's, and each tenant has both", lines(orphans, Fail)},
	{"lifecycle", "archived tenants are shut and have an archive, purged ones have nothing", lines(lifecycle, Fail)},
	{"served", "each tenant can be served", broken},

	{"drift", "all schemas are what a new tenant gets", drift},
	{"migrations", "the database and all tenants are of this version", migrated},
	{"catalog", "the catalogue has place for more tenants", catalog},
	{"clocks", "the clocks of this machine, PostgreSQL, Redis and the nodes' leases agree", clocks},
	{"redis", "what is in Redis is named by its tenant", redis},
	{"balances", "the books of every tenant add up", balances},
}
