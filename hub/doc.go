// Package hub holds the sockets of this node and what they listen to. It knows
// tenants, players and topics, and nothing of rooms or games.
//
// # What always holds
//
//   - Nobody waits on a slow socket. What waits for a socket is bounded in bytes; past the
//     bound its client is told anew where the topic is of which most waits (Resyncer), or the
//     socket is closed, with a code that says come back. Nothing is ever left out silently.
//   - A socket that has ended is garbage, however it ended: what was made for it in a library is
//     told so, and nothing keeps it but the wheel, for one turn.
//   - Limits are a subject's, a player's or a staff member's, and outlive its sockets: to come
//     back changes nothing. A subject is forgotten when it has no socket and is owed nothing, so
//     what is kept is bounded by how fast subjects may come.
//   - Whoever of a tenant's subjects keeps to its share of the tenant's commands gets it,
//     whatever the others send.
//   - All that a client sends is counted: commands by Conn.Allow, other frames as they arrive,
//     and both after a close of ours.
//   - No frame is torn: a socket is written to by its flusher or by its drain, never by both,
//     and the WebSocket library's control frames go the same way.
//   - An idle socket is one goroutine, which reads.
//   - Messages of one topic reach a socket in the order in which they were published.
//     Only chat may be overtaken by what is more urgent. Between topics, the more
//     urgent class is written first.
//   - A message with a key replaces an unsent older one of its key and topic, at the
//     older one's place, or at the end if it would overtake a message without a key.
//   - A close overtakes everything that waits.
//   - Between Conn.Hold and Conn.Release no message of the topic is lost, and none
//     that the Release says is known is sent.
//   - The events of a topic (messages with a Seq) reach its released members once each and
//     without a gap, although the bus may lose, double and reorder them: what is missing is
//     seen by the next event, or by the next beat's Top, and fetched by Options.Repair.
//   - Only tokens end by the time of day. Whatever lasts goes by Hub.clock, which nobody sets.
//   - After GoBack nothing of an earlier history reaches a socket, nor is a topic believed to be where
//     a socket of before thinks it is.
//   - A socket only ever listens to topics of its own tenant, and a player's own form
//     of a message is sent to sockets of role player with that player's id only.
//   - A player has one socket over all nodes: the newer one stays, by the seat that it was given
//     (Conn.Sit). While the bus loses messages there may be two, for seatAgain.
//   - What one node asks another is a Call: bounded in time, in bytes, and in how many are served at
//     once, and its errors are those that it names. A reply counts only if it is of the node that was asked.
//   - When Run has returned, no socket is open and no goroutine of the hub lives.
//
// # How a message is written
//
//	topic.deliver  builds one frame for all and puts a pointer into each socket's queue
//	flusher        takes a tenant's turn, the tenant's most urgent socket, and all that waits
//	               for it, and writes that in one system call that does not wait
//	Conn.drain     takes over when the client's kernel takes no more, or the connection is TLS,
//	               and ends when nothing waits any more
//
// A flusher is a goroutine for each core, not one for each socket: what is published while
// others are written to goes out together, which is where the speed is (docs/benchmarks).
//
// # Why
//
// Four locks nest: of a topic's order (sequel.mu), of its members (topic.mu), a socket's
// (Conn.mu), a flusher's (flusher.mu), in this order. All others are held alone and for a few instructions, Hub.errandsMu also inside of them; topic.gate alone is held
// while the bus is asked for a topic, and only those who want that topic wait for it.
//
// What a topic missed is given in portions, since thousands of events at once are more than a
// socket's queue holds, and everybody in the room would be closed as slow at the moment when
// the bus is back.
//
// The WebSocket library (coder/websocket) does the handshake, reads, and answers pings and
// close frames. Messages do not go through it: a server's frames are not masked, so they are
// the same for everyone, and it has no way to write one to many, or many at once. Our own
// close frame is written as the last message rather than by its Close, which would wait in a
// goroutine for each socket when a node drains.
//
// A tenant's allowance may be used up by whoever sends, but for half of it, which is kept for
// those who have not had their share: an allowance divided outright would go to waste with those
// who are silent.
//
// Fragments and control frames are seen by link, which follows the headers in the client's
// bytes: the library has no hook for fragments. An ordinary command costs 40 ns for it.
//
// Frames are not counted but left to the garbage collector: a broadcast is two allocations,
// whatever the number of sockets.
//
// One wheel for all sockets: its lock is taken once a socket and heartbeat, which is less
// than what it would cost to have more of them.
//
// A socket that can not take its close frame is cut after closeTimeout. Its client
// sees 1006, which means the same as 4000: come back and resume.
package hub
