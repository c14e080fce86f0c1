package baccarat

import (
	"testing"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// profits are what 100 win besides the stake; 0 is a stake that comes back, and what is missing is lost.
var profits = map[string]map[string]game.Money{
	"player 7-4":                         {"player": 100},
	"banker 4-7":                         {"banker": 95},
	"banker 4-6":                         {"banker": 95},
	"tie 6-6":                            {"player": 0, "banker": 0, "tie": 800},
	"player 6-0 player_pair":             {"player": 100, "player_pair": 1100},
	"banker 0-9 banker_pair":             {"banker": 95, "banker_pair": 1100},
	"tie 0-0 player_pair banker_pair":    {"player": 0, "banker": 0, "tie": 800, "player_pair": 1100, "banker_pair": 1100},
	"banker 5-6 player_pair banker_pair": {"banker": 95, "player_pair": 1100, "banker_pair": 1100},
}

func TestPositionsPayWhatTheDocsSay(t *testing.T) {
	t.Parallel()
	for outcome, wins := range profits {
		for _, noCommission := range []bool{false, true} {
			for _, name := range kinds {
				want, wins := wins[name]
				if wins {
					want += 100
				}
				if noCommission && name == banker && want == 195 {
					want = 200
					if outcome[9] == '6' {
						want = 150
					}
				}
				if got, err := Payout(name, outcome, 100, noCommission); err != nil || got != want {
					t.Errorf("%s, no commission %t: 100 on %s get %d, %v; want %d", outcome, noCommission, name, got, err, want)
				}
			}
		}
	}
}

func TestCommissionIsRoundedUpAndHalfAPayoutDown(t *testing.T) {
	t.Parallel()
	for amount := game.Money(1); amount <= 2000; amount++ {
		paid := onBanker.payout(Outcome{Player: 1, Banker: 6}, amount, false)
		if kept := 2*amount - paid; 100*kept < 5*amount || 100*(kept-1) >= 5*amount {
			t.Errorf("the commission on %d is %d", amount, kept)
		}
		half := onBanker.payout(Outcome{Player: 1, Banker: 6}, amount, true) - amount
		if 2*half > amount || 2*(half+1) <= amount {
			t.Errorf("with six, %d win %d", amount, half)
		}
	}
	for amount, want := range map[game.Money]game.Money{1: 1, 20: 39, 21: 40, round.MoneyMax: round.MoneyMax * 39 / 20} {
		if got := onBanker.payout(Outcome{Banker: 1}, amount, false); got != want {
			t.Errorf("%d on banker get %d, not %d", amount, got, want)
		}
	}
}

func TestPayoutsOfWhatIsNotOnTheTableAreErrors(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"nowhere", "tie 0-0"}, {"", "tie 0-0"}, {"Banker", "tie 0-0"}, {"tie", ""}, {"tie", "tie 0-1"}} {
		if paid, err := Payout(c[0], c[1], 100, false); err == nil {
			t.Errorf("%v pays %d", c, paid)
		}
	}
	for p := range position(8) {
		back, err := parsePosition(p.String())
		if is := 1 <= p && p <= 5; (err == nil) != is || is && back != p {
			t.Errorf("position %d is %q, which is read as %d, %v", p, p, back, err)
		}
	}
}
