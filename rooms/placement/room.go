package placement

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// TopicKind is the kind of rooms' topics.
const TopicKind = "room"

// Ref names a room. The zero Ref names none.
type Ref struct {
	Tenant tenant.ID
	Room   string
}

// Topic returns the topic of the room's events.
func (r Ref) Topic() tenant.Topic { return r.Tenant.Topic(TopicKind, r.Room) }

// String returns the name for logs.
func (r Ref) String() string { return r.Tenant.String() + "/" + r.Room }

// Status is where a room is in its life.
type Status string

// A room is open, then closing (an operator asked; the round at hand is being ended),
// then closed, for good.
const (
	Open    Status = "open"
	Closing Status = "closing"
	Closed  Status = "closed"
)

// Config is what a room was opened with.
type Config struct {
	Room     string
	Game     string
	Name     string
	Settings json.RawMessage
}
