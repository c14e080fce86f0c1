package baccarat

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load/round"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// The phases of baccarat's own, in milliseconds: short, so that a table is mostly open.
const closeMS, dealMS = 50, 50

// defaultStep is what stakes on banker are multiples of, unless a table says otherwise: without fractions, a
// commission or half a payout needs no rounding.
const defaultStep = 20

// Game is baccarat, for the load engine.
var Game = round.New(round.Game{
	Name:      baccarat.Kind.Name,
	Positions: []string{"player", "banker", "tie", "player_pair", "banker_pair"},
	Table:     table,
	Read:      read,
	Outcome: func(seed game.Seed, first, round int64) (string, error) {
		hand, err := baccarat.Deal(seed, first, round)
		if err != nil {
			return "", err
		}
		return outcome(hand.Outcome().String(), texts(hand.Player), texts(hand.Banker)), nil
	},
})

func table(n int) round.Table {
	noCommission, step := n%2 == 1, game.Money(defaultStep)
	if n/2%2 == 1 {
		step = 1
	}
	return round.Table{
		Settings: map[string]any{"close_ms": closeMS, "deal_ms": dealMS, "no_commission": noCommission, "banker_step": step},
		Steps:    map[string]game.Money{"banker": step},
		Payout: func(outcome string, b load.Bet) (game.Money, error) {
			result, _, _ := strings.Cut(outcome, cardsAfter)
			return baccarat.Payout(b.Position, result, b.Amount, noCommission)
		},
	}
}

// cardsAfter is between the result of a hand and its cards.
const cardsAfter = ": "

// outcome returns the text of a hand with that result and those cards.
func outcome(result string, player, banker []string) string {
	return result + cardsAfter + strings.Join(player, " ") + " / " + strings.Join(banker, " ")
}

// read reads the outcome of a round.settled, as it was told.
func read(data json.RawMessage) (string, error) {
	var d struct {
		Player       []string `json:"player"`
		Banker       []string `json:"banker"`
		PlayerPoints int      `json:"player_points"`
		BankerPoints int      `json:"banker_points"`
		Winner       string   `json:"winner"`
		PlayerPair   bool     `json:"player_pair"`
		BankerPair   bool     `json:"banker_pair"`
	}
	if err := game.DecodeKnown(data, &d); err != nil {
		return "", err
	}
	if len(d.Player) == 0 || len(d.Banker) == 0 {
		return "", errors.New("baccarat: an outcome without cards")
	}
	o := baccarat.Outcome{Player: d.PlayerPoints, Banker: d.BankerPoints, PlayerPair: d.PlayerPair, BankerPair: d.BankerPair}
	return outcome(d.Winner+strings.TrimPrefix(o.String(), o.Winner()), d.Player, d.Banker), nil
}

func texts(cards []baccarat.Card) []string {
	list := make([]string, len(cards))
	for i, c := range cards {
		list[i] = c.String()
	}
	return list
}
