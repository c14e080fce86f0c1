package tenancy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestCreateTenantMakesAllOfIt(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	until := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	n := storetest.Casino("casino-x", "Casino-X.localhost", "spiel.xn--bcher-kva.example", "BÜCHER.example.")
	n.OnTrial, n.PaidUntil, n.FrameAncestors = true, &until, []string{"https://portal.example"}
	got, err := admin.CreateTenant(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	want := tenancy.Tenant{
		Slug: "casino-x", Name: "Casino X",
		Domains: []string{"casino-x.localhost", "spiel.xn--bcher-kva.example", "xn--bcher-kva.example"},
		OnTrial: true, PaidUntil: until, Currency: "EUR", Exponent: 2, FrameAncestors: []string{"https://portal.example"}, Set: tenancy.Active,
	}
	diff := cmp.Diff(want, got, cmpopts.IgnoreFields(tenancy.Tenant{}, "ID", "CreatedOn", "Version"), cmpopts.IgnoreUnexported(tenancy.Tenant{}))
	if diff != "" {
		t.Error(diff)
	}
	if got.ID.IsZero() || got.CreatedOn.IsZero() || got.Version == 0 {
		t.Errorf("not set: %+v", got)
	}
	list, err := s.Rooms.List(t.Context(), got.ID)
	if err != nil || len(list) != 1 || list[0].Room != rooms.LobbyID || list[0].Game != "lobby" || list[0].Status != rooms.Open {
		t.Errorf("rooms: %+v, %v", list, err)
	}
	floor, err := s.Leases.Assignments(t.Context(), placement.Mark{})
	if indexed := floor.Assignments; err != nil || len(indexed) != 1 || indexed[0].Ref != (rooms.Ref{Tenant: got.ID, Room: rooms.LobbyID}) {
		t.Errorf("index: %+v, %v", floor, err)
	}
	lines, err := storetest.LastLines(t.Context(), s, got.ID, 10)
	if err != nil || len(lines) != 1 || lines[0].Action != "tenant.create" || lines[0].Target != got.ID.String() || string(lines[0].After) != `{"slug":"casino-x"}` {
		t.Errorf("audit: %+v, %v", lines, err)
	}
	storetest.Sound(t, s, got.ID)
}

func TestCreateTenantRefusesWhatIsTakenOrWrong(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	edit := func(f func(*tenancy.NewTenant)) tenancy.NewTenant {
		n := storetest.Casino("casino-y", "y.localhost")
		f(&n)
		return n
	}
	for name, c := range map[string]struct {
		n    tenancy.NewTenant
		want error
	}{
		"slug taken":            {storetest.Casino("casino-x", "y.localhost"), tenancy.ErrSlugTaken},
		"domain taken":          {storetest.Casino("casino-y", "X.localhost."), tenancy.ErrDomainTaken},
		"second domain taken":   {storetest.Casino("casino-y", "y.localhost", "x.localhost"), tenancy.ErrDomainTaken},
		"domain twice":          {storetest.Casino("casino-y", "y.localhost", "Y.localhost"), tenancy.ErrTenant},
		"slug":                  {storetest.Casino("Casino Y", "y.localhost"), tenant.ErrSlug},
		"domain":                {storetest.Casino("casino-y", "y y.localhost"), tenancy.ErrDomain},
		"domain with path":      {storetest.Casino("casino-y", "y.localhost/x"), tenancy.ErrDomain},
		"no domain":             {storetest.Casino("casino-y"), tenancy.ErrTenant},
		"no name":               {edit(func(n *tenancy.NewTenant) { n.Name = " " }), tenancy.ErrTenant},
		"currency":              {edit(func(n *tenancy.NewTenant) { n.Currency = "euro" }), tenancy.ErrTenant},
		"unknown currency":      {edit(func(n *tenancy.NewTenant) { n.Currency = "XBT" }), tenancy.ErrTenant},
		"frame ancestor quoted": {edit(func(n *tenancy.NewTenant) { n.FrameAncestors = []string{"'self'; x"} }), tenancy.ErrTenant},
	} {
		if _, err := admin.CreateTenant(t.Context(), c.n); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.tenant`); n != 1 {
		t.Errorf("%d tenants, want 1", n)
	}
}

// leftOvers counts schemas and roles of tenants.
func leftOvers(t *testing.T, admin *tenancy.Admin) (schemas, roles int) {
	t.Helper()
	return storetest.Count(t, admin, `select count(*) from pg_namespace where nspname like 't\_%'`),
		storetest.Count(t, admin, `select count(*) from pg_roles where shobj_description(oid, 'pg_authid') = (select 'pitboss ' || deployment from platform.instance)`)
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	admin.BreakProvisioning()
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); storetest.State(err) != "22012" {
		t.Fatalf("got %v, want the error of the last step", err)
	}
	if schemas, roles := leftOvers(t, admin); schemas != 0 || roles != 0 {
		t.Errorf("left over: %d schemas, %d roles", schemas, roles)
	}
	if n := storetest.Count(t, admin, `select count(*) from platform.tenant`); n != 0 {
		t.Errorf("%d tenants", n)
	}
}

func TestConcurrentCreatesOfOneSlugHaveOneWinner(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, tenancy.ErrSlugTaken) {
			t.Errorf("a loser got %v", err)
		}
	}
	schemas, roles := leftOvers(t, admin)
	if won != 1 || schemas != 1 || roles != 1 {
		t.Errorf("%d winners, %d schemas, %d roles; want 1 of each", won, schemas, roles)
	}
}

func TestTenantHasOnePrimaryDomain(t *testing.T) {
	t.Parallel()
	_, admin := storetest.New(t)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost", "y.localhost")); err != nil {
		t.Fatal(err)
	}
	_, err := admin.Pool().Exec(t.Context(), `update platform.domain set is_primary = true`)
	if storetest.State(err) != "23505" {
		t.Errorf("two primary domains: %v", err)
	}
}

func TestMigrateBringsEveryTenantUp(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ids := []tenant.ID{storetest.Tenant(t, admin), storetest.Tenant(t, admin)}

	if err := admin.Migrate(t.Context(), d.AppURL); err != nil { // nothing to do
		t.Fatal(err)
	}
	admin.WithTenantStep(`create table later (x int); grant select on later to public`)
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if n := storetest.Count(t, admin, `select version from `+id.Schema()+`._meta`); n != admin.TenantVersion() {
			t.Errorf("%s is of version %d", id, n)
		}
		if err := storetest.Exec(t, s, id, `select * from later`); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if n := storetest.Count(t, admin, `select version from tpl._meta`); n != admin.TenantVersion() {
		t.Errorf("the template is of version %d", n)
	}
	made := storetest.Tenant(t, admin) // and whoever comes later has it
	if err := storetest.Exec(t, s, made, `select * from later`); err != nil {
		t.Error(err)
	}
}

func TestMigrateLeavesATenantWholeThatFails(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	bad, good := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	if _, err := admin.Pool().Exec(t.Context(), `create table `+bad.Schema()+`.second (x int)`); err != nil {
		t.Fatal(err)
	}
	before := admin.TenantVersion()
	admin.WithTenantStep(`create table first (x int); create table second (x int)`)
	err := admin.Migrate(t.Context(), d.AppURL)
	var failure tenancy.TenantFailure
	if !errors.As(err, &failure) || failure.SQLState != "42P07" || failure.Tenant != bad.String() {
		t.Fatalf("got %v, want the bad tenant's error", err)
	}
	if n := storetest.Count(t, admin, `select version from `+good.Schema()+`._meta`); n != before+1 {
		t.Errorf("the good tenant is of version %d", n)
	}
	if n := storetest.Count(t, admin, `select version from `+bad.Schema()+`._meta`); n != before {
		t.Errorf("the bad tenant is of version %d", n)
	}
	if n := storetest.Count(t, admin, `select count(*) from pg_class c where relname = 'first' and relnamespace = $1::regnamespace`, bad.Schema()); n != 0 {
		t.Error("half of the step is there")
	}
}

func TestMigrateWaitsShortlyForATableInUse(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	tx, err := admin.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `lock table `+id.Schema()+`.event in access share mode`); err != nil {
		t.Fatal(err)
	}
	admin.WithTenantStep(`alter table event add column later int`)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for storetest.Count(t, admin, `select count(*) from pg_locks l join pg_class c on c.oid = l.relation
			where c.relname = 'event' and not l.granted`) == 0 {
			if t.Context().Err() != nil {
				return
			}
		}
		if err := tx.Commit(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Error(err)
	}
}

func TestMigrateMayRunManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
			if err != nil {
				errs[i] = err
				return
			}
			defer admin.Close()
			errs[i] = admin.Migrate(t.Context(), d.AppURL)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func TestNewerOlderAndForeignDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	open := func() error {
		s, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: d.Box})
		if err == nil {
			s.Close()
		}
		return err
	}
	_, admin := storetest.Open(t, d, store.Options{})
	newer, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer newer.Close()
	newer.WithTenantStep(`create table later (x int)`)
	if _, err := newer.CreateTenant(t.Context(), storetest.Casino("too-early", "x.localhost")); !errors.Is(err, tenancy.ErrOlderSchema) {
		t.Errorf("CreateTenant by a newer binary: %v", err)
	}
	if err := newer.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	if err := admin.Migrate(t.Context(), d.AppURL); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Migrate: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("too-late", "x.localhost")); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("CreateTenant: %v", err)
	}
	if err := open(); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("Open: %v", err)
	}
	if _, err := admin.Pool().Exec(t.Context(), `delete from platform.migration`); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, tenancy.ErrOlderSchema) {
		t.Errorf("Open of an older database: %v", err)
	}
	d = storetest.Empty(t)
	if err := open(); !errors.Is(err, tenancy.ErrOlderSchema) {
		t.Errorf("Open of an empty database: %v", err)
	}
}

func TestAnotherMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	storetest.Open(t, d, store.Options{})
	other, err := seal.NewBox(make([]byte, seal.MasterKeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{URL: d.AppURL, Box: other}); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("Open: %v", err)
	}
	if _, err := store.Open(t.Context(), store.Options{URL: d.AppURL}); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("Open without a key: %v", err)
	}
	admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, other)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.Migrate(t.Context(), d.AppURL); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("Migrate: %v", err)
	}
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); !errors.Is(err, seal.ErrMasterKey) {
		t.Errorf("CreateTenant: %v", err)
	}
}

func TestMightyApplicationLoginIsRefused(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for name, url := range map[string]string{"the owner": d.AdminURL, "a superuser": d.SuperURL} {
		if err := admin.Migrate(t.Context(), url); !errors.Is(err, tenancy.ErrAppLogin) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
