package rooms_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// TestRoomsAreClaimedAnewWhenTheDatabaseGoesBack raises a table's epoch after the backup, as any restart
// of its owner does, and goes back: without more, memory keeps the higher epoch for good and nobody can
// claim the table, or get into it.
func TestRoomsAreClaimedAnewWhenTheDatabaseGoesBack(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		refs := c.tables(6)
		for _, ref := range refs {
			c.betAt(c.nodes["n0"], ref, uuid.NewString(), 1).accepted()
		}
		goBack := c.journal.Backup()

		lost := uuid.NewString()
		c.betAt(c.nodes["n0"], c.table, lost, 100).accepted()
		dead := c.ownerOf(c.table)
		dead.kill()
		c.pass(placement.LeaseTTL + time.Second)
		opened := c.room("opened-since", `{}`)
		c.pass(time.Second)
		c.add(dead.name)
		c.pass(time.Second)
		before := map[rooms.Ref]rooms.Joined{}
		for _, ref := range refs {
			c.betAt(c.nodes["n1"], ref, uuid.NewString(), 1).accepted()
			joined, err := c.nodes["n2"].Join(c.Context(), ref, "alice", nil)
			if err != nil {
				c.Fatal(err)
			}
			before[ref] = joined
		}

		for generation := range int64(2) {
			goBack()
			c.pass(placement.LeaseTTL + time.Second)
			first := placement.FirstEpoch(generation + 1)
			for _, m := range c.nodes {
				if err := m.Health(); err != nil {
					c.Errorf("%s: %v", m.name, err)
				}
				if got := c.metric(m, "pitboss_node_database_went_back_total"); got != float64(generation+1) {
					c.Errorf("%s went back %v times", m.name, got)
				}
				if got := len(m.List(c.tenant)); got != len(refs) {
					c.Errorf("%s lists %d rooms of %d", m.name, got, len(refs))
				}
				for _, ref := range refs {
					if got := c.betAt(m, ref, uuid.NewString(), 1).accepted(); got.Epoch < first {
						c.Errorf("%s: %s is at epoch %d in generation %d", m.name, ref, got.Epoch, generation+1)
					}
					// What a client old told of is not there, or is another: it gets the view.
					old := before[ref]
					joined, err := m.Join(c.Context(), ref, "alice", resume(old.Epoch, old.Seq))
					if err != nil || joined.View == nil && joined.Seq >= old.Seq {
						c.Errorf("%s: %s was resumed from (%d, %d) in another history: %+v, %v", m.name, ref, old.Epoch, old.Seq, joined, err)
					}
				}
				if _, err := m.Join(c.Context(), opened, "alice", nil); err == nil {
					c.Errorf("%s has a room that was opened after the backup", m.name)
				}
			}
			for _, r := range c.journal.Events(c.table) {
				if r.Epoch == before[c.table].Epoch {
					c.Errorf("event %d has an epoch of the lost history", r.Seq)
				}
			}
			if again := c.betAt(c.nodes["n0"], c.table, lost, 100).accepted(); again.Epoch < first {
				c.Errorf("a bet that was lost was answered from the lost history: %+v", again)
			}
		}
	})
}

// TestANodeThatKnowsOfALaterHistoryIsNotAnsweredFromAnEarlierOne stops one node's looks at the database.
func TestANodeThatKnowsOfALaterHistoryIsNotAnsweredFromAnEarlierOne(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		c.tables(1)
		owner := c.ownerOf(c.table)
		asker := c.others(c.table)[0]
		c.betAt(asker, c.table, uuid.NewString(), 1).accepted()
		goBack := c.journal.Backup()
		lost := uuid.NewString()
		c.betAt(asker, c.table, lost, 100).accepted()
		release := owner.link.hold() // it neither looks nor renews; its lease is believed for a while
		goBack()
		c.pass(400 * time.Millisecond)
		if got := c.metric(asker, "pitboss_node_database_went_back_total"); got != 1 {
			c.Fatalf("%s went back %v times", asker.name, got)
		}
		again := c.betAt(asker, c.table, lost, 100)
		c.pass(100 * time.Millisecond)
		if !again.open() {
			c.Errorf("answered from the lost history: %+v, %v", again.Answer, again.err)
		}
		release()
		c.pass(placement.LeaseTTL + time.Second)
		if got := again.accepted(); got.Epoch < placement.FirstEpoch(1) {
			c.Errorf("%+v", got)
		}
	})
}

// TestASeedOfTheLostHistoryDecidesNothing lets a toss reveal the seed after the backup: who saw it could bet
// on the toss that is to come.
func TestASeedOfTheLostHistoryDecidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before int // bets before the backup
		want   []string
	}{
		"WithStakes":    {1, []string{"coin.opened", "coin.placed", "coin.voided", "coin.opened"}},
		"WithoutStakes": {0, []string{"coin.opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			inCasino(t, func(f *casino) {
				for range c.before {
					f.bet("alice", 100).accepted()
				}
				goBack := f.journal.Backup()
				seed := f.journal.Seed(f.table)
				f.bet("alice", 100).accepted()
				f.pass(2 * time.Second)
				if got := f.types(f.table); !slices.Contains(got, "coin.tossed") {
					f.Fatalf("the seed was not revealed: %v", got)
				}
				f.end()
				goBack()
				f.restart()
				f.pass(2 * time.Second)
				if got := f.types(f.table); !slices.Equal(got, c.want) {
					f.Errorf("events: %v", got)
				}
				f.bet("alice", 100).accepted()
				f.pass(2 * time.Second)
				for _, rec := range f.journal.Events(f.table) {
					if rec.Type == "coin.tossed" && strings.Contains(string(rec.Data), seed.Hex()) {
						f.Errorf("a toss was decided by a seed that was known: %s", rec.Data)
					}
				}
			})
		})
	}
}
