package tenancy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// open opens the store as a node does, and closes it.
func open(t testing.TB, d storetest.Database) error {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: d.Box})
	if err == nil {
		s.Close()
	}
	return err
}

func TestANodeServesBesideStepsThatOnlyAddAndNoOthers(t *testing.T) {
	t.Parallel()
	d, s, admin, ids := fleet(t, 2)
	if err := newer(t, d, expanding[:2]...).Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	if err := open(t, d); err != nil {
		t.Errorf("beside expand and backfill: %v", err)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if known, ok := s.Tenants.ByID(id); !ok || known.OutOfOrder != "" {
			t.Errorf("%s: %+v", id, known)
		}
		storetest.Fund(t, s, id, "alice", 100)
	}
	lease := placement.Lease{Node: "n", Incarnation: uuid.NewString(), Starting: true}
	if _, _, err := s.Leases.Renew(t.Context(), lease, placement.LeaseTTL); err != nil {
		t.Error(err)
	}
	// Who changes tables has to know all of them.
	if err := admin.Migrate(t.Context(), d.AppURL); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("an older migrate: %v", err)
	}
	if err := s.Leases.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if err := newer(t, d, expanding...).Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	if err := open(t, d); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("beside contract: %v", err)
	}
	if _, _, err := s.Leases.Renew(t.Context(), lease, placement.LeaseTTL); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("a lease beside contract: %v", err)
	}
}

func TestAContractStepWaitsForOlderNodesAndForEveryTenant(t *testing.T) {
	t.Parallel()
	d, s, _, ids := fleet(t, 3)
	addAccounts(t, d, ids, 2)
	breakTenants(t, d, ids[0])
	steps := append([]migrations.Step{makeSecond}, expanding...)
	admin := newer(t, d, steps...)
	before := admin.TenantVersion() - len(steps)
	lease := placement.Lease{Node: "old", Incarnation: uuid.NewString(), Starting: true}
	if _, _, err := s.Leases.Renew(t.Context(), lease, 10*placement.LeaseTTL); err != nil {
		t.Fatal(err)
	}
	owner := storetest.Connect(t, d.AdminURL)
	versionOf := func(schema string) (version int) {
		t.Helper()
		if err := owner.QueryRow(t.Context(), `select version from `+schema+`._meta`).Scan(&version); err != nil {
			t.Fatal(err)
		}
		return version - before
	}
	versions := func() string {
		t.Helper()
		got := ""
		for _, id := range ids {
			got += fmt.Sprint(versionOf(id.Schema()), " ")
		}
		return got + fmt.Sprint(versionOf("tpl"))
	}
	var failure tenancy.TenantFailure
	if _, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{}); !errors.As(err, &failure) || failure.Tenant != ids[0].String() {
		t.Fatalf("got %v", err)
	}
	if got := versions(); got != "0 3 3 3" {
		t.Errorf("with a tenant that fails: %s", got)
	}
	storetest.Super(t, d, `drop table `+ids[0].Schema()+`.second`)
	waits, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{})
	if err != nil || len(waits) != 1 || waits[0].Scope != "tenant" || fmt.Sprint(waits[0].Nodes) != "[old]" {
		t.Errorf("with an older node: %+v, %v", waits, err)
	}
	if got := versions(); got != "3 3 3 3" {
		t.Errorf("with an older node: %s", got)
	}
	made := storetest.Tenant(t, admin) // of the template's version
	if n := versionOf(made.Schema()); n != 3 {
		t.Errorf("a new tenant is of version %d", n)
	}
	// A node whose operator went back to an older binary: what is written of its steps is the former binary's.
	storetest.Super(t, d, `update platform.node set platform_version = 1000, tenant_version = 1000, versions_by = gen_random_uuid()`)
	if waits, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{}); err != nil || len(waits) != 1 {
		t.Errorf("with a node that went back: %+v, %v", waits, err)
	}
	if err := s.Leases.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if waits, err = admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{}); err != nil || len(waits) != 0 {
		t.Errorf("without: %+v, %v", waits, err)
	}
	ids = append(ids, made)
	if got := versions(); got != "4 4 4 4 4" {
		t.Errorf("without: %s", got)
	}
}

func TestOnlyTenantsThatAreBehindAreRefused(t *testing.T) {
	t.Parallel()
	d, s, admin, ids := fleet(t, 3)
	storetest.Super(t, d, `update platform.tenant set schema_version = schema_version - 1 where id = '`+ids[1].String()+`'`)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		known, ok := s.Tenants.ByID(id)
		if behind := i == 1; !ok || strings.Contains(known.OutOfOrder, "run pitboss migrate") != behind {
			t.Errorf("tenant %d: %+v", i, known)
		}
	}
	for name, want := range map[string]float64{"pitboss_migration_pending": 1, "pitboss_migration_oldest_version": float64(admin.TenantVersion() - 1), "pitboss_migration_failed": 0} {
		if got := storetest.Metric(t, s, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	last := migrations.Embedded.Tenant.Steps[admin.TenantVersion()-1]
	if err := admin.Migrate(t.Context(), d.AppURL); err == nil {
		t.Errorf("step %s was applied twice", last.Name)
	}
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := storetest.Metric(t, s, "pitboss_migration_failed"); got != 1 {
		t.Errorf("pitboss_migration_failed is %v", got)
	}
}

func TestDriftIsShownAsADiffOfWhatANewTenantGets(t *testing.T) {
	t.Parallel()
	d, _, admin, ids := fleet(t, 4)
	drift, err := admin.Drift(t.Context())
	if err != nil || len(drift.Drifted) != 0 || drift.Checked != 5 {
		t.Fatalf("%+v, %v", drift, err)
	}
	x, y := ids[1].Schema(), ids[2].Schema()
	storetest.Super(t, d, `
		alter table `+x+`.room drop column seed_epoch, add column extra int default 7;
		drop index `+x+`.event_reveals;
		alter table `+x+`.account drop constraint account_funds;
		alter table `+x+`.account alter column balance drop not null;
		create function `+x+`.f() returns trigger language plpgsql as 'begin return new; end';
		create trigger watch before update on `+x+`.room for each row execute function `+x+`.f();
		grant delete on `+y+`.event to `+ids[2].Role()+`;
		revoke insert on `+y+`.event from `+ids[2].Role()+`;
		grant select on `+y+`.event to `+ids[3].Role()+`;
		create table tpl.extra (x int)`)
	drift, err = admin.Drift(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, of := range drift.Drifted {
		if of.Tenant != "tpl" && of.Slug != slugOf(t, admin, tenantID(t, of.Tenant)) {
			t.Errorf("%s is %s", of.Tenant, of.Slug)
		}
		got[of.Tenant] = "\n" + strings.Join(of.Diff, "\n") + "\n"
	}
	for schema, want := range map[string]string{
		"tpl": `
+ column extra.x integer
+ columns of extra: x
+ table extra of another owner
`,
		y: `
+ grant DELETE on event to the role
- grant INSERT on event to the role
+ grant SELECT on event to ` + ids[3].Role() + `
`,
	} {
		if got[schema] != want {
			t.Errorf("%s: got %s want %s", schema, got[schema], want)
		}
	}
	for _, line := range []string{
		"- CREATE INDEX event_reveals ON event USING btree (room, seq) WHERE reveals", "+ column room.extra integer default 7", "- column room.seed_epoch bigint",
		"- column account.balance bigint not null default 0", "+ column account.balance bigint default 0",
		"- constraint account.account_funds CHECK (((kind <> 'player'::text) OR (balance >= 0)))",
		"+ CREATE TRIGGER watch BEFORE UPDATE ON room FOR EACH ROW EXECUTE FUNCTION f()",
	} {
		if !strings.Contains(got[x], "\n"+line+"\n") {
			t.Errorf("%q is not in%s", line, got[x])
		}
	}
	if len(got) != 3 {
		t.Errorf("drifted: %v", got)
	}
	if n := storetest.Count(t, admin, `select count(*) from pg_namespace where nspname like 't\_drift\_%'`); n != 0 {
		t.Errorf("%d schemas are left", n)
	}
}

func tenantID(t *testing.T, name string) tenant.ID {
	t.Helper()
	id, err := tenant.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
