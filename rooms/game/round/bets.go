package round

import (
	"encoding/json"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// chips are put on the table or taken from it, by one player at once.
type chips[P Position] struct {
	Header
	Seat   int           `json:"seat"`
	Name   string        `json:"name"`
	Bets   []Stake[P]    `json:"bets"` // one a position, in the order of positions
	Player game.PlayerID `json:"player"`
	First  bool          `json:"first,omitempty"` // of the seat in the round; old journals do not have it
}

// chipsForm is the part of chips that leaves the server: everybody sees how much it is, the player also
// where. The name comes with a seat's first bet of a round, if there is room for it (game.StakeFormMax);
// without it the form has 59 bytes at most.
type chipsForm[P Position] struct {
	Header
	Seat int        `json:"seat"`
	Name string     `json:"name,omitempty"`
	Sum  game.Money `json:"sum"`
	Bets []Stake[P] `json:"bets,omitempty"`
	Mine bool       `json:"mine,omitempty"`
}

// Audience implements game.Redactor.
func (c *chips[P]) Audience() []game.PlayerID { return []game.PlayerID{c.Player} }

// Public implements game.Redactor.
func (c *chips[P]) Public() any {
	form := chipsForm[P]{Header: c.Header, Seat: c.Seat, Sum: total(c.Bets)}
	if !c.First {
		return form
	}
	form.Name = c.Name
	if data, err := json.Marshal(form); err != nil || len(data) > game.StakeFormMax {
		form.Name = ""
	}
	return form
}

// For implements game.Redactor.
func (c *chips[P]) For(who game.PlayerID) any {
	if who != c.Player {
		return c.Public()
	}
	return chipsForm[P]{c.Header, c.Seat, c.Name, total(c.Bets), c.Bets, true}
}

// betPlaced says that a player's stakes are accepted.
type betPlaced[P Position] struct{ chips[P] }

// Type implements game.Event.
func (*betPlaced[P]) Type() string { return "bet.placed" }

// Postings implements game.Mover.
func (e *betPlaced[P]) Postings() []game.Posting {
	return []game.Posting{e.Posting(game.Stake, e.Player, total(e.Bets))}
}

// betRemoved says that the player's last bet, or all of them, are given back.
type betRemoved[P Position] struct {
	chips[P]
	Cleared bool `json:"cleared,omitempty"` // all of them; in the journal only
}

// Type implements game.Event.
func (*betRemoved[P]) Type() string { return "bet.removed" }

// Postings implements game.Mover.
func (e *betRemoved[P]) Postings() []game.Posting {
	return []game.Posting{e.Posting(game.Refund, e.Player, total(e.Bets))}
}
