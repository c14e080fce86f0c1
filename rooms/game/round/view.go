package round

import "github.com/pitboss-hub/pitboss/rooms/game"

// View is the part of a view that all round games share. A round's seed is in it once it is revealed.
type View[P Position] struct {
	Game       string          `json:"game"`
	Phase      string          `json:"phase"`
	Closing    bool            `json:"closing,omitempty"`
	Settings   any             `json:"settings"`
	Round      int64           `json:"round"`
	Commitment game.Commitment `json:"commitment,omitzero"`
	Since      int64           `json:"since,omitempty"`
	ClosesAt   Time            `json:"closes_at,omitzero"`
	NextAt     Time            `json:"next_at,omitzero"`
	Seed       game.Seed       `json:"seed,omitzero"`
	Seats      []Seat          `json:"seats"`  // who bet in this round, by seat
	Totals     []Stake[P]      `json:"totals"` // what lies on each position
	Mine       Mine[P]         `json:"mine"`
}

// Seat is a player of the round as everybody sees it.
type Seat struct {
	Seat   int        `json:"seat"`
	Name   string     `json:"name"`
	Staked game.Money `json:"staked"`
}

// Mine is the viewer's round.
type Mine[P Position] struct {
	Seat   int         `json:"seat,omitempty"`
	Staked game.Money  `json:"staked"`
	Bets   []Stake[P]  `json:"bets"`
	Payout *game.Money `json:"payout,omitempty"` // once the round is settled
}

// totals are the stakes of a round as everybody may see them.
type totals[P Position] struct {
	Header
	Totals []Stake[P] `json:"totals"`
}

// Totals implements game.Totaler.
func (t *Table[P]) Totals() any { return totals[P]{t.Header(), t.Stakes()} }

// Playing is what a Brief says of every phase of a game's own: betting is closed and the round goes on.
const Playing = "playing"

// Brief is the part of a brief that all round games share.
type Brief struct {
	Phase    string `json:"phase"` // Betting, Playing, Settled or Ended
	Round    int64  `json:"round"`
	ClosesAt Time   `json:"closes_at,omitzero"` // of betting whose clock runs
}

// Brief implements game.Briefer. It returns the game's brief, or the table's part of it if the game adds
// nothing.
func (t *Table[P]) Brief() any {
	if g, ok := t.game.(Briefer[P]); ok {
		return g.Brief(t)
	}
	return t.OwnBrief()
}

// OwnBrief returns the table's part of the brief.
func (t *Table[P]) OwnBrief() Brief {
	b := Brief{Phase: t.state.Phase, Round: t.state.Round}
	switch b.Phase {
	case Betting:
		b.ClosesAt = t.state.Until
	case Settled, Ended:
	default:
		b.Phase = Playing
	}
	return b
}

// View implements game.Rules. It returns the game's view.
func (t *Table[P]) View(who game.PlayerID) any { return t.game.View(t, who) }

// ViewFor returns the table's part of the view of who.
func (t *Table[P]) ViewFor(who game.PlayerID) View[P] {
	s := &t.state
	v := View[P]{
		Game: t.config.Name, Phase: s.Phase, Closing: s.Closing, Settings: t.game.Settings(),
		Round: s.Round, Commitment: s.Commitment, Since: s.Since, Seed: s.Seed,
		Seats: make([]Seat, len(s.Players)), Totals: t.Stakes(), Mine: Mine[P]{Bets: []Stake[P]{}},
	}
	switch {
	case s.Phase == Betting:
		v.ClosesAt = s.Until
	case s.Phase == Settled && s.Round > 0:
		v.NextAt = s.Until
	}
	for i, p := range s.Players {
		v.Seats[i] = Seat{p.Seat, p.Name, p.Staked}
	}
	if p := t.seats[who]; p != nil {
		on := sumOf(p.Bets...)
		v.Mine = Mine[P]{Seat: p.Seat, Staked: p.Staked, Bets: stakesOf[P](&on)}
		if s.Phase == Settled && p.Staked > 0 {
			payout := p.Payout
			v.Mine.Payout = &payout
		}
	}
	return v
}
