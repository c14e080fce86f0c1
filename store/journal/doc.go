// Package journal keeps what happens in rooms and the money that it moves: the events, the answers to
// commands, the ledger, the rooms themselves, and the leases of the nodes that run them.
//
// # What always holds
//
//   - What happened in a room and the money that it moved are written in one transaction, fenced by the
//     room's epoch and seq. Events, transfers, answers and audit lines can be added and read, never
//     changed: the tenant's role has no right to. It may delete refusals, which are kept for a day in a
//     table of their own, and nothing else.
//   - The sum of all balances of a tenant is zero, each balance is the sum of its transfers, and no
//     player's balance is below zero.
//   - A tenant's credits come one after the other, under the lock of the house's account, which those that wait
//     at the same time share. A credit is reversed once, whole; a reversal never is.
//   - Above the tenant's limit, nobody moves money with a player within 24 hours without a second person.
//   - A command id has one effect and one answer.
//   - The ids of one player's transfers rise in the order in which they can be seen, since each is given under
//     the lock of the player's account: a page of a history that ends at an id misses nothing.
//   - A claim gives an epoch that no claim ever gave, also when the database has gone back. Appends need
//     not ask for the generation: they name an epoch, which only a claim gives, and a node whose lease was
//     not renewed in this generation decides nothing.
//   - The seeds of open rounds are sealed under the master key.
//
// # Why
//
// Appends of a tenant's rooms that wait at the same time share a transaction of two round trips (group.go,
// presume.go): one would do only if the answers, which are written with the bets, did not contain the
// balance after each.
//
// An append that the server undid, or that did not come to its commit, is known not to be written
// (rooms.ErrNotWritten). Only a connection that is lost between the commit and its answer leaves that open.
//
// A player's history (history.go) has indexes of its own, which cost every bet 182 bytes: without them a page
// would read the tenant's whole ledger. Rounds are ordered by the player's first transfer of each, which
// stays; the last one moves while a round is played.
//
// Refusals and accepted commands are in two tables, so that an id could be in both: each append looks in
// the other one too, in the statement that inserts its answers.
//
// What webhooks tell of (facts.go) is written beside it, by two statements at most, and by none for bets. They
// find out by themselves whether anybody listens, so a casino without webhooks pays one look at an empty table
// for each round that ends.
//
// Hot tables have no foreign keys: a batch of a hundred bets would pay for hundreds of look-ups that the
// journal's own arithmetic makes needless; Ledger.TrialBalance finds what a foreign key would have found.
// JSON is kept as json, not jsonb, so that an event comes back byte for byte.
//
// platform.room is an index over all tenants' rooms; the truth is the tenant's own row. A room and
// its place in the index are made in one transaction, and the index is repaired whenever a room is claimed. A node's lease
// (platform.node) ends by the clock of PostgreSQL; no node's clock is in it.
package journal
