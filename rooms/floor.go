package rooms

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// lookEvery is how soon a dead node, an orphaned room, or one that was opened or closed
	// elsewhere is noticed.
	lookEvery = 250 * time.Millisecond
	// opensMax is how many rooms a node opens at once, opensOfOne how many of one tenant.
	opensMax   = 8
	opensOfOne = 4
)

// floor is what this node knows of who owns which room.
type floor struct {
	mu      sync.RWMutex // guards what follows
	nodes   []Node       // that live, by name
	places  map[Ref]*place
	mark    Mark
	unknown map[tenant.ID]bool // tenants of which rooms' configs are missing
	changes map[tenant.ID]int64
}

type place struct {
	Place
	config   *Config   // nil: not known yet
	closedAt time.Time // when a closed room was first seen to be
}

func newFloor() *floor {
	return &floor{places: map[Ref]*place{}, unknown: map[tenant.ID]bool{}, changes: map[tenant.ID]int64{}}
}

// hear notes where a room is said to be by somebody, unless as much is known already: what is
// told comes in any order, and the index knows better of an epoch that both name. Of an earlier
// generation nothing is believed: the index of this one may not have it.
func (f *floor) hear(p Place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if was := f.places[p.Ref]; f.current(p.Epoch) && (was == nil || p.Epoch > was.Epoch) {
		f.put(p)
	}
}

// give notes that a room of this node is for another one to claim.
func (f *floor) give(p Place) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current(p.Epoch) {
		f.put(p)
	}
}

// current reports whether an epoch is of the generation that is known. f.mu is held.
func (f *floor) current(epoch int64) bool { return epoch >= FirstEpoch(f.mark.Generation) }

// generation is that of what is known.
func (f *floor) generation() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.mark.Generation
}

// put notes where a room is, unless more is known already. f.mu is held.
func (f *floor) put(p Place) {
	was := f.places[p.Ref]
	if was == nil {
		if p.Status == Closed {
			return
		}
		was = &place{}
		f.places[p.Ref] = was
	}
	if was.config == nil && p.Status != Closed { // again with each change: a room is in the index before it is in its tenant's schema
		f.unknown[p.Ref.Tenant] = true
	}
	if p.Epoch < was.Epoch {
		return
	}
	if p.Status == Closed && was.closedAt.IsZero() {
		was.closedAt = time.Now()
	}
	if p.Status != was.Status {
		f.changes[p.Ref.Tenant]++
	}
	was.Place = p
}

// changed notes that a tenant's rooms are listed otherwise now.
func (f *floor) changed(id tenant.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes[id]++
}

// take notes what the leases say, and returns the nodes that died, and whether the database has gone
// back: then nothing else is known any more.
func (f *floor) take(got Floor) (dead []string, wentBack bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if wentBack = f.mark.Next > 0 && f.mark.Generation != got.Generation; wentBack {
		for ref := range f.places {
			f.changes[ref.Tenant]++
		}
		clear(f.places)
		clear(f.unknown)
	}
	for _, was := range f.nodes {
		if !slices.ContainsFunc(got.Nodes, func(n Node) bool { return n.Name == was.Name }) {
			dead = append(dead, was.Name)
		}
	}
	f.nodes, f.mark = got.Nodes, got.Mark
	for _, p := range got.Places {
		f.put(p)
	}
	for ref, p := range f.places { // who lost the last answer finds a closed room for a while
		if !p.closedAt.IsZero() && time.Since(p.closedAt) > closedLinger {
			delete(f.places, ref)
		}
	}
	return dead, wentBack
}

// configure notes what some of a tenant's rooms were opened with.
func (f *floor) configure(id tenant.ID, configs ...Config) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range configs {
		if p := f.places[Ref{id, c.Room}]; p != nil {
			if p.config == nil {
				f.changes[id]++
			}
			p.config = &c
		}
	}
}

func (f *floor) find(ref Ref) (Place, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if p := f.places[ref]; p != nil {
		return p.Place, true
	}
	return Place{}, false
}

func (f *floor) all() []Place {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := make([]Place, 0, len(f.places))
	for _, p := range f.places {
		out = append(out, p.Place)
	}
	return out
}

// lives reports whether the node's lease ran when the floor was looked at.
func (f *floor) lives(node string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.ContainsFunc(f.nodes, func(n Node) bool { return n.Name == node })
}

// concerns are the rooms that may be a matter of this node: its own, those without a living
// owner, and those that are to be closed. All of the others' are many, so nothing is copied.
func (f *floor) concerns(node string) (out []Place, orphan func(Place) bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	lives := make(map[string]bool, len(f.nodes))
	for _, n := range f.nodes {
		lives[n.Name] = true
	}
	for _, p := range f.places {
		if p.Status != Closed && (p.Node == node || p.Status == Closing || !lives[p.Node]) {
			out = append(out, p.Place)
		}
	}
	return out, func(p Place) bool { return !lives[p.Node] }
}

// takers are the nodes that take rooms, by name.
func (f *floor) takers() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var out []string
	for _, n := range f.nodes {
		if !n.Draining {
			out = append(out, n.Name)
		}
	}
	return out
}

// Nodes are those that live, by name; this one alone if there can be no other.
func (d *Directory) Nodes() []string {
	if d.alone() {
		return []string{d.o.Node}
	}
	d.floor.mu.RLock()
	defer d.floor.mu.RUnlock()
	var out []string
	for _, n := range d.floor.nodes {
		out = append(out, n.Name)
	}
	return out
}

// watchFloor looks at the floor until ctx ends.
func (d *Directory) watchFloor(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	ready := false
	balanced := time.Now()
	var openings sync.WaitGroup
	defer openings.Wait()
	for {
		ok := d.look(ctx) && d.trusted()
		if ok {
			opened := d.tend(ctx)
			if opened != nil && !ready {
				<-opened
			} else if opened != nil {
				openings.Go(func() { <-opened })
			}
			if time.Since(balanced) >= balanceEvery {
				d.balance()
				balanced = time.Now()
			}
			if !ready {
				ready = true
				close(d.ready)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look learns what changed, and gives up the rooms that are others' now.
func (d *Directory) look(ctx context.Context) bool {
	d.looking.Lock()
	defer d.looking.Unlock()
	asking, cancel := context.WithTimeout(ctx, LeaseTTL-leaseMargin) // who waits for it renews no lease
	defer cancel()
	d.floor.mu.RLock()
	since := d.floor.mark
	d.floor.mu.RUnlock()
	got, err := d.o.Leases.Floor(asking, since)
	if failing := err != nil; failing != d.blind && ctx.Err() == nil {
		d.blind = failing
		d.o.Log.Warn("this node looks where rooms are", "yes", !failing, "error", err)
	}
	if err != nil {
		return false
	}
	dead, wentBack := d.floor.take(got)
	for _, node := range dead {
		d.o.Peers.Forget(node) // who waits for it asks the next owner
	}
	if wentBack {
		d.goBack(got.Generation)
		return true
	}
	for _, p := range got.Places {
		if r := d.find(p.Ref); r != nil && p.Node != d.o.Node && p.Epoch > r.claimed.Load() {
			r.log.Warn("another node owns the room now", "owner", p.Node)
			d.dismiss(r)
		}
	}
	return true
}

// tend opens the rooms that are this node's to open, lobbies first (without its lobby nobody
// gets into a casino), passes on the wish to close one, and learns rooms' configurations. It
// waits for none of that, since a casino may be locked for a while; opened is closed when it is
// done.
func (d *Directory) tend(ctx context.Context) (opened chan struct{}) {
	if d.isDraining() {
		return nil
	}
	takers := d.floor.takers()
	d.mu.RLock()
	patient := time.Now().Before(d.patientUntil)
	d.mu.RUnlock()
	var mine []Place
	places, orphan := d.floor.concerns(d.o.Node)
	for _, p := range places {
		if d.find(p.Ref) != nil {
			if p.Status == Closing {
				d.Close(p.Ref, p.Reason)
			}
			continue
		}
		if p.Node == d.o.Node || orphan(p) && !patient && rank(p.Ref, takers) == d.o.Node {
			mine = append(mine, p)
		}
	}
	d.mu.Lock()
	mine = slices.DeleteFunc(mine, func(p Place) bool { return d.tended[p.Ref] })
	for _, p := range mine {
		d.tended[p.Ref] = true
	}
	d.mu.Unlock()
	slices.SortFunc(mine, func(a, b Place) int {
		return cmp.Or(cmp.Compare(one(a.Ref.Room != LobbyID), one(b.Ref.Room != LobbyID)), cmp.Compare(a.Ref.String(), b.Ref.String()))
	})
	of := map[tenant.ID][]Place{}
	for _, p := range mine {
		of[p.Ref.Tenant] = append(of[p.Ref.Tenant], p)
	}
	opened = make(chan struct{})
	go func() {
		defer close(opened)
		var all errgroup.Group
		slots := make(chan struct{}, opensMax)
		for _, places := range of {
			all.Go(func() error { d.openAll(ctx, places, slots); return nil })
		}
		for _, id := range d.floor.unlearnt() {
			all.Go(func() error { d.learnConfigs(ctx, id, slots); return nil })
		}
		_ = all.Wait() // no error above
	}()
	return opened
}

// openAll opens rooms of one tenant, in order, a few at a time: others wait for a slot too, and
// this one may be locked.
func (d *Directory) openAll(ctx context.Context, places []Place, slots chan struct{}) {
	var few errgroup.Group
	few.SetLimit(opensOfOne)
	for _, p := range places {
		few.Go(func() error {
			slots <- struct{}{}
			err := d.openHere(ctx, p.Ref, p.Epoch)
			<-slots
			if ctx.Err() == nil {
				d.sayOnce(p.Ref, err)
			}
			d.mu.Lock()
			delete(d.tended, p.Ref)
			d.mu.Unlock()
			return nil
		})
	}
	_ = few.Wait() // no error above
}

// sayOnce logs why a room does not open, once for each reason.
func (d *Directory) sayOnce(ref Ref, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil, errors.Is(err, ErrFenced), errors.Is(err, ErrNotFound): // or somebody else was quicker, or it is being opened
		delete(d.told, ref)
	case errors.Is(err, ErrUnavailable): // it is left alone for a moment, which was said
	case d.told[ref] != err.Error():
		d.told[ref] = err.Error()
		d.o.Log.Warn("a room does not open", "tenant", ref.Tenant, "room", ref.Room, "error", err)
	}
}

// unlearnt takes the tenants of which rooms' configurations are missing.
func (f *floor) unlearnt() []tenant.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Collect(maps.Keys(f.unknown))
	clear(f.unknown)
	return out
}

// learnConfigs asks for the configurations of a tenant's rooms that run elsewhere.
func (d *Directory) learnConfigs(ctx context.Context, id tenant.ID, slots chan struct{}) {
	slots <- struct{}{}
	defer func() { <-slots }()
	ctx, cancel := context.WithTimeout(ctx, journalWithin)
	defer cancel()
	configs, err := d.o.Leases.Configs(ctx, id)
	if err == nil {
		d.floor.configure(id, configs...)
		return
	}
	d.o.Log.Debug("rooms' configurations are not known yet", "tenant", id, "error", err)
	d.floor.mu.Lock()
	defer d.floor.mu.Unlock()
	d.floor.unknown[id] = true
}

// tellPlace tells the other nodes where a room is, so that they need not look.
func (d *Directory) tellPlace(p Place) {
	d.floor.hear(p)
	body, err := json.Marshal(p)
	if err == nil {
		err = d.o.Peers.Tell(methodPlace, body)
	}
	if err != nil {
		d.o.Log.Debug("other nodes must look where a room is", "room", p.Ref, "error", err)
	}
}
