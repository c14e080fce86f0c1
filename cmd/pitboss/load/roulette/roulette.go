package roulette

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load/round"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// The phases of roulette's own, in milliseconds: short, so that a table is mostly open.
const closeMS, spinMS = 100, 300

// Game is roulette, for the load engine.
var Game = round.New(round.Game{
	Name: roulette.Kind.Name,
	Positions: []string{ // every kind of position
		"red", "black", "odd", "even", "low", "high", "dozen:1", "dozen:2", "dozen:3", "column:1", "column:2", "column:3",
		"straight:0", "straight:7", "straight:17", "straight:36", "split:17-20", "split:0-2", "trio:0-1-2", "street:16-17-18",
		"corner:16-17-19-20", "first_four", "line:13-14-15-16-17-18",
	},
	Table:   table,
	Reveals: "wheel.spun",
	Read:    pocket,
	Outcome: func(seed game.Seed, first, round int64) (string, error) {
		if first != round {
			return "", errors.New("roulette: a seed serves one round")
		}
		return strconv.Itoa(roulette.Draw(seed, round)), nil
	},
})

func table(n int) round.Table {
	laPartage := n%2 == 1
	return round.Table{
		Settings: map[string]any{"close_ms": closeMS, "spin_ms": spinMS, "la_partage": laPartage},
		Payout: func(outcome string, b load.Bet) (game.Money, error) {
			pocket, err := strconv.Atoi(outcome)
			if err != nil {
				return 0, fmt.Errorf("roulette: no pocket %q", outcome)
			}
			return roulette.Payout(b.Position, pocket, b.Amount, laPartage)
		},
	}
}

// pocket reads the outcome of a wheel.spun or round.settled.
func pocket(data json.RawMessage) (string, error) {
	var d struct {
		Pocket *int `json:"pocket"`
	}
	if err := game.DecodeKnown(data, &d); err != nil {
		return "", err
	}
	if d.Pocket == nil {
		return "", errors.New("roulette: an outcome without a pocket")
	}
	return strconv.Itoa(*d.Pocket), nil
}
