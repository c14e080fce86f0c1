package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

var seedFlag = flag.Uint64("seed", 0, "replay a random test")

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// random returns a source whose seed is printed when the test fails.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, seed))
}

// state returns the SQLSTATE of an error; "" if it has none.
func state(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// exec runs one statement in a tenant's scope, by the extended protocol.
func exec(t testing.TB, s *store.Store, id tenant.ID, sql string, args ...any) error {
	t.Helper()
	return s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		rows.Close()
		return rows.Err()
	})
}

// open makes a tenant with a roulette room.
func open(t testing.TB, s *store.Store, admin *store.Admin) rooms.Ref {
	t.Helper()
	ref := rooms.Ref{Tenant: storetest.Tenant(t, admin), Room: "table-1"}
	openRoom(t, s, ref)
	return ref
}

func openRoom(t testing.TB, s *store.Store, ref rooms.Ref) {
	t.Helper()
	c := rooms.Config{Room: ref.Room, Game: "roulette", Name: "Table", Settings: json.RawMessage(`{"min_bet": 100}`)}
	if err := s.Rooms.Open(t.Context(), ref.Tenant, c, "op", "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
}

func fund(t testing.TB, s *store.Store, id tenant.ID, who game.PlayerID, amount game.Money) {
	t.Helper()
	_, _, err := s.Ledger.Credit(t.Context(), id, store.Credit{
		Player: who, Amount: amount, Currency: "EUR", Exponent: 2, Reason: "test", Actor: "op", CommandID: uuid.NewString(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, s *store.Store, ref rooms.Ref, node string) rooms.Saved {
	t.Helper()
	saved, err := s.Journal.Claim(t.Context(), ref, node, rooms.AnyEpoch)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// bet is an entry of one event that stakes money; seq is the event's.
func bet(epoch, seq int64, who game.PlayerID, amount game.Money) rooms.Entry {
	return rooms.Entry{
		Command: &rooms.CommandKey{Player: who, ID: uuid.NewString()},
		Records: []rooms.Record{record(epoch, seq, "bet.placed", fmt.Sprintf(`{"player": %q,  "amount":%d}`, who, amount))},
		Moves:   []game.Posting{{Kind: game.Stake, Player: who, Amount: amount, Ref: "round 1"}},
	}
}

func record(epoch, seq int64, typ, data string) rooms.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	return rooms.Record{Seq: seq, Epoch: epoch, At: at, Type: typ, Round: 1, Data: json.RawMessage(data)}
}

func sound(t testing.TB, s *store.Store, id tenant.ID) store.TrialBalance {
	t.Helper()
	b, err := s.Ledger.TrialBalance(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !b.OK || b.Sum != 0 {
		t.Fatalf("the ledger does not add up: %+v", b)
	}
	return b
}

func balance(t testing.TB, s *store.Store, id tenant.ID, who game.PlayerID) game.Money {
	t.Helper()
	b, _, err := s.Ledger.Balance(t.Context(), id, who)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
