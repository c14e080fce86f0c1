// Package cache keeps what was computed of tenants for a while: in the memory of each node, and in a Redis that
// the nodes share if there is one.
//
// # What always holds
//
//   - A value is found under the key that it was put under, in the same epoch of its tenant and the same history of
//     the database, and nowhere else. Only a tenant's ID makes a key.
//   - A flush of a tenant is one increment: the epoch is the version of the tenant in the platform's directory,
//     which each change of the tenant raises, and pitboss cache flush without any. A node that has the database
//     finds nothing of before within a second of the commit, and what it was loading meanwhile is kept in the
//     epoch before. A node that does not have the database goes on with the epoch that it knows.
//   - After the database has gone back, nothing of the history that is lost is found, by nodes that ran meanwhile as
//     soon as they see it, and by nodes that start then at once.
//   - What Redis has is believed if a node of this installation and release has put it there, for this place, and it
//     is still good: it is sealed under a key that is derived from the master key. Everything else is a miss.
//   - A cache that fails is a miss: a caller waits for Redis for a tenth of a second at most, and after three
//     failures in a row one caller a second does, until it answers.
//   - One load of a key runs at a time on a node, and no caller who leaves ends it for the others.
//   - A tenant that asks for very much drives out its own values.
//
// # Why
//
// The epoch is not kept in Redis. A counter there is lost when it is evicted, flushed, or not yet on the replica that
// takes over; whoever can write to Redis could set it back, and bring back what was flushed; and it would have to be
// read with each value. The directory of tenants is in every node's memory, follows the database within a second
// anyway, and works for nodes without Redis: knowing the epoch costs nothing.
//
// A history has more to it than the generation. If a backup is restored twice while no node runs, both histories have
// the same generation, and a snapshot of the disk even that of the history before. So when the server started
// is part of the name: a restart of PostgreSQL empties the cache, which costs what it takes to fill it.
//
// # What is cached
//
// What BenchmarkCache (make bench-cache) shows a gain for, and what is never wrong: nothing that is kept can
// change. Microseconds until the answer, and of CPU time of node, PostgreSQL and Redis together; two of a virtual
// machine's cores, one caller, 40 bets in a round, pages of 20, a ledger of 200,000 transfers:
//
//	                                     read            from Redis    from memory
//	a finished round                     650 (430)       97 (90)       9 (13)       kept for an hour, by both
//	a player's rounds, a later page      2,000 (900)                   53 (29)      half a minute, in memory
//	a player's transactions, the same    400 (295)                     57 (21)      half a minute, in memory
//	a player's transactions, page one    580 (295)                                  no
//	the trial balance                    125,000 (76,000)                           no
//
// A round is looked up by many on all nodes, so one read for all is worth a command to Redis. A later page of a
// history is read again by who pages back and forth, at the same node; a command to Redis for each page would cost
// more than a page that is found there now and then would save. Such a page is kept if all that is on it is over.
//
// The first page of a history changes with each bet. For transactions the version of the account says whether it
// has; to read that takes 117 (90) of the 580 (295), so it would pay where three of ten pages are asked for again with
// nothing moved, and players look after something has. For rounds nothing says it: a round that is lost ends, and a seed
// is revealed, without any change of the player's.
//
// The trial balance is dear and is read all the same: it is there to find what should not be in the tables. Nothing
// cheap tells that they are unchanged: ids of transfers become visible in another order than they rise. What bounds it
// is that a tenant makes one at a time.
package cache
