// Package changes tells staff that something of a kind has changed, over all nodes. It carries no data: whoever is told reads by the
// HTTP API, so that the database says what is true and a signal that is lost makes a page late, not wrong.
//
// # What always holds
//
//   - A socket is told of the kinds that it watches and of no others, and only of its own tenant's.
//   - After the last change of a kind a socket that watches it is told once more. The first of a row of changes is told at
//     once, and each socket at most every interval, however many changes and nodes there are, besides what it is told for
//     watching more.
//   - A socket is told of all that it watches when it begins to, when a node that was not known comes, when one goes silent, and
//     when the bus lost a message of one: within beatEvery and the bus's delay, or silentAfter if the node has died.
//   - While nobody watches a tenant's changes on any node, a change costs one atomic load, and the nodes send each other nothing.
//
// # Why
//
// The kinds are the things of auth's read scopes, so that who may watch what needs no table of its own; only the ledger's
// name is the scope's, money.
//
// A signal names no room and no player: in a busy casino it would have to name all of them, and in a quiet one to read too
// much costs nothing.
//
// A topic for each kind would need no code here, but costs the bus a message for each change although nobody listens, and a
// socket a frame for each node and kind. Instead a node tells the others whose changes its sockets watch, again with each
// beat; they note those changes and tell all of them in one message. Messages are numbered. A node that hears of a new watch
// answers as if all had changed: what it did not note before is not missed.
//
// Changes are noted where they are committed: by rooms for each batch, by web for each request that may change something,
// by web/webhooks for what it delivered. What is written past the nodes, by the command line or by hand, is noted only if
// the directory of tenants or rooms changes by it; a page sees the rest when it asks by itself.
package changes
