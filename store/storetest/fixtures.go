package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// State returns the SQLSTATE of an error; "" if it has none.
func State(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// Exec runs one statement in a tenant's scope, by the extended protocol.
func Exec(t testing.TB, s *store.Store, id tenant.ID, sql string, args ...any) error {
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

// Table makes a tenant with a roulette room.
func Table(t testing.TB, s *store.Store, admin *tenancy.Admin) rooms.Ref {
	t.Helper()
	ref := rooms.Ref{Tenant: Tenant(t, admin), Room: "table-1"}
	OpenRoom(t, s, ref)
	return ref
}

// OpenRoom opens a roulette table.
func OpenRoom(t testing.TB, s *store.Store, ref rooms.Ref) {
	t.Helper()
	c := rooms.Config{Room: ref.Room, Game: "roulette", Name: "Table", Settings: json.RawMessage(`{"min_bet": 100}`)}
	if err := s.Rooms.Open(t.Context(), ref.Tenant, c, "op", rooms.Origin{Address: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
}

// Fund gives a player money, in EUR.
func Fund(t testing.TB, s *store.Store, id tenant.ID, who game.PlayerID, amount game.Money) {
	t.Helper()
	_, _, err := s.Ledger.Credit(t.Context(), id, journal.Credit{
		Player: who, Amount: amount, Currency: "EUR", Exponent: 2, Reason: "test", Actor: "op", CommandID: uuid.NewString(),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// NeedApproval makes a tenant's credits above an amount need a second person.
func NeedApproval(t testing.TB, s *store.Store, admin *tenancy.Admin, id tenant.ID, above int64) {
	t.Helper()
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	known, ok := s.Tenants.ByID(id)
	if !ok {
		t.Fatalf("storetest: no tenant %s", id)
	}
	if _, err := admin.SetTenant(t.Context(), known.Slug, tenancy.Settings{CreditApprovalAbove: &above}, "test"); err != nil {
		t.Fatal(err)
	}
}

// Claim claims a room for a node, whatever its epoch.
func Claim(t testing.TB, s *store.Store, ref rooms.Ref, node string) rooms.Saved {
	t.Helper()
	saved, err := s.Journal.Claim(t.Context(), ref, node, rooms.AnyEpoch)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// Bet returns an entry of one event that stakes money; seq is the event's.
func Bet(epoch, seq int64, who game.PlayerID, amount game.Money) rooms.Entry {
	return rooms.Entry{
		Command: &rooms.CommandKey{Player: who, ID: uuid.NewString()},
		Records: []rooms.Record{Record(epoch, seq, "bet.placed", fmt.Sprintf(`{"player": %q,  "amount":%d}`, who, amount))},
		Moves:   []game.Posting{{Kind: game.Stake, Player: who, Amount: amount, Ref: "round 1"}},
	}
}

// Record returns an event of round 1.
func Record(epoch, seq int64, typ, data string) rooms.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	return rooms.Record{Seq: seq, Epoch: epoch, At: at, Type: typ, Round: 1, Data: json.RawMessage(data)}
}

// Sound fails the test unless a tenant's ledger adds up, and returns it.
func Sound(t testing.TB, s *store.Store, id tenant.ID) journal.TrialBalance {
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

// Balance returns a player's money.
func Balance(t testing.TB, s *store.Store, id tenant.ID, who game.PlayerID) game.Money {
	t.Helper()
	b, _, err := s.Ledger.Balance(t.Context(), id, who)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Tables opens and claims n rooms of one tenant, each with a player of its own who has 1,000.
func Tables(t testing.TB, s *store.Store, admin *tenancy.Admin, n int) []rooms.Ref {
	t.Helper()
	refs := []rooms.Ref{Table(t, s, admin)}
	for i := 1; i < n; i++ {
		refs = append(refs, rooms.Ref{Tenant: refs[0].Tenant, Room: fmt.Sprintf("table-%d", i+1)})
		OpenRoom(t, s, refs[i])
	}
	for i, ref := range refs {
		Claim(t, s, ref, "n")
		Fund(t, s, ref.Tenant, game.PlayerID(fmt.Sprintf("player-%d-0", i)), 1000)
	}
	return refs
}

// Batch returns a batch of epoch 1 that follows the event seq.
func Batch(seq int64, entries ...rooms.Entry) rooms.Batch {
	return rooms.Batch{Epoch: 1, Seq: seq, Entries: entries, Status: rooms.Open}
}

// WantSeqs fails unless each room is at its seq and has exactly that many events.
func WantSeqs(t testing.TB, s *store.Store, refs []rooms.Ref, want ...int64) {
	t.Helper()
	for i, ref := range refs {
		saved := Claim(t, s, ref, "end")
		if saved.Seq != want[i] || int64(len(saved.Tail)) != want[i] {
			t.Errorf("%s is at %d with %d events, want %d", ref.Room, saved.Seq, len(saved.Tail), want[i])
		}
	}
}

// Casino returns what a tenant is made from, in EUR.
func Casino(slug string, domains ...string) tenancy.NewTenant {
	return tenancy.NewTenant{Slug: tenant.Slug(slug), Name: "Casino X", Domains: domains, Currency: "EUR"}
}

// Count returns the number that a query of the owner's returns.
func Count(t testing.TB, admin *tenancy.Admin, sql string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), DatabaseOf(t, admin).AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Lock locks a table of a tenant, as its owner, until unlock is called.
func Lock(t testing.TB, d Database, table string) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `begin; lock table `+table+` in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	t.Cleanup(unlock)
	return unlock
}

// Raise returns the SQL of a trigger on a table that raises an error of a SQLSTATE.
func Raise(table, state string) string {
	say := `public.say_` + state
	return `create function ` + say + `() returns trigger language plpgsql as $$ begin
		raise exception 'as a test wants it' using errcode = '` + state + `'; end $$;
		create trigger say before insert or update on ` + table + ` execute function ` + say + `()`
}

// Eventually waits until holds returns true, for facts that no channel announces.
func Eventually(t testing.TB, fact string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", fact)
		}
	}
}

// Metric adds up the values of one of the Store's metrics.
func Metric(t testing.TB, s *store.Store, name string) (sum float64) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(s); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// Refused returns an entry that refuses a command.
func Refused(who game.PlayerID, id string) rooms.Entry {
	return rooms.Entry{Command: &rooms.CommandKey{Player: who, ID: id}, Refusal: game.Refuse(game.CodeBettingClosed, "Too late.")}
}

// LastLines returns the last lines of a tenant's audit log, the newest first.
func LastLines(ctx context.Context, s *store.Store, id tenant.ID, n int) ([]audit.Line, error) {
	q, err := audit.Lines.Parse(list.Asked{Limit: n})
	if err != nil {
		return nil, err
	}
	lines, _, err := s.Audit.List(ctx, id, q)
	return lines, err
}

// Players returns the first of a tenant's players by name.
func Players(ctx context.Context, s *store.Store, id tenant.ID) ([]journal.Player, error) {
	q, err := journal.Players.Parse(list.Asked{Limit: 100})
	if err != nil {
		return nil, err
	}
	players, _, err := s.Ledger.ListPlayers(ctx, id, q)
	return players, err
}
