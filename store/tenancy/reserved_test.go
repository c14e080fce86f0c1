package tenancy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// changes returns the changes of the settings, the domains and the slug of a tenant, and those of what needs its schema.
func changes(t *testing.T, admin *tenancy.Admin, slug, other tenant.Slug) (row, inSchema map[string]func() error) {
	t.Helper()
	domain := string(slug) + "-second.localhost"
	row = map[string]func() error{
		"set": func() error {
			_, err := admin.SetTenant(t.Context(), slug, tenancy.Settings{Name: ptr(strict.Line("Another")), Currency: ptr("JPY")}, "a test")
			return err
		},
		"add":     func() error { _, err := admin.AddDomain(t.Context(), slug, domain, "a test"); return err },
		"primary": func() error { _, err := admin.SetPrimaryDomain(t.Context(), slug, domain, "a test"); return err },
		"remove": func() error {
			_, err := admin.RemoveDomain(t.Context(), slug, string(slug)+".localhost", "a test")
			return err
		},
		"rename": func() error { _, err := admin.Rename(t.Context(), slug, other, "a test"); return err },
	}
	inSchema = map[string]func() error{
		"an API key": func() error {
			_, _, err := admin.CreateAPIKey(t.Context(), slug, tenancy.NewAPIKey{Name: "ops", Scopes: []string{"rooms:read"}}, "a test")
			return err
		},
		"a signing key": func() error { _, _, _, err := admin.RotateKey(t.Context(), slug, true, "a test"); return err },
		"a flush":       func() error { _, err := admin.FlushCache(t.Context(), slug, "a test"); return err },
	}
	return row, inSchema
}

// refused wants all of some changes to be refused because of a tenant's status, with a text, and nothing to be different then.
func refused(t *testing.T, admin *tenancy.Admin, why string, all map[string]func() error) {
	t.Helper()
	const state = `select count(*) from platform.audit_log` // every change has a line there, or in the schema, where none can be
	before := storetest.Count(t, admin, state)
	for what, change := range all {
		if err := change(); !errors.Is(err, tenancy.ErrStatus) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := storetest.Count(t, admin, state); n != before {
		t.Errorf("%d changes", n-before)
	}
}

func TestATenantWithoutASchemaIsListedAndChangedAndHasNoKeys(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	n := storetest.Casino("casino-x", "casino-x.localhost")
	n.WithoutSchema = true
	made, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	row, inSchema := changes(t, admin, "casino-x", "casino-z")
	refused(t, admin, "casino-x has no schema yet: pitboss tenant provision casino-x", inSchema)
	if n := storetest.Count(t, admin, `select (select count(*) from platform.api_key) + (select count(*) from platform.tenant_key)`); n != 0 {
		t.Errorf("it has %d keys", n)
	}
	for _, what := range []string{"set", "add", "primary", "remove", "rename"} {
		if err := row[what](); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	now, err := admin.Tenant(t.Context(), "casino-z")
	if err != nil || now.ID != made.ID || now.Status(s.Tenants.Now()) != tenancy.Provisioning || now.Name != "Another" || now.Currency != "JPY" || now.OutOfOrder != "" ||
		!slices.Equal(now.Domains, []string{"casino-x-second.localhost"}) {
		t.Errorf("%+v, %v", now, err)
	}
	if list, err := admin.Domains(t.Context(), "casino-z"); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}

	// Nodes list it, and find it by nothing that a request has.
	storetest.Tenant(t, admin)
	if _, err := admin.FillPool(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Tenants.Listed(); len(got) != 2 || got[1].Slug != "casino-z" && got[0].Slug != "casino-z" {
		t.Errorf("%d are listed", len(got))
	}
	if got, ok := s.Tenants.Named("casino-z"); !ok || !errors.Is(got.Open(), tenancy.ErrStatus) {
		t.Errorf("%+v", got)
	}
	_, byHost := s.Tenants.Lookup("casino-x-second.localhost")
	_, bySlug := s.Tenants.BySlug("casino-z")
	_, byFormer := s.Tenants.ByFormerSlug("casino-x")
	_, byID := s.Tenants.ByID(made.ID)
	if byHost || bySlug || byFormer || byID || len(s.Tenants.Known()) != 1 || len(s.Tenants.All()) != 1 || len(s.Tenants.IDs()) != 1 || s.Tenants.Health() != nil {
		t.Error(byHost, bySlug, byFormer, byID)
	}
	if got := storetest.Metric(t, s, "pitboss_migration_pending"); got != 0 {
		t.Errorf("%v wait for a migration", got)
	}

	if _, err := admin.Provision(t.Context(), "casino-z"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Tenants.Lookup("casino-x-second.localhost"); !ok || got.Open() != nil || len(s.Tenants.Keys(got.ID)) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestOfAnArchivedTenantNothingButTheStatusIsChanged(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "casino-x.localhost")); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Archive(t.Context(), "casino-x", "a test", archiver(t, d)); err != nil {
		t.Fatal(err)
	}
	row, inSchema := changes(t, admin, "casino-x", "casino-z")
	for _, all := range []map[string]func() error{row, inSchema} {
		refused(t, admin, "casino-x is archived: resume it first", all)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Tenants.Named("casino-x"); !ok || !errors.Is(got.Open(), tenancy.ErrStatus) {
		t.Errorf("%+v", got)
	}
	if err := admin.Resume(t.Context(), "casino-x"); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"set", "add", "primary", "remove", "rename"} {
		if err := row[what](); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
