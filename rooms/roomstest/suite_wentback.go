package roomstest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// WentBack tests what every rooms.Journal and its placement.Leases must do when their database goes back,
// as Leases does the rest.
func WentBack(t *testing.T, setup func(t *testing.T) LeaseFixture) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, f LeaseFixture)
	}{
		{"NoEpochIsGivenTwice", noEpochIsGivenTwice},
		{"TheFloorIsWhole", theFloorIsWhole},
		{"ASeedOfTheLostHistoryIsKnownAsSuch", aSeedOfTheLostHistory},
		{"ALeaseIsFresh", aLeaseIsFresh},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, setup(t))
		})
	}
}

// settled calls do, which may be unavailable until the generation is raised, until it succeeds.
func settled(t *testing.T, do func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := do()
		if err == nil {
			return
		}
		if errors.Is(err, rooms.ErrFenced) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func noEpochIsGivenTwice(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	kept := claim(t, f.Fixture, ref).Epoch
	goBack := f.Backup(t)
	highest := claim(t, f.Fixture, ref).Epoch
	for range 3 { // the second time also the raised generation is lost
		goBack()
		var now rooms.Saved
		settled(t, func() (err error) {
			now, err = f.Journal.Claim(t.Context(), ref, "node-2", kept)
			return err
		})
		generation := f.changes(t, placement.Mark{}).Generation
		if now.Epoch <= highest || now.Epoch < placement.FirstEpoch(generation) || now.Epoch >= placement.FirstEpoch(generation+1) {
			t.Errorf("epoch %d in generation %d, after %d", now.Epoch, generation, highest)
		}
		highest = now.Epoch
	}
}

func aSeedOfTheLostHistory(t *testing.T, f LeaseFixture) {
	w := own(t, f.Fixture, f.Room(t, "table-1"))
	b := w.batch(event("round.opened"))
	b.Commit = game.Seed{1, 2, 3}
	w.must(t, b)
	f.Backup(t)()
	for range 2 { // a claim does not make it a new one
		var now rooms.Saved
		settled(t, func() (err error) {
			now, err = f.Journal.Claim(t.Context(), w.ref, "node-2", rooms.AnyEpoch)
			return err
		})
		if now.Seed != b.Commit || placement.GenerationOf(now.SeedEpoch) >= placement.GenerationOf(now.Epoch) {
			t.Errorf("in epoch %d the seed is of epoch %d", now.Epoch, now.SeedEpoch)
		}
	}
}

func theFloorIsWhole(t *testing.T, f LeaseFixture) {
	ref := f.Room(t, "table-1")
	kept := claim(t, f.Fixture, ref).Epoch
	goBack := f.Backup(t)
	lost := f.Room(t, "table-2")
	claim(t, f.Fixture, ref)
	mark := f.changes(t, placement.Mark{}).Mark
	goBack()
	var got placement.Changes
	settled(t, func() (err error) {
		got, err = f.Leases.Assignments(t.Context(), mark)
		return err
	})
	if got.Generation <= mark.Generation {
		t.Errorf("generation %d after %d", got.Generation, mark.Generation)
	}
	found := false
	for _, p := range got.Assignments {
		found = found || p == placement.Assignment{Ref: ref, Status: rooms.Open, Node: "node-1", Epoch: kept}
		if p.Ref == lost {
			t.Error("a room that was opened after the backup is there")
		}
	}
	if !found {
		t.Errorf("no %s of epoch %d: %+v", ref, kept, got.Assignments)
	}
	settled(t, func() (err error) {
		got, err = f.Leases.Assignments(t.Context(), got.Mark)
		return err
	})
	var now rooms.Saved
	settled(t, func() (err error) {
		now, err = f.Journal.Claim(t.Context(), ref, "node-1", rooms.AnyEpoch)
		return err
	})
	changes := f.changes(t, got.Mark).Assignments
	if len(changes) == 0 || changes[len(changes)-1].Epoch != now.Epoch {
		t.Errorf("the new claim is no change: %+v", changes)
	}
}

func aLeaseIsFresh(t *testing.T, f LeaseFixture) {
	a := lease("a")
	a.Generation = f.changes(t, placement.Mark{}).Generation
	f.renew(t, a, long)
	if f.renew(t, a, long) {
		t.Error("a lease that was held is fresh")
	}
	goBack := f.Backup(t)
	b := a
	b.Incarnation, b.Starting = uuid.NewString(), true
	f.renew(t, b, long)
	b.Starting = false
	goBack() // where the former process has the name
	a = b
	for want := range 2 {
		var fresh bool
		settled(t, func() (err error) {
			a.Generation, fresh, err = f.Leases.Renew(t.Context(), a, long)
			return err
		})
		if fresh != (want == 0) {
			t.Errorf("fresh: %t", fresh)
		}
	}
}
