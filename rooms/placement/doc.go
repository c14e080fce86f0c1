// Package placement decides which node owns which room. An Agent keeps its node's lease, follows the Index
// of assignments in the database, and tells the Runtime which rooms to open, to send away and to stop. It
// knows no game and runs no room.
//
// # What always holds
//
//   - A lease only makes things quick. Which nodes live is asked of one clock, the database's. A node whose
//     lease may have run out by its own clock, counted from before it asked for it, does not trust it any
//     more, and looks at the index before it does again.
//   - The index is for finding rooms. It is written after the truth, the epoch in the room's own row, and
//     the next claim repairs it. What another node tells counts for less: of two assignments with one epoch
//     the index is right.
//   - An orphan is for the node that Rank returns, so that all nodes agree without a word. The epoch that
//     was seen goes with the claim: of two that want a room, one gets it.
//   - When the database has gone back (Mark.Generation), all that is known is forgotten and every room of
//     this node is claimed anew. Epochs of the new generation are above all others; an assignment of a
//     smaller one is never believed.
//
// model_test.go searches every interleaving for a second writer, model_find_test.go for a room that nobody
// finds.
//
// # Why
//
// Leases are rows of PostgreSQL, not keys of Redis or a protocol of our own: without the database nothing
// can be decided anyway, so another judge of who lives could only disagree with it. While it is away
// nobody is declared dead, and no room moves.
package placement
