package tenancy_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/store/tenancy"
)

var update = flag.Bool("update", false, "write the table of statuses into docs/tenancy.md")

func TestThePageOfTenancyHasTheTableOfLife(t *testing.T) {
	t.Parallel()
	const file, head = "../../docs/tenancy.md", "| status | players | staff | API keys | rounds | what may be done | time alone makes it |\n|---|---|---|---|---|---|---|\n"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(raw), head)
	if !found {
		t.Fatalf("%s has no table that begins with %s", file, head)
	}
	for strings.HasPrefix(rest, "|") { // the rows as they are
		_, rest, _ = strings.Cut(rest, "\n")
	}
	in := map[bool]string{true: "in", false: "–"}
	or := func(s string) string {
		if s == "" {
			return "–"
		}
		return s
	}
	var rows strings.Builder
	for _, g := range tenancy.Life {
		may := make([]string, len(g.May))
		for i, a := range g.May {
			may[i] = string(a)
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s | %s | %s | %s |\n", g.Status, in[g.Players], in[g.Staff], in[g.API], g.Rounds, or(strings.Join(may, ", ")), or(g.Then))
	}
	want := before + head + rows.String() + rest
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(raw) != want {
		t.Errorf("%s is not (run the test with -update)\n%s", file, rows.String())
	}
}
