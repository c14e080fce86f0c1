package roulette

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load/loadtest"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

func TestGameReadsWhatTheRulesTell(t *testing.T) {
	t.Parallel()
	loadtest.Run(t, Game, roulette.Kind)
}

func TestARoundThatIsVoidedIsRead(t *testing.T) {
	e, err := Game.Event("round.voided", json.RawMessage(`{"round":1,"reason":"lost","next_at":"2026-01-02T03:04:08.000Z","mine":{"refund":110}}`))
	if err != nil || e.Round != 1 || e.Voided == nil || *e.Voided != (load.Voided{Refund: 110, Reason: "lost"}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := Game.Event("betting.stopped", json.RawMessage(`{"round":1}`)); err != nil || e != (load.Event{Round: 1, Open: true}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestPayoutsOfWhatIsNotOnTheTableAreErrors(t *testing.T) {
	table := Game.Table(0, time.Second)
	for _, c := range []struct{ outcome, position string }{{"37", "red"}, {"heads", "red"}, {"1", "violet"}} {
		if paid, err := table.Payout(c.outcome, load.Bet{Position: c.position, Amount: 10}); err == nil {
			t.Errorf("%v pays %d", c, paid)
		}
	}
}

func TestEveryOtherTablePlaysLaPartage(t *testing.T) {
	for n, want := range map[int]game.Money{0: 0, 1: 50, 2: 0} {
		if got, err := Game.Table(n, time.Second).Payout("0", load.Bet{Position: "red", Amount: 100}); err != nil || got != want {
			t.Errorf("table %d pays %d for 100 on red at zero, %v", n, got, err)
		}
	}
}

func TestAnOwnBetThatIsWrittenOtherwiseIsAnError(t *testing.T) {
	for _, data := range []string{
		`{"round":12,"seat":3,"name":"lo***","sum":251,"bets":[{"position":"red","amount":250}],"mine":true}`,
		`{"seat":3,"round":12,"name":"lo***","sum":250,"bets":[{"position":"red","amount":250}],"mine":true}`,
	} {
		if _, _, _, err := Game.OwnBet([]byte(data)); err == nil {
			t.Errorf("%s is read", data)
		}
	}
}

func FuzzOwnBetNeverPanics(f *testing.F) {
	f.Add([]byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _, _, _ = Game.OwnBet(data) })
}

// BenchmarkOwnBet is what the client does more for an event of a player's own bet.
func BenchmarkOwnBet(b *testing.B) {
	data := []byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, own, err := Game.OwnBet(data); !own || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendCommand is the game's part of sending a bet.
func BenchmarkAppendCommand(b *testing.B) {
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = Game.AppendCommand(out[:0], load.Bet{Position: "split:17-20", Amount: 250})
	}
}
