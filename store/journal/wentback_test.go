package journal_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestJournalAndLeasesConformWhenAReplicaThatLaggedTakesOver runs each test of the suite on a server of
// its own, whose replica takes over.
func TestJournalAndLeasesConformWhenAReplicaThatLaggedTakesOver(t *testing.T) {
	t.Parallel()
	wentBack(t, storetest.Installed(t))
}

// TestJournalAndLeasesConformWhenTheNewestPostgreSQLGoesBack is the same there.
func TestJournalAndLeasesConformWhenTheNewestPostgreSQLGoesBack(t *testing.T) {
	t.Parallel()
	wentBack(t, storetest.Newest(t))
}

func wentBack(t *testing.T, bin string) {
	t.Helper()
	var databases atomic.Int64 // the suites' tests are parallel
	roomstest.WentBack(t, func(t *testing.T) roomstest.LeaseFixture {
		server := storetest.StartServer(t, bin)
		f := fixtureIn(t, server.Database(t, fmt.Sprintf("back_%d", databases.Add(1)), nil))
		f.Backup = server.Backup
		return f
	})
}

// A seed that was committed before journals noted in which epoch belongs to the history before the room's next claim.
func TestASeedOfBeforeItsEpochWasNotedIsKnownAsOneOfTheLostHistory(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	d := server.Database(t, "back_old", nil)
	f := fixtureIn(t, d)
	ref := f.Room(t, "table-1")
	was, err := f.Journal.Claim(t.Context(), ref, "node-1", rooms.AnyEpoch)
	if err != nil {
		t.Fatal(err)
	}
	seed := game.Seed{1, 2, 3}
	opened := rooms.Record{Seq: 1, Epoch: was.Epoch, At: time.Now().UTC(), Type: game.TypeRoundOpened, Round: 1, Data: []byte(`{}`)}
	b := rooms.Batch{Epoch: was.Epoch, Status: rooms.Open, Commit: seed, Entries: []rooms.Entry{{Records: []rooms.Record{opened}}}}
	if _, err := f.Journal.Append(t.Context(), ref, b); err != nil {
		t.Fatal(err)
	}
	storetest.Super(t, d, `update `+ref.Tenant.Schema()+`.room set seed_epoch = null`)
	server.Backup(t)()
	for range 2 { // a claim does not make it a new one
		var now rooms.Saved
		for deadline := time.Now().Add(30 * time.Second); ; {
			if now, err = f.Journal.Claim(t.Context(), ref, "node-2", rooms.AnyEpoch); err == nil || time.Now().After(deadline) {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if now.Seed != seed || placement.GenerationOf(now.SeedEpoch) >= placement.GenerationOf(now.Epoch) {
			t.Errorf("in epoch %d the seed is of epoch %d", now.Epoch, now.SeedEpoch)
		}
	}
}
