package db_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestOneStatementServesTenantsOfTwoVersions asks the same of tenants in turn, on one connection, while the tables
// of one have a column more, and have it elsewhere: as during a migration of many tenants.
func TestOneStatementServesTenantsOfTwoVersions(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	direct, admin := storetest.Open(t, d, store.Options{})
	ids := []tenant.ID{storetest.Tenant(t, admin), storetest.Tenant(t, admin)}
	want := []game.Money{100, 200}
	for i, id := range ids {
		storetest.Fund(t, direct, id, "alice", want[i])
	}
	newer := ids[1].Schema()
	storetest.Super(t, d, `alter table `+newer+`.account add column note text not null default 'x';
		alter table `+newer+`.account add column moved bigint; update `+newer+`.account set moved = balance;
		alter table `+newer+`.account drop column balance cascade; alter table `+newer+`.account rename column moved to balance;
		grant select on `+newer+`.account to `+newer)
	for _, mode := range []string{"cache_statement", "cache_describe", "exec", "simple_protocol"} {
		for path, at := range map[string]string{"direct": d.AppURL, "pgbouncer": storetest.Pooler{Prepared: 200}.Start(t, d)} {
			t.Run(path+"/"+mode, func(t *testing.T) {
				s, err := store.Open(t.Context(), store.Options{URL: inMode(t, at, mode), ControlURL: d.AppURL, Box: d.Box, MaxConns: 1})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				for range 20 {
					for i, id := range ids {
						if got := storetest.Balance(t, s, id, "alice"); got != want[i] {
							t.Fatalf("tenant %d has %d, want %d", i, got, want[i])
						}
					}
				}
			})
		}
	}
}

// TestAStatementWhoseColumnsAreOfAnotherTypeIsPreparedAnew shows what happens if a migration changes a type, which
// none may: the server refuses prepared statements, which are prepared again, and nothing is decoded wrongly.
func TestAStatementWhoseColumnsAreOfAnotherTypeIsPreparedAnew(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	ids := []tenant.ID{storetest.Tenant(t, admin), storetest.Tenant(t, admin)}
	for i, id := range ids {
		storetest.Super(t, d, `update `+id.Schema()+`._meta set version = `+[]string{"11", "12"}[i])
	}
	// As wide as an integer, so that bytes which are taken for one are a number, and a wrong one.
	storetest.Super(t, d, `alter table `+ids[1].Schema()+`._meta alter column version type real`)
	runs := 0
	ask := func(s *store.Store, id tenant.ID) (got float64, err error) {
		err = s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			runs++
			return tx.QueryRow(ctx, `select version from _meta`).Scan(&got)
		})
		return got, err
	}
	batch := func(s *store.Store, id tenant.ID) (got float64, err error) {
		err = s.Tenant(id).TwoTrips(t.Context(), func() (*pgx.Batch, func(*pgx.Batch) error) {
			runs++
			first := &pgx.Batch{}
			first.Queue(`select version from _meta where true`).QueryRow(func(row pgx.Row) error { return row.Scan(&got) })
			return first, func(*pgx.Batch) error { return nil }
		})
		return got, err
	}
	lazy := func(s *store.Store, id tenant.ID) (got float64, err error) {
		err = s.Tenant(id).LazyTrip(t.Context(), func() *pgx.Batch {
			runs++
			all := &pgx.Batch{}
			all.Queue(`select version from _meta where one`).QueryRow(func(row pgx.Row) error { return row.Scan(&got) })
			return all
		})
		return got, err
	}
	const rounds = 5
	for _, mode := range []string{"cache_statement", "cache_describe", "exec", "simple_protocol"} {
		s, err := store.Open(t.Context(), store.Options{URL: inMode(t, d.AppURL, mode), ControlURL: d.AppURL, Box: d.Box, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		runs = 0
		for range rounds {
			for i, id := range ids {
				for name, ask := range map[string]func(*store.Store, tenant.ID) (float64, error){"Tx": ask, "TwoTrips": batch, "LazyTrip": lazy} {
					if got, err := ask(s, id); err != nil || got != float64(11+i) {
						t.Errorf("%s: %s of tenant %d: %v, %v", mode, name, i, got, err)
					}
				}
			}
		}
		if again := runs > 3*rounds*len(ids); again != (mode == "cache_statement") {
			t.Errorf("%s: prepared again: %v", mode, again)
		}
	}

	// All clients of a pooler share its prepared statements: it is refused until the connection is renewed.
	behind, err := store.Open(t.Context(), store.Options{URL: storetest.Pooler{Prepared: 200}.Start(t, d), ControlURL: d.AppURL, Box: d.Box, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer behind.Close()
	for i := range 6 {
		got, err := ask(behind, ids[i%2])
		if err == nil && got != float64(11+i%2) || err != nil && storetest.State(err) != "0A000" {
			t.Errorf("behind a pooler, tenant %d: %v, %v", i%2, got, err)
		}
	}
}
