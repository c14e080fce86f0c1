package baccarat

import (
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// view is what a seat may see.
type view struct {
	round.View[position]
	DealsAt round.Time `json:"deals_at,omitzero"`
	Burned  *burned    `json:"burned,omitempty"`
	Hand
	Cut      bool   `json:"cut,omitempty"`
	Last     bool   `json:"last,omitempty"`
	CardsOut int    `json:"dealt"`
	Results  []past `json:"results"`
}

// View implements round.Game. What it shares with the state never changes.
func (r *rules) View(t *table, who game.PlayerID) any {
	v := view{
		View: t.ViewFor(who), Burned: r.Burned, Hand: r.Hand, Cut: r.Cut, Last: r.Last, CardsOut: r.CardsOut,
		Results: r.Results[:len(r.Results):len(r.Results)],
	}
	if phase := t.Phase(); phase == closed || phase == dealing {
		v.DealsAt = t.Until()
	}
	return v
}
