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

func TestAnOutcomeWithoutAPocketIsAnError(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"wheel.spun", "round.settled"} {
		if e, err := Game.Event(typ, json.RawMessage(`{"round":1}`)); err == nil {
			t.Errorf("%s: %+v", typ, e)
		}
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
