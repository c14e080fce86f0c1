package gametest

import (
	"errors"
	"fmt"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// book records the money: who staked, was refunded and was paid what in which round.
type book struct {
	result func(game.Event) (staked, paid game.Money, ok bool)
	rounds map[int64]*pot
	house  game.Money // won by the house in rounds that have a result
	till   game.Money // all stakes, less all payouts and refunds
}

// pot is a round's money.
type pot struct {
	players  map[game.PlayerID]*purse
	resolved bool
}

type purse struct{ staked, refunded, paid game.Money }

func newBook(result func(game.Event) (staked, paid game.Money, ok bool)) *book {
	return &book{result: result, rounds: map[int64]*pot{}}
}

func (b *book) round(ev game.Event) *pot {
	n := int64(0)
	if in, ok := ev.(game.InRound); ok {
		n = in.RoundNo()
	}
	if b.rounds[n] == nil {
		b.rounds[n] = &pot{players: map[game.PlayerID]*purse{}}
	}
	return b.rounds[n]
}

// enter records an event's postings.
func (b *book) enter(ev game.Event) error {
	postings := game.Postings(ev)
	if len(postings) > 0 && b.round(ev).resolved {
		return errors.New("money moves after the round's result")
	}
	for _, m := range postings {
		if err := b.post(b.round(ev), m); err != nil {
			return fmt.Errorf("posting %+v: %w", m, err)
		}
	}
	if b.result == nil {
		if len(postings) > 0 {
			return errors.New("money moves, so the test needs a Spec.Result")
		}
		return nil
	}
	staked, paid, ok := b.result(ev)
	if !ok {
		return nil
	}
	r := b.round(ev)
	if r.resolved {
		return errors.New("the round has a second result")
	}
	var net, out game.Money
	for _, p := range r.players {
		net += p.staked - p.refunded
		out += p.paid
	}
	if net != staked || out != paid {
		return fmt.Errorf("the result says %d staked and %d paid, the postings %d and %d", staked, paid, net, out)
	}
	r.resolved = true
	b.house += net - out
	return nil
}

func (b *book) post(r *pot, m game.Posting) error {
	if m.Amount <= 0 || m.Player == "" || m.Ref == "" {
		return errors.New("the amount is not above zero, or nobody's, or for nothing")
	}
	p := r.players[m.Player]
	if p == nil {
		p = &purse{}
		r.players[m.Player] = p
	}
	switch m.Kind {
	case game.Stake:
		p.staked += m.Amount
		b.till += m.Amount
	case game.Refund:
		p.refunded += m.Amount
		b.till -= m.Amount
	case game.Payout:
		p.paid += m.Amount
		b.till -= m.Amount
	default:
		return errors.New("no such kind of posting")
	}
	if p.refunded > p.staked {
		return fmt.Errorf("%d refunded of %d staked", p.refunded, p.staked)
	}
	if p.paid > 0 && p.refunded == p.staked {
		return errors.New("a payout to somebody who has nothing in the round")
	}
	return nil
}

// ended returns an error unless the books are closed with the room.
func (b *book) ended() error {
	for n, r := range b.rounds {
		for who, p := range r.players {
			if !r.resolved && (p.staked != p.refunded || p.paid != 0) {
				return fmt.Errorf("round %d has no result, and %s has %d staked, %d refunded, %d paid in it", n, who, p.staked, p.refunded, p.paid)
			}
		}
	}
	if b.house != b.till {
		return fmt.Errorf("the till has %d, the rounds' results add up to %d", b.till, b.house)
	}
	return nil
}

// hasResult reports whether ev gives a round its result.
func (b *book) hasResult(ev game.Event) bool {
	if b.result == nil {
		return false
	}
	_, _, ok := b.result(ev)
	return ok
}
