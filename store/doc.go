// Package store keeps everything that must survive in PostgreSQL. It opens the database and puts the parts
// together that are built on it. Each is a package that imports no other part:
//
//   - journal: rooms, their events and answers, players' money, and the leases of nodes
//   - tenancy: tenants, their domains, keys and settings, and the migrations
//   - access: what was revoked, and the tickets that were used
//   - audit: the audit log
//   - answers: what requests with an Idempotency-Key were answered with
//   - webhooks: where casinos want to be told what happens, and what they were told
//   - approvals: what waits for a second person
//   - script: an operator's SQL, in the scope of a tenant
//   - doctor: whether a deployment is sound; it has connections of its own
//
// One part needs no database: cache keeps what was computed of tenants, in memory and in Redis.
//
// What they share is internal/db: the connections, the scope of a tenant, gates, errors, and the history of
// a database that goes back. What one part needs of another, Open passes in. The documentation of each
// package says what always holds there, and why.
//
// # What always holds
//
//   - A Store is opened only if the database is of this binary's version and its secrets are sealed under
//     the master key that was given.
//   - What every node keeps in memory (the directory of tenants, the revocations) is read before Open
//     returns; each part's Run keeps it up to date.
package store
