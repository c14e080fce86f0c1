// Package session is the conversation with a socket: how it is let in, what it is told unasked, what
// it may say, and what it is answered. The HTTP of a socket's surroundings is here too: who a token's
// bearer is, tickets, the list of rooms, and a player's history.
//
// # What always holds
//
//   - Who a socket is was settled before the upgrade; no message changes the tenant or the player.
//   - A socket's events of a room start right after the reply to room.join, without a gap and
//     without a repeat (hub.Conn's Hold and Release).
//   - Every request with an id gets one answer, from whoever finishes the work; each counts against
//     the socket's rate by what it makes the server do.
//   - A command that was not answered by its room is never answered as done.
//   - Chat is remembered in this node's memory only. No player is told another's subject, nor more
//     than two letters of a name.
//   - It knows nothing of the operator's API; web passes in what it needs of others.
package session
