package baccarat

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load/loadtest"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestGameReadsWhatTheRulesTell(t *testing.T) {
	t.Parallel()
	loadtest.Run(t, Game, baccarat.Kind)
}

const settled = `{"round":7,"player":["7h","6c"],"banker":["Th","7d"],"player_points":3,"banker_points":7,"winner":"banker","player_pair":false,"banker_pair":false}`

func TestAnOutcomeIsAsItWasTold(t *testing.T) {
	t.Parallel()
	for old, c := range map[string]struct{ told, want string }{
		"":                     {"", "banker 3-7: 7h 6c / Th 7d"},
		`"6c"`:                 {`"7d"`, "banker 3-7: 7h 7d / Th 7d"},
		`"winner":"banker"`:    {`"winner":"player"`, "player 3-7: 7h 6c / Th 7d"},
		`"banker_points":7`:    {`"banker_points":8`, "banker 3-8: 7h 6c / Th 7d"},
		`"player_pair":false`:  {`"player_pair":true`, "banker 3-7 player_pair: 7h 6c / Th 7d"},
		`"banker":["Th","7d"]`: {`"banker":["Th","7d","Ac"]`, "banker 3-7: 7h 6c / Th 7d Ac"},
	} {
		e, err := Game.Event("round.settled", json.RawMessage(strings.Replace(settled, old, c.told, 1)))
		if err != nil || e.Outcome != c.want {
			t.Errorf("%s: %q, %v; want %q", c.told, e.Outcome, err, c.want)
		}
	}
}

func TestAnOutcomeWithoutCardsIsAnError(t *testing.T) {
	t.Parallel()
	if e, err := Game.Event("round.settled", json.RawMessage(`{"round":1,"winner":"tie"}`)); err == nil {
		t.Errorf("%+v", e)
	}
}

func TestPayoutsOfWhatIsNotOnTheTableAreErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ outcome, position string }{
		{"player 3-7: 7h 6c / Th 7d", "banker"}, {"heads", "banker"}, {"banker 3-7: 7h 6c / Th 7d", "red"},
	} {
		if paid, err := Game.Table(0, time.Second).Payout(c.outcome, load.Bet{Position: c.position, Amount: 20}); err == nil {
			t.Errorf("%v pays %d", c, paid)
		}
	}
}

func TestTablesDifferInCommissionAndStep(t *testing.T) {
	t.Parallel()
	const six = "banker 3-6: 7h 6c / Th 6d"
	for n, want := range map[int]struct{ twenty, odd game.Money }{0: {39, 40}, 1: {30, 31}, 2: {39, 40}, 3: {30, 31}} {
		table := Game.Table(n, time.Second)
		for amount, want := range map[game.Money]game.Money{20: want.twenty, 21: want.odd} {
			if got, err := table.Payout(six, load.Bet{Position: "banker", Amount: amount}); err != nil || got != want {
				t.Errorf("table %d pays %d for %d on banker, %v; want %d", n, got, amount, err, want)
			}
		}
		odd := false
		for range 10_000 {
			b := table.Bet()
			odd = odd || b.Position == "banker" && b.Amount%defaultStep != 0
		}
		if odd != (n >= 2) {
			t.Errorf("table %d: that a bet on banker does not keep to the step is %t", n, odd)
		}
	}
}
