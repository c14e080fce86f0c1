// Package hub holds the sockets of this node and what they listen to. It knows
// tenants, players and topics, and nothing of rooms or games.
//
// # What always holds
//
//   - Nothing waits on a slow socket. A socket's queue is bounded in bytes; past the bound its
//     client is resynchronised with the topic of which most is queued (Resyncer), or the socket
//     is closed, with a code that says come back. Nothing is ever left out silently.
//   - A socket that has ended is garbage, however it ended: it is closed in the library too, and
//     nothing refers to it but the wheel, for one turn.
//   - Limits belong to a subject, a player or a staff member, and outlive its sockets: reconnecting
//     does not reset them. A subject is forgotten when it has no socket and its buckets are full, so
//     the number of subjects is bounded by the rate at which they may connect.
//   - A subject that keeps to its share of the tenant's commands gets it, whatever the tenant's
//     other subjects send.
//   - All that a client sends is counted: commands by Conn.Allow, other frames as they arrive,
//     and both after we have closed the socket.
//   - No frame is torn: a socket is written to by its flusher or by its drain, never by both,
//     and the WebSocket library's control frames go the same way.
//   - An idle socket is one goroutine, which reads.
//   - Messages of one topic reach a socket in the order in which they were published.
//     Only chat may be overtaken by what is more urgent. Between topics, the more
//     urgent class is written first.
//   - A message with a key replaces an unsent older one of its key and topic, in its place in
//     the queue, or at the end if it would overtake a message without a key.
//   - A close overtakes everything that is queued.
//   - Between Conn.Hold and Conn.Release no message of the topic is lost, and none
//     that the Release says is known is sent.
//   - The events of a topic (messages with a Seq) reach its released members once each and
//     without a gap, although the bus may lose, duplicate and reorder them: a gap is detected by
//     the next event, or by the next beat's Top, and repaired by Options.Repair.
//   - Only tokens expire by the time of day. All durations are measured by Hub.clock, which is monotonic.
//   - After GoBack no event of an earlier history reaches a socket, and a topic's position is not
//     learned from a socket that connected before.
//   - A socket only ever listens to topics of its own tenant, and a player's own form
//     of a message is sent to sockets of role player with that player's id only.
//   - A player has one socket over all nodes: the newest stays, by the seat that it was given
//     (Conn.Sit). While the bus loses messages there may be two, for seatRepeatInterval.
//   - A request from one node to another is a Call: bounded in time, in bytes, and in how many are
//     served at once, with named errors. A reply counts only if it comes from the node that was asked.
//   - When Run has returned, no socket is open and no goroutine of the hub lives.
//
// # How a message is written
//
//	topic.deliver  builds one frame for all and puts a pointer into each socket's queue
//	flusher        picks the next tenant, the tenant's most urgent socket, and writes all that is
//	               queued for it in one system call that does not block
//	Conn.drain     takes over when the kernel takes no more, or the connection is TLS, and ends
//	               when nothing is queued any more
//
// A flusher is a goroutine for each core, not one for each socket: what is published while
// others are written to goes out together, which is where the speed is (docs/benchmarks).
//
// # Why
//
// Four locks nest: of a topic's order (resequencer.mu), of its members (topic.mu), a socket's
// (Conn.mu), a flusher's (flusher.mu), in this order. All others are held alone and for a few
// instructions; Hub.tasksMu may also be locked inside of the four. Only topic.gate is held during
// calls to the bus, and only sockets that join or leave that topic wait for it.
//
// A repaired gap is delivered in batches, since thousands of events at once are more than a
// socket's queue holds, and all sockets in the room would be closed as slow at the moment when
// the bus is back.
//
// The WebSocket library (coder/websocket) does the handshake, reads, and answers pings and
// close frames. Messages do not go through it: a server's frames are not masked, so they are
// the same for everyone, and it has no way to write one to many, or many at once. Our own
// close frame is written as the last message rather than by its Close, which would wait in a
// goroutine for each socket when a node drains.
//
// Any subject may use up half of a tenant's limit; the other half is kept for those that have not
// used their share: a limit divided among all would be wasted on silent subjects.
//
// link counts fragments and control frames by parsing the frame headers in the client's bytes: the
// library has no hook for fragments. This costs 40 ns for an ordinary command.
//
// Frames are not counted but left to the garbage collector: a broadcast is two allocations,
// whatever the number of sockets.
//
// There is one wheel for all sockets: its lock is taken once per socket and heartbeat, which costs
// less than more wheels would.
//
// A socket that cannot take its close frame is cut after closeTimeout. Its client
// sees 1006, which means the same as 4000: come back and resume.
package hub
