package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// status returns a casino's status as the command line shows it.
func (f *casino) status(slug string) tenancy.Status {
	f.t.Helper()
	var info struct {
		Status tenancy.Status `json:"status"`
	}
	if err := json.Unmarshal([]byte(f.mustCLI("tenant", "show", slug, "--json")), &info); err != nil {
		f.t.Fatal(err)
	}
	return info.Status
}

func TestACasinoStaysOpenIfItsArchiveCannotBeWritten(t *testing.T) {
	f := newCasino(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	archive := func(want string, args ...string) {
		t.Helper()
		out, err := f.cli(append([]string{"tenant", "archive", f.slug, "--reason", "x", "--json"}, args...)...)
		got := document(t, out)
		if text, _ := got["error"].(string); err == nil || got["slug"] != f.slug || got["status"] != "active" || !strings.Contains(text, want) || !strings.Contains(text, "casino-x is active, as it was") {
			t.Errorf("%v, %s", err, out)
		}
		if now := f.status(f.slug); now != tenancy.Active {
			t.Errorf("it is %s", now)
		}
	}
	archive("the folder for archives", "--archives", filepath.Join(file, "archive"))
	t.Setenv("PITBOSS_PG_BIN", t.TempDir())
	archive("pg_dump was not found")
}

func TestAnInterruptedArchiveSaysWhatItLeft(t *testing.T) {
	f := newCasino(t)
	owner := storetest.Connect(t, f.adminURL)
	if _, err := owner.Exec(t.Context(), `update platform.room set node = 'gone' where room = $1`, f.room); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"tenant", "archive", f.slug, "--reason", "x",
		"--dir", t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey,
	}
	ctx, interrupt := context.WithCancel(soon(t))
	var out said
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, streams{&out, io.Discard}, seams{}) }()
	eventually(t, "it waits for rounds", func() bool { return strings.Contains(out.String(), "waiting for rounds to end") })
	interrupt()
	want := "interrupted: casino-x is suspended, without an archive: run 'pitboss tenant archive casino-x' again, or 'pitboss tenant resume casino-x'"
	if err := <-ended; err == nil || err.Error() != want || exitCode(err) != 1 {
		t.Errorf("%v", err)
	}
	if now := f.status(f.slug); now != tenancy.Suspended {
		t.Errorf("it is %s", now)
	}
	if _, err := owner.Exec(t.Context(), `update platform.room set node = '' where room = $1`, f.room); err != nil {
		t.Fatal(err)
	}
	got := document(t, f.mustCLI("tenant", "archive", f.slug, "--reason", "x", "--json"))
	sum, _ := got["sha256"].(string)
	if got["slug"] != f.slug || got["status"] != "archived" || len(sum) != 64 || got["purge_from"] == nil || got["rows"] == nil {
		t.Errorf("%v", got)
	}
	if out, err := f.cli("doctor"); err != nil {
		t.Errorf("an archived casino is a failed check: %v\n%s", err, out)
	}
}

func TestMaintenanceAndRenamesSayUntilWhen(t *testing.T) {
	f := newCasino(t)
	fails := func(want string, args ...string) {
		t.Helper()
		if out, err := f.cli(append(args, "--reason", "x")...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
	maintain := []string{"tenant", "maintenance", f.slug}
	fails("within 30 days", append(maintain, "--for", "721h")...)
	fails("within 30 days", append(maintain, "--until", "2999-01-01T00:00:00Z")...)
	fails("no less than 0", append(maintain, "--for=-1m")...)
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	told := "until it is resumed; players are told to come back at " + until
	if out := f.mustCLI(append(maintain, "--until", until, "--reason", "x")...); out != "casino-x is maintenance "+told {
		t.Error(out)
	}
	if out := f.mustCLI("tenant", "show", f.slug); !strings.Contains(out, told) {
		t.Error(out)
	}
	if out := f.mustCLI(append(maintain, "--for", "0", "--reason", "x")...); out != "casino-x is maintenance until it is resumed; players are told no time" {
		t.Error(out)
	}
	if out := f.mustCLI("tenant", "resume", f.slug); out != "casino-x is active" {
		t.Error(out)
	}
	if out := f.mustCLI("tenant", "rename", f.slug, "grand", "--reason", "x"); !strings.HasPrefix(out, "casino-x is now grand\nTokens may name casino-x until 20") {
		t.Error(out)
	}
	if _, err := f.cli("tenant", "show", f.slug); err == nil || !strings.HasPrefix(err.Error(), "casino-x is now grand; tokens may name casino-x until 20") {
		t.Error(err)
	}
	if out := f.mustCLI("tenant", "show", "grand", "--json"); !strings.Contains(out, `"slug": "casino-x"`) {
		t.Error(out)
	}
	fails("want a day as 2026-12-31, not \"soon\", or 'never'", "tenant", "set", "grand", "--paid-until", "soon")
	if out := f.mustCLI("tenant", "set", "grand", "--paid-until", "2099-12-31", "--reason", "x", "--json"); !strings.Contains(out, `"paid_until": "2099-12-31T00:00:00Z"`) {
		t.Error(out)
	}
}

func TestATimeThatIsNoneIsRefusedWithAnExample(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"tenant create --slug a --name a --domain a.localhost --paid-until 31.12.2026": `want a day as 2026-12-31, not "31.12.2026"`,
		"tenant maintenance casino-x --reason x --until tomorrow":                      `want a time as 2026-12-31T18:00:00Z, not "tomorrow"`,
	} {
		var out, said bytes.Buffer
		err := run(soon(t), strings.Fields(args), streams{&out, &said}, seams{})
		if text := fmt.Sprint(err, said.String()); err == nil || !strings.Contains(text, want) || strings.Contains(text, "2006") {
			t.Errorf("%s: %s", args, text)
		}
	}
}
