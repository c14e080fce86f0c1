package baccarat

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

const snapshots = "testdata/snapshots"

// shot is a line of testdata/snapshots: a snapshot of a table, and what it showed then.
type shot struct {
	Name     string                            `json:"name"`
	Snapshot json.RawMessage                   `json:"snapshot"`
	Views    map[game.PlayerID]json.RawMessage `json:"views"`
	Totals   json.RawMessage                   `json:"totals"`
	Wake     round.Time                        `json:"wake"`
	Lasts    int64                             `json:"lasts"` // ms
}

func shoot(t *testing.T, name string, rules game.Rules) shot {
	t.Helper()
	raw := func(v any) json.RawMessage { return json.RawMessage(encoded(t, v)) }
	views := map[game.PlayerID]json.RawMessage{}
	for _, who := range []game.PlayerID{"", "alice"} {
		views[who] = raw(rules.View(who))
	}
	return shot{
		name, raw(rules), views, raw(rules.(game.Totaler).Totals()), round.Time{Time: rules.Wake()},
		rules.(game.Timed).Lasts().Milliseconds(),
	}
}

// shots are snapshots of a table in each of its phases, at each turn of a shoe.
func shots(t *testing.T) (list []shot) {
	t.Helper()
	rules, err := Kind.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, shoot(t, "fresh", rules))
	var d *dealer
	take := func(name string) { list = append(list, shoot(t, name, d.table)) }
	ticks := func(until func(v view) bool) {
		for {
			if d.tick(); until(d.view("")) {
				return
			}
		}
	}

	d = dealTo(t, `{}`)
	take("open")
	d.must("alice", `{"type":"bet","bets":[{"position":"banker","amount":500},{"position":"tie","amount":100}]}`)
	d.must("bob", oneBet)
	take("betting")
	ticks(func(v view) bool { return v.Phase == closed })
	take("closed")
	ticks(func(v view) bool { return v.Burned != nil })
	take("burned")
	ticks(func(v view) bool { return len(v.Banker) == 1 })
	take("dealing")
	ticks(func(v view) bool { return v.next() == "" })
	take("dealt")
	ticks(func(v view) bool { return v.Phase == round.Settled })
	take("settled")
	ticks(func(v view) bool { return v.Phase == round.Betting })
	take("open in mid-shoe")
	for !d.view("").Last {
		d.play()
	}
	take("open with the last hand")
	d.must("alice", oneBet)
	ticks(func(v view) bool { return len(v.Player) == 1 })
	take("dealing the last hand")
	ticks(func(v view) bool { return v.Phase == round.Settled })
	take("settled with the last hand")

	d = dealTo(t, `{}`)
	d.play()
	d.must("alice", oneBet)
	ticks(func(v view) bool { return len(v.Banker) == 1 })
	d.give(game.Command{At: d.now, Body: game.Close{Reason: "the end", Open: d.open}}, game.Seed{})
	take("closing")
	d.give(game.Command{At: d.now, By: game.Actor{Player: "boss", Staff: true}, Body: game.Void{Reason: "a card fell", Open: d.open}}, game.Seed{})
	take("voided")
	d.tick()
	take("ended")
	return list
}

func lines(t *testing.T, list []shot) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, s := range list {
		b.WriteString(encoded(t, s) + "\n")
	}
	return b.Bytes()
}

// A snapshot of this version is read by the next ones as what it was.
func TestASnapshotIsTheTableItWas(t *testing.T) {
	t.Parallel()
	now := lines(t, shots(t))
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(snapshots, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(now)); diff != "" {
		t.Errorf("%s (if this is meant, run the test with -update): %s", snapshots, diff)
	}
	var again []shot
	for line := range bytes.Lines(text) {
		var s shot
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		rules, err := Kind.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(s.Snapshot, rules); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		again = append(again, shoot(t, s.Name, rules))
	}
	if diff := cmp.Diff(string(text), string(lines(t, again))); diff != "" {
		t.Errorf("read back, the tables differ: %s", diff)
	}
}

func TestASnapshotReplacesAllThatATableHas(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0}`)
	d.must("alice", oneBet)
	for d.table.Phase() != round.Settled {
		d.tick()
	}
	before := encoded(t, d.view(""))
	kept := d.view("")
	const fresh = `{"phase":"settled","until":"1970-01-01T00:00:00.000Z","round":0,"players":null,"player":[],"banker":[],"dealt":0,"results":[]}`
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

func TestASnapshotThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for _, s := range []string{`[]`, `{"players":[{"bets":[[{"position":"either","amount":1}]]}]}`, `{"player":["1c"]}`, `{"seed":"00"}`} {
		rules, err := Kind.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(s), rules); err == nil {
			t.Errorf("%s was read", s)
		}
	}
}
