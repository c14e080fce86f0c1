package journal_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestJournalConforms runs the suite that the in-memory journal passes on PostgreSQL.
func TestJournalConforms(t *testing.T) {
	t.Parallel()
	roomstest.Journal(t, func(t *testing.T) roomstest.Fixture { return fixture(t).Fixture })
}

// TestLeasesConform runs the suite that the in-memory leases pass on PostgreSQL.
func TestLeasesConform(t *testing.T) {
	t.Parallel()
	roomstest.Leases(t, fixture)
}

// TestJournalAndLeasesConformOnTheNewestPostgreSQL runs both suites there.
func TestJournalAndLeasesConformOnTheNewestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Newest(t))
	var databases atomic.Int64 // the suites' tests are parallel
	fixture := func(t *testing.T) roomstest.LeaseFixture {
		return fixtureIn(t, server.Database(t, fmt.Sprintf("suite_%d", databases.Add(1)), nil))
	}
	roomstest.Journal(t, func(t *testing.T) roomstest.Fixture { return fixture(t).Fixture })
	roomstest.Leases(t, fixture)
}

func fixture(t *testing.T) roomstest.LeaseFixture {
	t.Helper()
	return fixtureIn(t, storetest.Empty(t))
}

func fixtureIn(t *testing.T, d storetest.Database) roomstest.LeaseFixture {
	t.Helper()
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	return roomstest.LeaseFixture{Leases: s.Leases, Fixture: roomstest.Fixture{
		Journal: s.Journal,
		Room: func(t testing.TB, room string) rooms.Ref {
			t.Helper()
			c := rooms.Config{Room: room, Game: "roulette", Name: room, Settings: []byte(`{}`)}
			if err := s.Rooms.Open(t.Context(), id, c, "test", rooms.Origin{}); err != nil {
				t.Fatal(err)
			}
			return rooms.Ref{Tenant: id, Room: room}
		},
		Fund: func(t testing.TB, who game.PlayerID, amount game.Money) {
			t.Helper()
			storetest.Fund(t, s, id, who, amount)
		},
		Balance: func(t testing.TB, who game.PlayerID) game.Money {
			t.Helper()
			balance, _, err := s.Ledger.Balance(t.Context(), id, who)
			if err != nil {
				t.Fatal(err)
			}
			return balance
		},
		Sum: func(t testing.TB) game.Money {
			t.Helper()
			tb, err := s.Ledger.TrialBalance(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if !tb.OK {
				t.Fatalf("the books do not balance: %+v", tb)
			}
			return tb.Sum
		},
		Audits: func(t testing.TB) []rooms.Audit {
			t.Helper()
			lines, err := storetest.LastLines(t.Context(), s, id, 500)
			if err != nil {
				t.Fatal(err)
			}
			var out []rooms.Audit
			for _, l := range slices.Backward(lines) {
				out = append(out, l.Audit)
			}
			return out
		},
		ForgetRefusals: func(t testing.TB) {
			t.Helper()
			storetest.Super(t, d, `update `+id.Schema()+`.refusal set at = at - interval '24 hours'`)
			if err := s.Refusals.Sweep(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		},
	}}
}
