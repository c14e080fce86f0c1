package roulette

import "github.com/pitboss-hub/pitboss/rooms/game"

// view is what a seat may see. A round's seed is in it from the spin on.
type view struct {
	Game       string          `json:"game"`
	Phase      string          `json:"phase"`
	Closing    bool            `json:"closing,omitempty"`
	Settings   settings        `json:"settings"`
	Round      int64           `json:"round"`
	Commitment game.Commitment `json:"commitment,omitzero"`
	ClosesAt   stamp           `json:"closes_at,omitzero"`
	SpinsAt    stamp           `json:"spins_at,omitzero"`
	SettlesAt  stamp           `json:"settles_at,omitzero"`
	NextAt     stamp           `json:"next_at,omitzero"`
	Pocket     *int            `json:"pocket,omitempty"`
	Colour     string          `json:"colour,omitempty"`
	Seed       game.Seed       `json:"seed,omitzero"`
	Seats      []seat          `json:"seats"`  // who bet in this round, by seat
	Totals     []stake         `json:"totals"` // what lies on each position
	Mine       mine            `json:"mine"`
	Results    []past          `json:"results"`
}

type seat struct {
	Seat   int        `json:"seat"`
	Name   string     `json:"name"`
	Staked game.Money `json:"staked"`
}

// totals are what everybody may know of the stakes of a round.
type totals struct {
	inRound
	Totals []stake `json:"totals"`
}

// Totals implements game.Totaler.
func (t *table) Totals() any { return totals{inRound{t.Round}, stakes(&t.on)} }

// mine is the viewer's round.
type mine struct {
	Seat   int         `json:"seat,omitempty"`
	Staked game.Money  `json:"staked"`
	Bets   []stake     `json:"bets"`
	Payout *game.Money `json:"payout,omitempty"` // once the round is settled
}

// View implements game.Rules.
func (t *table) View(who game.PlayerID) any {
	v := view{
		Game: name, Phase: t.Phase, Closing: t.Closing, Settings: t.settings,
		Round: t.Round, Commitment: t.Commitment, Seed: t.Seed,
		Seats: make([]seat, len(t.Players)), Totals: stakes(&t.on), Mine: mine{Bets: []stake{}},
		Results: t.Results[:len(t.Results):len(t.Results)], // its elements never change
	}
	switch t.Phase {
	case betting:
		v.ClosesAt = t.Until
	case closed:
		v.SpinsAt = t.Until
	case spinning:
		v.SettlesAt = t.Until
	case settled:
		if t.Round > 0 {
			v.NextAt = t.Until
		}
	}
	if t.Pocket != nil {
		pocket := *t.Pocket
		v.Pocket, v.Colour = &pocket, colour(pocket)
	}
	for i, p := range t.Players {
		v.Seats[i] = seat{p.Seat, p.Name, p.Staked}
	}
	if p := t.seats[who]; p != nil {
		on := sums(p.Bets...)
		v.Mine = mine{Seat: p.Seat, Staked: p.Staked, Bets: stakes(&on)}
		if t.Phase == settled && p.Staked > 0 {
			payout := p.Payout
			v.Mine.Payout = &payout
		}
	}
	return v
}
