package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/store/journal"
)

func TestAListIsExportedWholeAsCSVAndAsJSONLines(t *testing.T) {
	f := newCasino(t)
	const credits = 2*journal.HistoryMax + 3
	for range credits {
		_, _, err := f.store.Ledger.Credit(t.Context(), f.tenant.ID, journal.Credit{
			Player: "greta", Amount: 100, Currency: f.tenant.Currency, Exponent: f.tenant.Exponent, Reason: "a gift", Actor: "test", CommandID: uuid.NewString(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	table := func(args ...string) [][]string {
		t.Helper()
		rows, err := csv.NewReader(strings.NewReader(f.mustCLI(append([]string{"export", "--tenant", "casino-x"}, args...)...))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	got := table("transactions", "--player", "greta")
	if len(got) != credits+1 || got[1][5] != "10500" || got[credits][5] != "100" {
		t.Errorf("%d transactions, the first %v, the last %v", len(got)-1, got[1], got[len(got)-1])
	}
	seen := map[string]bool{}
	for _, row := range got[1:] {
		seen[row[0]] = true
	}
	if len(seen) != credits {
		t.Errorf("%d different transactions, want %d", len(seen), credits)
	}
	if got = table("postings", "--where", "player=greta", "--where", "amount.gte=100"); len(got) != credits+1 {
		t.Errorf("%d postings, want %d", len(got)-1, credits)
	}
	if got = table("postings", "--where", "player=nobody"); len(got) != 1 || got[0][0] != "id" {
		t.Errorf("nothing is exported as %v", got)
	}
	if got = table("rounds", "--player", "greta"); len(got) != 1 {
		t.Errorf("rounds: %v", got)
	}
	if got = table("players", "--sort", "-balance"); len(got) < 2 || got[0][1] != "balance" {
		t.Errorf("players: %v", got)
	}
	var line struct{ Action, Actor string }
	lines := strings.Split(f.mustCLI("export", "audit", "--tenant", "casino-x", "--format", "jsonl", "--where", "actor=test", "--where", "action=player.credit"), "\n")
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || len(lines) != credits || line.Action != "player.credit" {
		t.Errorf("%d lines, %+v, %v", len(lines), line, err)
	}

	name := filepath.Join(t.TempDir(), "p.csv")
	var said exported
	if err := json.Unmarshal([]byte(f.mustCLI("export", "postings", "--tenant", "casino-x", "-o", name, "--json")), &said); err != nil || said.Rows < credits || said.File != name {
		t.Errorf("%+v, %v", said, err)
	}
	if text, err := os.ReadFile(name); err != nil || bytes.Count(text, []byte("\n")) != said.Rows+1 {
		t.Errorf("the file has %d lines, want %d: %v", bytes.Count(text, []byte("\n")), said.Rows+1, err)
	}
	for want, args := range map[string][]string{
		"no such field":   {"players", "--where", "shoe=42", "-o", name},
		"cannot be":       {"players", "--where", "player.gte=a"},
		"want a field":    {"players", "--where", "player"},
		"whose rounds":    {"rounds"},
		"come whole":      {"rounds", "--player", "greta", "--sort", "id"},
		"needs --output":  {"players", "--json"},
		"is no file":      {"players", "-o", t.TempDir()},
		"there is no ten": {"players", "--tenant", "nobody"},
	} {
		if len(args) < 3 || args[1] != "--tenant" {
			args = append(args, "--tenant", "casino-x")
		}
		if out, err := f.cli(append([]string{"export"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, %q; want %q", args, err, out, want)
		}
	}
	if _, err := os.Stat(name); err != nil {
		t.Errorf("an export that failed took the file of one before: %v", err)
	}
}

func TestTheAuditLogOfThePlatformIsExportedAndChosenLikeACasinos(t *testing.T) {
	f := newCasino(t)
	for _, name := range []string{"first", "second"} {
		f.mustCLI("key", "api", "create", "--platform", "--name", name, "--scope", "tenants:read", "--reason", "for the "+name)
	}
	f.mustCLI("key", "api", "create", "--tenant", "casino-x", "--name", "third", "--scope", "rooms:read", "--reason", "for the third")
	export := func(args ...string) []string {
		t.Helper()
		return strings.Split(f.mustCLI(append([]string{"export", "audit", "--platform", "--format", "jsonl"}, args...)...), "\n")
	}
	var line struct {
		Action, Reason, Actor string
		ID                    int64
		After                 struct{ Name string }
	}
	lines := export("--where", "action.prefix=api_key.")
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil || len(lines) != 2 || line.Action != "api_key.create" || line.Reason != "for the second" || line.After.Name != "second" || !strings.HasPrefix(line.Actor, "cli") {
		t.Errorf("%d lines, %+v, %v", len(lines), line, err)
	}
	if lines = export("--sort", "id", "--where", "action.prefix=api_key.", "--where", fmt.Sprintf("id.lt=%d", line.ID)); len(lines) != 1 || !strings.Contains(lines[0], `"for the first"`) {
		t.Errorf("before the second there are %q", lines)
	}
	for _, refused := range [][]string{{"players", "--platform"}, {"audit", "--platform", "--tenant", "casino-x"}, {"audit"}} {
		if out, err := f.cli(append([]string{"export"}, refused...)...); err == nil {
			t.Errorf("%v: %q", refused, out)
		}
	}
}

func TestAnExportThatIsStoppedLeavesTheFileAsItWas(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(name, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	to, err := newExportFile(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var shown bytes.Buffer
	bar := &progress{to: &shown}
	err = writePages(ctx, exportCmd{Format: "csv"}, to, bar, func(int64) ([]exportedRound, int64, error) {
		if bar.rows > 0 {
			stop()
		}
		return make([]exportedRound, journal.HistoryMax), 1, nil
	})
	if !errors.Is(err, context.Canceled) || bar.rows != journal.HistoryMax || !strings.Contains(shown.String(), "51 rows") {
		t.Errorf("%v after %d rows: %q", err, bar.rows, shown.String())
	}
	to.drop()
	files, err := os.ReadDir(dir)
	if text, _ := os.ReadFile(name); err != nil || len(files) != 1 || string(text) != "before\n" {
		t.Errorf("%v, %v: %q", files, err, text)
	}
}
