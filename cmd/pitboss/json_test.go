package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// document returns the one document that a command printed.
func document(t *testing.T, out string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	var got map[string]any
	if err := d.Decode(&got); err != nil {
		t.Fatalf("%v: %q", err, out)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		t.Errorf("more than one document: %s", out)
	}
	return got
}

func TestEveryChangePrintsOneDocumentOfJSON(t *testing.T) {
	f := newCasino(t)
	file := filepath.Join(t.TempDir(), "island.json")
	if err := os.WriteFile(file, []byte(`{"games": ["roulette"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := storetest.Connect(t, f.adminURL)
	for _, step := range []struct {
		before, args, member string
		want                 any
	}{
		{"", "plan set small --rooms 7 --reason x", "name", "small"},
		{"", "plan remove small --reason x", "removed", "small"},
		{"", "jurisdiction set island --reason x --file " + file, "name", "island"},
		{"", "jurisdiction remove island --reason x", "removed", "island"},
		{"", "room open roulette-9 --tenant casino-x", "status", "open"},
		{"", "room close roulette-9 --tenant casino-x --reason x", "status", "closing"},
		{"", "tenant kick --tenant casino-x --player alice --reason x", "kicked", "alice"},
		{"revoke " + f.tenant.ID.Role() + " from pitboss_app", "migrate", "wants", nil},
		{"update platform.migration_run set state = 'running', finished_at = null; update platform.tenant_migration set state = 'pending', finished_at = null", "migrate pause --reason x", "state", "paused"},
		{"", "migrate resume --reason x", "wants", nil},
		{"update platform.migration_run set state = 'paused', finished_at = null", "migrate cancel --reason x", "state", "cancelled"},
	} {
		if step.before != "" {
			if _, err := owner.Exec(t.Context(), step.before); err != nil {
				t.Fatal(err)
			}
		}
		out := f.mustCLI(append(strings.Fields(step.args), "--json")...)
		if got := document(t, out); got[step.member] == nil || step.want != nil && got[step.member] != step.want || got["error"] != nil {
			t.Errorf("pitboss %s: %s", step.args, out)
		}
	}
}

func TestAFailingCommandSaysWhyInOneDocumentOfJSON(t *testing.T) {
	f := newCasino(t)
	for _, c := range []struct{ want, args string }{
		{"no such plan", "plan remove nothing --reason x"},
		{"no such jurisdiction", "jurisdiction remove nothing --reason x"},
		{"there is none to pause", "migrate pause --reason x"},
		{"no such tenant: nope", "migrate --tenants nope"},
		{"no such room", "room close nowhere --tenant casino-x --reason x"},
		{"there is no tenant", "tenant kick --tenant nope --player a --reason x"},
		{"at least 0", "migrate --max-failures -1"},
		{"1 to 16", "migrate --workers 0"},
		{"1 to 16", "migrate resume --workers 0 --reason x"},
	} {
		out, err := f.cli(append(strings.Fields(c.args), "--json")...)
		text, _ := document(t, out)["error"].(string)
		if exitCode(err) != 1 || !strings.Contains(text, c.want) || strings.Contains(text, "store:") {
			t.Errorf("pitboss %s: %v, %s", c.args, err, out)
		}
	}
	if out, err := f.cli("migrate", "--tenants", "nope"); err == nil || out != "" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestTextsOfErrorsNameNoPackages(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"store: set third: store: not a valid tenant: a slug": "set third: not a valid tenant: a slug",
		"store: script: line 1":                               "line 1",
		"a store: is kept":                                    "a store: is kept",
	} {
		if got := errorText(errors.New(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestOnlyAFailedCheckHasDoctorEndWithOne gives commands flags that there are not.
func TestOnlyAFailedCheckHasDoctorEndWithOne(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"doctor --nonsense": 2, "doctor --timeout soon": 2, "doctor extra": 2, "tenant list --nonsense": 1, "nonsense": 1,
	} {
		err := run(soon(t), strings.Fields(args), streams{io.Discard, io.Discard}, seams{})
		if got := exitCode(err); got != want {
			t.Errorf("pitboss %s: exit code %d, want %d", args, got, want)
		}
	}
}

func TestCasinosThatWereMadeAheadAreCountedApart(t *testing.T) {
	f := newCasino(t)
	p := &program{ctx: soon(t), streams: streams{io.Discard, io.Discard}, log: f.store.DB.Log, globals: &globals{
		Dir: t.TempDir(), Database: f.appURL, Admin: f.adminURL, MasterKey: f.masterKey,
	}}
	if err := p.withAdmin(func(admin *tenancy.Admin) error {
		_, err := admin.FillPool(p.ctx, 2)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if out := f.mustCLI("migrate", "status"); !strings.Contains(out, ": 1 casinos and 2 made ahead") {
		t.Error(out)
	}
	if out := f.mustCLI("migrate"); !strings.Contains(out, "1 of 1 casinos, and 2 of 2 made ahead, are of version") {
		t.Error(out)
	}
}
