package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

// exec runs tenant exec, whose command comes last.
func (f *casino) exec(ctx context.Context, args ...string) (string, error) {
	f.t.Helper()
	var out bytes.Buffer
	args = append([]string{
		"--dir", f.t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey, "tenant", "exec",
	}, args...)
	err := run(ctx, args, streams{&out, io.Discard}, seams{})
	return strings.TrimSpace(out.String()), err
}

// sqlFile writes a file.
func sqlFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.sql")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// execReports reads the output of --json, by casino.
func execReports(t *testing.T, out string) map[string]execReport {
	t.Helper()
	var all struct{ Tenants []execReport }
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err, out)
	}
	by := map[string]execReport{}
	for _, r := range all.Tenants {
		by[r.Tenant] = r
	}
	return by
}

func TestAFileOrACommandIsRunForCasinosAndOneThatFailsHoldsUpNoOthers(t *testing.T) {
	f := newCasino(t)
	for _, slug := range []string{"casino-y", "casino-z"} {
		f.mustCLI("tenant", "create", "--slug", slug, "--name", slug, "--domain", slug+".localhost")
	}
	f.mustCLI("tenant", "suspend", "casino-z", "--reason", "a test")
	owner := storetest.Connect(t, f.adminURL)
	as := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	count := sqlFile(t, "select count(*) as rooms from room;\n")
	out, err := f.exec(soon(t), "--all", "--file", count)
	if err != nil || !strings.Contains(out, "casino-x: ok") || !strings.Contains(out, "  rooms\n  2\n") || !strings.HasSuffix(out, "3 ok, 0 failed, 0 not run") {
		t.Error(out, err)
	}
	if out, err := f.exec(soon(t), "--all", "--status", "suspended,unpaid", "--file", count); err != nil || !strings.HasPrefix(out, "casino-z: ok") || !strings.HasSuffix(out, "1 ok, 0 failed, 0 not run") {
		t.Error(out, err)
	}
	as(`alter table ` + f.tenant.ID.Schema() + `.room rename to away`)
	rename := sqlFile(t, "update room set name = 'Renamed' where id = 'lobby'")
	out, err = f.exec(soon(t), "--all", "--file", rename, "--write", "--reason", "a test", "--json")
	if err == nil || !strings.Contains(err.Error(), "1 casinos failed, 0 were not run") || exitCode(err) != 1 {
		t.Error(err)
	}
	by := execReports(t, out)
	if x, y := by["casino-x"], by["casino-y"]; x.Status != execFailed || !strings.Contains(x.Error, "line 1: ERROR: relation \"room\" does not exist") || y.Status != execOK || y.Results[0].Tag != "UPDATE 1" {
		t.Errorf("%+v", by)
	}
	as(`alter table ` + f.tenant.ID.Schema() + `.away rename to room`)
	if out := f.mustCLI("export", "audit", "--tenant", "casino-y", "--format", "jsonl"); !strings.Contains(out, `"action":"tenant.exec"`) {
		t.Error(out)
	}
	out, err = f.exec(soon(t), "--tenant", "casino-x,casino-z", "--json", "--parallel", "2", "--", "room", "list", "--tenant", "{}", "--json")
	if by := execReports(t, out); err != nil || len(by) != 2 || !strings.Contains(by["casino-x"].Output, `"roulette-1"`) || strings.Contains(by["casino-z"].Output, `"roulette-1"`) {
		t.Error(out, err)
	}
	out, err = f.exec(soon(t), "--tenant", "casino-y,casino-x", "--", "room", "close", "--tenant", "{}", "roulette-1", "--reason", "a test")
	if err == nil || !strings.Contains(out, "casino-x: ok") || !strings.Contains(out, "casino-y: failed") {
		t.Error(out, err)
	}
}

func TestWhatCannotBeRunForCasinosIsRefusedBeforeAnyIsTouched(t *testing.T) {
	f := newCasino(t)
	count := sqlFile(t, "select 1")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"say for which casinos", []string{"--file", count}},
		{"say what to run", []string{"--all"}},
		{"give one of --file FILE and a pitboss command", []string{"--all", "--file", count, "--", "room", "list", "--tenant", "{}"}},
		{"--write needs a --reason", []string{"--all", "--file", count, "--write"}},
		{"--reason is of --write", []string{"--all", "--file", count, "--reason", "x"}},
		{"a command has flags of its own", []string{"--all", "--write", "--reason", "x", "--", "room", "list", "--tenant", "{}"}},
		{"--parallel is 1 to 8", []string{"--all", "--file", count, "--parallel", "9"}},
		{"--timeout is more than nothing", []string{"--all", "--file", count, "--timeout", "0s"}},
		{`there is no status "merry"`, []string{"--all", "--file", count, "--status", "merry"}},
		{"no casino is of that status", []string{"--all", "--file", count, "--status", "archived"}},
		{`there is no tenant "nobody"`, []string{"--tenant", "nobody", "--file", count}},
		{`"dev" is not run for a casino`, []string{"--all", "--", "dev", "{}"}},
		{`"serve" is not run for a casino`, []string{"--all", "--", "serve", "{}"}},
		{`"cluster" is not run for a casino`, []string{"--all", "--", "cluster", "{}"}},
		{`"--dir" is not run for a casino`, []string{"--all", "--", "--dir", "{}", "dev"}},
		{"say by {} where", []string{"--all", "--", "tenant", "list"}},
		{"commit is refused", []string{"--all", "--file", sqlFile(t, "select 1; commit")}},
		{"no such file", []string{"--all", "--file", filepath.Join(t.TempDir(), "none.sql")}},
	} {
		if out, err := f.exec(soon(t), c.args...); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%v: %v, want %q; %s", c.args, err, c.want, out)
		}
	}
	out, err := f.exec(soon(t), "--all", "--", "tenant", "--json", "exec", "--tenant", "{}", "--file", count)
	if err == nil || !strings.Contains(out, "casino-x: failed") {
		t.Error(out, err)
	}
	out, err = f.exec(soon(t), "--all", "--", "tenant", "exec", "--tenant", "{}", "--file", count)
	if err == nil || !strings.Contains(out, "tenant exec runs no tenant exec") {
		t.Error(out, err)
	}
}

func TestARunForCasinosThatIsInterruptedOrTooSlowSaysWhatRan(t *testing.T) {
	f := newCasino(t)
	f.mustCLI("tenant", "create", "--slug", "casino-y", "--name", "Y", "--domain", "casino-y.localhost")
	slow := sqlFile(t, "select pg_sleep(60)")
	out, err := f.exec(soon(t), "--tenant", f.slug, "--file", slow, "--timeout", "50ms")
	if err == nil || !strings.Contains(out, "casino-x: failed") || strings.Contains(out, "unavailable") {
		t.Error(out, err)
	}
	out, err = f.exec(soon(t), "--tenant", f.slug, "--file", sqlFile(t, "select 1;\nupdate room set name = 'x'"))
	if err == nil || !strings.Contains(out, "line 2: it writes, and its transaction is read-only") || !strings.Contains(out, "add --write and --reason") || strings.Contains(out, "unavailable") {
		t.Error(out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	owner := storetest.Connect(t, f.adminURL)
	go func() { // as Ctrl-C does, when the first casino's statement is under way
		defer cancel()
		for began := time.Now(); time.Since(began) < testPatience; {
			var n int
			if err := owner.QueryRow(context.WithoutCancel(ctx), `select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'event' and l.mode = 'AccessShareLock' and l.pid <> pg_backend_pid()`).Scan(&n); err != nil || n > 0 {
				return
			}
			<-time.After(5 * time.Millisecond)
		}
	}()
	out, err = f.exec(ctx, "--all", "--parallel", "1", "--json", "--file", sqlFile(t, "select 1 from event; select pg_sleep(60)"))
	by := execReports(t, out)
	if x, y := by["casino-x"], by["casino-y"]; err == nil || exitCode(err) != 1 || x.Status != execFailed || !strings.Contains(x.Error, "interrupted") || y.Status != execNotRun {
		t.Errorf("%+v, %v", by, err)
	}
}
