package tenancy_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestASchemaIsMeasuredByOneNodeAtATime(t *testing.T) {
	t.Parallel()
	const nodes = 6
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 20})
	made, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.StorageBytes = 1; return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.SetTenant(t.Context(), made.Slug, tenancy.Settings{Plan: ptr("small")}, "a test"); err != nil {
		t.Fatal(err)
	}
	all := []*store.Store{s}
	for range nodes - 1 {
		more, _ := storetest.Open(t, d, store.Options{})
		all = append(all, more)
	}
	for _, s := range all {
		if err := s.Tenants.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Super(t, d, `
create table platform.measured (at timestamptz);
grant select on platform.measured to public;
create function platform.measured() returns trigger language plpgsql security definer as $$ begin insert into platform.measured values (clock_timestamp()); return null; end $$;
create trigger measured after insert or update on platform.storage for each row execute function platform.measured()`)
	measure := func() {
		t.Helper()
		var ended sync.WaitGroup
		errs := make([]error, nodes)
		for i, s := range all {
			ended.Go(func() { errs[i] = s.Storage.Measure(t.Context()) })
		}
		ended.Wait()
		for i, err := range errs {
			if err != nil {
				t.Errorf("node %d: %v", i, err)
			}
		}
	}
	times := func() int { return storetest.Count(t, admin, `select count(*) from platform.measured`) }
	for round := range 5 {
		storetest.Super(t, d, `update platform.storage set measured_at = measured_at - interval '1 hour'; truncate platform.measured`)
		measure()
		if n := times(); n != 1 {
			t.Errorf("round %d: it was measured %d times", round, n)
		}
	}
	for i, s := range all { // all know of it, at the latest when they look again
		if err := s.Storage.Measure(t.Context()); err != nil {
			t.Fatal(err)
		}
		if most, full := s.Storage.Full(made.ID); most != 1 || !full {
			t.Errorf("node %d: full: %v", i, full)
		}
	}

	// One that hangs while it measures holds up nobody.
	tx, err := admin.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `select pg_advisory_xact_lock(7712, hashtext($1))`, made.ID.String()); err != nil {
		t.Fatal(err)
	}
	storetest.Super(t, d, fmt.Sprintf(`update platform.storage set measured_at = measured_at - interval '1 hour' where tenant = '%s'; truncate platform.measured`, made.ID))
	measure()
	if n := times(); n != 0 {
		t.Errorf("beside the node that measures it was measured %d times", n)
	}
}
