package tenancy_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestEachStatusLetsInWhomItSays(t *testing.T) {
	t.Parallel()
	seen := map[tenancy.Status]bool{}
	for _, g := range tenancy.Life {
		if seen[g.Status] {
			t.Errorf("%s is there twice", g.Status)
		}
		seen[g.Status] = true
		for role, want := range map[auth.Role]bool{
			auth.Player: g.Players, auth.Operator: g.Staff, auth.Support: g.Staff, auth.Service: g.API, auth.APIKey: g.API, "": g.Players,
		} {
			if got := g.Status.LetsIn(role); got != want {
				t.Errorf("%s lets %q in: %t", g.Status, role, got)
			}
		}
		if g.Status.Rounds() != g.Rounds || g.Status.Served() != g.Players || g.Status.LetsAnybodyIn() != (g.Players || g.Staff || g.API) {
			t.Errorf("%s: %s, %t", g.Status, g.Status.Rounds(), g.Status.Served())
		}
		if g.Players && g.Rounds != tenancy.RoundsRun {
			t.Errorf("%s lets players in where nothing is dealt", g.Status)
		}
	}
	if tenancy.Status("?").LetsAnybodyIn() || tenancy.Status("?").Rounds() != tenancy.RoundsNone {
		t.Error("an unknown status lets somebody in")
	}
}

// TestATenantsStatusFollowsTheTable does every action to a tenant of every status that people can bring about.
func TestATenantsStatusFollowsTheTable(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	past := time.Now().Add(-time.Hour)
	long := time.Now().Add(-tenancy.GracePeriod - time.Hour)
	do := map[tenancy.Action]func(tenant.Slug) error{
		tenancy.Suspend:  func(s tenant.Slug) error { return admin.Suspend(t.Context(), s, "a test") },
		tenancy.Maintain: func(s tenant.Slug) error { return admin.Maintain(t.Context(), s, time.Time{}, "a test") },
		tenancy.Resume:   func(s tenant.Slug) error { return admin.Resume(t.Context(), s) },
	}
	after := map[tenancy.Action]tenancy.Status{tenancy.Suspend: tenancy.Suspended, tenancy.Maintain: tenancy.Maintenance}
	for status, c := range map[tenancy.Status]struct {
		n    func(*tenancy.NewTenant)
		then []tenancy.Action
	}{
		tenancy.Trial:       {n: func(n *tenancy.NewTenant) { n.OnTrial = true }},
		tenancy.Active:      {},
		tenancy.Grace:       {n: func(n *tenancy.NewTenant) { n.PaidUntil = &past }},
		tenancy.Unpaid:      {n: func(n *tenancy.NewTenant) { n.PaidUntil = &long }},
		tenancy.Suspended:   {then: []tenancy.Action{tenancy.Suspend}},
		tenancy.Maintenance: {then: []tenancy.Action{tenancy.Maintain}},
	} {
		stage := tenancy.Life[slices.IndexFunc(tenancy.Life, func(g tenancy.Stage) bool { return g.Status == status })]
		for action, f := range do {
			slug := tenant.Slug("c-" + string(status) + "-" + string(action))
			n := storetest.Casino(string(slug), string(slug)+".localhost")
			if c.n != nil {
				c.n(&n)
			}
			if _, err := admin.CreateTenant(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			for _, first := range c.then {
				if err := do[first](slug); err != nil {
					t.Fatal(err)
				}
			}
			if now, err := admin.Tenant(t.Context(), slug); err != nil || now.Status(time.Now()) != status {
				t.Fatalf("%s: %s, %v", slug, now.Status(time.Now()), err)
			}
			err := f(slug)
			if slices.Contains(stage.May, action) != (err == nil) || err != nil && !errors.Is(err, tenancy.ErrStatus) {
				t.Errorf("%s of %s: %v", action, status, err)
			}
			now, lookErr := admin.Tenant(t.Context(), slug)
			want := status
			if err == nil {
				want = after[action]
				if action == tenancy.Resume {
					want = tenancy.Active
				}
			}
			if lookErr != nil || now.Status(time.Now()) != want {
				t.Errorf("after %s, %s is %s, want %s (%v)", action, status, now.Status(time.Now()), want, lookErr)
			}
		}
	}
	if err := admin.Maintain(t.Context(), "c-active-suspend", past, "a test"); !errors.Is(err, db.ErrInvalid) {
		t.Errorf("a maintenance that is over: %v", err)
	}
	for _, f := range do {
		if err := f("nobody"); !errors.Is(err, db.ErrNoTenant) {
			t.Errorf("nobody: %v", err)
		}
	}
}

func TestATenantWithoutASchemaIsNotRoutableUntilItHasOne(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	n := storetest.Casino("casino-x", "x.localhost")
	n.WithoutSchema = true
	made, err := admin.CreateTenant(t.Context(), n)
	if err != nil || made.Set != tenancy.Provisioning {
		t.Fatal(made, err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Tenants.Lookup("x.localhost"); ok {
		t.Errorf("it is found: %+v", got)
	}
	if n := storetest.Count(t, admin, `select count(*) from pg_namespace where nspname = $1`, made.ID.Schema()); n != 0 {
		t.Error("it has a schema")
	}
	if err := admin.Suspend(t.Context(), "casino-x", "a test"); !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("suspended: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "y.localhost")); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("its slug: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-y", "x.localhost")); !errors.Is(err, tenancy.ErrDomainTaken) {
		t.Errorf("its domain: %v", err)
	}
	if got, err := admin.Provision(t.Context(), "casino-x"); err != nil || got.ID != made.ID || got.Status(time.Now()) != tenancy.Active {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := admin.Provision(t.Context(), "casino-x"); !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("again: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Tenants.Lookup("x.localhost"); !ok || got.ID != made.ID {
		t.Error("it is not found")
	}
	storetest.Sound(t, s, made.ID)
}

func TestATenantMadeAheadIsTakenWithoutDDL(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	if made, err := admin.FillPool(t.Context(), 2); err != nil || made != 2 {
		t.Fatal(made, err)
	}
	if made, err := admin.FillPool(t.Context(), 2); err != nil || made != 0 {
		t.Errorf("filled again: %d, %v", made, err)
	}
	all, err := admin.ListTenants(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("those without a name are listed: %v, %v", all, err)
	}
	schemas := func() int {
		return storetest.Count(t, admin, `select count(*) from pg_namespace where nspname like 't\_%'`)
	}
	for i, slug := range []string{"casino-a", "casino-b", "casino-c"} {
		got, err := admin.CreateTenant(t.Context(), storetest.Casino(slug, slug+".localhost"))
		if err != nil {
			t.Fatal(err)
		}
		if want := max(2, i+1); schemas() != want {
			t.Errorf("after %s there are %d schemas, want %d", slug, schemas(), want)
		}
		if err := s.Tenants.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, ok := s.Tenants.Lookup(slug + ".localhost"); !ok || now.ID != got.ID || len(s.Tenants.Keys(got.ID)) != 1 {
			t.Errorf("%s is not served: %+v", slug, now)
		}
		lines, err := storetest.LastLines(t.Context(), s, got.ID, 10)
		if err != nil || len(lines) != 1 || lines[0].Action != "tenant.create" {
			t.Errorf("audit: %+v, %v", lines, err)
		}
		storetest.Sound(t, s, got.ID)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.audit_log where action = 'tenant.create'`); n != 3 {
		t.Errorf("%d lines in the platform's audit log", n)
	}
}

func TestARenamedTenantKeepsItsFormerSlugForTokens(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	first, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	rename := func(from, to tenant.Slug) error {
		_, err := admin.Rename(t.Context(), from, to, "a test")
		return err
	}
	if err := rename("casino-x", "royal"); err != nil {
		t.Fatal(err)
	}
	if err := rename("royal", "royal"); err != nil {
		t.Errorf("to what it is: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, ok := s.Tenants.ByID(first.ID)
	if !ok || now.Slug != "royal" || !slices.Equal(now.FormerSlugs(time.Now()), []tenant.Slug{"casino-x"}) {
		t.Fatalf("%+v", now)
	}
	if left := time.Until(now.Former[0].Until); left < auth.TokenLifeMax || left > auth.TokenLifeMax+time.Minute {
		t.Errorf("the former slug is good for %s", left)
	}
	if got := now.FormerSlugs(time.Now().Add(auth.TokenLifeMax + time.Minute)); len(got) != 0 {
		t.Errorf("after the last token: %v", got)
	}
	if _, ok := s.Tenants.BySlug("casino-x"); ok {
		t.Error("it still has its former slug")
	}
	if found, ok := s.Tenants.ByFormerSlug("casino-x"); !ok || found.ID != first.ID {
		t.Error("it is not found by its former slug")
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "y.localhost")); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("another gets the former slug: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-y", "y.localhost")); err != nil {
		t.Fatal(err)
	}
	if err := rename("casino-y", "casino-x"); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("another is renamed to the former slug: %v", err)
	}
	if err := rename("royal", "casino-x"); err != nil {
		t.Errorf("back: %v", err)
	}
	for _, c := range []struct {
		from, to tenant.Slug
		reason   strict.Line
		want     error
	}{{"nobody", "somebody", "x", db.ErrNoTenant}, {"casino-y", "Not a slug", "x", tenant.ErrSlug}, {"casino-y", "casino-z", "", db.ErrInvalid}} {
		if _, err := admin.Rename(t.Context(), c.from, c.to, c.reason); !errors.Is(err, c.want) {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}
