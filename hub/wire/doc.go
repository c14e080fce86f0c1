// Package wire defines the messages of the protocol pitboss.v1: JSON text frames that
// are JSON-RPC 2.0. Requests and replies carry commands, notifications carry pushes.
//
// # What always holds
//
//   - Decode accepts exactly what docs/asyncapi.yaml describes, and refuses everything
//     else with an *Error that can be sent back; it never panics and never allocates
//     more than a small multiple of the frame. JSON and texts are decoded by package strict.
//   - The tenant and the player of a message are those of the socket. No message has
//     a field for them.
//   - A code in this package (method, error, close) is never given another meaning.
package wire
