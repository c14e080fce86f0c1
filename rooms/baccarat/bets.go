package baccarat

import (
	"fmt"
	"slices"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// The names of the positions that are no winners of a hand.
const (
	playerPair = "player_pair"
	bankerPair = "banker_pair"
)

// position is where a stake can lie on the table. The zero position is none. Its text form is that of
// docs/games/baccarat.md.
type position uint8

// The positions.
const (
	onPlayer position = iota + 1
	onBanker
	onTie
	onPlayerPair
	onBankerPair
)

// stake is money on a position.
type stake = round.Stake[position]

var (
	allPositions = []position{onPlayer, onBanker, onTie, onPlayerPair, onBankerPair}
	kinds        = []string{player, banker, tie, playerPair, bankerPair} // each position is a kind of its own
)

// parsePosition returns the position of that name.
func parsePosition(s string) (position, error) {
	i := slices.Index(kinds, s)
	if i < 0 {
		return 0, fmt.Errorf("baccarat: unknown position %.40q", s)
	}
	return allPositions[i], nil
}

// String returns the position's text form.
func (p position) String() string {
	if i := slices.Index(allPositions, p); i >= 0 {
		return kinds[i]
	}
	return ""
}

// Kind implements round.Position.
func (p position) Kind() string { return p.String() }

// MarshalText implements encoding.TextMarshaler.
func (p position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *position) UnmarshalText(b []byte) (err error) {
	*p, err = parsePosition(string(b))
	return err
}

// payout returns what a stake on p gets back when a hand ends with that outcome, the stake included.
func (p position) payout(o Outcome, amount game.Money, noCommission bool) game.Money {
	winner := o.Winner()
	switch {
	case p == onPlayer && winner == player:
		return 2 * amount
	case p == onBanker && winner == banker && !noCommission:
		return 2*amount - commission(amount)
	case p == onBanker && winner == banker && o.Banker == 6:
		return amount + amount/2
	case p == onBanker && winner == banker:
		return 2 * amount
	case (p == onPlayer || p == onBanker) && winner == tie:
		return amount
	case p == onTie && winner == tie:
		return 9 * amount
	case p == onPlayerPair && o.PlayerPair, p == onBankerPair && o.BankerPair:
		return 12 * amount
	}
	return 0
}

// commission returns 5 % of amount, rounded up.
func commission(amount game.Money) game.Money {
	const part = 20
	return amount/part + min(1, amount%part)
}

// Payout returns what a stake of amount on the position of that name gets back when a hand ends with
// that outcome, the stake included. It is for whoever checks what a table paid. The error says that there
// is no such position or outcome.
func Payout(name, outcome string, amount game.Money, noCommission bool) (game.Money, error) {
	p, err := parsePosition(name)
	if err != nil {
		return 0, err
	}
	o, err := ParseOutcome(outcome)
	if err != nil {
		return 0, err
	}
	return p.payout(o, amount, noCommission), nil
}
