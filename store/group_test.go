package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestARoomThatCanNotGoOnHurtsNoOtherOfItsTransaction puts five rooms into one transaction:
// one that is as usual, one that was fenced off, one whose player has not got the stake, one
// whose command was answered before, and one whose command id was used in another room.
func TestARoomThatCanNotGoOnHurtsNoOtherOfItsTransaction(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := tables(t, s, admin, 5)
	j := s.Journal
	answered := bet(1, 1, player(3, 0), 10)
	first, err := j.Append(t.Context(), refs[3], batchOf(0, answered))
	if err != nil {
		t.Fatal(err)
	}
	reused := bet(1, 1, player(3, 0), 10)
	reused.Command.ID = answered.Command.ID
	again := bet(1, 2, player(3, 0), 10)
	again.Command.ID = answered.Command.ID
	claim(t, s, refs[1], "other")
	answers, errs := j.Together(t.Context(), refs, []rooms.Batch{
		batchOf(0, bet(1, 1, player(0, 0), 100)),
		batchOf(0, bet(1, 1, player(1, 0), 100)),
		batchOf(0, bet(1, 1, player(2, 0), 1001)),
		batchOf(1, again),
		batchOf(0, reused),
	})
	if errs[0] != nil || len(answers[0]) != 1 || answers[0][0].Balance != 900 || answers[0][0].Seq != 1 {
		t.Errorf("the usual one: %+v, %v", answers[0], errs[0])
	}
	if !errors.Is(errs[1], rooms.ErrFenced) {
		t.Errorf("the fenced one: %v", errs[1])
	}
	for i, ok := range map[int]func(*rooms.Conflict) bool{
		2: func(c *rooms.Conflict) bool { return c.Unfunded[0] },
		3: func(c *rooms.Conflict) bool {
			return c.Answered[0].Balance == first[0].Balance && c.Answered[0].Seq == 1
		},
		4: func(c *rooms.Conflict) bool { return c.Reused[0] },
	} {
		var conflict *rooms.Conflict
		if !errors.As(errs[i], &conflict) || !ok(conflict) {
			t.Errorf("room %d: %v", i, errs[i])
		}
	}
	wantSeqs(t, s, refs, 1, 0, 0, 1, 0)
	for i, want := range []game.Money{900, 1000, 1000, 990, 1000} {
		if got := balance(t, s, refs[0].Tenant, player(i, 0)); got != want {
			t.Errorf("player %d has %d, want %d", i, got, want)
		}
	}
	sound(t, s, refs[0].Tenant)
}

// TestARoomThatTheDatabaseRefusesIsAloneWithIt has one room write what is no JSON.
func TestARoomThatTheDatabaseRefusesIsAloneWithIt(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := tables(t, s, admin, 3)
	poisoned := bet(1, 1, player(1, 0), 100)
	poisoned.Records[0].Data = json.RawMessage(`{`)
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		batchOf(0, bet(1, 1, player(0, 0), 100)), batchOf(0, poisoned), batchOf(0, bet(1, 1, player(2, 0), 100)),
	})
	if errs[0] != nil || state(errs[1]) != "22P02" || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	wantSeqs(t, s, refs, 1, 0, 1)
	sound(t, s, refs[0].Tenant)
}

// TestTheLastMoneyIsStakedOnce has one player's stake come to two rooms of one transaction.
func TestTheLastMoneyIsStakedOnce(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := tables(t, s, admin, 2)
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		batchOf(0, bet(1, 1, player(0, 0), 700)), batchOf(0, bet(1, 1, player(0, 0), 700)),
	})
	var conflict *rooms.Conflict
	if errs[0] != nil || !errors.As(errs[1], &conflict) || !conflict.Unfunded[0] {
		t.Errorf("got %v", errs)
	}
	if got := balance(t, s, refs[0].Tenant, player(0, 0)); got != 300 {
		t.Errorf("%d are left", got)
	}
	wantSeqs(t, s, refs, 1, 0)
	sound(t, s, refs[0].Tenant)
}

func TestAPanicInAnAppendEndsThatAppendOnly(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := tables(t, s, admin, 3)
	bug := batchOf(0, bet(store.Buggy, 1, player(1, 0), 100))
	bug.Epoch = store.Buggy
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		batchOf(0, bet(1, 1, player(0, 0), 100)), bug, batchOf(0, bet(1, 1, player(2, 0), 100)),
	})
	if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "panic") || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	wantSeqs(t, s, refs, 1, 0, 1)
	sound(t, s, refs[0].Tenant)
}

func TestRoomsThatAppendAtOnceEachKeepTheirOrder(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	const n, turns = 30, 12
	refs := tables(t, s, admin, n)
	j := s.Journal
	var wg sync.WaitGroup
	for i, ref := range refs {
		wg.Go(func() {
			for seq := range int64(turns) {
				answers, err := j.Append(t.Context(), ref, batchOf(seq, bet(1, seq+1, player(i, 0), 1)))
				if err != nil || answers[0].Seq != seq+1 || answers[0].Balance != game.Money(1000-seq-1) {
					t.Errorf("%s at %d: %+v, %v", ref.Room, seq, answers, err)
					return
				}
			}
		})
	}
	wg.Wait()
	wantSeqs(t, s, refs, slices.Repeat([]int64{turns}, n)...)
	sound(t, s, refs[0].Tenant)
}
