package baccarat

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// Whatever happens to a table, a hand that is paid is the one that a checker finds with the round's number, the
// first round of its shoe and the seed that this one committed to. Some 15 shoes are played to their end on the way.
func TestHandsThatArePaidAreThoseOfTheirShoeWhateverHappens(t *testing.T) {
	t.Parallel()
	n, err := strconv.ParseUint(flag.Lookup("seed").Value.String(), 10, 64) // gametest's flag
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", n)
	r := rand.New(rand.NewPCG(n, 0))
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	var committed game.Seed
	var first int64
	paid, over := 0, 0
	for looked := 0; paid < 1000; {
		for _, ev := range d.events[looked:] {
			switch ev := ev.(type) {
			case *round.Opened:
				if ev.Since == 0 {
					committed, first = d.open, ev.Round
				}
				if ev.Commitment != committed.Commit() || ev.Since != 0 && ev.Since != first {
					t.Fatalf("round %d is said to be under another seed than that of round %d", ev.Round, first)
				}
			case *round.SeedRevealed:
				over++
			case *roundSettled:
				paid++
				want, err := Deal(committed, first, ev.Round)
				if diff := cmp.Diff(want, ev.Hand); err != nil || diff != "" {
					t.Fatalf("round %d of the shoe of round %d: %v %s", ev.Round, first, err, diff)
				}
				if _, err := Deal(committed, first, ev.Round+1); (err != nil) != (ev.Round == first+int64(handsOf(committed, first))-1) {
					t.Fatalf("round %d: %v", ev.Round+1, err)
				}
			}
		}
		looked = len(d.events)
		atStake := d.table.Phase() != round.Settled && len(d.view("").Seats) > 0
		switch k := r.IntN(4000); {
		case k < 2 && atStake:
			d.give(game.Command{At: d.now, By: game.Actor{Player: "boss", Staff: true}, Body: game.Void{Reason: "by chance", Open: d.open}}, game.Seed{})
		case k < 3:
			d.open = game.Seed{} // it is lost
		case d.table.Phase() == round.Betting && d.table.Until().IsZero():
			d.must("alice", oneBet)
		case k < 700:
			d.now = d.now.Add(time.Duration(r.IntN(60_000)) * time.Millisecond)
		default:
			d.tick()
		}
	}
	t.Logf("%d hands, %d shoes to their end", paid, over)
	if over < 3 {
		t.Errorf("%d shoes were played to their end", over)
	}
}

func handsOf(seed game.Seed, first int64) (n int) {
	for range shuffle(seed, first).hands() {
		n++
	}
	return n
}
