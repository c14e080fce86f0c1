package db_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

var (
	leakQueries = flag.Int("leak.queries", 12_000, "how many queries of interleaved tenants the leak matrix runs, over all of its paths")
	leakSeed    = flag.Uint64("leak.seed", 0, "what decides who asks for what; 0 is any")
)

// TestNoTenantSeesARowOfAnother runs interleaved tenants over one server connection, direct and through
// pgbouncer, in each way of sending statements and with each way in which a transaction ends. "make leaks" is
// the long form.
func TestNoTenantSeesARowOfAnother(t *testing.T) {
	d := storetest.Empty(t)
	direct, admin := storetest.Open(t, d, store.Options{})
	var ids []tenant.ID
	for range 4 {
		id := storetest.Tenant(t, admin)
		ids = append(ids, id)
		for range leakRows {
			if err := storetest.Exec(t, direct, id, `insert into audit_log (actor, action, target, reason, address) values ($1, 'leak', '', '', '')`, id.String()); err != nil {
				t.Fatal(err)
			}
		}
		storetest.Super(t, d, fmt.Sprintf(`insert into %s.account (kind, owner) select 'player', '%[1]s' || repeat(' ', n) from generate_series(0, %[2]d) as n`, id.Schema(), leakRows-1))
	}
	if err := direct.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	suspended, _ := direct.Tenants.ByID(ids[0]) // its scope shows its own rows: who may ask is decided elsewhere
	if err := admin.Suspend(t.Context(), suspended.Slug, "a test"); err != nil {
		t.Fatal(err)
	}
	seed := *leakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-leak.seed=%d", seed)
	all := []string{"cache_statement", "cache_describe", "exec", "simple_protocol"}
	type cell struct {
		path, mode, url string
		failOK          bool
		conns           int32
	}
	var cells []cell
	for _, mode := range all {
		cells = append(cells, cell{"direct", mode, d.AppURL, false, 1})
	}
	for _, prepared := range []int{200, 0} {
		path, at := fmt.Sprintf("pgbouncer that knows %d prepared statements", prepared), storetest.Pooler{Prepared: prepared}.Start(t, d)
		for _, mode := range all {
			cells = append(cells, cell{path, mode, at, prepared == 0 && mode == "cache_statement", 16})
		}
	}
	sum, foreign, each := 0, 0, (*leakQueries+len(cells)-1)/len(cells)
	for _, c := range cells {
		t.Run(c.path+"/"+c.mode, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Options{URL: inMode(t, c.url, c.mode), ControlURL: d.AppURL, Box: d.Box, MaxConns: c.conns})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			l := &leaks{t: t, s: s, d: d, ids: ids, failOK: c.failOK}
			l.run(seed, each, 8)
			t.Log(l.says())
			sum, foreign = sum+l.queries, foreign+l.foreign
			if !c.failOK && (l.switches < l.queries/10 || l.queries < each) {
				t.Errorf("tenants hardly shared a connection: %s", l.says())
			}
		})
	}
	for _, id := range ids {
		if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.audit_log where action in ('leak', 'wrote') and actor <> $1`, id.String()); n != 0 {
			t.Errorf("%s has %d lines of others", id, n)
		}
	}
	t.Logf("%d queries of interleaved tenants, %d foreign rows", sum, foreign)
}

func TestAPoolerIsNotTrustedWithStatementsThatAreDescribedFirst(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	storetest.Open(t, d, store.Options{})
	for _, o := range []store.Options{
		{URL: inMode(t, d.AppURL, "describe_exec")},
		{URL: d.AppURL, ControlURL: inMode(t, d.AppURL, "describe_exec")},
	} {
		o.Box = d.Box
		if s, err := store.Open(t.Context(), o); !errors.Is(err, store.ErrExecMode) {
			t.Errorf("got %v, want ErrExecMode", err)
			if err == nil {
				s.Close()
			}
		}
	}
}

func TestLeasesAndTheDirectoryGoPastAPoolerThatIsTaken(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	s, err := store.Open(t.Context(), store.Options{URL: storetest.Pooler{Prepared: 200}.Start(t, d), ControlURL: d.AppURL, Box: d.Box})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	later := storetest.Tenant(t, admin)
	err = s.Tenant(id).Tx(t.Context(), func(ctx context.Context, _ pgx.Tx) error { // it has the pooler's only connection
		if err := s.Tenants.Reload(ctx); err != nil {
			return err
		}
		if _, known := s.Tenants.ByID(later); !known {
			t.Error("the directory does not know the new tenant")
		}
		_, _, err := s.Leases.Renew(ctx, placement.Lease{Node: "n", Incarnation: uuid.NewString()}, time.Second)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
