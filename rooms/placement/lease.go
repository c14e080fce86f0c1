package placement

import (
	"context"
	"errors"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// LeaseTTL is how long a lease runs after it was renewed.
const LeaseTTL = 2 * time.Second

// ErrReplaced means that another process runs under this node's name: this one must stop.
var ErrReplaced = errors.New("placement: another process runs under this node's name; give each node a name of its own")

// Leases stores which nodes live and which of them owns which room. Its owners are for finding rooms; that
// a room has only one is the journal's guarantee.
type Leases interface {
	// Renew makes the node's lease end ttl from now, and reports whether it was not held
	// until now: it had run out, is the first, or the database has gone back since the generation
	// that the Lease names. Another process's lease of this name is replaced if Starting is set, or after
	// the database has gone back, maybe to an earlier process; else the error is ErrReplaced.
	Renew(ctx context.Context, l Lease, ttl time.Duration) (generation int64, fresh bool, err error)

	// Release ends the lease now. It does nothing if the lease is no longer held.
	Release(ctx context.Context, l Lease) error

	// Assignments returns the nodes whose leases run, and the assignments of all tenants' rooms that
	// changed since the Changes whose Mark is given; since the zero Mark, or one of another generation, all
	// but those of closed rooms. A change may be returned twice, and is never missed.
	Assignments(ctx context.Context, since Mark) (Changes, error)

	// HandOver assigns a room, if it still has this epoch, to another node, which is to claim it.
	HandOver(ctx context.Context, ref Ref, epoch int64, to string) error

	// Configs returns the configurations of a tenant's rooms, except closed ones.
	Configs(ctx context.Context, id tenant.ID) ([]Config, error)
}

// Lease is the lease of a process that can own rooms.
type Lease struct {
	Node        string
	Incarnation string // a UUID: distinguishes it from an earlier process of the same name
	Draining    bool   // the node accepts no more rooms
	Starting    bool   // it replaces any process that had the name
	Generation  int64  // in which it was renewed last
}

// Changes are the changes of the index since a Mark.
type Changes struct {
	Mark
	Nodes       []Node // the living nodes, by name; all of them
	Assignments []Assignment
}

// Mark is a moment in the history of the database. The generation rises when the database has gone back;
// numbers read before, such as epochs, then mean nothing any more.
type Mark struct{ Generation, Next int64 }

// FirstEpoch returns the smallest epoch that a claim in the generation gives a room. Those of earlier
// generations are smaller: in each, a room can be claimed four billion times.
func FirstEpoch(generation int64) int64 { return generation<<32 + 1 }

// GenerationOf returns the generation in which a room was given its epoch.
func GenerationOf(epoch int64) int64 { return (epoch - 1) >> 32 }

// Node is a living node.
type Node struct {
	Name     string
	Draining bool
}

// Assignment says which node owns a room.
type Assignment struct {
	Ref    Ref
	Status Status
	Reason string // why it is closing
	Node   string // its owner, or the node that is to claim it; "": none yet
	Epoch  int64
}
