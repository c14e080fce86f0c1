package rooms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// LeaseTTL is how long a node is believed to live after it said so.
	LeaseTTL = 2 * time.Second
	// renewEvery is how often it says so.
	renewEvery = 400 * time.Millisecond
	// leaseMargin is how much sooner than LeaseTTL, counted from before it asked, a node stops
	// deciding by itself.
	leaseMargin = 300 * time.Millisecond
)

// ErrReplaced means that another process runs under this node's name: this one must stop.
var ErrReplaced = errors.New("rooms: another process runs under this node's name; give each node a name of its own")

// Leases says which nodes live and which of them owns which room. What it says of owners is
// for finding them; that there is only one is the Journal's to guarantee.
type Leases interface {
	// Renew makes the node's lease end ttl from now, and reports whether it was not held
	// until now: it had run out, is the first, or the database has gone back since the generation
	// that the Lease names. Another process's lease of this name is taken if Takes is set, or after
	// the database has gone back, maybe to an earlier process; else the error is ErrReplaced.
	Renew(ctx context.Context, l Lease, ttl time.Duration) (generation int64, fresh bool, err error)

	// Release ends the lease now. One that is not held any more is left alone.
	Release(ctx context.Context, l Lease) error

	// Floor returns the nodes whose leases run, and where the rooms of all tenants are that
	// changed since the Floor whose Mark is given; since the zero Mark, or one of another
	// generation, all that are not closed. A change may be returned twice, and is never missed.
	Floor(ctx context.Context, since Mark) (Floor, error)

	// HandOver says that a room, if it has this epoch still, is for another node to claim.
	HandOver(ctx context.Context, ref Ref, epoch int64, to string) error

	// Configs returns what a tenant's rooms were opened with, but for closed ones.
	Configs(ctx context.Context, id tenant.ID) ([]Config, error)
}

// Lease is a process that wants to own rooms.
type Lease struct {
	Node        string
	Incarnation string // a UUID: tells it from an earlier process of the same name
	Draining    bool   // it wants no more rooms
	Takes       bool   // it is just starting, and succeeds whoever had the name
	Generation  int64  // in which it was renewed last
}

// Floor is where rooms are.
type Floor struct {
	Mark
	Nodes  []Node // that live, by name
	Places []Place
}

// Mark is a moment in the history of the database. The generation rises when the database has gone
// back, and numbers that were told before, as epochs of rooms, say nothing any more.
type Mark struct{ Generation, Next int64 }

// FirstEpoch returns the smallest epoch that a claim in the generation gives a room. Those of earlier
// generations are smaller: in each, a room can be claimed four billion times.
func FirstEpoch(generation int64) int64 { return generation<<32 + 1 }

// generationOf is the generation in which a room was given its epoch.
func generationOf(epoch int64) int64 { return (epoch - 1) >> 32 }

// Node is a node that lives.
type Node struct {
	Name     string
	Draining bool
}

// Place is where one room is.
type Place struct {
	Ref    Ref
	Status Status
	Reason string // why it is closing
	Node   string // its owner, or who is to claim it; "": nobody yet
	Epoch  int64
}

// trust is how long this node may believe that its rooms are its own.
type trust struct {
	mu    sync.Mutex // guards what follows
	until time.Time
	moved chan struct{} // closed and replaced when until is set
}

// extend believes until then.
func (t *trust) extend(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
	close(t.moved)
	t.moved = make(chan struct{})
}

// holds reports whether the node may decide now; if not, it may have changed when moved is
// closed.
func (t *trust) holds() (ok bool, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until), t.moved
}

// alone reports whether this node is the only one there can be.
func (d *Directory) alone() bool { return d.o.Leases == nil }

// trusted reports whether this node's rooms are its own, as far as it can know without
// asking: its lease can not have run out yet.
func (d *Directory) trusted() bool {
	if d.alone() {
		return true
	}
	ok, _ := d.trust.holds()
	return ok
}

// keepLease renews the lease until ctx ends. It returns ErrReplaced.
func (d *Directory) keepLease(ctx context.Context) error {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	lease := d.lease
	lease.Takes = true
	failing := false
	for {
		lease.Draining = d.isDraining()
		began := time.Now()
		asking, cancel := context.WithTimeout(ctx, LeaseTTL-leaseMargin)
		generation, fresh, err := d.o.Leases.Renew(asking, lease, LeaseTTL)
		cancel()
		switch {
		case errors.Is(err, ErrReplaced):
			d.replaced.Store(true)
			return fmt.Errorf("%w: %s", ErrReplaced, lease.Node)
		case ctx.Err() != nil:
			return nil
		case err == nil:
			looked := true
			if !lease.Takes && (fresh || !d.trusted()) {
				looked = d.lapsed(began)
			}
			lease.Takes = false
			if looked {
				lease.Generation = generation
				d.trust.extend(began.Add(LeaseTTL - leaseMargin))
			}
		}
		if (err != nil) != failing {
			failing = err != nil
			d.o.Log.Warn("this node's lease", "renewed", !failing, "error", err)
		}
		d.meter.held.Set(one(err == nil))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-d.hasten: // it drains
		}
	}
}

// lapsed notes that the lease was not held until now. A node that was away looks where its
// rooms are before it decides anything, and leaves those of others alone for a while: they may
// have been away for the same reason. It reports whether the node could look.
func (d *Directory) lapsed(at time.Time) bool {
	d.meter.lapses.Inc()
	d.o.Log.Warn("this node's lease had run out")
	d.mu.Lock()
	d.patientUntil = at.Add(LeaseTTL)
	d.mu.Unlock()
	return d.look(d.life)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
