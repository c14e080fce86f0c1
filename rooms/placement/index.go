package placement

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

// ClosedLinger is how long a closed room can still be found, for clients that lost the last answer or
// event.
const ClosedLinger = 2 * time.Minute

// Index is what this node knows of the assignments of rooms.
type Index struct {
	mu        sync.RWMutex // guards what follows
	nodes     []Node       // that live, by name
	rooms     map[Ref]*entry
	mark      Mark
	unlearned map[tenant.ID]bool // tenants of which rooms' configurations are missing
	versions  map[tenant.ID]int64
}

type entry struct {
	Assignment
	config   *Config   // nil: not known yet
	closedAt time.Time // when a closed room was first seen to be
}

func newIndex() *Index {
	return &Index{rooms: map[Ref]*entry{}, unlearned: map[tenant.ID]bool{}, versions: map[tenant.ID]int64{}}
}

// Hear notes an assignment that another node sent, unless as much is known already: messages arrive in any
// order, and of one epoch the database's index is right. An assignment of an earlier generation is ignored:
// the index of the current one may not have it.
func (x *Index) Hear(a Assignment) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.rooms[a.Ref]; x.current(a.Epoch) && (e == nil || a.Epoch > e.Epoch) {
		x.put(a)
	}
}

// handedOver notes that a room of this node was assigned to another, which is to claim it.
func (x *Index) handedOver(a Assignment) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.current(a.Epoch) {
		x.put(a)
	}
}

// current reports whether an epoch is of the known generation, or a later one. x.mu is held.
func (x *Index) current(epoch int64) bool { return epoch >= FirstEpoch(x.mark.Generation) }

// Generation returns the database's generation as far as this node knows.
func (x *Index) Generation() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.mark.Generation
}

// Supersedes reports whether a claim that gave the room this epoch is superseded: by a later claim, or
// because the database has gone back.
func (x *Index) Supersedes(ref Ref, epoch int64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.rooms[ref]
	return e != nil && e.Epoch > epoch || !x.current(epoch)
}

func (x *Index) since() Mark {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.mark
}

// put notes an assignment, unless a later one is known. x.mu is held.
func (x *Index) put(a Assignment) {
	e := x.rooms[a.Ref]
	if e == nil {
		if a.Status == Closed {
			return
		}
		e = &entry{}
		x.rooms[a.Ref] = e
	}
	if e.config == nil && a.Status != Closed { // again with each change: a room is in the index before it is in its tenant's schema
		x.unlearned[a.Ref.Tenant] = true
	}
	if a.Epoch < e.Epoch {
		return
	}
	switch {
	case a.Status != Closed: // also again, as when its tenant comes back from the archive
		e.closedAt = time.Time{}
	case e.closedAt.IsZero():
		e.closedAt = time.Now()
	}
	if a.Status != e.Status {
		x.versions[a.Ref.Tenant]++
	}
	e.Assignment = a
}

// apply notes changes of the database's index, and returns the nodes that died, and whether the database
// has gone back: then all else that was known is dropped.
func (x *Index) apply(got Changes) (dead []string, wentBack bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if wentBack = x.mark.Next > 0 && x.mark.Generation != got.Generation; wentBack {
		for ref := range x.rooms {
			x.versions[ref.Tenant]++
		}
		clear(x.rooms)
		clear(x.unlearned)
	}
	for _, before := range x.nodes {
		if !slices.ContainsFunc(got.Nodes, func(n Node) bool { return n.Name == before.Name }) {
			dead = append(dead, before.Name)
		}
	}
	x.nodes, x.mark = got.Nodes, got.Mark
	for _, a := range got.Assignments {
		x.put(a)
	}
	for ref, e := range x.rooms {
		if !e.closedAt.IsZero() && time.Since(e.closedAt) > ClosedLinger {
			delete(x.rooms, ref)
		}
	}
	return dead, wentBack
}

// Learn notes the configurations of some of a tenant's rooms.
func (x *Index) Learn(id tenant.ID, configs ...Config) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range configs {
		if e := x.rooms[Ref{id, c.Room}]; e != nil {
			if e.config == nil {
				x.versions[id]++
			}
			e.config = &c
		}
	}
}

// toLearn returns the tenants of which rooms' configurations are missing, and clears that list.
func (x *Index) toLearn() []tenant.ID {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := slices.Collect(maps.Keys(x.unlearned))
	clear(x.unlearned)
	return out
}

// learnLater puts a tenant on that list again.
func (x *Index) learnLater(id tenant.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unlearned[id] = true
}

// Find returns the assignment of a room.
func (x *Index) Find(ref Ref) (Assignment, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.rooms[ref]; e != nil {
		return e.Assignment, true
	}
	return Assignment{}, false
}

// Config returns the configuration of a room, if it is known.
func (x *Index) Config(ref Ref) (Config, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.rooms[ref]; e != nil && e.config != nil {
		return *e.config, true
	}
	return Config{}, false
}

// Rooms calls f with each of a tenant's rooms whose configuration is known. f must not call the Index.
func (x *Index) Rooms(id tenant.ID, f func(Config, Status)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for ref, e := range x.rooms {
		if ref.Tenant == id && e.config != nil {
			f(*e.config, e.Status)
		}
	}
}

// All calls f with every room that is not closed, of all tenants, and with its config, which is nil until it is known. It returns
// the nodes that live, by name.
func (x *Index) All(f func(Assignment, *Config)) []Node {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.rooms {
		if e.Status != Closed {
			f(e.Assignment, e.config)
		}
	}
	return slices.Clone(x.nodes)
}

// Version returns a number that grows when a tenant's Rooms change, and with each Changed.
func (x *Index) Version(id tenant.ID) int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.versions[id]
}

// Changed notes that the list of a tenant's rooms on this node has changed.
func (x *Index) Changed(id tenant.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.versions[id]++
}

// Lives reports whether the node's lease was running when the index was read.
func (x *Index) Lives(node string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.ContainsFunc(x.nodes, func(n Node) bool { return n.Name == node })
}

// living returns the nodes whose leases were running, by name.
func (x *Index) living() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []string
	for _, n := range x.nodes {
		out = append(out, n.Name)
	}
	return out
}

// candidates returns the nodes that want rooms, by name.
func (x *Index) candidates() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []string
	for _, n := range x.nodes {
		if !n.Draining {
			out = append(out, n.Name)
		}
	}
	return out
}

// concerns returns the rooms that a node may have to act on: its own, those without a living owner, and
// those that are to be closed; and a function that reports whether an assignment is an orphan. The other
// nodes' rooms are many, so nothing else is copied.
func (x *Index) concerns(node string) (out []Assignment, orphan func(Assignment) bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lives := make(map[string]bool, len(x.nodes))
	for _, n := range x.nodes {
		lives[n.Name] = true
	}
	for _, e := range x.rooms {
		if e.Status != Closed && (e.Node == node || e.Status == Closing || !lives[e.Node]) {
			out = append(out, e.Assignment)
		}
	}
	return out, func(a Assignment) bool { return !lives[a.Node] }
}

// loads returns how many open rooms each of nodes owns, and all of them together.
func (x *Index) loads(nodes []string) (loads map[string]int, total int) {
	loads = map[string]int{}
	for _, n := range nodes {
		loads[n] = 0
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.rooms {
		if _, ok := loads[e.Node]; ok && e.Status != Closed {
			loads[e.Node]++
			total++
		}
	}
	return loads, total
}
