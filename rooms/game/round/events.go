package round

import "github.com/pitboss-hub/pitboss/rooms/game"

// Opened says that betting is open and the seed is fixed.
type Opened struct {
	Header
	Commitment game.Commitment `json:"commitment"`
	Since      int64           `json:"since,omitempty"` // the earlier round that committed to the seed; 0: this one does
}

// Type implements game.Event.
func (*Opened) Type() string { return game.TypeRoundOpened }

// Commits implements game.Committer.
func (e *Opened) Commits() (c game.Commitment, fresh bool) { return e.Commitment, e.Since == 0 }

// SeedRevealed tells the seed of this round, and of those before it that it served.
type SeedRevealed struct {
	Header
	Since      int64           `json:"since,omitempty"` // as in Opened
	Commitment game.Commitment `json:"commitment"`
	Seed       game.Seed       `json:"seed"`
}

// Type implements game.Event.
func (*SeedRevealed) Type() string { return "seed.revealed" }

// Reveals implements game.Revealer.
func (e *SeedRevealed) Reveals() game.Seed { return e.Seed }

// bettingStarted says that the first bet was placed, which starts the clock.
type bettingStarted struct {
	Header
	ClosesAt Time `json:"closes_at"`
}

// Type implements game.Event.
func (*bettingStarted) Type() string { return "betting.started" }

// bettingStopped says that the clock ran out while nobody had a bet; the round waits again.
type bettingStopped struct{ Header }

// Type implements game.Event.
func (*bettingStopped) Type() string { return "betting.stopped" }

// deadlineMoved says that a clock was set, or had been wrong, and that the current phase ends at another
// time of day.
type deadlineMoved struct {
	Header
	Until Time `json:"until"`
}

// Type implements game.Event.
func (*deadlineMoved) Type() string { return "deadline.moved" }

// roomClosing says that the current round is played to its end, and is the last.
type roomClosing struct {
	Reason string `json:"reason,omitempty"`
}

// Type implements game.Event.
func (*roomClosing) Type() string { return "room.closing" }

// Voided says that the round has no result and every stake is given back.
type Voided struct {
	Header
	Reason  string    `json:"reason"`
	Seed    game.Seed `json:"seed,omitzero"` // the committed one, unless it is lost or was revealed before
	NextAt  Time      `json:"next_at"`
	Refunds []Refund  `json:"refunds,omitempty"` // in the journal only
	Mine    *refunded `json:"mine,omitempty"`    // in the player's own form only
}

// Refund is a player's stake that a voided round gives back.
type Refund struct {
	Player game.PlayerID `json:"player"`
	refunded
}

type refunded struct {
	Refund game.Money `json:"refund"`
}

// Type implements game.Event.
func (*Voided) Type() string { return game.TypeRoundVoided }

// EndsRound implements game.RoundEnder.
func (*Voided) EndsRound() {}

// Reveals implements game.Revealer.
func (e *Voided) Reveals() game.Seed { return e.Seed }

// Postings implements game.Mover.
func (e *Voided) Postings() []game.Posting {
	moves := make([]game.Posting, len(e.Refunds))
	for i, r := range e.Refunds {
		moves[i] = e.Posting(game.Refund, r.Player, r.Refund)
	}
	return moves
}

// Audience implements game.Redactor.
func (e *Voided) Audience() []game.PlayerID {
	all := make([]game.PlayerID, len(e.Refunds))
	for i, r := range e.Refunds {
		all[i] = r.Player
	}
	return all
}

// Public implements game.Redactor.
func (e *Voided) Public() any { return e.form(nil) }

// For implements game.Redactor.
func (e *Voided) For(who game.PlayerID) any {
	for i := range e.Refunds {
		if r := &e.Refunds[i]; r.Player == who {
			return e.form(&r.refunded)
		}
	}
	return e.form(nil)
}

func (e *Voided) form(mine *refunded) any {
	form := *e
	form.Refunds, form.Mine = nil, mine
	return form
}

// event returns a pointer to a zero event of this type, if it is one of the kit's.
func event[P Position](typ string) game.Event {
	switch typ {
	case game.TypeRoundOpened:
		return new(Opened)
	case "betting.started":
		return new(bettingStarted)
	case "betting.stopped":
		return new(bettingStopped)
	case "bet.placed":
		return new(betPlaced[P])
	case "bet.removed":
		return new(betRemoved[P])
	case game.TypeRoundVoided:
		return new(Voided)
	case "seed.revealed":
		return new(SeedRevealed)
	case "deadline.moved":
		return new(deadlineMoved)
	case "room.closing":
		return new(roomClosing)
	case game.TypeClosed:
		return new(game.Closed)
	}
	return nil
}
