package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlansAndJurisdictionsAreSetShownAndRemovedByTheCommandLine(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	slug := string(f.tenant.Slug)
	file := filepath.Join(t.TempDir(), "island.json")
	if err := os.WriteFile(file, []byte(`{"games": ["roulette"], "rules": {"roulette": {"max_bet": {"max": 10000}, "la_partage": {"is": true}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(wrong, []byte(`{"rules": {"roulette": {"la_partage": {"max": 1}}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args, says string
		fails      bool
	}{
		{"plan set small --sockets 500 --storage 20GiB --game roulette --reason x", "20GiB", false},
		{"plan set small --rooms 7 --reason x", "500", false}, // what is not named stays
		{"plan set small --game poker --reason x", "there is no game \"poker\"", true},
		{"plan set small --storage 2XB --reason x", "500MiB", true},
		{"plan list --json", `"storage_bytes": 21474836480`, false},
		{"jurisdiction set island --file " + file + " --reason x", "no casino yet", false},
		{"jurisdiction set island --file " + wrong + " --reason x", "la_partage is a bool", true},
		{"jurisdiction show island", `"max": 10000`, false},
		{"tenant set " + slug + " --plan small --jurisdiction island --reason x", "small", false},
		{"tenant show " + slug + " --json", `"jurisdiction": "island"`, false},
		{"room open --tenant " + slug + " baccarat-9 --game baccarat", "not allowed", true},
		{"room open --tenant " + slug + " roulette-9", "la_partage", true},
		{"plan remove small --reason x", slug, true},
		{"jurisdiction remove island --reason x", slug, true},
		{"plan show nothing", "no such plan", true},
		{"tenant set " + slug + " --plan nothing --reason x", "no such plan", true},
		{"tenant set " + slug + " --plan none --jurisdiction none --reason x", "plan        -", false},
		{"plan remove small --reason x", "removed", false},
		{"jurisdiction remove island --reason x", "removed", false},
		{"plan list --json", "[]", false},
		{"export audit --platform", "jurisdiction.remove", false},
	} {
		out, err := f.cli(strings.Fields(step.args)...)
		if err != nil {
			out += err.Error()
		}
		if (err != nil) != step.fails || !strings.Contains(out, step.says) {
			t.Errorf("pitboss %s: %v, want %q in\n%s", step.args, err, step.says, out)
		}
	}
}
