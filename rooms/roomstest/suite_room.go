package roomstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func claimOfNoRoomIsNotFound(t *testing.T, f Fixture) {
	ref := f.Room(t, "table-1")
	ref.Room = "no-such"
	if _, err := f.Journal.Claim(t.Context(), ref, "node-1", rooms.AnyEpoch); !errors.Is(err, rooms.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func eventsComeBackAsTheyWere(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	if w.epoch < 1 || w.seq != 0 {
		t.Errorf("a new room is at epoch %d, seq %d", w.epoch, w.seq)
	}
	odd := event("odd")
	odd.Records[0].Data = json.RawMessage(`{"b":1,"a":"\u0000 ü \" ´","n":1e3}`)
	odd.Records[0].Round = 0
	b := w.batch(event("one"), odd, rooms.Entry{Records: append(event("two").Records, event("three").Records...)})
	answers := w.must(t, b)
	want := []rooms.Answer{{Epoch: w.epoch, Seq: 1}, {Epoch: w.epoch, Seq: 2}, {Epoch: w.epoch, Seq: 4}}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Error("answers", diff)
	}
	var all []rooms.Record
	for _, e := range b.Entries {
		all = append(all, e.Records...)
	}
	s := claim(t, f, w.ref)
	if diff := cmp.Diff(all, s.Tail); diff != "" {
		t.Error("tail", diff)
	}
	if s.Epoch <= w.epoch || s.Seq != 4 || s.Room != w.ref.Room || s.Status != rooms.Open || !s.Seed.IsZero() || s.Snapshot != nil || s.SnapshotSeq != 0 {
		t.Errorf("claimed: %+v", s)
	}
}

func claimFencesTheFormerOwner(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	former := own(t, f, f.Room(t, "table-1"))
	former.must(t, former.batch(event("one")))
	late := former.batch(bet("alice", 60))
	late.Commit, late.Snapshot, late.Status = game.Seed{1}, json.RawMessage(`{}`), rooms.Closed
	owner := own(t, f, former.ref)
	if owner.epoch <= former.epoch {
		t.Fatalf("epoch %d after %d", owner.epoch, former.epoch)
	}
	for name, b := range map[string]rooms.Batch{"late": late, "empty": former.batch(), "ahead": {Epoch: owner.epoch + 1, Seq: 1}} {
		if _, err := former.append(t, b); !errors.Is(err, rooms.ErrFenced) {
			t.Errorf("%s: got %v, want ErrFenced", name, err)
		}
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 100})
	owner.must(t, owner.batch(event("two")))
	s := claim(t, f, owner.ref)
	if s.Seq != 2 || s.Status != rooms.Open || !s.Seed.IsZero() || s.Snapshot != nil || len(s.Tail) != 2 || s.Tail[1].Type != "two" {
		t.Errorf("a fenced batch left something: %+v", s)
	}
}

func claimOfARoomThatMovedOnIsFenced(t *testing.T, f Fixture) {
	ref := f.Room(t, "table-1")
	if s, err := f.Journal.Claim(t.Context(), ref, "node-1", 0); err != nil || s.Epoch != 1 {
		t.Fatalf("a room that nobody had: epoch %d, %v", s.Epoch, err)
	}
	for _, seen := range []int64{0, 2, 7} {
		if _, err := f.Journal.Claim(t.Context(), ref, "node-2", seen); !errors.Is(err, rooms.ErrFenced) {
			t.Errorf("believed to be at epoch %d: %v", seen, err)
		}
	}
	// Nothing happened to the owner.
	w := &writer{f, ref, 1, 0}
	if _, err := f.Journal.Append(t.Context(), ref, w.batch(event("a"))); err != nil {
		t.Errorf("the owner: %v", err)
	}
	if s, err := f.Journal.Claim(t.Context(), ref, "node-2", 1); err != nil || s.Epoch != 2 {
		t.Errorf("as it is: epoch %d, %v", s.Epoch, err)
	}
}

func wrongSeqIsFenced(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	first := w.batch(event("one"))
	w.must(t, first)
	ahead := w.batch(event("three"))
	ahead.Seq, ahead.Entries[0].Records[0].Seq = 2, 3
	for name, b := range map[string]rooms.Batch{"again": first, "gap": ahead} {
		if _, err := w.append(t, b); !errors.Is(err, rooms.ErrFenced) {
			t.Errorf("%s: got %v, want ErrFenced", name, err)
		}
	}
	if s := claim(t, f, w.ref); s.Seq != 1 || len(s.Tail) != 1 {
		t.Errorf("claimed: %+v", s)
	}
}

// ofTwoClaimantsOneWrites lets several owners claim the room from each other at any moment. Whoever's
// append was accepted finds its event in the journal, at its seq, and nobody else's is there.
func ofTwoClaimantsOneWrites(t *testing.T, f Fixture) {
	ref := f.Room(t, "table-1")
	chance := Random(t)
	type written struct {
		seq, epoch int64
		typ        string
	}
	var mu sync.Mutex
	var all []written
	var nodes sync.WaitGroup
	for n := range 3 {
		mine := rand.New(rand.NewPCG(chance.Uint64(), 0))
		nodes.Go(func() {
			for turn := range 8 {
				s, err := f.Journal.Claim(t.Context(), ref, fmt.Sprint("node-", n), rooms.AnyEpoch)
				if err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				w := &writer{f, ref, s.Epoch, s.Seq}
				for i := range 1 + mine.IntN(5) {
					typ := fmt.Sprintf("n%d.t%d.%d", n, turn, i)
					b := w.batch(event(typ))
					if _, err = f.Journal.Append(t.Context(), ref, b); err != nil {
						break
					}
					w.seq++
					mu.Lock()
					all = append(all, written{w.seq, w.epoch, typ})
					mu.Unlock()
				}
				if err != nil && !errors.Is(err, rooms.ErrFenced) {
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	nodes.Wait()
	s := claim(t, f, ref)
	if err := gapless(s.Tail, 1); err != nil || int64(len(s.Tail)) != s.Seq || len(s.Tail) != len(all) {
		t.Fatalf("%d appends, seq %d, %d events, %v", len(all), s.Seq, len(s.Tail), err)
	}
	for _, w := range all {
		got := s.Tail[w.seq-1]
		if got.Type != w.typ || got.Epoch != w.epoch {
			t.Errorf("event %d is %s of epoch %d, want %+v", w.seq, got.Type, got.Epoch, w)
		}
	}
	for i := 1; i < len(s.Tail); i++ {
		if s.Tail[i].Epoch < s.Tail[i-1].Epoch {
			t.Errorf("event %d is of an older epoch than the one before", s.Tail[i].Seq)
		}
	}
}

func malformedBatchWritesNothing(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	broken := func(change func(e *rooms.Entry)) rooms.Batch {
		b := w.batch(event("one"), bet("alice", 10))
		change(&b.Entries[1])
		return b
	}
	same := bet("alice", 1)
	for name, b := range map[string]rooms.Batch{
		"gap":           broken(func(e *rooms.Entry) { e.Records[0].Seq++ }),
		"other epoch":   broken(func(e *rooms.Entry) { e.Records[0].Epoch++ }),
		"nothing moved": broken(func(e *rooms.Entry) { e.Moves[0].Amount = 0 }),
		"negative":      broken(func(e *rooms.Entry) { e.Moves[0].Amount = -5 }),
		"unknown kind":  broken(func(e *rooms.Entry) { e.Moves[0].Kind = "gift" }),
		"no UUID":       broken(func(e *rooms.Entry) { e.Command.ID = "first" }),
		"twice":         w.batch(same, same),
	} {
		_, err := w.append(t, b)
		if !errors.Is(err, rooms.ErrUnwritable) {
			t.Errorf("%s: got %v, want ErrUnwritable", name, err)
		}
	}
	if s := claim(t, f, w.ref); s.Seq != 0 || len(s.Tail) != 0 {
		t.Errorf("something was written: %+v", s)
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 100})
}

// textThatCanNotBeKeptIsUnwritable appends texts that are valid in Go and in no database, in every field
// where a game or a person may put one.
func textThatCanNotBeKeptIsUnwritable(t *testing.T, f Fixture) {
	f.Fund(t, "alice", 100)
	w := own(t, f, f.Room(t, "table-1"))
	for _, text := range []string{"a\x00b", "a\xffb"} {
		for name, spoil := range map[string]func(e *rooms.Entry){
			"target": func(e *rooms.Entry) { e.Audit = &rooms.Audit{Actor: "op", Action: "x", Target: text} },
			"reason": func(e *rooms.Entry) { e.Audit = &rooms.Audit{Actor: "op", Action: "x", Reason: text} },
			"ref":    func(e *rooms.Entry) { e.Moves[0].Ref = text },
		} {
			bad := bet("alice", 10)
			spoil(&bad)
			if _, err := w.append(t, w.batch(event("one"), bad)); !errors.Is(err, rooms.ErrUnwritable) || !errors.Is(err, rooms.ErrNotWritten) {
				t.Errorf("%s %q: got %v, want ErrUnwritable", name, text, err)
			}
			w.must(t, w.batch(event("after"))) // at the same epoch
		}
	}
	f.wants(t, map[game.PlayerID]game.Money{"alice": 100})
	if s := claim(t, f, w.ref); s.Seq != 6 {
		t.Errorf("the room is at %d, want 6", s.Seq)
	}
}

func statusGoesOneWay(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	for _, step := range []struct{ write, want rooms.Status }{
		{rooms.Open, rooms.Open}, {rooms.Closing, rooms.Closing}, {rooms.Open, rooms.Closing},
		{rooms.Closed, rooms.Closed}, {rooms.Open, rooms.Closed}, {rooms.Closing, rooms.Closed},
	} {
		b := w.batch(event("step"))
		b.Status = step.write
		w.must(t, b)
		s := claim(t, f, w.ref)
		if w.epoch = s.Epoch; s.Status != step.want {
			t.Errorf("after writing %s the room is %s, want %s", step.write, s.Status, step.want)
		}
	}
}

func seedSurvivesClaimUntilRevealed(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	committed := int64(0)
	seed := func() game.Seed {
		t.Helper()
		s := claim(t, f, w.ref)
		w.epoch = s.Epoch
		if s.SeedEpoch != committed {
			t.Errorf("the seed %q is of epoch %d, not %d", s.Seed.Hex(), s.SeedEpoch, committed)
		}
		return s.Seed
	}
	one, two := game.Seed{1, 2, 3}, game.Seed{4, 5, 6}
	b := w.batch(event("round.opened"))
	b.Commit, committed = one, w.epoch
	w.must(t, b)
	for range 3 {
		if got := seed(); got != one {
			t.Fatal("the committed seed is not there after a claim")
		}
	}
	w.must(t, w.batch(event("bet.placed")))
	if seed() != one {
		t.Error("the seed is gone though it was not revealed")
	}
	b = w.batch(event("wheel.spun"), event("round.opened"))
	b.Reveal, b.Commit, committed = true, two, w.epoch
	w.must(t, b)
	if seed() != two {
		t.Error("revealing one seed and committing to another does not leave the other")
	}
	b = w.batch(event("wheel.spun"))
	b.Reveal, committed = true, 0
	w.must(t, b)
	if got := seed(); !got.IsZero() {
		t.Error("a revealed seed is still there")
	}
}

func snapshotShortensTheTail(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	w.must(t, w.batch(event("one"), event("two")))
	b := w.batch(event("three"))
	b.Snapshot = json.RawMessage(`{"results":[1,2],"x":null}`)
	w.must(t, b)
	w.must(t, w.batch(event("four")))
	w.must(t, w.batch(event("five")))
	s := claim(t, f, w.ref)
	if diff := cmp.Diff(b.Snapshot, s.Snapshot); diff != "" || s.SnapshotSeq != 3 || s.Seq != 5 {
		t.Errorf("snapshot at %d of %d: %s", s.SnapshotSeq, s.Seq, diff)
	}
	if err := gapless(s.Tail, 4); err != nil || len(s.Tail) != 2 {
		t.Errorf("a tail of %d events, %v", len(s.Tail), err)
	}
	w.epoch = s.Epoch
	b = w.batch(event("six"))
	b.Snapshot = json.RawMessage(`{}`)
	w.must(t, b)
	if s := claim(t, f, w.ref); string(s.Snapshot) != `{}` || s.SnapshotSeq != 6 || len(s.Tail) != 0 {
		t.Errorf("claimed: %+v", s)
	}
}

func sinceIsInOrderAndBounded(t *testing.T, f Fixture) {
	w := own(t, f, f.Room(t, "table-1"))
	other := own(t, f, f.Room(t, "table-2"))
	other.must(t, other.batch(event("elsewhere")))
	for range 5 {
		w.must(t, w.batch(event("a"), event("b")))
		w.epoch = claim(t, f, w.ref).Epoch
	}
	for _, c := range []struct {
		seq   int64
		limit int
		want  int
	}{{0, 100, 10}, {0, 3, 3}, {4, 100, 6}, {4, 2, 2}, {9, 5, 1}, {10, 5, 0}, {99, 5, 0}, {0, 0, 0}} {
		got, err := f.Journal.Since(t.Context(), w.ref, c.seq, c.limit)
		if err != nil || len(got) != c.want || gapless(got, c.seq+1) != nil {
			t.Errorf("since %d, at most %d: %d events, %v, %v", c.seq, c.limit, len(got), gapless(got, c.seq+1), err)
		}
	}
}
