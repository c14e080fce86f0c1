package placement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// renewEvery is how often a node renews its lease.
	renewEvery = 400 * time.Millisecond
	// leaseMargin is how much sooner than LeaseTTL, counted from before it asked, a node stops trusting its
	// lease.
	leaseMargin = 300 * time.Millisecond
)

// Runtime runs rooms at the direction of an Agent. No method but Open may block.
type Runtime interface {
	// Runs reports whether a room runs here.
	Runs(ref Ref) bool
	// Staying returns the rooms that run here and were not told to Leave, and the number of those that
	// were.
	Staying() (refs []Ref, leaving int)

	// Open claims a room, which has the epoch of the assignment unless another node is quicker, and runs
	// it.
	Open(ctx context.Context, a Assignment)
	// Close asks a room that runs here to end after the current round. The Agent calls it until the room is
	// closed.
	Close(ref Ref, reason string)
	// Leave makes a room leave for another node at the end of its round. If to is "" it leaves for none: it rests.
	Leave(ref Ref, to string)
	// Lost stops a room that another node owns, unless it was claimed here later than the assignment.
	Lost(a Assignment)
	// WentBack stops all rooms because the database has gone back; they are opened anew.
	WentBack(generation int64)
	// Died reports that a node's lease has run out.
	Died(node string)
}

// Options configure an Agent.
type Options struct {
	Leases  Leases // nil: this is the only node there can be
	Runtime Runtime
	Node    string
	// Incarnation distinguishes this process from all others, also of its node's name: a UUID.
	Incarnation string
	// Rests reports whether a room is to rest: it stops at the end of its round, and is not opened again until Rests
	// reports false. The Config is the zero one while it is not known. Nil: none is. It must not block.
	Rests func(Ref, Config) bool
	// First is the id of the room that is opened before a tenant's others.
	First string
	Log   *slog.Logger
	// Registerer registers the metrics. Nil: they are not exported.
	Registerer prometheus.Registerer
}

// Agent is a node's part in the placement of rooms. KeepLease and Watch must run, unless it is Alone.
type Agent struct {
	o     Options
	meter *meters
	index *Index
	lease Lease // all but its flags
	trust trust

	refreshing sync.Mutex    // one at a time
	blind      bool          // the last refresh failed; guarded by refreshing
	ready      chan struct{} // closed when the rooms assigned at the start are open
	hasten     chan struct{} // holds one: the lease is to be renewed at once
	replaced   atomic.Bool

	mu           sync.Mutex // guards what follows
	opening      map[Ref]bool
	patientUntil time.Time // other nodes' orphans are left alone
	draining     bool
}

// NewAgent returns an Agent that knows of no room yet.
func NewAgent(o Options) *Agent {
	return &Agent{
		o: o, meter: newMeters(o.Registerer), index: newIndex(), lease: Lease{Node: o.Node, Incarnation: o.Incarnation},
		trust: trust{changed: make(chan struct{})}, ready: make(chan struct{}), hasten: make(chan struct{}, 1), opening: map[Ref]bool{},
	}
}

// Rests reports whether a room is to rest. One that is to be closed does not rest for its settings: it has to run to close.
func (a *Agent) Rests(ref Ref) bool {
	if a.o.Rests == nil {
		return false
	}
	config, _ := a.index.Config(ref)
	if at, ok := a.index.Find(ref); ok && at.Status == Closing {
		config = Config{}
	}
	return a.o.Rests(ref, config)
}

// Alone reports whether this node is the only one there can be.
func (a *Agent) Alone() bool { return a.o.Leases == nil }

// Index returns what this node knows of who owns which room.
func (a *Agent) Index() *Index { return a.index }

// Nodes returns the living nodes, by name; this one alone if there can be no other.
func (a *Agent) Nodes() []string {
	if a.Alone() {
		return []string{a.o.Node}
	}
	return a.index.living()
}

// Ready returns a channel that is closed when this node has read the index and opened the rooms that it
// found to be its own.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Trusted reports whether this node owns its rooms, as far as it can know without asking: its lease cannot
// have run out yet.
func (a *Agent) Trusted() bool {
	ok, _ := a.Trust()
	return ok
}

// Trust returns what Trusted does; if that is false, changed is closed when it may have become true.
func (a *Agent) Trust() (ok bool, changed <-chan struct{}) {
	if a.Alone() {
		return true, nil
	}
	return a.trust.holds()
}

// Replaced reports whether another process runs, and answers, under this node's name.
func (a *Agent) Replaced() bool { return a.replaced.Load() }

// Drain stops the node from receiving rooms, which the others learn at once.
func (a *Agent) Drain() {
	a.mu.Lock()
	a.draining = true
	a.mu.Unlock()
	select {
	case a.hasten <- struct{}{}:
	default:
	}
}

func (a *Agent) isDraining() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.draining
}

// KeepLease renews the lease until ctx ends, or returns ErrReplaced.
func (a *Agent) KeepLease(ctx context.Context) error {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	lease := a.lease
	lease.Starting = true
	failing := false
	for {
		lease.Draining = a.isDraining()
		began := time.Now()
		asking, cancel := context.WithTimeout(ctx, LeaseTTL-leaseMargin)
		generation, fresh, err := a.o.Leases.Renew(asking, lease, LeaseTTL)
		cancel()
		switch {
		case errors.Is(err, ErrReplaced):
			a.replaced.Store(true)
			return fmt.Errorf("%w: %s", ErrReplaced, lease.Node)
		case ctx.Err() != nil:
			return nil
		case err == nil:
			current := true
			if !lease.Starting && (fresh || !a.Trusted()) {
				current = a.lapsed(ctx, began)
			}
			lease.Starting = false
			if current {
				lease.Generation = generation
				a.trust.extend(began.Add(LeaseTTL - leaseMargin))
			}
		}
		if (err != nil) != failing {
			failing = err != nil
			a.o.Log.Warn("this node's lease", "renewed", !failing, "error", err)
		}
		a.meter.held.Set(one(err == nil))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-a.hasten: // the node drains
		}
	}
}

// lapsed notes that the lease was not held until now. A node that was away reads the index before it
// decides anything, and leaves orphans of other nodes alone for a while: those may have been away for the
// same reason. It reports whether it could read the index.
func (a *Agent) lapsed(ctx context.Context, at time.Time) bool {
	a.meter.lapses.Inc()
	a.o.Log.Warn("this node's lease had run out")
	a.mu.Lock()
	a.patientUntil = at.Add(LeaseTTL)
	a.mu.Unlock()
	return a.refresh(ctx)
}

// Release ends the lease, once all rooms have stopped, so that no node waits for it to run out.
func (a *Agent) Release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), LeaseTTL) // after that it has run out
	defer cancel()
	if err := a.o.Leases.Release(ctx, a.lease); err != nil {
		a.o.Log.Warn("other nodes must wait for this one's lease to run out", "error", err)
	}
}

// HandOver assigns a room that has stopped here to another node. Until that is written, the room is looked
// for here.
func (a *Agent) HandOver(room Assignment) error {
	ctx, cancel := context.WithTimeout(context.Background(), LeaseTTL)
	defer cancel()
	if err := a.o.Leases.HandOver(ctx, room.Ref, room.Epoch, room.Node); err != nil {
		return err
	}
	a.index.handedOver(room)
	return nil
}

// LearnConfigs reads the configurations of a tenant's rooms from the database.
func (a *Agent) LearnConfigs(ctx context.Context, id tenant.ID) error {
	configs, err := a.o.Leases.Configs(ctx, id)
	if err == nil {
		a.index.Learn(id, configs...)
	}
	return err
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
