package roomstest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

const (
	long  = time.Hour
	short = 20 * time.Millisecond
)

// LeaseFixture is a journal of a fresh tenant, and the leases of its nodes.
type LeaseFixture struct {
	Fixture
	Leases placement.Leases
	// Backup copies the database; goBack restores the copy, in a new generation. It is for WentBack only.
	Backup func(t testing.TB) (goBack func())
}

// Leases tests what every placement.Leases must do, beside its Journal. setup is called once for each test;
// nothing else may use what it returns.
func Leases(t *testing.T, setup func(t *testing.T) LeaseFixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f LeaseFixture)
	}{
		{"ANodeLivesWhileItRenews", aNodeLivesWhileItRenews},
		{"ALapseIsNoticed", aLapseIsNoticed},
		{"ReleaseEndsALease", releaseEndsALease},
		{"ANameHasOneProcess", aNameHasOneProcess},
		{"TheFloorShowsClaims", theFloorShowsClaims},
		{"TheFloorMissesNoChange", theFloorMissesNoChange},
		{"AFailedClaimShowsTheOwner", aFailedClaimShowsTheOwner},
		{"HandOverNamesTheNextOwner", handOverNamesTheNextOwner},
		{"HandOverOfARoomThatMovedOnDoesNothing", handOverOfARoomThatMovedOnDoesNothing},
		{"AClosedRoomLeavesTheFloor", aClosedRoomLeavesTheFloor},
		{"ConfigsAreWhatRoomsWereOpenedWith", configsAreWhatRoomsWereOpenedWith},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, setup(t))
		})
	}
}

func lease(node string) placement.Lease {
	return placement.Lease{Node: node, Incarnation: uuid.NewString()}
}

func (f LeaseFixture) renew(t *testing.T, l placement.Lease, ttl time.Duration) (fresh bool) {
	t.Helper()
	_, fresh, err := f.Leases.Renew(t.Context(), l, ttl)
	if err != nil {
		t.Fatalf("renew %s: %v", l.Node, err)
	}
	return fresh
}

func (f LeaseFixture) changes(t *testing.T, since placement.Mark) placement.Changes {
	t.Helper()
	got, err := f.Leases.Assignments(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// assignment returns a room's assignment in the whole index.
func (f LeaseFixture) assignment(t *testing.T, ref rooms.Ref) (placement.Assignment, bool) {
	t.Helper()
	all := f.changes(t, placement.Mark{}).Assignments
	i := slices.IndexFunc(all, func(p placement.Assignment) bool { return p.Ref == ref })
	if i < 0 {
		return placement.Assignment{}, false
	}
	return all[i], true
}

func (f LeaseFixture) wantAssignment(t *testing.T, want placement.Assignment) {
	t.Helper()
	got, ok := f.assignment(t, want.Ref)
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b rooms.Ref) bool { return a == b })); !ok || diff != "" {
		t.Error(diff)
	}
}

func (f LeaseFixture) wantNodes(t *testing.T, want ...placement.Node) {
	t.Helper()
	if diff := cmp.Diff(want, f.changes(t, placement.Mark{}).Nodes); diff != "" {
		t.Error(diff)
	}
}

// untilDead waits until no node of this name lives.
func (f LeaseFixture) untilDead(t *testing.T, node string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if !slices.ContainsFunc(f.changes(t, placement.Mark{}).Nodes, func(n placement.Node) bool { return n.Name == node }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not die", node)
		}
	}
}

func aNodeLivesWhileItRenews(t *testing.T, f LeaseFixture) {
	a, b := lease("a"), lease("b")
	f.wantNodes(t)
	if !f.renew(t, a, long) {
		t.Error("the first lease was held before")
	}
	f.renew(t, b, long)
	b.Draining = true
	if f.renew(t, b, long) {
		t.Error("a lease that was held is fresh")
	}
	f.wantNodes(t, placement.Node{Name: "a"}, placement.Node{Name: "b", Draining: true})
	f.renew(t, a, short)
	f.untilDead(t, "a")
	f.wantNodes(t, placement.Node{Name: "b", Draining: true})
}

func aLapseIsNoticed(t *testing.T, f LeaseFixture) {
	a := lease("a")
	f.renew(t, a, short)
	f.untilDead(t, "a")
	if !f.renew(t, a, long) {
		t.Error("a lease that had run out was held")
	}
	if f.renew(t, a, long) {
		t.Error("one that runs is fresh")
	}
	f.wantNodes(t, placement.Node{Name: "a"})
}

func releaseEndsALease(t *testing.T, f LeaseFixture) {
	a, b := lease("a"), lease("b")
	f.renew(t, a, long)
	f.renew(t, b, long)
	for range 2 {
		if err := f.Leases.Release(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	f.wantNodes(t, placement.Node{Name: "b"})
	if !f.renew(t, a, long) {
		t.Error("a released lease was held")
	}
}

func aNameHasOneProcess(t *testing.T, f LeaseFixture) {
	old, young := lease("a"), lease("a")
	f.renew(t, old, long)
	if _, _, err := f.Leases.Renew(t.Context(), young, long); !errors.Is(err, placement.ErrReplaced) {
		t.Errorf("another process renewed it: %v", err)
	}
	young.Starting = true
	if !f.renew(t, young, long) {
		t.Error("another's lease was its own")
	}
	if _, _, err := f.Leases.Renew(t.Context(), old, long); !errors.Is(err, placement.ErrReplaced) {
		t.Errorf("the former process: %v", err)
	}
	if err := f.Leases.Release(t.Context(), old); err != nil {
		t.Error(err)
	}
	f.wantNodes(t, placement.Node{Name: "a"})
}

func theFloorShowsClaims(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	f.wantAssignment(t, placement.Assignment{Ref: ref, Status: rooms.Open})
	for epoch, node := range []string{"a", "b", "b"} {
		if _, err := f.Journal.Claim(t.Context(), ref, node, int64(epoch)); err != nil {
			t.Fatal(err)
		}
		f.wantAssignment(t, placement.Assignment{Ref: ref, Status: rooms.Open, Node: node, Epoch: int64(epoch) + 1})
	}
}

func theFloorMissesNoChange(t *testing.T, f LeaseFixture) {
	const nodes, claims = 4, 15
	var refs []rooms.Ref
	for n := range nodes {
		refs = append(refs, f.Room(t, fmt.Sprint("table-", n)))
	}
	known := map[rooms.Ref]placement.Assignment{}
	since := placement.Mark{}
	look := func() {
		got := f.changes(t, since)
		for _, p := range got.Assignments {
			if p.Epoch < known[p.Ref].Epoch {
				t.Errorf("%s went back from epoch %d to %d", p.Ref, known[p.Ref].Epoch, p.Epoch)
			}
			known[p.Ref] = p
		}
		since = got.Mark
	}
	look()
	var claiming sync.WaitGroup
	for n, ref := range refs {
		claiming.Go(func() {
			for epoch := range int64(claims) {
				if _, err := f.Journal.Claim(t.Context(), ref, fmt.Sprint("node-", n), epoch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { claiming.Wait(); close(done) }()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		look()
	}
	for n, ref := range refs {
		want := placement.Assignment{Ref: ref, Status: rooms.Open, Node: fmt.Sprint("node-", n), Epoch: claims}
		if known[ref] != want {
			t.Errorf("the last look says %+v, want %+v", known[ref], want)
		}
	}
}

func aFailedClaimShowsTheOwner(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	if _, err := f.Journal.Claim(t.Context(), ref, "a", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Journal.Claim(t.Context(), ref, "b", 0); !errors.Is(err, rooms.ErrFenced) {
		t.Fatal(err)
	}
	f.wantAssignment(t, placement.Assignment{Ref: ref, Status: rooms.Open, Node: "a", Epoch: 1})
}

func handOverNamesTheNextOwner(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	if _, err := f.Journal.Claim(t.Context(), ref, "a", 0); err != nil {
		t.Fatal(err)
	}
	since := f.changes(t, placement.Mark{}).Mark
	if err := f.Leases.HandOver(t.Context(), ref, 1, "b"); err != nil {
		t.Fatal(err)
	}
	want := placement.Assignment{Ref: ref, Status: rooms.Open, Node: "b", Epoch: 1}
	f.wantAssignment(t, want)
	if !slices.Contains(f.changes(t, since).Assignments, want) {
		t.Error("it is no change")
	}
	if _, err := f.Journal.Claim(t.Context(), ref, "b", 1); err != nil {
		t.Errorf("the next owner: %v", err)
	}
}

func handOverOfARoomThatMovedOnDoesNothing(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	for epoch, node := range []string{"a", "c"} {
		if _, err := f.Journal.Claim(t.Context(), ref, node, int64(epoch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Leases.HandOver(t.Context(), ref, 1, "b"); err != nil {
		t.Fatal(err)
	}
	f.wantAssignment(t, placement.Assignment{Ref: ref, Status: rooms.Open, Node: "c", Epoch: 2})
}

func aClosedRoomLeavesTheFloor(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	w := own(t, f.Fixture, ref)
	since := f.changes(t, placement.Mark{}).Mark
	b := w.batch(event("closed"))
	b.Status = rooms.Closed
	if _, err := f.Journal.Append(t.Context(), ref, b); err != nil {
		t.Fatal(err)
	}
	changes := f.changes(t, since).Assignments
	if !slices.ContainsFunc(changes, func(p placement.Assignment) bool { return p.Ref == ref && p.Status == rooms.Closed }) {
		t.Errorf("that it closed is no change: %+v", changes)
	}
	if p, ok := f.assignment(t, ref); ok {
		t.Errorf("a closed room is in the index: %+v", p)
	}
	configs, err := f.Leases.Configs(t.Context(), ref.Tenant)
	if err != nil || slices.ContainsFunc(configs, func(c rooms.Config) bool { return c.Room == ref.Room }) {
		t.Errorf("configs: %+v, %v", configs, err)
	}
}

func configsAreWhatRoomsWereOpenedWith(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	saved := claim(t, f.Fixture, ref)
	configs, err := f.Leases.Configs(t.Context(), ref.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(configs, func(c rooms.Config) bool { return c.Room == ref.Room })
	if i < 0 || cmp.Diff(saved.Config, configs[i]) != "" {
		t.Errorf("%+v, want %+v", configs, saved.Config)
	}
}
