package round

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	seatsMax = 500
	betsMax  = 95            // a little less than the server takes
	stakeMax = 1000          // in minor units; the least is 1
	limitMax = 1_000_000_000 // of a table: never reached
	pauseMS  = 200           // from the result to the next round: short, so that tables are mostly open
)

// Game is what New has to be told of a game. All fields but Reveals are required, and all functions may be
// called at the same time.
type Game struct {
	Name      string   // by which tables are opened: game.Kind.Name
	Positions []string // where simulated players bet

	// Table returns what the game adds to the n-th table of a run, counted from 0.
	Table func(n int) Table

	// Reveals is the type of the event that tells the outcome and, unless it serves the next round too, the
	// seed: one of the game's own, or round.settled. Empty if that is left to the kit, whose seed.revealed and
	// round.voided are read in any case.
	Reveals string
	// Read returns the outcome that the data of an event of type Reveals, or of a round.settled, has.
	Read func(data json.RawMessage) (outcome string, err error)
	// Outcome returns what the seed decides in the round, when first is the first of those that it serves.
	Outcome func(seed game.Seed, first, round int64) (string, error)
}

// Table is what a game adds to one table.
type Table struct {
	Settings map[string]any // the game's own; one of the kit's replaces what New sets
	Payout   func(outcome string, b load.Bet) (game.Money, error)
	Steps    map[string]game.Money // of positions where stakes are multiples of that
}

// New returns g for the load engine.
func New(g Game) load.Game {
	names := map[string]string{}
	for _, p := range g.Positions {
		names[p] = p
	}
	return load.Game{
		Name:     g.Name,
		SeatsMax: seatsMax,
		BetsMax:  betsMax,
		StakeMax: stakeMax,

		Table:         g.table,
		AppendCommand: appendCommand,
		BetPlaced:     "bet.placed",
		OwnBet:        func(data []byte) (int64, load.Bet, bool, error) { return ownBet(names, data) },
		Event:         g.event,
		View:          view,
		Outcome:       g.Outcome,
	}
}

func (g *Game) table(n int, betting time.Duration) load.Table {
	own := g.Table(n)
	settings := map[string]any{
		"min_bet": 1, "max_bet": limitMax, "round_min": 1, "round_max": limitMax,
		"betting_ms": betting.Milliseconds(), "pause_ms": pauseMS,
	}
	maps.Copy(settings, own.Settings)
	raw, err := json.Marshal(settings)
	if err != nil {
		panic(err) // a game's settings are numbers, texts and switches
	}
	return load.Table{
		Settings: raw, Payout: own.Payout,
		Bet: func() load.Bet {
			on := g.Positions[rand.IntN(len(g.Positions))]
			step := max(1, own.Steps[on])
			return load.Bet{Position: on, Amount: step * (1 + rand.N(stakeMax/step))}
		},
	}
}

func appendCommand(dst []byte, b load.Bet) []byte {
	dst = append(dst, `{"type":"bet","bets":[{"position":"`...)
	dst = append(dst, b.Position...)
	dst = append(dst, `","amount":`...)
	dst = strconv.AppendInt(dst, int64(b.Amount), 10)
	return append(dst, `}]}`...)
}
