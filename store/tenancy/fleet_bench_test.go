package tenancy_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

var (
	fleetTenants = flag.Int("fleet.tenants", 1000, "the tenants that benchmarks migrate")
	fleetEntries = flag.Int("fleet.entries", 10_000, "the tenants that lack nothing")
	provisioned  = flag.Int("fleet.provisioned", 200, "the tenants that BenchmarkProvision makes in each way")
)

// BenchmarkProvision makes 200 tenants one after the other, on a server that waits for the disk, by the squashed
// template, by the steps, and from those that were made ahead, in turns, so that whatever else happens on the machine
// happens to all. It reports the median and the 99th percentile.
func BenchmarkProvision(b *testing.B) {
	tenants := *provisioned
	for b.Loop() {
		d := storetest.Empty(b)
		_, squashed := storetest.Open(b, d, store.Options{})
		_, stepwise := storetest.Open(b, d, store.Options{})
		stepwise.Stepwise()
		ready := storetest.Empty(b) // a pool is its database's: whoever makes a tenant there takes of it
		_, pool := storetest.Open(b, ready, store.Options{})
		if made, err := pool.FillPool(b.Context(), tenants); err != nil || made != tenants {
			b.Fatal(made, err)
		}
		storetest.Durable(b, d)
		took := map[string][]time.Duration{}
		for i := range tenants {
			for name, admin := range map[string]*tenancy.Admin{"squashed": squashed, "steps": stepwise, "pool": pool} {
				slug := fmt.Sprintf("%s-%d", name, i)
				began := time.Now()
				if _, err := admin.CreateTenant(b.Context(), storetest.Casino(slug, slug+".localhost")); err != nil {
					b.Fatal(err)
				}
				took[name] = append(took[name], time.Since(began))
			}
		}
		for name, all := range took {
			slices.Sort(all)
			b.ReportMetric(float64(all[tenants/2].Microseconds())/1e3, name+"-p50-ms")
			b.ReportMetric(float64(all[tenants*99/100].Microseconds())/1e3, name+"-p99-ms")
		}
	}
}

// manyTenants makes a database with many tenants, eight at a time.
func manyTenants(b *testing.B, n int) (storetest.Database, *tenancy.Admin) {
	b.Helper()
	d, _, admin, _ := fleet(b, 0)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				if _, err := admin.CreateTenant(b.Context(), storetest.Casino(fmt.Sprintf("fleet-%d", i), fmt.Sprintf("fleet-%d.localhost", i))); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return d, admin
}

// BenchmarkFleet brings 1,000 tenants one additive step further, on a server that waits for the disk: by one process,
// and by one that is killed in the middle and another that resumes; then it compares all 1,000 with what a new tenant
// gets.
func BenchmarkFleet(b *testing.B) {
	tenants := *fleetTenants
	for b.Loop() {
		d, _ := manyTenants(b, tenants)
		storetest.Durable(b, d)
		steps := expanding[:1:1]
		admin := newer(b, d, steps...)
		began := time.Now()
		if err := admin.Migrate(b.Context(), d.AppURL); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "whole-s")

		steps = append(steps, makeSecond)
		began = time.Now()
		killed(b, d, runner{Steps: steps, Point: "written", Times: int64(tenants / 2)})
		middle := time.Since(began)
		admin = newer(b, d, steps...)
		if err := admin.Migrate(b.Context(), d.AppURL); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(middle.Seconds(), "until-killed-s")
		b.ReportMetric(time.Since(began).Seconds(), "killed-and-resumed-s")
		behind := 0
		err := admin.Pool().QueryRow(b.Context(), `select count(*) from platform.tenant where schema_version <> $1`, admin.TenantVersion()).Scan(&behind)
		if err != nil || behind > 0 {
			b.Fatalf("%d tenants are behind, %v", behind, err)
		}

		began = time.Now()
		drift, err := admin.Drift(b.Context())
		if err != nil || drift.Checked != tenants+1 || len(drift.Drifted) > 0 {
			b.Fatalf("%d checked, %d drifted, %v", drift.Checked, len(drift.Drifted), err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "drift-s")
	}
}

// BenchmarkFleetNothingToDo runs a migration of 10,000 tenants that lack nothing. They are rows of the directory,
// each with a role and a schema that has the one table that is looked at.
func BenchmarkFleetNothingToDo(b *testing.B) {
	const batch = 500
	tenants := *fleetEntries
	d, _, admin, _ := fleet(b, 0)
	ids := make([]string, 0, tenants)
	for range tenants {
		ids = append(ids, tenant.New().String())
	}
	owner := storetest.Connect(b, d.AdminURL)
	defer func() { // roles belong to the whole server
		for part := range slices.Chunk(ids, batch) {
			storetest.Super(b, d, `drop schema `+strings.Join(part, `, `)+` cascade`)
			storetest.Super(b, d, `drop role `+strings.Join(part, `, `))
		}
	}()
	for part := range slices.Chunk(ids, batch) {
		var sql strings.Builder
		for _, id := range part {
			fmt.Fprintf(&sql, `create role %[1]s nologin noinherit; grant %[1]s to pitboss_app; create schema %[1]s; create table %[1]s.room (id text);
				grant usage on schema %[1]s to %[1]s; grant update on %[1]s.room to %[1]s;
				insert into platform.tenant (id, slug, name, on_trial, currency, exponent, schema_version, rights)
				values ('%[1]s', '%[1]s', '', false, 'EUR', 2, %[2]d, '%[3]s');`, id, admin.TenantVersion(), migrations.Embedded.Tenant.RightsOf(admin.TenantVersion()))
		}
		if _, err := owner.Exec(b.Context(), sql.String()); err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := admin.Migrate(b.Context(), d.AppURL); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds(), "p50-s")
	b.ReportMetric(took[len(took)-1].Seconds(), "max-s")
	if n := storetest.Count(b, admin, `select count(*) from platform.migration_run`); n != 0 {
		b.Errorf("%d runs were begun", n)
	}
}
