package tenancy_test

import (
	"errors"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestATenantThatWasNeverServedIsPurgedAtOnceByName reserves a tenant that nobody provisions, and one that is provisioned
// while it is purged.
func TestATenantThatWasNeverServedIsPurgedAtOnceByName(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	n := storetest.Casino("casino-x", "x.localhost")
	n.WithoutSchema = true
	made, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	// What a process may have left that made the schema by itself.
	for _, sql := range []string{`create role ` + made.ID.Role(), `create schema ` + made.ID.Schema(), `create table ` + made.ID.Schema() + `.half (n int)`} {
		if _, err := storetest.Owner(t, admin).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := admin.Purge(t.Context(), "casino-x", "casino-y", "a test", ignore); !errors.Is(err, tenancy.ErrConfirm) {
		t.Errorf("another slug was typed: %v", err)
	}
	for range 2 { // again does no harm
		if err := admin.Purge(t.Context(), "casino-x", "casino-x", "a test", ignore); err != nil {
			t.Fatal(err)
		}
	}
	if n := storetest.Count(t, admin, `select (select count(*) from pg_namespace where nspname = $1) + (select count(*) from pg_roles where rolname = $1)
		+ (select count(*) from platform.domain where tenant = $1)`, made.ID.String()); n != 0 {
		t.Errorf("%d of its schema, its role and its domains are left", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.audit_log where action = 'tenant.purge' and before->>'status' = 'provisioning'`); n != 1 {
		t.Errorf("%d audit lines", n)
	}
	if _, err := admin.Provision(t.Context(), "casino-x"); !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("it is provisioned: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "z.localhost")); !errors.Is(err, tenancy.ErrSlugTaken) {
		t.Errorf("its slug is given again: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-z", "x.localhost")); err != nil {
		t.Errorf("its domain is not free: %v", err)
	}
	// Nobody purges what was made ahead.
	if _, err := admin.FillPool(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	var ahead string
	if err := storetest.Owner(t, admin).QueryRow(t.Context(), `select id from platform.tenant where slug = id`).Scan(&ahead); err != nil {
		t.Fatal(err)
	}
	if err := admin.Purge(t.Context(), tenant.Slug(ahead), ahead, "a test", ignore); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("what was made ahead: %v", err)
	}
	// Provisioned while it is purged: it stays.
	n.Slug, n.Domains = "casino-p", []string{"p.localhost"}
	late, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := storetest.Owner(t, admin).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select from platform.tenant where id = $1 for update`, late.ID.String()); err != nil {
		t.Fatal(err)
	}
	purged := make(chan error, 1)
	waiting := func() int {
		return storetest.Count(t, admin, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%platform.tenant%for update%'`)
	}
	go func() { purged <- admin.Purge(t.Context(), "casino-p", "casino-p", "a test", ignore) }()
	storetest.Eventually(t, "the purge waits", func() bool { return waiting() == 1 })
	if _, err := tx.Exec(t.Context(), `update platform.tenant set status = 'active' where id = $1`, late.ID.String()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-purged; !errors.Is(err, tenancy.ErrStatus) {
		t.Errorf("one that is served meanwhile: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}
