package roulette

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// testdata/old.snapshots was written before there was the kit of round games: a snapshot of a table in each of
// its phases, and what it showed then.
func TestASnapshotOfBeforeIsTheTableItWas(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/old.snapshots")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	read := 0
	for lines := bufio.NewScanner(file); lines.Scan(); read++ {
		var old struct {
			Name     string
			Snapshot json.RawMessage
			Views    map[game.PlayerID]any
			Totals   any
			Wake     time.Time
			Lasts    int64
		}
		if err := json.Unmarshal(lines.Bytes(), &old); err != nil {
			t.Fatal(err)
		}
		rules, err := Kind.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(old.Snapshot, rules); err != nil {
			t.Fatalf("%s: %v", old.Name, err)
		}
		same := func(what string, want, got any) {
			t.Helper()
			var now any
			if err := json.Unmarshal([]byte(encoded(t, got)), &now); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, now); diff != "" {
				t.Errorf("%s: %s: %s", old.Name, what, diff)
			}
		}
		for who, view := range old.Views {
			same("the view of "+string(who), view, rules.View(who))
		}
		same("the totals", old.Totals, rules.(game.Totaler).Totals())
		var snapshot any
		if err := json.Unmarshal(old.Snapshot, &snapshot); err != nil {
			t.Fatal(err)
		}
		same("the snapshot", snapshot, rules)
		if wake := rules.Wake(); !wake.Equal(old.Wake) {
			t.Errorf("%s: it wakes at %v, not %v", old.Name, wake, old.Wake)
		}
		if lasts := rules.(game.Timed).Lasts(); lasts.Milliseconds() != old.Lasts {
			t.Errorf("%s: the phase lasts %v, not %d ms", old.Name, lasts, old.Lasts)
		}
	}
	if read != 10 {
		t.Errorf("%d snapshots were read", read)
	}
}

func TestASnapshotReplacesAllThatATableHas(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "spin_ms": 0}`)
	d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
	for d.table.Phase() != round.Settled {
		d.tick()
	}
	before := encoded(t, d.view(""))
	kept := d.view("")
	const fresh = `{"phase":"settled","until":"1970-01-01T00:00:00.000Z","round":0,"players":null,"results":[{"round":77,"pocket":3}]}`
	if err := json.Unmarshal([]byte(fresh), d.table); err != nil {
		t.Fatal(err)
	}
	if got := encoded(t, d.table); got != fresh {
		t.Errorf("the snapshot is %s, not %s", got, fresh)
	}
	if got := encoded(t, kept); got != before {
		t.Errorf("a view that was made before is %s, not %s", got, before)
	}
}
