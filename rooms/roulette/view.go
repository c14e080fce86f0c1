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
	Bets       []seatStake     `json:"bets"` // one a seat and position
	Mine       mine            `json:"mine"`
	Results    []past          `json:"results"`
}

type seatStake struct {
	Seat int    `json:"seat"`
	Name string `json:"name"`
	stake
}

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
		Bets: []seatStake{}, Mine: mine{Bets: []stake{}},
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
	for _, p := range t.Players {
		on := sums(p.Bets...)
		list := stakes(&on)
		for _, s := range list {
			v.Bets = append(v.Bets, seatStake{p.Seat, p.Name, s})
		}
		if p.ID != who {
			continue
		}
		v.Mine = mine{Seat: p.Seat, Staked: p.Staked, Bets: list}
		if t.Phase == settled && p.Staked > 0 {
			payout := p.Payout
			v.Mine.Payout = &payout
		}
	}
	return v
}
