package placement

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// refreshEvery is how often the index is read: how soon a dead node, an orphaned room, or one that was
	// opened or closed elsewhere is noticed.
	refreshEvery = 250 * time.Millisecond
	// opensMax is how many rooms a node opens at once, opensPerTenant how many of one tenant.
	opensMax       = 8
	opensPerTenant = 4
	// configsWithin bounds one look-up of a tenant's configurations.
	configsWithin = 10 * time.Second
)

// Watch follows the index until ctx ends, and returns when every room that it is opening is open.
func (a *Agent) Watch(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	ready := false
	balanced := time.Now()
	var openings sync.WaitGroup
	defer openings.Wait()
	for {
		ok := a.refresh(ctx) && a.Trusted()
		if ok {
			opened := a.reconcile(ctx)
			if opened != nil && !ready {
				<-opened
			} else if opened != nil {
				openings.Go(func() { <-opened })
			}
			if time.Since(balanced) >= balanceEvery {
				a.balance()
				balanced = time.Now()
			}
			if !ready {
				ready = true
				close(a.ready)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// refresh reads what changed in the index, and stops the rooms that other nodes own now. It reports whether
// it could read the index.
func (a *Agent) refresh(ctx context.Context) bool {
	a.refreshing.Lock()
	defer a.refreshing.Unlock()
	asking, cancel := context.WithTimeout(ctx, LeaseTTL-leaseMargin) // a slow query must not delay lease renewal
	defer cancel()
	got, err := a.o.Leases.Assignments(asking, a.index.since())
	if failing := err != nil; failing != a.blind && ctx.Err() == nil {
		a.blind = failing
		a.o.Log.Warn("this node looks where rooms are", "yes", !failing, "error", err)
	}
	if err != nil {
		return false
	}
	dead, wentBack := a.index.apply(got)
	for _, node := range dead {
		a.o.Runtime.Died(node)
	}
	if wentBack {
		a.meter.wentBack.Inc()
		a.o.Runtime.WentBack(got.Generation)
		return true
	}
	for _, room := range got.Assignments {
		if room.Node != a.o.Node {
			a.o.Runtime.Lost(room)
		}
	}
	return true
}

// reconcile opens the rooms that this node should own, those of Options.First first (without its lobby
// nobody gets into a casino), closes those that are to be closed, and learns rooms' configurations. It
// waits for none of that, since a casino may be locked for a while; opened is closed when it is done. It is
// nil while the node drains.
func (a *Agent) reconcile(ctx context.Context) (opened chan struct{}) {
	a.mu.Lock()
	draining, patient := a.draining, time.Now().Before(a.patientUntil)
	a.mu.Unlock()
	if draining {
		return nil
	}
	mine := a.due(patient)
	slices.SortFunc(mine, func(x, y Assignment) int {
		return cmp.Or(cmp.Compare(one(x.Ref.Room != a.o.First), one(y.Ref.Room != a.o.First)), cmp.Compare(x.Ref.String(), y.Ref.String()))
	})
	of := map[tenant.ID][]Assignment{}
	for _, room := range mine {
		of[room.Ref.Tenant] = append(of[room.Ref.Tenant], room)
	}
	opened = make(chan struct{})
	go func() {
		defer close(opened)
		var all errgroup.Group
		slots := make(chan struct{}, opensMax)
		for _, rooms := range of {
			all.Go(func() error { a.openAll(ctx, rooms, slots); return nil })
		}
		for _, id := range a.index.toLearn() {
			all.Go(func() error { a.learn(ctx, id, slots); return nil })
		}
		_ = all.Wait() // no error above
	}()
	return opened
}

// due returns the rooms that this node should open and is not opening already, closes those that run
// here and are to be closed, and tells those to rest that are to. One whose node died is opened even then: it may be in
// the middle of a round. A patient node leaves orphans alone.
func (a *Agent) due(patient bool) []Assignment {
	candidates := a.index.candidates()
	rooms, orphan := a.index.concerns(a.o.Node)
	var mine []Assignment
	for _, room := range rooms {
		rests := a.Rests(room.Ref)
		if a.o.Runtime.Runs(room.Ref) {
			if room.Status == Closing {
				a.o.Runtime.Close(room.Ref, room.Reason)
			}
			if rests {
				a.o.Runtime.Leave(room.Ref, "")
			}
			continue
		}
		if rests && room.Node == "" {
			continue
		}
		if room.Node == a.o.Node || orphan(room) && !patient && Rank(room.Ref, candidates) == a.o.Node {
			mine = append(mine, room)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	mine = slices.DeleteFunc(mine, func(room Assignment) bool { return a.opening[room.Ref] })
	for _, room := range mine {
		a.opening[room.Ref] = true
	}
	return mine
}

// openAll opens rooms of one tenant, in order, a few at a time: other tenants wait for a slot too, and this
// one may be locked.
func (a *Agent) openAll(ctx context.Context, rooms []Assignment, slots chan struct{}) {
	var few errgroup.Group
	few.SetLimit(opensPerTenant)
	for _, room := range rooms {
		few.Go(func() error {
			slots <- struct{}{}
			a.o.Runtime.Open(ctx, room)
			<-slots
			a.mu.Lock()
			delete(a.opening, room.Ref)
			a.mu.Unlock()
			return nil
		})
	}
	_ = few.Wait() // no error above
}

// learn reads the configurations of a tenant's rooms that run elsewhere.
func (a *Agent) learn(ctx context.Context, id tenant.ID, slots chan struct{}) {
	slots <- struct{}{}
	defer func() { <-slots }()
	ctx, cancel := context.WithTimeout(ctx, configsWithin)
	defer cancel()
	if err := a.LearnConfigs(ctx, id); err != nil {
		a.o.Log.Debug("rooms' configurations are not known yet", "tenant", id, "error", err)
		a.index.learnLater(id)
	}
}
