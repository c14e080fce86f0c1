package journal_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestARoomThatCanNotGoOnHurtsNoOtherOfItsTransaction puts five rooms into one transaction:
// one that is as usual, one that was fenced off, one whose player has not got the stake, one
// whose command was answered before, and one whose command id was used in another room.
func TestARoomThatCanNotGoOnHurtsNoOtherOfItsTransaction(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 5)
	j := s.Journal
	answered := storetest.Bet(1, 1, player(3, 0), 10)
	first, err := j.Append(t.Context(), refs[3], storetest.Batch(0, answered))
	if err != nil {
		t.Fatal(err)
	}
	reused := storetest.Bet(1, 1, player(3, 0), 10)
	reused.Command.ID = answered.Command.ID
	again := storetest.Bet(1, 2, player(3, 0), 10)
	again.Command.ID = answered.Command.ID
	storetest.Claim(t, s, refs[1], "other")
	answers, errs := j.Together(t.Context(), refs, []rooms.Batch{
		storetest.Batch(0, storetest.Bet(1, 1, player(0, 0), 100)),
		storetest.Batch(0, storetest.Bet(1, 1, player(1, 0), 100)),
		storetest.Batch(0, storetest.Bet(1, 1, player(2, 0), 1001)),
		storetest.Batch(1, again),
		storetest.Batch(0, reused),
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
	storetest.WantSeqs(t, s, refs, 1, 0, 0, 1, 0)
	for i, want := range []game.Money{900, 1000, 1000, 990, 1000} {
		if got := storetest.Balance(t, s, refs[0].Tenant, player(i, 0)); got != want {
			t.Errorf("player %d has %d, want %d", i, got, want)
		}
	}
	storetest.Sound(t, s, refs[0].Tenant)
}

// TestARoomThatTheDatabaseRefusesIsAloneWithIt has one room write what is no JSON.
func TestARoomThatTheDatabaseRefusesIsAloneWithIt(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 3)
	poisoned := storetest.Bet(1, 1, player(1, 0), 100)
	poisoned.Records[0].Data = json.RawMessage(`{`)
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		storetest.Batch(0, storetest.Bet(1, 1, player(0, 0), 100)), storetest.Batch(0, poisoned), storetest.Batch(0, storetest.Bet(1, 1, player(2, 0), 100)),
	})
	if errs[0] != nil || storetest.State(errs[1]) != "22P02" || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	storetest.WantSeqs(t, s, refs, 1, 0, 1)
	storetest.Sound(t, s, refs[0].Tenant)
}

// TestTheLastMoneyIsStakedOnce has one player's stake come to two rooms of one transaction.
func TestTheLastMoneyIsStakedOnce(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 2)
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		storetest.Batch(0, storetest.Bet(1, 1, player(0, 0), 700)), storetest.Batch(0, storetest.Bet(1, 1, player(0, 0), 700)),
	})
	var conflict *rooms.Conflict
	if errs[0] != nil || !errors.As(errs[1], &conflict) || !conflict.Unfunded[0] {
		t.Errorf("got %v", errs)
	}
	if got := storetest.Balance(t, s, refs[0].Tenant, player(0, 0)); got != 300 {
		t.Errorf("%d are left", got)
	}
	storetest.WantSeqs(t, s, refs, 1, 0)
	storetest.Sound(t, s, refs[0].Tenant)
}

func TestAPanicInAnAppendEndsThatAppendOnly(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	refs := storetest.Tables(t, s, admin, 3)
	bug := storetest.Batch(0, storetest.Bet(journal.Buggy, 1, player(1, 0), 100))
	bug.Epoch = journal.Buggy
	_, errs := s.Journal.Together(t.Context(), refs, []rooms.Batch{
		storetest.Batch(0, storetest.Bet(1, 1, player(0, 0), 100)), bug, storetest.Batch(0, storetest.Bet(1, 1, player(2, 0), 100)),
	})
	if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "panic") || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	storetest.WantSeqs(t, s, refs, 1, 0, 1)
	storetest.Sound(t, s, refs[0].Tenant)
}

func TestRoomsThatAppendAtOnceEachKeepTheirOrder(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	const n, turns = 30, 12
	refs := storetest.Tables(t, s, admin, n)
	j := s.Journal
	var wg sync.WaitGroup
	for i, ref := range refs {
		wg.Go(func() {
			for seq := range int64(turns) {
				answers, err := j.Append(t.Context(), ref, storetest.Batch(seq, storetest.Bet(1, seq+1, player(i, 0), 1)))
				if err != nil || answers[0].Seq != seq+1 || answers[0].Balance != game.Money(1000-seq-1) {
					t.Errorf("%s at %d: %+v, %v", ref.Room, seq, answers, err)
					return
				}
			}
		})
	}
	wg.Wait()
	storetest.WantSeqs(t, s, refs, slices.Repeat([]int64{turns}, n)...)
	storetest.Sound(t, s, refs[0].Tenant)
}
