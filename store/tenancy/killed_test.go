package tenancy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestWhatIsKilledAnywhereIsDoneByTheNextAndNothingHalfMadeIsServed kills a process at every step of what is done to a
// tenant, and does it again.
func TestWhatIsKilledAnywhereIsDoneByTheNextAndNothingHalfMadeIsServed(t *testing.T) {
	t.Parallel()
	d, s, admin, _ := fleet(t, 0)
	owner := storetest.Owner(t, admin)
	n := 0
	for _, c := range []struct {
		kind   string
		input  func(tenant.Slug) string
		before []string // what was done to the tenant before
		points []string
		times  int64
		status tenancy.Status // afterwards
	}{
		{"tenant.create", newCasino, nil, []string{"named", "furnished"}, 1, tenancy.Active},
		{"tenant.rename", renaming, []string{"tenant.create"}, []string{"retired", "renamed"}, 1, tenancy.Active},
		{"tenant.archive", reasoned, []string{"tenant.create"}, []string{"suspended", "shut", "dumped", "restored", "verified", "filed"}, 1, tenancy.Archived},
		{"tenant.purge", purging, []string{"tenant.create", "tenant.archive"}, []string{"forgotten", "dropped", "schemaless"}, 1, tenancy.Purged},
		{"tenant.purge", purging, []string{"tenant.create", "tenant.archive"}, []string{"dropped"}, 2, tenancy.Purged},
		{"tenant.purge", purging, []string{"reserve"}, []string{"forgotten", "schemaless"}, 1, tenancy.Purged},
	} {
		for _, point := range c.points {
			n++
			slug := tenant.Slug(fmt.Sprintf("killed-%d", n))
			r := runner{AdminURL: d.AdminURL, AppURL: d.AppURL, Times: c.times, Slug: slug, Dir: t.TempDir()}
			for _, kind := range c.before {
				r.Kind, r.Input = kind, map[string]func(tenant.Slug) string{"tenant.create": newCasino, "tenant.archive": reasoned, "reserve": reserving}[kind](slug)
				if kind == "reserve" {
					r.Kind = "tenant.create"
				}
				if err := r.task(t.Context(), admin); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := owner.Exec(t.Context(), `update platform.archive set verified_at = now() - $1::interval`, tenancy.PurgeAfter+time.Hour); err != nil {
				t.Fatal(err)
			}
			r.Point, r.Kind, r.Input = point, c.kind, c.input(slug)
			now := slug
			if c.kind == "tenant.rename" {
				now += "-2"
			}
			killed(t, d, r)
			if err := s.Tenants.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if found, ok := s.Tenants.Lookup(string(slug) + ".localhost"); ok && found.Status(time.Now()).Served() {
				storetest.Sound(t, s, found.ID)
			}
			if err := r.task(t.Context(), admin); err != nil {
				t.Errorf("%s killed at %s and done again: %v", c.kind, point, err)
				continue
			}
			var status tenancy.Status
			var schema bool
			err := owner.QueryRow(t.Context(), `select status, exists (select from pg_namespace where nspname = id) from platform.tenant where slug = $1`, string(now)).Scan(&status, &schema)
			if err != nil || status != c.status || schema != (status != tenancy.Purged) {
				t.Errorf("%s killed at %s and done again: %s, schema %t, %v", c.kind, point, status, schema, err)
			}
			if files, _ := os.ReadDir(r.Dir); c.kind == "tenant.archive" && len(files) == 0 {
				t.Errorf("killed at %s: there is no archive", point)
			}
		}
	}
	// One that is killed while it makes tenants ahead leaves whole ones, and nothing else.
	killed(t, d, runner{Kind: "pool", Point: "made ahead", Times: 2})
	if made, err := admin.FillPool(t.Context(), 2); err != nil || made != 1 {
		t.Errorf("%d were missing, %v", made, err)
	}
	if n := storetest.Count(t, admin, `select count(*) from pg_namespace s where nspname like 't\_%' and not exists (select from platform.tenant t where t.id = s.nspname)`); n != 0 {
		t.Errorf("%d schemas are nobody's", n)
	}
}

// newCasino returns the input of a task that makes a tenant.
func newCasino(slug tenant.Slug) string {
	return fmt.Sprintf(`{"slug":"%[1]s","name":"Casino","domains":["%[1]s.localhost"],"currency":"EUR"}`, slug)
}

// reserving returns the input of a task that makes a tenant without a schema.
func reserving(slug tenant.Slug) string {
	return strings.Replace(newCasino(slug), "}", `,"auto_create_schema":false}`, 1)
}

func renaming(slug tenant.Slug) string { return fmt.Sprintf(`{"to":"%s-2","reason":"a test"}`, slug) }

func reasoned(tenant.Slug) string { return `{"reason":"a test"}` }

func purging(slug tenant.Slug) string { return fmt.Sprintf(`{"confirm":"%s","reason":"a test"}`, slug) }
