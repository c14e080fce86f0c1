package tenancy_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestOfCasinosThatWantTheSameNameAtOnceOneIsMadeAndNothingIsLeftOfTheOthers counts schemas and roles on a
// server that nobody else uses.
func TestOfCasinosThatWantTheSameNameAtOnceOneIsMadeAndNothingIsLeftOfTheOthers(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t, storetest.Installed(t))
	_, admin := storetest.Open(t, server.Database(t, "race", nil), store.Options{})
	made := 0
	for round := range 5 {
		name := func(s string) string { return fmt.Sprintf("%s-%d", s, round) }
		host := func(s string) string { return name(s) + ".localhost" }
		for what, rivals := range map[string][]tenancy.NewTenant{
			"one slug":              {storetest.Casino(name("s"), host("s1")), storetest.Casino(name("s"), host("s2")), storetest.Casino(name("s"), host("s3"))},
			"one domain":            {storetest.Casino(name("d1"), host("d")), storetest.Casino(name("d2"), host("d")), storetest.Casino(name("d3"), host("d"))},
			"domains in two orders": {storetest.Casino(name("o1"), host("oa"), host("ob")), storetest.Casino(name("o2"), host("ob"), host("oa"))},
		} {
			var wg sync.WaitGroup
			errs := make([]error, len(rivals))
			for i, n := range rivals {
				wg.Go(func() { _, errs[i] = admin.CreateTenant(t.Context(), n) })
			}
			wg.Wait()
			won := 0
			for i, err := range errs {
				if err == nil {
					won++
				} else if !errors.Is(err, tenancy.ErrSlugTaken) && !errors.Is(err, tenancy.ErrDomainTaken) {
					t.Errorf("%s: number %d got %v", what, i, err)
				}
			}
			if won != 1 {
				t.Errorf("%s: %d were made", what, won)
			}
			made += won
		}
	}
	tenants, err := admin.ListTenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := map[tenant.ID]bool{}
	for _, x := range tenants {
		known[x.ID] = true
	}
	schemas := storetest.Count(t, admin, `select count(*) from pg_namespace where nspname like 't\_%'`)
	roles := storetest.Count(t, admin, `select count(*) from pg_roles where rolname like 't\_%'`)
	if len(known) != made || schemas != made || roles != made {
		t.Errorf("%d were made: %d are listed, with %d schemas and %d roles", made, len(known), schemas, roles)
	}
}
