// Package web is the outer rim: HTTP by Echo, its route table, what strangers may take of a node, and
// the pages. It turns requests into calls of hub, rooms and store, and their errors into words,
// statuses and codes. The conversation with a socket is package session's, the operator's API package
// operator's, the API of the platform's operator, at a host of its own, package platform's; what they share is in internal/api. They do not import each other: New passes to each
// what it needs of the other.
//
// # What always holds
//
//   - The tenant of a request is the one whose domain the Host is. Only where the platform's people say so, it is
//     that of a folder at one host, that of hosts which nobody has, or the Host is what a trusted proxy says. A token
//     counts only if it is that tenant's; no other header, path or message names a tenant.
//   - No SQL is run to find the tenant or to check a token; to use a ticket takes one
//     statement.
//   - A room of another tenant does not exist: it is answered like any unknown room.
//   - A body or a message is read by hub/wire/strict, and what people wrote is a strict.Line or a
//     strict.Text in the struct that it is read into.
//   - What a stranger can have of a node is bounded before it is done, each time under a name that
//     a metric counts: connections, requests of an address, bytes, time, and look-ups, the last by
//     tenant. A proxy is believed only if it is one that was named.
//   - A request is worked on when it is here whole and its token was verified; only those are waited
//     for when the node ends.
//   - Every error is the API's JSON, with a code that docs/protocol.md has, also of a handshake.
//
// # Why sockets are closed here
//
// Which sockets may be here (lifecycle.go) follows from three things: the tenant as the directory has
// it, the token as the verifier has it, and what the socket was told at its handshake. store/tenancy
// knows no socket, auth no tenant's subscription, and hub neither; web is the lowest package that
// knows all three. Both the socket's handshake and the middleware ask the same rule.
//
// # The order in which to read it
//
// server.go (what works together), routes.go (the route table), edge.go and conns.go (what strangers may
// take), middleware.go (host, token, role), internal/api (errors, limits, how a request is read),
// lifecycle.go (which sockets may be here), assets.go, encoding.go and brand.go (the pages), session (a player's path), operator (an operator's path), platform.
// Tests of all of them are given a casino by webtest.
package web
