package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
