package roulette

import (
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// view is what a seat may see.
type view struct {
	round.View[position]
	SpinsAt   round.Time `json:"spins_at,omitzero"`
	SettlesAt round.Time `json:"settles_at,omitzero"`
	Pocket    *int       `json:"pocket,omitempty"`
	Colour    string     `json:"colour,omitempty"`
	Results   []past     `json:"results"`
}

// View implements round.Game.
func (r *rules) View(t *table, who game.PlayerID) any {
	v := view{View: t.ViewFor(who), Results: r.Results[:len(r.Results):len(r.Results)]} // its elements never change
	switch t.Phase() {
	case closed:
		v.SpinsAt = t.Until()
	case spinning:
		v.SettlesAt = t.Until()
	}
	if r.Pocket != nil {
		pocket := *r.Pocket
		v.Pocket, v.Colour = &pocket, colour(pocket)
	}
	return v
}

// briefResults is how many results the lobby shows.
const briefResults = 8

// brief is what the lobby shows of a table.
type brief struct {
	round.Brief
	Results []int `json:"results"` // the last pockets, newest last
}

// Brief implements round.Briefer.
func (r *rules) Brief(t *table) any {
	last := r.Results[max(0, len(r.Results)-briefResults):]
	b := brief{t.OwnBrief(), make([]int, len(last))}
	for i, p := range last {
		b.Results[i] = p.Pocket
	}
	return b
}
