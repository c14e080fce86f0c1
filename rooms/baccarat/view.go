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

// briefResults is how many hands the lobby shows.
const briefResults = 8

// brief is what the lobby shows of a table.
type brief struct {
	round.Brief
	Results []string `json:"results"` // the shoe's last hands as past.code spells them, newest last
}

// Brief implements round.Briefer.
func (r *rules) Brief(t *table) any {
	b := brief{t.OwnBrief(), []string{}}
	for _, p := range r.Results[max(0, len(r.Results)-briefResults):] {
		if p.Round >= t.First() {
			b.Results = append(b.Results, p.code())
		}
	}
	return b
}

// code returns the hand in one to three letters: the winner's P, B or T, then p if the player has a pair and b if the
// banker has one.
func (p past) code() string {
	c := map[string]string{player: "P", banker: "B", tie: "T"}[p.Winner]
	if p.PlayerPair {
		c += "p"
	}
	if p.BankerPair {
		c += "b"
	}
	return c
}
