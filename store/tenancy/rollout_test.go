package tenancy_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestAPausedMigrationGoesOnByTheTaskThatSaysWhyAndNodesSeeIt(t *testing.T) {
	t.Parallel()
	d, s, _, ids := fleet(t, 2)
	admin := newer(t, d, expanding[:1]...)
	target := admin.TenantVersion()
	storetest.Super(t, d, fmt.Sprintf(`insert into platform.migration_run (target, max_failures, state, reason, started_by) values (%d, 5, 'paused', 'peak hours', 'somebody')`, target))
	var told int64
	do := func(kind, input string) error {
		_, _, err := admin.DoTask(t.Context(), kind, "", []byte(input), tenancy.Asker{Actor: "key:0123456789"}, tenancy.Tools{
			AppURL: d.AppURL, Progress: func(_ string, done, of int64) { told = max(told, done*100/max(of, 1)) },
		})
		return err
	}
	if err := do("migrate", `{}`); !errors.Is(err, tenancy.ErrRun) {
		t.Errorf("a paused run is gone on with: %v", err)
	}
	if err := do("migrate.pause", `{"reason":"a test"}`); !errors.Is(err, tenancy.ErrRun) {
		t.Errorf("a paused run is paused: %v", err)
	}
	if err := do("migrate", `{"resume":"it is night"}`); err != nil {
		t.Fatal(err)
	}
	now, err := s.Tenants.FleetStatus(t.Context())
	if err != nil || now.Versions[target] != len(ids) || now.Run == nil || now.Run.State != tenancy.RunDone || now.Run.Done != len(ids) || told != 100 {
		t.Errorf("%+v, %+v, told %d %%, %v", now, now.Run, told, err)
	}
	if err := do("migrate", `{"resume":"again"}`); err != nil { // as by a process that begins the job again
		t.Errorf("a run that is over is gone on with: %v", err)
	}
	if err := do("migrate.cancel", `{"reason":"a test"}`); !errors.Is(err, tenancy.ErrRun) {
		t.Errorf("a run that is over is cancelled: %v", err)
	}
}
