package tenancy_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// expanding adds a column to what every tenant has, fills it, and takes away what it replaces.
var expanding = []migrations.Step{
	{Phase: migrations.Expand, SQL: `alter table account add column label text`},
	{Phase: migrations.Backfill, SQL: `update account set label = owner where id in (select id from account where label is null limit 3)`},
	{Phase: migrations.Contract, SQL: `drop index credit_day`},
}

// addAccounts gives tenants accounts to fill.
func addAccounts(t testing.TB, d storetest.Database, ids []tenant.ID, n int) {
	t.Helper()
	for _, id := range ids {
		storetest.Super(t, d, fmt.Sprintf(`insert into %s.account (kind, owner) select 'player', 'p' || n from generate_series(1, %d) n`, id.Schema(), n))
	}
}

func TestAMigrationThatIsKilledAnywhereIsResumed(t *testing.T) {
	t.Parallel()
	for _, point := range []struct {
		at    string
		times int64
	}{{"claimed", 2}, {"locked", 3}, {"written", 1}, {"written", 5}, {"stepped", 2}, {"filled", 2}, {"done", 1}, {"done", 5}} {
		t.Run(fmt.Sprint(point.at, point.times), func(t *testing.T) {
			t.Parallel()
			d, _, _, ids := fleet(t, 3)
			addAccounts(t, d, ids, 7)
			killed(t, d, runner{Steps: expanding, Point: point.at, Times: point.times})
			admin := newer(t, d, expanding...)
			if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
				t.Fatal(err)
			}
			owner := storetest.Connect(t, d.AdminURL)
			for _, id := range ids {
				var ledger, version, unfilled int
				err := owner.QueryRow(t.Context(), `select t.schema_version, (select version from `+id.Schema()+`._meta),
					(select count(*) from `+id.Schema()+`.account where label is distinct from owner) from platform.tenant t where id = $1`, id.String()).Scan(&ledger, &version, &unfilled)
				if err != nil || ledger != admin.TenantVersion() || version != ledger || unfilled > 0 {
					t.Errorf("%s: version %d, its _meta %d, %d accounts not filled, %v", id, ledger, version, unfilled, err)
				}
			}
			if drift, err := admin.Drift(t.Context()); err != nil || len(drift.Drifted) > 0 || drift.Checked != 4 {
				t.Errorf("drift: %+v, %v", drift, err)
			}
			var open int
			if err := owner.QueryRow(t.Context(), `select count(*) from platform.migration_run r left join platform.tenant_migration m on m.run = r.id
				where r.state <> 'done' or m.state <> 'done'`).Scan(&open); err != nil || open != 0 {
				t.Errorf("%d rows of the ledger are not done, %v", open, err)
			}
		})
	}
}

func TestRunnersShareARun(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 8)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		admin := newer(t, d, expanding[:1]...)
		wg.Go(func() { errs[i] = admin.Migrate(t.Context(), d.AppURL) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var runs, done, attempts int
	err := storetest.Connect(t, d.AdminURL).QueryRow(t.Context(), `select count(distinct run), count(*) filter (where state = 'done'), sum(attempts) from platform.tenant_migration`).Scan(&runs, &done, &attempts)
	if err != nil || runs != 1 || done != len(ids) || attempts != len(ids) {
		t.Errorf("%d runs, %d tenants done, %d attempts; %v", runs, done, attempts, err)
	}
}

// breakTenants makes a step that makes the table "second" fail for tenants.
func breakTenants(t testing.TB, d storetest.Database, ids ...tenant.ID) {
	t.Helper()
	for _, id := range ids {
		storetest.Super(t, d, `create table `+id.Schema()+`.second (x int)`)
	}
}

var makeSecond = migrations.Step{Phase: migrations.Expand, SQL: `create table second (x int)`}

func TestARunStopsWhenTooManyTenantsFailAndTheNextBeginsWithTheRest(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 6)
	breakTenants(t, d, ids...)
	admin := newer(t, d, makeSecond)
	most := 1
	_, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{MaxFailures: &most, Workers: 1})
	if !errors.Is(err, tenancy.ErrRun) || !strings.Contains(err.Error(), "more than 1 tenants failed") {
		t.Fatalf("got %v", err)
	}
	s, err := admin.FleetStatus(t.Context())
	if err != nil || s.Run.State != tenancy.RunFailed || s.Run.Failed != 2 || s.Run.Pending != 4 {
		t.Fatalf("%+v, %v", s.Run, err)
	}
	for _, id := range ids {
		storetest.Super(t, d, `drop table `+id.Schema()+`.second`)
	}
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	if s, err = admin.FleetStatus(t.Context()); err != nil || s.Run.State != tenancy.RunDone || s.Run.Done != 6 || s.Run.ID != 2 {
		t.Errorf("%+v, %v", s.Run, err)
	}
}

func TestACanaryThatFailsStopsTheRunBeforeTheOthersBegin(t *testing.T) {
	t.Parallel()
	d, s, _, ids := fleet(t, 4)
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	canary, _ := s.Tenants.ByID(ids[2])
	breakTenants(t, d, ids[2])
	admin := newer(t, d, makeSecond)
	_, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{Canaries: []tenant.Slug{canary.Slug}})
	var failure tenancy.TenantFailure
	if !errors.Is(err, tenancy.ErrRun) || !errors.As(err, &failure) || failure.Tenant != ids[2].String() || failure.Slug != canary.Slug || !strings.Contains(err.Error(), string(canary.Slug)+" ("+ids[2].String()+")") {
		t.Fatalf("got %v", err)
	}
	status, err := admin.FleetStatus(t.Context())
	if err != nil || status.Run.Pending != 3 || status.Run.Failed != 1 || status.Run.Reason != "a canary failed" {
		t.Errorf("%+v, %v", status.Run, err)
	}
	if _, err := admin.Roll(t.Context(), d.AppURL, tenancy.Rollout{Canaries: []tenant.Slug{"nobody"}}); !errors.Is(err, store.ErrNoTenant) {
		t.Errorf("an unknown canary: %v", err)
	}
}

func TestARunOfManyTenantsHasWaves(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 25)
	admin := newer(t, d, makeSecond)
	plan, err := admin.PlanRoll(t.Context(), tenancy.Rollout{})
	if err != nil || len(plan.Groups) != 1 || len(plan.Groups[0].Tenants) != len(ids) || len(plan.Groups[0].Steps) != 1 || len(plan.Platform) != 0 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	s, err := admin.FleetStatus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []tenancy.Wave{{0, 1, 1, 0}, {1, 1, 1, 0}, {2, 2, 2, 0}, {3, 21, 21, 0}}
	if fmt.Sprint(s.Run.Waves) != fmt.Sprint(want) {
		t.Errorf("waves %v, want %v", s.Run.Waves, want)
	}
	var early int
	err = storetest.Connect(t, d.AdminURL).QueryRow(t.Context(), `select count(*) from platform.tenant_migration x join platform.tenant_migration y
		on x.run = y.run and x.wave < y.wave and x.finished_at > y.started_at`).Scan(&early)
	if err != nil || early != 0 {
		t.Errorf("%d tenants began before those of an earlier wave were over, %v", early, err)
	}
	if plan, err = admin.PlanRoll(t.Context(), tenancy.Rollout{}); err != nil || len(plan.Groups) != 0 {
		t.Errorf("afterwards: %+v, %v", plan, err)
	}
}

func TestARunIsPausedResumedAndCancelled(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 2)
	addAccounts(t, d, ids, 30)
	admin := newer(t, d, expanding[:2]...)
	if err := admin.PauseRun(t.Context(), "too early"); !errors.Is(err, tenancy.ErrRun) {
		t.Errorf("without a run: %v", err)
	}
	var once sync.Once
	admin.KillAt(func(point string) {
		if point == "filled" {
			once.Do(func() {
				if err := newer(t, d).PauseRun(t.Context(), "look first"); err != nil {
					t.Error(err)
				}
			})
		}
	})
	if err := admin.Migrate(t.Context(), d.AppURL); !errors.Is(err, tenancy.ErrRun) || !strings.Contains(err.Error(), "paused: look first") {
		t.Fatalf("while it is paused: %v", err)
	}
	if err := newer(t, d, expanding[:2]...).Migrate(t.Context(), d.AppURL); !errors.Is(err, tenancy.ErrRun) || !strings.Contains(err.Error(), "resume") {
		t.Errorf("a second runner: %v", err)
	}
	if err := admin.ResumeRun(t.Context(), "fine"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	filled := storetest.Connect(t, d.AdminURL)
	var rows int
	if err := filled.QueryRow(t.Context(), `select sum(backfilled) from platform.tenant_migration`).Scan(&rows); err != nil || rows != 2*31 {
		t.Errorf("%d rows were filled, %v", rows, err)
	}

	next := newer(t, d, append(expanding[:2:2], makeSecond)...)
	next.KillAt(func(point string) {
		if point == "claimed" {
			if err := newer(t, d).CancelRun(t.Context(), "not today"); err != nil && !errors.Is(err, tenancy.ErrRun) {
				t.Error(err)
			}
		}
	})
	if err := next.Migrate(t.Context(), d.AppURL); !errors.Is(err, tenancy.ErrRun) || !strings.Contains(err.Error(), "cancelled: not today") {
		t.Errorf("cancelled: %v", err)
	}
	var lines []string
	if err := filled.QueryRow(t.Context(), `select array_agg(action || ' ' || reason order by id) from platform.audit_log where action like 'migration.%'`).Scan(&lines); err != nil ||
		fmt.Sprint(lines) != "[migration.pause look first migration.resume fine migration.cancel not today]" {
		t.Errorf("audit: %v, %v", lines, err)
	}
}

func TestATenantWhoseTableIsLockedIsGivenUpAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 3)
	unlock := storetest.Lock(t, d, ids[0].Schema()+".account")
	admin := newer(t, d, expanding[:1]...)
	err := admin.Migrate(t.Context(), d.AppURL)
	var failure tenancy.TenantFailure
	if !errors.As(err, &failure) || failure.Tenant != ids[0].String() || failure.SQLState != "55P03" {
		t.Fatalf("got %v", err)
	}
	s, err := admin.FleetStatus(t.Context())
	if err != nil || s.Run.Done != 2 || s.Run.Failed != 1 || s.Run.State != tenancy.RunDone {
		t.Errorf("%+v, %v", s.Run, err)
	}
	var claims int // by no worker that waited for the wave to end
	if err := storetest.Connect(t, d.AdminURL).QueryRow(t.Context(), `select sum(attempts) from platform.tenant_migration`).Scan(&claims); err != nil || claims != len(ids) {
		t.Errorf("%d claims of %d tenants, %v", claims, len(ids), err)
	}
	unlock()
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Error(err)
	}
}

func TestRightsThatChangedReachEveryTenantWithoutAStep(t *testing.T) {
	t.Parallel()
	d, _, _, ids := fleet(t, 2)
	admin := newer(t, d)
	admin.Grant(`grant delete on :schema.fact, :schema.credit to :role;`)
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	owner := storetest.Connect(t, d.AdminURL)
	for _, id := range ids {
		var may bool
		if err := owner.QueryRow(t.Context(), `select has_table_privilege($1, $2, 'DELETE')`, id.Role(), id.Schema()+".credit").Scan(&may); err != nil || !may {
			t.Errorf("%s may not: %v", id, err)
		}
	}
	if drift, err := admin.Drift(t.Context()); err != nil || len(drift.Drifted) > 0 {
		t.Errorf("%+v, %v", drift, err)
	}
}
