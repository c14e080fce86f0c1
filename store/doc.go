// Package store keeps everything that must survive in PostgreSQL: tenants, rooms'
// journals, players' money and the audit log.
//
// # What always holds
//
//   - A tenant's rows are in the tenant's own schema, and only the tenant's own role may
//     touch them. Scope.Tx is the only way there: the pools are not exported, and the login
//     behind them has no right on any tenant's table. A query outside a scope fails with
//     SQLSTATE 42501; it never returns rows.
//   - One tenant's locks hold up no other: what it has in use of the connections is bounded
//     (gate.go), appends have a share of their own, and leases, the directory, revocations, tickets
//     and the index of rooms go by other connections. A statement waits for a lock for 3 s and
//     runs for 7 s at most; the login is bound to that, and so it holds behind any pooler.
//   - What the database can not do now is ErrUnavailable, or ErrBusy, whoever asks: all that goes
//     wrong is judged in one place (borrow). A disk that is full or broken, or a server that is
//     read-only, turns Health red.
//   - A scope lasts exactly as long as its transaction, so nothing of a tenant is left on
//     a connection, also behind pgbouncer in transaction mode.
//   - What happened in a room and the money that it moved are written in one transaction,
//     fenced by the room's epoch and seq. Events, transfers, answers and audit lines can be
//     added and read, never changed: the tenant's role has no right to. It may delete refusals,
//     which are kept for a day in a table of their own, and nothing else.
//   - The sum of all balances of a tenant is zero, each balance is what its transfers
//     add up to, and no player's is below zero.
//   - Signing secrets and the seeds of open rounds are sealed under the master key.
//   - A token that was taken back is known to every node's memory within a second, and at
//     once after a restart; its audit line is in the same transaction.
//   - A reason is a strict.Line of 1 to ReasonMax characters, whoever gives it.
//   - The database is believed, also when it has gone back: to a replica that lagged, a backup or a
//     snapshot of its disk. platform.generation numbers the histories that were seen; whoever polls,
//     renews a lease or claims a room asks for it in the same transaction, and nothing that was read
//     in one generation is compared with a number of another. A claim gives an epoch that no claim
//     ever gave. Appends need not ask: they name an epoch, which only a claim gives, and a node whose
//     lease was not renewed in this generation decides nothing (history.go).
//   - A request's tenant is found in memory (Tenants); no request costs SQL for that.
//
// # Why
//
// Two walls, role and search_path, stand with the message that begins the transaction, so
// they cost no round trip: the login's path begins with "$user", which is the tenant's
// schema as soon as the role is the tenant's. (BenchmarkScope: about 6 % on top of a bare
// transaction; setting the path by a statement of its own doubled that.) Outside a scope the
// path ends at the template schema tpl: the names resolve there and the rows are denied, so
// a forgotten scope is loud.
//
// SQL is constant and unqualified, and prepared once for each connection, whatever the number
// of tenants: the server plans it anew when the role under it changes, which still costs less
// than to parse it too (docs/benchmarks/exec-modes.md, BenchmarkExecModes). A prepared plan may
// be as old as an empty table, so the login's plans never read a table from end to end if an
// index will do. Behind a pooler that knows no prepared statements, say
// default_query_exec_mode=cache_describe in the URL.
//
// Appends of a tenant's rooms that wait at the same time share a transaction of two round trips
// (group.go, presume.go): one would do only if the answers, which are written with the bets,
// did not say the balance after each.
//
// An append that the server undid, or that did not come to its commit, is known not to be written
// (rooms.ErrNotWritten). Only a connection that is lost between the commit and its answer leaves
// that open.
//
// Refusals and accepted commands are in two tables, so that an id could be in both: each append
// looks in the other one too, in the statement that inserts its answers.
//
// Hot tables have no foreign keys: a batch of a hundred bets would pay for hundreds of
// look-ups that the journal's own arithmetic makes needless; Store.TrialBalance finds what
// a foreign key would have found. JSON is kept as json, not jsonb, so that an event comes
// back byte for byte.
//
// The directory's version is one counter row that every change of a tenant updates last in
// its transaction. A sequence was turned down: its numbers become visible in another order
// than the transactions that took them, and a poller would miss a change.
//
// Revocations, and where rooms are, need no such counter: each row has the number of the
// transaction that wrote it last, and a poller that goes on from the xmin of its last
// snapshot may read a row twice and never misses one, in whatever order transactions commit.
//
// A generation rises when the server's system identifier, the database's oid or the timeline is
// another, or its WAL ends before what a node has seen. What is stored in the database itself goes back
// with it, so the comparison is made by the server that answers, and a node that knows of a later
// generation says so: two replicas that were promoted from the same primary both call their timeline 2.
// The restart of a server is no reason: it would close every socket for nothing.
//
// platform.room is an index over all tenants' rooms; the truth is the tenant's own row. The
// index is written first when a room is opened, and repaired whenever a room is claimed. A
// node's lease (platform.node) ends by the clock of PostgreSQL; no
// node's clock is in it.
package store
