package e2e

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// play is how a table of a game is played, and held to the game's rules.
type play struct {
	*load.Game
	table     load.Table
	own       map[string]any // settings, besides those of every game
	positions []string       // where players bet
}

// pace is how fast a table is.
type pace struct{ betting, pause time.Duration }

var (
	hasty = pace{400 * time.Millisecond, 150 * time.Millisecond}
	calm  = pace{1200 * time.Millisecond, 400 * time.Millisecond} // most players watch
)

// plays returns a play of every game that has bets, which differ by n as the tables of "pitboss load" do.
func plays(n int) []*play {
	var list []*play
	for _, g := range games.Played() {
		p := &play{Game: g, table: g.Table(n, time.Second)}
		if g.Name == "roulette" {
			p = independentRoulette(p)
		}
		if p.positions == nil {
			seen := map[string]bool{}
			for range 1000 {
				seen[p.table.Bet().Position] = true
			}
			p.positions = slices.Sorted(maps.Keys(seen))
		}
		list = append(list, p)
	}
	return list
}

// settings returns those of a table of that pace.
func (p *play) settings(at pace) string {
	all := map[string]any{}
	if err := json.Unmarshal(p.table.Settings, &all); err != nil {
		panic(err)
	}
	maps.Copy(all, map[string]any{
		"min_bet": 100, "max_bet": 10000, "round_min": 100, "round_max": 50000,
		"betting_ms": at.betting.Milliseconds(), "pause_ms": at.pause.Milliseconds(),
	})
	maps.Copy(all, p.own)
	return string(mustJSON(all))
}

// bet makes up a stake: a multiple of 100, which every position takes.
func (p *play) bet(rnd *rand.Rand) position {
	return position{p.positions[rnd.IntN(len(p.positions))], game.Money(100 * (1 + rnd.IntN(20)))}
}

// pays returns what the rules give back for bets on an outcome.
func (p *play) pays(outcome string, bets []position) (sum game.Money, err error) {
	for on, amount := range total(bets) {
		paid, wrong := p.table.Payout(outcome, load.Bet{Position: on, Amount: amount})
		sum, err = sum+paid, cmp.Or(err, wrong)
	}
	return sum, err
}
