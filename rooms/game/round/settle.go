package round

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// winnersMax is how many winners everyone is sent.
const winnersMax = 20

// Settlement is the part of a game's event round.settled that says what every stake was paid. The game's
// event embeds a Header and a Settlement, and Form returns the part of it that leaves the server. It stores
// what each player won, position by position, rather than leaving it to be computed again: what was paid is
// a fact, also after the rules change.
type Settlement[P Position] struct {
	Staked  game.Money   `json:"staked"`
	Paid    game.Money   `json:"paid"`
	NextAt  Time         `json:"next_at"`
	Players []Account[P] `json:"players"` // those with stakes, by seat
}

// Account is a player's round.
type Account[P Position] struct {
	Player game.PlayerID `json:"player"`
	Seat   int           `json:"seat"`
	Name   string        `json:"name"`
	Outcome[P]
}

// Outcome is what a player's stakes of a round were paid.
type Outcome[P Position] struct {
	Staked game.Money  `json:"staked"`
	Payout game.Money  `json:"payout"`
	Bets   []Result[P] `json:"bets"`
}

// Result is what a stake was paid, the stake included.
type Result[P Position] struct {
	Stake[P]
	Payout game.Money `json:"payout"`
}

// SettlementForm is the part of a Settlement that leaves the server. Mine is in the player's own form only.
type SettlementForm[P Position] struct {
	Staked  game.Money  `json:"staked"`
	Paid    game.Money  `json:"paid"`
	Winners []winner    `json:"winners"` // the highest payouts first
	NextAt  Time        `json:"next_at"`
	Mine    *Outcome[P] `json:"mine,omitempty"`
}

type winner struct {
	Seat   int        `json:"seat"`
	Name   string     `json:"name"`
	Payout game.Money `json:"payout"`
}

// Type implements game.Event.
func (*Settlement[P]) Type() string { return game.TypeRoundSettled }

// EndsRound implements game.RoundEnder.
func (*Settlement[P]) EndsRound() {}

// Begins implements Phase.
func (s *Settlement[P]) Begins() (string, Time) { return Settled, s.NextAt }

func (s *Settlement[P]) settlement() *Settlement[P] { return s }

// Payouts returns the postings of the round that h is the header of.
func (s *Settlement[P]) Payouts(h Header) []game.Posting {
	var moves []game.Posting
	for _, a := range s.Players {
		if a.Payout > 0 {
			moves = append(moves, h.Posting(game.Payout, a.Player, a.Payout))
		}
	}
	return moves
}

// Audience implements game.Redactor.
func (s *Settlement[P]) Audience() []game.PlayerID {
	all := make([]game.PlayerID, len(s.Players))
	for i, a := range s.Players {
		all[i] = a.Player
	}
	return all
}

// Form returns the form that who may see; with the empty PlayerID the one that everybody may see.
func (s *Settlement[P]) Form(who game.PlayerID) SettlementForm[P] {
	winners := []winner{}
	var mine *Outcome[P]
	for i := range s.Players {
		a := &s.Players[i]
		if a.Payout > 0 {
			winners = append(winners, winner{a.Seat, a.Name, a.Payout})
		}
		if who != "" && a.Player == who {
			mine = &a.Outcome
		}
	}
	slices.SortStableFunc(winners, func(a, b winner) int { return cmp.Compare(b.Payout, a.Payout) })
	winners = winners[:min(len(winners), winnersMax)]
	return SettlementForm[P]{s.Staked, s.Paid, winners, s.NextAt, mine}
}

// Settle returns what every player is paid. pays returns what a stake gets back, the stake included; Settle
// panics if that is below zero or more than PaysMax times the stake.
func (t *Table[P]) Settle(at time.Time, pays func(Stake[P]) game.Money) Settlement[P] {
	s := Settlement[P]{NextAt: After(at, t.common.PauseMS), Players: []Account[P]{}}
	for _, p := range t.state.Players {
		if p.Staked == 0 {
			continue
		}
		a := Account[P]{Player: p.ID, Seat: p.Seat, Name: p.Name, Outcome: Outcome[P]{Staked: p.Staked}}
		on := sumOf(p.Bets...)
		for _, stake := range stakesOf[P](&on) {
			payout := pays(stake)
			if payout < 0 || payout > PaysMax*stake.Amount {
				panic(fmt.Sprintf("round: %d on %s are paid %d", stake.Amount, stake.Position, payout))
			}
			a.Bets = append(a.Bets, Result[P]{stake, payout})
			a.Payout += payout
		}
		s.Staked += a.Staked
		s.Paid += a.Payout
		s.Players = append(s.Players, a)
	}
	return s
}
