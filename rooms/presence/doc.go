// Package presence counts who is where, over all nodes. Each node counts its own sockets, tells the others
// what changed, and adds up what they tell. It knows numbers of players, and no player.
//
// # What always holds
//
//   - A node's players are counted while its lease runs, and no longer.
//   - What the bus loses makes a count wrong for fullEvery at most. Another process of a node's name starts
//     from nothing.
//   - Whoever was given Welcome and every Changes after it knows the same counts as this node.
//   - How much a socket is told in a second does not depend on how large the casino is.
package presence
