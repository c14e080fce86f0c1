package tenancy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(envRunner); what != "" {
		os.Exit(runRunner(what))
	}
	os.Exit(storetest.Main(m))
}

// envRunner makes the test's program a process that migrates, or does a task, and kills itself.
const envRunner = "PITBOSS_TEST_RUNNER"

// runner is what such a process does.
type runner struct {
	AdminURL, AppURL string
	Steps            []migrations.Step
	Point            string // at which it kills itself
	Times            int64  // the how manieth time it comes there
	Kind             string // of the task that it does; "": it migrates
	Slug             tenant.Slug
	Input            string
	Dir              string // for archives
}

// fleetKey is the master key of the databases that runners migrate.
var fleetKey = make([]byte, seal.MasterKeySize)

func runRunner(what string) int {
	var r runner
	fail := func(err error) int { _, _ = fmt.Fprintln(os.Stderr, err); return 1 }
	if err := json.Unmarshal([]byte(what), &r); err != nil {
		return fail(err)
	}
	box, err := seal.NewBox(fleetKey)
	if err != nil {
		return fail(err)
	}
	admin, err := tenancy.OpenAdmin(context.Background(), r.AdminURL, box)
	if err != nil {
		return fail(err)
	}
	with(admin, r.Steps)
	var came atomic.Int64
	admin.KillAt(func(point string) {
		if point == r.Point && came.Add(1) == r.Times {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	ctx := context.Background()
	if r.Kind == "" {
		err = admin.Migrate(ctx, r.AppURL)
	} else {
		err = r.task(ctx, admin)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

// task does the runner's task.
func (r runner) task(ctx context.Context, admin *tenancy.Admin) error {
	if r.Kind == "pool" {
		_, err := admin.FillPool(ctx, 2)
		return err
	}
	tools := tenancy.Tools{Archiver: tenancy.Archiver{Dir: r.Dir, Dump: func(ctx context.Context, schema string, out io.Writer) error {
		return localpg.Dump(ctx, r.AdminURL, schema, out)
	}}}
	_, _, err := admin.DoTask(ctx, r.Kind, r.Slug, []byte(r.Input), tenancy.Asker{Actor: "test"}, tools)
	return err
}

// with adds steps to those that an admin knows.
func with(admin *tenancy.Admin, steps []migrations.Step) {
	for _, m := range steps {
		admin.WithPhase(m.Phase, m.SQL)
	}
}

// killed runs a process that migrates until it kills itself.
func killed(t testing.TB, d storetest.Database, r runner) {
	t.Helper()
	r.AdminURL, r.AppURL = d.AdminURL, d.AppURL
	what, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envRunner+"="+string(what))
	out, err := cmd.CombinedOutput()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the runner was not killed at %s %d: %v\n%s", r.Point, r.Times, err, out)
	}
}

// fleet makes a database with tenants that a runner may migrate.
func fleet(t testing.TB, tenants int) (storetest.Database, *store.Store, *tenancy.Admin, []tenant.ID) {
	t.Helper()
	d := storetest.Empty(t)
	box, err := seal.NewBox(fleetKey)
	if err != nil {
		t.Fatal(err)
	}
	d.Box = box
	s, admin := storetest.Open(t, d, store.Options{})
	ids := make([]tenant.ID, tenants)
	for i := range ids {
		ids[i] = storetest.Tenant(t, admin)
	}
	return d, s, admin, ids
}

// newer returns the admin of a newer binary, which knows more steps.
func newer(t testing.TB, d storetest.Database, steps ...migrations.Step) *tenancy.Admin {
	t.Helper()
	admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	with(admin, steps)
	return admin
}
