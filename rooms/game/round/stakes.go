package round

import (
	"encoding"
	"fmt"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Position is where a stake can lie: a number from 1, whose text form is its name on the wire. The zero
// position is none. A pointer to it implements encoding.TextUnmarshaler.
type Position interface {
	~uint8
	fmt.Stringer
	encoding.TextMarshaler

	// Kind returns the kind of the position: a name in the setting max_by_kind.
	Kind() string
}

// Stake is money on a position.
type Stake[P Position] struct {
	Position P          `json:"position"`
	Amount   game.Money `json:"amount"` // > 0
}

// Sums holds the money on each position.
type Sums [256]game.Money

// add adds a stake; with a sign of -1 it removes one.
func (s *Sums) add(sign game.Money, position uint8, amount game.Money) { s[position] += sign * amount }

// sumOf sums bets by position.
func sumOf[P Position](bets ...[]Stake[P]) (on Sums) {
	for _, b := range bets {
		for _, s := range b {
			on.add(1, uint8(s.Position), s.Amount)
		}
	}
	return on
}

// stakesOf returns a stake for each position that has money on it, in the order of positions.
func stakesOf[P Position](on *Sums) []Stake[P] {
	list := []Stake[P]{}
	for p, amount := range on {
		if amount > 0 {
			list = append(list, Stake[P]{P(p), amount})
		}
	}
	return list
}

// total returns the sum of all stakes.
func total[P Position](list []Stake[P]) (sum game.Money) {
	for _, s := range list {
		sum += s.Amount
	}
	return sum
}
