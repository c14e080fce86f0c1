// Package presence counts who is where, over all nodes. Each node counts its own sockets, tells the others
// what changed, and adds up what they tell. It knows numbers of players, and no player: whether one is on another node, it asks (Held).
//
// # What always holds
//
//   - A node's players are counted while its lease runs, and no longer, whether or not it answers: by errors of the bus nobody is
//     let in. The places of a node that died are free when its lease has run out, for whoever comes first. A player whose socket
//     on a living node is dead, and not known to be, is no new one (Held).
//   - What the bus loses makes a count wrong for fullEvery at most. Another process of a node's name starts
//     from nothing.
//   - Whoever was given Welcome and every Changes after it knows the same counts as this node.
//   - How much a socket is told in a second does not depend on how large the casino is.
package presence
