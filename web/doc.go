// Package web is the outer rim: HTTP by Echo, the socket's session, the operator's
// API, and the pages. It turns requests into calls of hub, rooms and store, and their
// errors into words, statuses and codes (internal/api/errors.go, the only place that does).
//
// # What always holds
//
//   - The tenant of a request is the one whose domain the Host is. A token counts only
//     if it is that tenant's; no header, path or message names a tenant.
//   - No SQL is run to find the tenant or to check a token; to use a ticket takes one
//     statement.
//   - A room of another tenant does not exist: it is answered like any unknown room.
//   - A socket's events of a room start right after the reply to room.join, without a
//     gap and without a repeat (hub.Conn's Hold and Release).
//   - A body or a message is read by hub/wire/strict, and what people wrote is a strict.Line or a
//     strict.Text in the struct that it is read into.
//   - Whatever an operator changes is in the audit log, by the same transaction.
//   - What a stranger can have of a node is bounded before it is done, each time under a name that
//     a metric counts: connections, requests of an address, bytes, time, and look-ups, the last by
//     tenant. A proxy is believed only if it is one that was named.
//   - A request is worked on when it is here whole and its token was verified; only those are waited
//     for when the node ends.
//   - Every error is the API's JSON, with a code that docs/protocol.md has, also of a handshake.
//
// # The order in which to read it
//
// internal/api (what all share), server.go (who works together, and the route table), edge.go and
// conns.go (what strangers may take), tenant.go (host, token, role), socket.go and session.go (a
// player's path), operator (an operator's path).
package web
