package roulette

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

func encoded(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// testdata/old.journal was written by a version whose events did not say which bet is a seat's
// first, nor what lay on the table when betting closed.
func TestAJournalOfBeforeIsReplayedAndShown(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/old.journal")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Kind.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &dealer{t: t, table: rules.(*table)}
	var everyone []string
	views := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		typ, data, _ := strings.Cut(line, " ")
		ev := Kind.Event(typ)
		if ev == nil {
			t.Fatal(line)
		}
		if err := json.Unmarshal([]byte(data), ev); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		d.table.Apply(ev)
		form := any(ev)
		if red, ok := ev.(game.Redactor); ok {
			form = red.Public()
		}
		if strings.HasPrefix(typ, "bet") {
			everyone = append(everyone, typ+" "+encoded(t, form))
		}
		views[typ] = encoded(t, d.table.Totals())
	}
	want := []string{
		`betting.started {"round":1,"closes_at":"2030-01-01T00:00:15.000Z"}`,
		`bet.placed {"round":1,"seat":1,"sum":500}`, `bet.placed {"round":1,"seat":1,"sum":300}`, `bet.placed {"round":1,"seat":1,"sum":400}`,
		`bet.removed {"round":1,"seat":1,"sum":400}`, `bet.removed {"round":1,"seat":1,"sum":300}`,
		`bet.placed {"round":1,"seat":1,"sum":300}`, `bet.removed {"round":1,"seat":1,"sum":800}`, `betting.stopped {"round":1}`,
		`betting.started {"round":1,"closes_at":"2030-01-01T00:00:30.000Z"}`,
		`bet.placed {"round":1,"seat":1,"sum":100}`,
		`betting.closed {"round":1,"spins_at":"2030-01-01T00:00:31.000Z"}`,
	}
	if diff := cmp.Diff(want, everyone); diff != "" {
		t.Error(diff)
	}
	for typ, want := range map[string]string{
		"bet.placed":  `{"round":1,"totals":[{"position":"trio:0-1-2","amount":100}]}`,
		"bet.removed": `{"round":1,"totals":[]}`, "round.opened": `{"round":2,"totals":[]}`,
	} {
		if views[typ] != want {
			t.Errorf("after the last %s there lies %s, not %s", typ, views[typ], want)
		}
	}
	if got := encoded(t, d.view("").Results); got != `[{"round":1,"pocket":16}]` {
		t.Errorf("results: %s", got)
	}
}

// A table that is as full as can be, at the highest limits, in the view of somebody who has
// chips on every position.
func TestTheViewOfAFullTableIsSmall(t *testing.T) {
	t.Parallel()
	d := dealTo(t, fmt.Sprintf(`{"max_bet": %d, "round_max": %d}`, round.MoneyMax/positions, round.MoneyMax))
	all := everyPosition(int64(round.MoneyMax / positions))
	for i := range round.PlayersMax {
		d.must(game.PlayerID(fmt.Sprint("p", i)), `{"type":"bet","bets":[`+all+`]}`)
	}
	past := make([]string, resultsMax)
	for i := range past {
		past[i] = fmt.Sprintf(`{"round":%d,"pocket":36}`, 10_000_000+i)
	}
	full := strings.Replace(encoded(t, d.table), `"results":[]`, `"results":[`+strings.Join(past, ",")+`]`, 1)
	if err := json.Unmarshal([]byte(full), d.table); err != nil {
		t.Fatal(err)
	}
	if view := encoded(t, d.table.View("p7")); len(view) > 64<<10 {
		t.Errorf("%d bytes", len(view))
	} else {
		t.Logf("%d bytes", len(view))
	}
	if sums := encoded(t, d.table.Totals()); len(sums) > 10<<10 {
		t.Errorf("%d bytes of totals", len(sums))
	}
}

func TestTotalsAreTheStakesOfAll(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{}`)
	says := func(want string) {
		t.Helper()
		if got := encoded(t, d.table.Totals()); got != want {
			t.Errorf("the totals are %s, not %s", got, want)
		}
		rules, err := Kind.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(encoded(t, d.table)), rules); err != nil {
			t.Fatal(err)
		}
		if got := encoded(t, rules.(game.Totaler).Totals()); got != want {
			t.Errorf("the totals of the snapshot are %s, not %s", got, want)
		}
	}
	says(`{"round":1,"totals":[]}`)
	d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":100},{"position":"straight:0","amount":200}]}`)
	d.must("bob", `{"type":"bet","bets":[{"position":"red","amount":300}]}`)
	says(`{"round":1,"totals":[{"position":"straight:0","amount":200},{"position":"red","amount":400}]}`)
	d.must("alice", `{"type":"clear"}`)
	says(`{"round":1,"totals":[{"position":"red","amount":300}]}`)
	for d.table.Phase() != round.Settled {
		d.tick()
	}
	says(`{"round":1,"totals":[{"position":"red","amount":300}]}`)
	d.tick()
	says(`{"round":2,"totals":[]}`)
}
