package baccarat

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// benchmarkHand is a hand in which 100 players have bet and one card is out.
func benchmarkHand(b *testing.B) *dealer {
	d := dealTo(b, `{}`)
	for i := range 100 {
		d.must(game.PlayerID(fmt.Sprint("player", i)), `{"type":"bet","bets":[{"position":"banker","amount":100},{"position":"tie","amount":500}]}`)
	}
	for range 3 { // no more bets, the first card of the shoe, player's first
		d.tick()
	}
	return d
}

func BenchmarkShuffleShoe(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		shuffle(game.Seed{1}, 17)
	}
}

func BenchmarkStepDealsACard(b *testing.B) {
	d := benchmarkHand(b)
	cmd := game.Command{At: d.table.Wake(), Body: game.Tick{Open: d.open}}
	b.ReportAllocs()
	for b.Loop() {
		if events, err := d.table.Decide(cmd); err != nil || events[0].Type() != "card.dealt" {
			b.Fatal(events, err)
		}
	}
}

func BenchmarkStepPays(b *testing.B) {
	d := benchmarkHand(b)
	for hand := d.view("").Hand; hand.next() != ""; hand = d.view("").Hand {
		d.tick()
	}
	cmd := game.Command{At: d.table.Wake(), Body: game.Tick{Open: d.open}}
	b.ReportAllocs()
	for b.Loop() {
		if events, err := d.table.Decide(cmd); err != nil || events[0].Type() != "round.settled" {
			b.Fatal(events, err)
		}
	}
}

func BenchmarkView(b *testing.B) {
	d := benchmarkHand(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(d.table.View("player50")); err != nil {
			b.Fatal(err)
		}
	}
}
