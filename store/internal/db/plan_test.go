package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// holdAll takes connections of a tenant until one has to wait, gives them back at the test's end, and returns how many there
// were.
func holdAll(t *testing.T, s *store.Store, id tenant.ID) (n int) {
	t.Helper()
	release := make(chan struct{})
	ended := make(chan struct{}, 64)
	t.Cleanup(func() {
		close(release)
		for range n {
			<-ended
		}
	})
	for {
		ctx, cancel := context.WithCancel(context.Background())
		in, out := make(chan struct{}), make(chan error, 1)
		go func() {
			out <- s.Tenant(id).ReadTx(ctx, func(context.Context, pgx.Tx) error {
				close(in)
				<-release
				return nil
			})
			ended <- struct{}{}
		}()
		wait := time.NewTimer(time.Second)
		select {
		case <-in:
			wait.Stop()
			n++
			t.Cleanup(cancel)
		case <-wait.C:
			cancel()
			if err := <-out; err == nil {
				t.Error("who waited was let in")
			}
			<-ended
			return n
		}
	}
}

func TestATenantHasTheConnectionsOfItsPlanAndOthersTheirs(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 20})
	x, y := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	if _, err := admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.DBConnections = 2; return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	small := "small"
	made, _ := s.Tenants.ByID(x)
	if _, err := admin.SetTenant(t.Context(), made.Slug, tenancy.Settings{Plan: &small}, "a test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := holdAll(t, s, x); n != 2 {
		t.Errorf("it has %d connections of 2", n)
	}
	if n := holdAll(t, s, y); n != 4 {
		t.Errorf("the other one has %d of 4", n)
	}
}

func TestAnotherLimitOfConnectionsCountsFromTheNextRequestOn(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 20})
	x := storetest.Tenant(t, admin)
	for _, c := range []struct {
		conns int64
		want  int
	}{{1, 1}, {3, 3}, {400, 4}} { // what was held before is besides
		s.LimitTenant(x, c.conns)
		if n := holdAll(t, s, x); n != c.want {
			t.Errorf("with a limit of %d it has %d connections", c.conns, n)
		}
	}
}
