package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestCasinosAreMigratedComparedAndRunsChangedOnTheCommandLine(t *testing.T) {
	f := newCasino(t)
	owner := storetest.Connect(t, f.adminURL)
	as := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	role, last := f.tenant.ID.Role(), migrations.Embedded.Tenant.Last()
	if out := f.mustCLI("migrate", "--dry-run"); out != "Nothing is behind." {
		t.Error(out)
	}
	as(`revoke ` + role + ` from pitboss_app`)
	var plan tenancy.Plan
	if err := json.Unmarshal([]byte(f.mustCLI("migrate", "--dry-run", "--json")), &plan); err != nil || len(plan.Groups) != 1 || plan.Groups[0].Tenants[0] != f.slug {
		t.Errorf("%+v, %v", plan, err)
	}
	if out := f.mustCLI("migrate", "--dry-run"); !strings.Contains(out, "only their roles or rights are missing") {
		t.Error(out)
	}
	want := fmt.Sprintf("run 1 to version %d: done, 1 of 1 casinos done, 0 failed\n1 of 1 casinos are of version %[1]d.", last)
	if out := f.mustCLI("migrate", "--workers", "2"); !strings.HasSuffix(out, want) {
		t.Errorf("%s; want %s", out, want)
	}
	var s tenancy.FleetStatus
	if err := json.Unmarshal([]byte(f.mustCLI("migrate", "--json")), &s); err != nil || s.Run == nil || s.Run.State != tenancy.RunDone || s.Versions[last] != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if out := f.mustCLI("migrate", "status"); !strings.Contains(out, "wave 3: 1 casinos, 1 done, 0 failed") {
		t.Error(out)
	}
	if out := f.mustCLI("migrate", "drift"); out != fmt.Sprintf("2 schemas of version %d were compared, 0 casinos are of other versions.", last) {
		t.Error(out)
	}
	as(`revoke ` + role + ` from pitboss_app`)
	as(`update platform.migration_run set state = 'paused', finished_at = null`)
	as(`update platform.tenant_migration set state = 'pending', finished_at = null`)
	as(`create index extra on ` + f.tenant.ID.Schema() + `.event (epoch)`)
	for _, c := range []struct{ want, args string }{
		{"run 1 is paused", "migrate"},
		{"there is none to pause", "migrate pause --reason x"},
		{"no such tenant: nobody", "migrate --tenants nobody"},
		{"no such tenant: nobody", "migrate --dry-run --canary nobody"},
		{"1 to 16 workers", "migrate --workers 17"},
		{"at least 0", "migrate --max-failures=-1"},
		{"1 schemas differ", "migrate drift"},
	} {
		out, err := f.cli(strings.Fields(c.args)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pitboss %s: %v, %q; want %q", c.args, err, out, c.want)
		}
		if c.args == "migrate drift" && !strings.Contains(out, f.slug+" ("+f.tenant.ID.String()+")\n  + CREATE INDEX extra ON event USING btree (epoch)") {
			t.Error(out)
		}
	}
	if out := f.mustCLI("migrate", "resume", "--reason", "a test"); !strings.Contains(out, "run 1") {
		t.Error(out)
	}
	if out, err := f.cli("migrate", "cancel", "--reason", "a test"); err == nil || !strings.Contains(err.Error(), "there is none to cancel") {
		t.Errorf("%v, %s", err, out)
	}
}
