package wire

import "encoding/json"

// Subprotocol is what a client offers in Sec-WebSocket-Protocol and what the server
// chooses. A browser adds a second entry, BearerPrefix + its JWT.
const (
	Subprotocol  = "pitboss.v1"
	BearerPrefix = "bearer."
	TicketPrefix = "ticket."
)

// Version is the value of every message's "jsonrpc" member.
const Version = "2.0"

// Request is one client → server message.
type Request struct {
	// ID is the request's id as the client wrote it, a JSON string or number. nil for a
	// notification, which is carried out without a reply.
	ID     json.RawMessage
	Method string
	Params json.RawMessage // an object; nil if absent
}
