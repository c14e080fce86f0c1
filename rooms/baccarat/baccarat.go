package baccarat

import (
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// Kind is punto banco.
var Kind = round.Config[position]{
	Name: "baccarat", Title: "Baccarat", Positions: allPositions,
	Settings: round.SettingsOf(kinds,
		round.Duration("close_ms", 1000, 0), round.Duration("deal_ms", 1500, 0), round.Switch("no_commission"), bankerStep()),
	New:   func() round.Game[position] { return &rules{state: state{Hand: noCards(), Results: []past{}}} },
	Event: newEvent,
}.Kind()

// bankerStep describes the setting banker_step.
func bankerStep() game.Setting {
	s := round.Money("banker_step", 20)
	s.AtMost = []string{"max_bet"}
	return s
}

const resultsMax = 200 // how many past hands a table remembers

// Phases of a round, after betting.
const (
	closed  = "closed"  // no more bets
	dealing = "dealing" // a card is out
)

var (
	_ round.Briefer[position] = (*rules)(nil)
	_ round.SeedKeeper        = (*rules)(nil)
	_ round.Stepped[position] = (*rules)(nil)
)

// table is one table in progress.
type table = round.Table[position]

// settings are a table's limits, times and payouts.
type settings struct {
	round.Settings
	CloseMS      int64      `json:"close_ms"` // from "no more bets" to the first card
	DealMS       int64      `json:"deal_ms"`  // from a card to the next, and from the last to the payout
	NoCommission bool       `json:"no_commission"`
	BankerStep   game.Money `json:"banker_step"` // stakes on banker are multiples of it
}

// rules are what a baccarat table has besides its stakes. It implements round.Game.
type rules struct {
	settings settings // set once; not part of the snapshot
	state
}

// state is what a snapshot keeps of them. It changes in Apply only, and has nothing that was not told.
type state struct {
	Hand             // of this round
	Burned   *burned `json:"burned,omitempty"` // in this round
	Last     bool    `json:"last,omitempty"`   // this hand is the shoe's last
	Cut      bool    `json:"cut,omitempty"`    // the shoe's cut card is out
	CardsOut int     `json:"dealt"`            // how many cards of the shoe are out, those put away too
	Results  []past  `json:"results"`          // newest last
}

// past is a hand of the past.
type past struct {
	Round      int64  `json:"round"`
	Winner     string `json:"winner"`
	Player     int    `json:"player"` // points
	Banker     int    `json:"banker"`
	PlayerPair bool   `json:"player_pair,omitempty"`
	BankerPair bool   `json:"banker_pair,omitempty"`
}

// noCards returns the hand before its first card.
func noCards() Hand { return Hand{Player: []Card{}, Banker: []Card{}} }

// Settings implements round.Game.
func (r *rules) Settings() interface{ Common() *round.Settings } { return &r.settings }

// State implements round.Game.
func (r *rules) State() any { return &r.state }

// Lasts implements round.Game.
func (r *rules) Lasts(phase string) int64 {
	if phase == closed {
		return r.settings.CloseMS
	}
	return r.settings.DealMS
}

// KeepsSeed implements round.SeedKeeper: a seed serves a shoe.
func (r *rules) KeepsSeed() bool { return !r.Last }

// Unit implements round.Stepped.
func (r *rules) Unit(p position) game.Money {
	if p == onBanker {
		return r.settings.BankerStep
	}
	return 1
}

// CloseBetting implements round.Game.
func (r *rules) CloseBetting(t *table, at time.Time) game.Event {
	return &bettingClosed{t.Header(), round.After(at, r.settings.CloseMS), t.Stakes()}
}

// Step implements round.Game: it deals a card, or pays once the hand is at its end.
func (r *rules) Step(t *table, at time.Time, open game.Seed) []game.Event {
	to := r.next()
	if to == "" {
		return []game.Event{r.settle(t, at)}
	}
	s, nextAt := shuffle(open, t.First()), round.After(at, r.settings.DealMS)
	if r.CardsOut == 0 {
		card, count := s.burned()
		return []game.Event{&cardBurned{t.Header(), burned{card, count}, nextAt}}
	}
	card, hand := s.cards[r.CardsOut], r.Hand
	hand.give(to, card)
	return []game.Event{&cardDealt{t.Header(), to, card, points(*hand.side(to)), r.CardsOut == s.cut, nextAt}}
}

// settle returns the event that pays the round.
func (r *rules) settle(t *table, at time.Time) game.Event {
	o := r.Outcome()
	return &roundSettled{
		result{t.Header(), r.Hand, o.Player, o.Banker, o.Winner(), o.PlayerPair, o.BankerPair},
		t.Settle(at, func(s stake) game.Money { return s.Position.payout(o, s.Amount, r.settings.NoCommission) }),
	}
}

// Apply implements round.Game.
func (r *rules) Apply(_ *table, ev game.Event) {
	switch ev := ev.(type) {
	case *round.Opened:
		if ev.Since == 0 { // a new shoe
			r.CardsOut, r.Cut = 0, false
		}
		r.Hand, r.Burned, r.Last = noCards(), nil, r.Cut
	case *round.Voided:
		r.Hand, r.Burned = noCards(), nil
	case *cardBurned:
		r.Burned = &burned{ev.Card, ev.Count}
		r.CardsOut += 1 + ev.Count
	case *cardDealt:
		if ev.Cut {
			r.Cut, r.Last = true, len(r.Player) == 0 // so that this hand is the last, or the next one
		}
		r.give(ev.To, ev.Card)
		r.CardsOut++
	case *roundSettled:
		r.Results = append(r.Results, past{ev.Round, ev.Winner, ev.PlayerPoints, ev.BankerPoints, ev.PlayerPair, ev.BankerPair})
		r.Results = r.Results[max(0, len(r.Results)-resultsMax):]
	}
}
