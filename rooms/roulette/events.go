package roulette

import (
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// newEvent returns a pointer to a zero event of the game's own.
func newEvent(typ string) game.Event {
	switch typ {
	case "betting.closed":
		return new(bettingClosed)
	case "wheel.spun":
		return new(wheelSpun)
	case game.TypeRoundSettled:
		return new(roundSettled)
	}
	return nil
}

// bettingClosed says that betting is closed.
type bettingClosed struct {
	round.Header
	SpinsAt round.Time `json:"spins_at"`
	Totals  []stake    `json:"totals,omitempty"` // all that lies on the table; journals of before have it nowhere
}

// Type implements game.Event.
func (*bettingClosed) Type() string { return "betting.closed" }

// Begins implements round.Phase.
func (e *bettingClosed) Begins() (string, round.Time) { return closed, e.SpinsAt }

// wheelSpun has the result, and the seed that it was computed from.
type wheelSpun struct {
	round.Header
	Pocket     int             `json:"pocket"`
	Colour     string          `json:"colour"`
	Seed       game.Seed       `json:"seed"`
	Commitment game.Commitment `json:"commitment"`
	SettlesAt  round.Time      `json:"settles_at"`
}

// Type implements game.Event.
func (*wheelSpun) Type() string { return "wheel.spun" }

// Reveals implements game.Revealer.
func (e *wheelSpun) Reveals() game.Seed { return e.Seed }

// Begins implements round.Phase.
func (e *wheelSpun) Begins() (string, round.Time) { return spinning, e.SettlesAt }

// roundSettled has what every bet won or lost.
type roundSettled struct {
	round.Header
	Pocket int `json:"pocket"`
	round.Settlement[position]
}

// settledForm is the part of a roundSettled that leaves the server.
type settledForm struct {
	round.Header
	Pocket int `json:"pocket"`
	round.SettlementForm[position]
}

// Postings implements game.Mover.
func (e *roundSettled) Postings() []game.Posting { return e.Payouts(e.Header) }

// Public implements game.Redactor.
func (e *roundSettled) Public() any { return e.For("") }

// For implements game.Redactor.
func (e *roundSettled) For(who game.PlayerID) any {
	return settledForm{e.Header, e.Pocket, e.Form(who)}
}
