package baccarat

import (
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// newEvent returns a pointer to a zero event of the game's own.
func newEvent(typ string) game.Event {
	switch typ {
	case "betting.closed":
		return new(bettingClosed)
	case "card.burned":
		return new(cardBurned)
	case "card.dealt":
		return new(cardDealt)
	case game.TypeRoundSettled:
		return new(roundSettled)
	}
	return nil
}

// bettingClosed says that betting is closed.
type bettingClosed struct {
	round.Header
	DealsAt round.Time `json:"deals_at"`
	Totals  []stake    `json:"totals"` // all that lies on the table
}

// Type implements game.Event.
func (*bettingClosed) Type() string { return "betting.closed" }

// Begins implements round.Phase.
func (e *bettingClosed) Begins() (string, round.Time) { return closed, e.DealsAt }

// burned is what is put away before a shoe's first hand.
type burned struct {
	Card  Card `json:"card"`
	Count int  `json:"count"` // how many cards were put away after it
}

// cardBurned says that the first card of a shoe was turned over, and others were put away unseen.
type cardBurned struct {
	round.Header
	burned
	DealsAt round.Time `json:"deals_at"`
}

// Type implements game.Event.
func (*cardBurned) Type() string { return "card.burned" }

// Begins implements round.Phase.
func (e *cardBurned) Begins() (string, round.Time) { return dealing, e.DealsAt }

// cardDealt says that player or banker was dealt a card.
type cardDealt struct {
	round.Header
	To      string     `json:"to"` // player or banker
	Card    Card       `json:"card"`
	Points  int        `json:"points"`        // of that side, with this card
	Cut     bool       `json:"cut,omitempty"` // the cut card lay before this card
	DealsAt round.Time `json:"deals_at"`
}

// Type implements game.Event.
func (*cardDealt) Type() string { return "card.dealt" }

// Begins implements round.Phase.
func (e *cardDealt) Begins() (string, round.Time) { return dealing, e.DealsAt }

// result is how a hand ended, as events have it.
type result struct {
	round.Header
	Hand
	PlayerPoints int    `json:"player_points"`
	BankerPoints int    `json:"banker_points"`
	Winner       string `json:"winner"` // player, banker or tie
	PlayerPair   bool   `json:"player_pair"`
	BankerPair   bool   `json:"banker_pair"`
}

// roundSettled has what every bet won or lost.
type roundSettled struct {
	result
	round.Settlement[position]
}

// settledForm is the part of a roundSettled that leaves the server.
type settledForm struct {
	result
	round.SettlementForm[position]
}

// Postings implements game.Mover.
func (e *roundSettled) Postings() []game.Posting { return e.Payouts(e.Header) }

// Public implements game.Redactor.
func (e *roundSettled) Public() any { return e.For("") }

// For implements game.Redactor.
func (e *roundSettled) For(who game.PlayerID) any { return settledForm{e.result, e.Form(who)} }
