package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

const denied = "42501"

func TestQueryOutsideAScopeIsDenied(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for _, sql := range []string{
		`select * from account`,
		`select * from event`,
		`insert into audit_log (actor, action, target, reason, address) values ('', '', '', '', '')`,
		`update room set epoch = 0`,
		`select * from ` + id.Schema() + `.account`,
		`create table here (x int)`,
		`create table public.here (x int)`,
		`create temporary table here (x int)`,
		`create schema here`,
		`update platform.tenant set status = 'active'`,
		`update platform.instance set directory_version = 0`,
		`update platform.tenant set version = 0`,
		`delete from platform.brand`,
	} {
		if _, err := s.Pool().Exec(t.Context(), sql); storetest.State(err) != denied {
			t.Errorf("%s: got %v, want SQLSTATE %s", sql, err, denied)
		}
	}
}

func TestTenantReachesNothingButItsOwn(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	for _, sql := range []string{
		`select * from ` + b.Schema() + `.account`,
		`insert into ` + b.Schema() + `.command values ('p', gen_random_uuid(), 'r', '{}')`,
		`select * from tpl.account`,
		`select * from platform.tenant`,
		`select * from platform.tenant_key`,
		`select * from platform.brand`,
		`update platform.room set node = 'x'`,
	} {
		if err := storetest.Exec(t, s, a, sql); storetest.State(err) != denied {
			t.Errorf("%s: got %v, want SQLSTATE %s", sql, err, denied)
		}
	}
	if err := storetest.Exec(t, s, a, `select * from account`); err != nil {
		t.Errorf("its own account: %v", err)
	}
}

func TestTenantRoleCannotChangeThePastOrTheSchema(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	var sql []string
	for _, table := range []string{"event", "command", "transfer", "audit_log"} {
		sql = append(sql, `delete from `+table, `truncate `+table)
	}
	sql = append(sql,
		`truncate refusal`, `update refusal set at = now()`,
		`truncate fact`, `update fact set data = '{}'`, `delete from webhook_deliverer`, `truncate webhook_delivery`,
		`update event set data = '{}'`, `update command set answer = '{}'`, `update transfer set amount = 1`,
		`update audit_log set actor = ''`, `update _meta set version = 0`,
		`delete from _meta`, `delete from account`, `truncate account`, `delete from room`, `truncate room`,
		`create table x (y int)`, `alter table account drop constraint account_funds`, `drop table event`,
		`create index on event (at)`, `create schema x`,
		`create role x`, `create temporary table x (y int)`,
		`create function f() returns int language sql as 'select 1'`,
	)
	for _, q := range sql {
		if err := storetest.Exec(t, s, id, q); storetest.State(err) != denied {
			t.Errorf("%s: got %v, want SQLSTATE %s", q, err, denied)
		}
	}
	// The server only warns of a grant that has no effect.
	if err := storetest.Exec(t, s, id, `grant select on account to public`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pool().Exec(t.Context(), `select from `+id.Schema()+`.account`); storetest.State(err) != denied {
		t.Errorf("after the tenant's own grant: got %v, want SQLSTATE %s", err, denied)
	}
}

func TestParameterisedStatementCannotLeaveTheScope(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	storetest.Fund(t, s, b, "bob", 500)

	// A value is a value, whatever it says.
	if got := storetest.Balance(t, s, a, "bob'; reset role; set local role "+"\""+"x\"; --"); got != 0 {
		t.Errorf("balance of a player of another tenant: %d", got)
	}
	// A second statement is refused by the protocol.
	for _, sql := range []string{
		`select $1::text; reset role`,
		`select $1::text; set local role ` + b.Role(),
		`select $1::text; commit; select * from ` + b.Schema() + `.account`,
	} {
		if err := storetest.Exec(t, s, a, sql, "x"); storetest.State(err) != "42601" {
			t.Errorf("%s: got %v, want a syntax error", sql, err)
		}
	}
}

func TestScopeOfUnknownTenantIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := storetest.New(t)
	id := tenant.New()
	if err := storetest.Exec(t, s, id, `select 1`); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("got %v, want ErrNoTenant", err)
	}
	if _, err := s.Journal.Claim(t.Context(), rooms.Ref{Tenant: id, Room: "x"}, "n", rooms.AnyEpoch); !errors.Is(err, rooms.ErrNotFound) {
		t.Errorf("Claim: got %v, want ErrNotFound", err)
	}
	// A role of the cluster that is not a tenant's is none either: the name cannot be made.
	if _, err := tenant.Parse("postgres"); err == nil {
		t.Error("postgres is a tenant")
	}
}

// whereabouts is who and where a transaction is.
func whereabouts(ctx context.Context, tx pgx.Tx) (who, path string, pid int, err error) {
	err = tx.QueryRow(ctx, `select current_user, array_to_string(current_schemas(false), ', '), pg_backend_pid()`).Scan(&who, &path, &pid)
	return who, path, pid, err
}

// TestNothingOfAScopeIsLeftOnTheConnection ends scopes of one tenant in every way there is,
// and looks what the next borrower of the only connection finds.
func TestNothingOfAScopeIsLeftOnTheConnection(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 1})
	a, b := storetest.Tenant(t, admin), storetest.Tenant(t, admin)

	ends := map[string]func(t *testing.T){
		"commit": func(t *testing.T) {
			if err := storetest.Exec(t, s, a, `select 1`); err != nil {
				t.Fatal(err)
			}
		},
		"error of the server": func(t *testing.T) {
			if err := storetest.Exec(t, s, a, `select 1/0`); storetest.State(err) != "22012" {
				t.Fatal(err)
			}
		},
		"error of the caller": func(t *testing.T) {
			want := errors.New("no")
			err := s.Tenant(a).Tx(t.Context(), func(context.Context, pgx.Tx) error { return want })
			if !errors.Is(err, want) {
				t.Fatal(err)
			}
		},
		"panic": func(t *testing.T) {
			defer func() { _ = recover() }()
			_ = s.Tenant(a).Tx(t.Context(), func(context.Context, pgx.Tx) error { panic("no") })
		},
		"savepoint rolled back": func(t *testing.T) {
			err := s.Tenant(a).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				inner, err := tx.Begin(ctx)
				if err != nil {
					return err
				}
				if err := inner.Rollback(ctx); err != nil {
					return err
				}
				who, path, _, err := whereabouts(ctx, tx)
				if err == nil && (who != a.Role() || path != a.Schema()) {
					err = fmt.Errorf("after the savepoint: %s in %s", who, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		},
		"committed by the caller, then used on": func(t *testing.T) {
			err := s.Tenant(a).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				if err := tx.Commit(ctx); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, `select * from account`)
				return err
			})
			if !errors.Is(err, pgx.ErrTxClosed) {
				t.Fatal(err)
			}
		},
		"context cancelled in a query": func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			held := hold(t, admin)
			err := s.Tenant(a).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				_, _, pid, err := whereabouts(ctx, tx)
				if err != nil {
					return err
				}
				var wg sync.WaitGroup
				defer wg.Wait()
				wg.Go(func() {
					defer cancel()
					awaitWaiting(t, admin, pid)
				})
				_, err = tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, held)
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		},
		"context cancelled between queries": func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Tenant(a).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				cancel()
				return ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		},
		"backend killed": func(t *testing.T) {
			err := s.Tenant(a).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				_, _, pid, err := whereabouts(ctx, tx)
				if err != nil {
					return err
				}
				storetest.Super(t, d, fmt.Sprintf(`select pg_terminate_backend(%d)`, pid))
				_, err = tx.Exec(ctx, `select * from account`)
				return err
			})
			if err == nil {
				t.Fatal("the backend was killed, and nobody noticed")
			}
		},
	}
	for name, end := range ends { // one after the other: there is one connection
		t.Run(name, func(t *testing.T) {
			end(t)
			var who, path string
			err := s.Pool().QueryRow(t.Context(), `select current_user, array_to_string(current_schemas(false), ', ')`).Scan(&who, &path)
			if err != nil {
				t.Fatal(err)
			}
			if who != "pitboss_app" || path != "tpl" {
				t.Errorf("the next borrower is %s in %s", who, path)
			}
			err = s.Tenant(b).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				who, path, _, err = whereabouts(ctx, tx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if who != b.Role() || path != b.Schema() {
				t.Errorf("the next scope is %s in %s", who, path)
			}
		})
	}
}

// hold takes a lock for the rest of the test, and returns its number.
func hold(t *testing.T, admin *tenancy.Admin) int64 {
	t.Helper()
	const number = 42
	tx, err := storetest.Owner(t, admin).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock($1)`, int64(number)); err != nil {
		t.Fatal(err)
	}
	return number
}

// awaitWaiting returns when the backend waits for a lock.
func awaitWaiting(t *testing.T, admin *tenancy.Admin, pid int) {
	conn := storetest.Owner(t, admin)
	for t.Context().Err() == nil {
		var waiting bool
		err := conn.QueryRow(t.Context(), `select exists (select from pg_locks where pid = $1 and not granted)`, pid).Scan(&waiting)
		if err != nil {
			t.Error(err)
		}
		if err != nil || waiting {
			return
		}
	}
}

func TestInterleavedTenantsOnOneConnectionSeeOnlyTheirRows(t *testing.T) {
	t.Parallel()
	s, admin := storetest.Open(t, storetest.Empty(t), store.Options{MaxConns: 1})
	ids := []tenant.ID{storetest.Tenant(t, admin), storetest.Tenant(t, admin)}
	var wg sync.WaitGroup
	for i, id := range ids {
		storetest.Fund(t, s, id, "alice", []game.Money{100, 200}[i])
		for range 4 {
			wg.Go(func() {
				for range 100 {
					b, _, err := s.Ledger.Balance(t.Context(), id, "alice")
					if err != nil || b != []game.Money{100, 200}[i] {
						t.Errorf("tenant %d: balance %d, %v", i, b, err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
}
