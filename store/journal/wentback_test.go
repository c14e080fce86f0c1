package journal_test

import (
	"fmt"
	"sync/atomic"
	"testing"

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
