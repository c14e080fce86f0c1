// Package db is what all parts of the store share: the connections to PostgreSQL, the scope of a tenant,
// and what an error of the server means. It knows no part of the store.
//
// # What always holds
//
//   - Scope is the only way to a tenant's tables: the pools are not exported, and the login behind them
//     has no right on any tenant's table. A query outside a scope fails with SQLSTATE 42501; it never
//     returns rows.
//   - A scope lasts exactly as long as its transaction, so nothing of a tenant is left on a connection,
//     also behind pgbouncer in transaction mode.
//   - A statement is never decoded by what it returned for a tenant whose tables are of another version: it is
//     prepared again, and the transaction run again (Scope.Tx).
//   - One tenant's locks hold up no other: the connections that it uses at once are limited (gate.go), and
//     leases, the directory, revocations, tickets and the index of rooms go by other connections. Appends
//     pass no gate, and all else together never has more than half of the connections.
//   - Whatever the database cannot do now is ErrUnavailable, or ErrBusy, whoever asks: every error is
//     classified where connections are lent (borrow, alone). A disk that is full or broken, or a server that is read-only,
//     turns Health red.
//   - The database is believed, also when it has gone back: to a replica that lagged, a backup or a
//     snapshot of its disk. platform.generation numbers the histories that were seen. Whoever polls, renews
//     a lease or claims a room asks for it in the same transaction, and nothing that was read in one
//     generation is compared with a number of another (history.go).
//   - What changed in the platform's tables is learned by one Poller, and read by Changes.
//
// # Why
//
// Small writes that wait at the same time share a transaction (lanes.go): flushing the log costs more than
// what they write, and bets wait for the same log.
//
// Two walls, role and search_path, are set by the message that begins the transaction, so they cost no
// round trip: the login's path begins with "$user", which is the tenant's schema as soon as the role is the
// tenant's. (BenchmarkScope: about 6 % on top of a bare transaction; setting the path by a statement of its
// own doubled that.) Outside a scope the path ends at the template schema tpl: the names resolve there and
// the rows are denied, so a forgotten scope is loud.
//
// SQL is constant and unqualified, and prepared once for each connection, whatever the number of tenants:
// the server plans it anew when the role under it changes, which still costs less than to parse it too
// (docs/benchmarks/exec-modes.md, BenchmarkExecModes). A prepared plan may be as old as an empty table, so
// the login's plans never read a table from end to end if an index will do. Behind a pooler that knows no
// prepared statements, say default_query_exec_mode=cache_describe in the URL.
//
// Revocations, and where rooms are, need no version: each row has the number of the transaction that wrote
// it last, and a poller that goes on from the xmin of its last snapshot may read a row twice and never
// misses one, in whatever order transactions commit.
//
// A generation rises when the server's system identifier, the database's oid or the timeline is another, or
// its WAL ends before what a node has seen. What is stored in the database itself goes back with it, so the
// comparison is made by the server that answers, and a node that knows of a later generation says so: two
// replicas that were promoted from the same primary both call their timeline 2. The restart of a server is
// no reason: it would close every socket for nothing.
package db
