package placement

import (
	"context"
	"errors"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// LeaseTTL is how long a node is believed to live after it said so.
const LeaseTTL = 2 * time.Second

// ErrReplaced means that another process runs under this node's name: this one must stop.
var ErrReplaced = errors.New("placement: another process runs under this node's name; give each node a name of its own")

// Leases says which nodes live and which of them owns which room. What it says of owners is
// for finding them; that there is only one is the journal's to guarantee.
type Leases interface {
	// Renew makes the node's lease end ttl from now, and reports whether it was not held
	// until now: it had run out, is the first, or the database has gone back since the generation
	// that the Lease names. Another process's lease of this name is replaced if Starting is set, or after
	// the database has gone back, maybe to an earlier process; else the error is ErrReplaced.
	Renew(ctx context.Context, l Lease, ttl time.Duration) (generation int64, fresh bool, err error)

	// Release ends the lease now. One that is not held any more is left alone.
	Release(ctx context.Context, l Lease) error

	// Assignments returns the nodes whose leases run, and the assignments of all tenants' rooms that
	// changed since the Changes whose Mark is given; since the zero Mark, or one of another
	// generation, all but those of closed rooms. A change may be returned twice, and is never missed.
	Assignments(ctx context.Context, since Mark) (Changes, error)

	// HandOver assigns a room, if it has this epoch still, to another node, which is to claim it.
	HandOver(ctx context.Context, ref Ref, epoch int64, to string) error

	// Configs returns what a tenant's rooms were opened with, but for closed ones.
	Configs(ctx context.Context, id tenant.ID) ([]Config, error)
}

// Lease is a process that wants to own rooms.
type Lease struct {
	Node        string
	Incarnation string // a UUID: tells it from an earlier process of the same name
	Draining    bool   // it wants no more rooms
	Starting    bool   // it replaces whatever process had the name
	Generation  int64  // in which it was renewed last
}

// Changes are what is new in the index.
type Changes struct {
	Mark
	Nodes       []Node // that live, by name; all of them
	Assignments []Assignment
}

// Mark is a moment in the history of the database. The generation rises when the database has gone
// back, and numbers that were told before, as epochs of rooms, say nothing any more.
type Mark struct{ Generation, Next int64 }

// FirstEpoch returns the smallest epoch that a claim in the generation gives a room. Those of earlier
// generations are smaller: in each, a room can be claimed four billion times.
func FirstEpoch(generation int64) int64 { return generation<<32 + 1 }

// GenerationOf returns the generation in which a room was given its epoch.
func GenerationOf(epoch int64) int64 { return (epoch - 1) >> 32 }

// Node is a node that lives.
type Node struct {
	Name     string
	Draining bool
}

// Assignment says which node owns a room.
type Assignment struct {
	Ref    Ref
	Status Status
	Reason string // why it is closing
	Node   string // its owner, or who is to claim it; "": nobody yet
	Epoch  int64
}
