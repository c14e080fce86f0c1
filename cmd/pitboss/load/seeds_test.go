package load

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// heard is an event that a table's players are told.
type heard struct{ typ, data string }

var next = game.Seed{9} // tails

// shared is an honest table: one seed serves rounds 1 to 3 and is told with the last, another one serves round 4
// and is told because the table closes.
func shared() []heard {
	return []heard{
		{"opened", opened(1, seed, 0)},
		{"settled", `{"round":1,"side":"tails"}`},
		{"opened", opened(2, seed, 1)},
		{"settled", `{"round":2,"side":"tails"}`},
		{"opened", opened(3, seed, 1)},
		{"settled", `{"round":3,"side":"heads"}`},
		{"revealed", revealedIn(3, seed, 1)},
		{"opened", opened(4, next, 0)},
		{"settled", `{"round":4,"side":"tails"}`},
		{"revealed", revealedIn(4, next, 0)},
		{game.TypeClosed, `{}`},
	}
}

func opened(round int64, under game.Seed, since int64) string {
	return fmt.Sprintf(`{"round":%d,"commitment":"%s","since":%d}`, round, under.Commit(), since)
}

func revealedIn(round int64, seed game.Seed, since int64) string {
	return fmt.Sprintf(`{"round":%d,"commitment":"%s","since":%d,"seed":"%s"}`, round, seed.Commit(), since, seed.Hex())
}

// tell tells a table events from an event on, as one player hears them, and returns the kinds of the violations
// that are found up to now.
func tell(t *testing.T, at *table, first int64, events []heard) []string {
	t.Helper()
	for i, h := range events {
		e, err := coin.Event(h.typ, json.RawMessage(h.data))
		if err != nil {
			t.Fatal(err)
		}
		at.observe(first+int64(i), h.typ, &e)
	}
	found, _ := at.faults.found()
	var kinds []string
	for _, v := range found {
		t.Log(v)
		kinds = append(kinds, v.Kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func newTestTable() *table { return newTable(&coin, "t1", 0, time.Second, &faults{}) }

func TestEveryFaultOfASeedThatServesSeveralRoundsIsFound(t *testing.T) {
	for _, c := range []struct {
		fault string
		plant func(h []heard) []heard
		found []string // the kinds, all of them
		count Played
	}{
		{"none", func(h []heard) []heard { return h }, nil, Played{Rounds: 4, Proven: 4}},
		{"an early outcome was another", func(h []heard) []heard {
			h[1].data = `{"round":1,"side":"heads"}`
			return h
		}, []string{wrongOutcome}, Played{Rounds: 4, Proven: 3}},
		{"a round is of another seed than it says", func(h []heard) []heard {
			h[4].data = opened(3, next, 1)
			return h
		}, []string{wrongCommit, wrongEvent, wrongOutcome}, Played{Rounds: 4, Proven: 3}},
		{"a round is of a later seed", func(h []heard) []heard {
			h[4].data = opened(3, seed, 2)
			return h
		}, []string{untoldSeed, wrongCommit, wrongEvent, wrongOutcome}, Played{Rounds: 4, Proven: 1, Unproven: 2}},
		{"a round is of the seed of a later one", func(h []heard) []heard {
			h[7].data, h[9].data = opened(4, next, 7), revealedIn(4, next, 7)
			return h
		}, []string{wrongCommit, wrongEvent}, Played{Rounds: 4, Proven: 4}},
		{"a round has a seed of before as its own", func(h []heard) []heard {
			h[2].data = opened(2, seed, 0)
			return h
		}, []string{untoldSeed, wrongCommit}, Played{Rounds: 4, Proven: 3, Unproven: 1}},
		{"a round is under a seed that was told", func(h []heard) []heard {
			h[7].data, h[8].data = opened(4, seed, 1), `{"round":4,"side":"heads"}`
			return append(h[:9], h[10])
		}, []string{wrongCommit}, Played{Rounds: 4, Proven: 4}},
		{"the seed is told with another since", func(h []heard) []heard {
			h[6].data = revealedIn(3, seed, 2)
			return h
		}, []string{wrongEvent}, Played{Rounds: 4, Proven: 4}},
		{"another seed is told", func(h []heard) []heard {
			h[6].data = fmt.Sprintf(`{"round":3,"seed":"%s"}`, next.Hex())
			return h
		}, []string{wrongOutcome}, Played{Rounds: 4, Proven: 1}},
		{"a seed is told twice, and differently", func(h []heard) []heard {
			return slices.Insert(h, 7, heard{"revealed", fmt.Sprintf(`{"round":3,"seed":"%s"}`, next.Hex())})
		}, []string{wrongEvent}, Played{Rounds: 4, Proven: 4}},
		{"a seed is not told, and another serves the next round", func(h []heard) []heard {
			return slices.Delete(h, 6, 7)
		}, []string{untoldSeed}, Played{Rounds: 4, Proven: 1, Unproven: 3}},
		{"a seed is not told before the table closes", func(h []heard) []heard {
			return slices.Delete(h, 9, 10)
		}, []string{untoldSeed}, Played{Rounds: 4, Proven: 3, Unproven: 1}},
		{"a seed is not told, and the table is open", func(h []heard) []heard { return h[:6] }, nil, Played{Rounds: 3, Unproven: 3}},
		{"a seed is told by a round that is voided", func(h []heard) []heard {
			return append(h[:5], heard{"voided", fmt.Sprintf(`{"round":3,"seed":"%s"}`, seed.Hex())}, heard{game.TypeClosed, `{}`})
		}, nil, Played{Rounds: 2, Proven: 2}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			at := newTestTable()
			tell(t, at, 1, c.plant(shared()))
			at.finish(0, 0)
			if got := tell(t, at, 0, nil); !slices.Equal(got, c.found) {
				t.Errorf("found %q, want %q", got, c.found)
			}
			var got Played
			at.count(&got)
			if got != c.count {
				t.Errorf("counted %+v, want %+v", got, c.count)
			}
		})
	}
}

func TestASeedThatServesMoreRoundsThanItCanIsFound(t *testing.T) {
	at := newTestTable()
	for no := range int64(9) {
		tell(t, at, 1+2*no, []heard{{"opened", opened(no+1, seed, min(no, 1))}, {"settled", fmt.Sprintf(`{"round":%d,"side":"%s"}`, no+1, []string{"heads", "tails"}[seed[0]>>no&1])}})
	}
	if got := tell(t, at, 100, []heard{{"revealed", revealedIn(9, seed, 1)}}); !slices.Equal(got, []string{wrongOutcome}) {
		t.Errorf("found %q", got)
	}
}

// A player who was away is told of a round after the others were told its seed.
func TestARoundThatIsHeardOfAfterItsSeedIsProven(t *testing.T) {
	at, h := newTestTable(), shared()
	tell(t, at, 1, h[:2])
	tell(t, at, 5, h[4:7])
	if got := tell(t, at, 3, h[2:7]); got != nil {
		t.Errorf("found %q", got)
	}
	var got Played
	if at.count(&got); got != (Played{Rounds: 3, Proven: 3}) {
		t.Errorf("counted %+v", got)
	}
}

func TestWhoComesInTheMiddleHasOnlyWhatFollowsProven(t *testing.T) {
	at, h := newTestTable(), shared()
	at.applyView(4, &Event{Round: 2, Commitment: seed.Commit(), Since: 1})
	if got := tell(t, at, 5, h[4:]); got != nil {
		t.Errorf("found %q", got)
	}
	at.finish(0, 0)
	var got Played
	if at.count(&got); got != (Played{Rounds: 2, Proven: 2}) {
		t.Errorf("counted %+v", got)
	}
}
