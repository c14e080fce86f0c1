package roulette

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// benchmarkRound is a round in which 100 players have bet.
func benchmarkRound(b *testing.B) (*dealer, game.Command) {
	d := dealTo(b, `{"round_max": 100000000000, "max_bet": 100000000000}`)
	for i := range 100 {
		d.must(game.PlayerID(fmt.Sprint("player", i)), `{"type":"bet","bets":[{"position":"red","amount":100},{"position":"straight:17","amount":500}]}`)
	}
	body, err := Kind.Command("bet", json.RawMessage(`{"type":"bet","bets":[{"position":"black","amount":500},{"position":"dozen:2","amount":100}]}`))
	if err != nil {
		b.Fatal(err)
	}
	return d, game.Command{At: d.now, By: game.Actor{Player: "player50", Name: "pl***"}, Body: body}
}

func BenchmarkDecideAndApplyBet(b *testing.B) {
	d, cmd := benchmarkRound(b)
	full, err := json.Marshal(d.table)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if n%90 == 89 { // before the player's bets in the round are used up
			b.StopTimer()
			if err := json.Unmarshal(full, d.table); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		events, err := d.table.Decide(cmd)
		if err != nil {
			b.Fatal(err)
		}
		for _, ev := range events {
			d.table.Apply(ev)
		}
	}
}

func BenchmarkReadBetCommand(b *testing.B) {
	raw := json.RawMessage(`{"type":"bet","bets":[{"position":"black","amount":500},{"position":"dozen:2","amount":100}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Kind.Command("bet", raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeBetPlaced(b *testing.B) {
	d, cmd := benchmarkRound(b)
	events, err := d.table.Decide(cmd)
	if err != nil {
		b.Fatal(err)
	}
	for name, form := range map[string]any{"journal": events[0], "everyone": events[0].(game.Redactor).Public()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := json.Marshal(form); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	d, cmd := benchmarkRound(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(d.table.View(cmd.By.Player)); err != nil {
			b.Fatal(err)
		}
	}
}
