// Package hub holds the sockets of this node and what they listen to. It knows
// tenants, players and topics, and nothing of rooms or games.
//
// # What always holds
//
//   - Nobody waits on a slow socket but its own writer. What waits for a socket is
//     bounded in bytes; past the bound the socket is closed, with a code that says
//     come back, and nothing is ever left out silently.
//   - Messages of one topic reach a socket in the order in which they were published.
//     Only chat may be overtaken by what is more urgent. Between topics, the more
//     urgent class is written first.
//   - A message with a key replaces an unsent older one of its key and topic, at the
//     older one's place, or at the end if it would overtake a message without a key.
//   - A close overtakes everything that waits.
//   - Between Conn.Hold and Conn.Release no message of the topic is lost, and none
//     that the Release says is known is sent.
//   - A socket only ever listens to topics of its own tenant, and a player's own form
//     of a message is sent to sockets of role player with that player's id only.
//   - When Run has returned, no socket is open and no goroutine of the hub lives.
//
// # Why
//
// Two locks nest: a topic's (topic.mu) before a socket's (Conn.mu). All others are
// held alone and for a few instructions; topic.gate alone is held while the bus is
// asked for a topic, and only those who want that topic wait for it.
//
// One ticker looks at all sockets for heartbeats, silence, expiry and stuck writes: a
// timer per socket costs more than a second's imprecision is worth.
//
// A socket that can not take its close frame is cut after closeTimeout. Its client
// sees 1006, which means the same as 4000: come back and resume.
package hub
