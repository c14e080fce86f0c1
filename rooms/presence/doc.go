// Package presence counts who is where, over all nodes. Each node counts its own sockets, tells the others
// what changed, and adds up what they tell. It knows numbers of players, and no player: whether one is on another node, it asks (Held).
//
// # What always holds
//
//   - A node's players are counted while its lease runs, and no longer. Elsewhere, by which a plan's limit of players goes, does
//     not count those of a node that did not answer Held either: a player whose node died, or whose socket there is dead and
//     not known to be, is no new one and takes nobody's place.
//   - What the bus loses makes a count wrong for fullEvery at most. Another process of a node's name starts
//     from nothing.
//   - Whoever was given Welcome and every Changes after it knows the same counts as this node.
//   - How much a socket is told in a second does not depend on how large the casino is.
package presence
