package roulette

import (
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

// Kind is European roulette.
var Kind = round.Config[position]{
	Name: "roulette", Title: "Roulette", Positions: allPositions,
	Settings: round.SettingsOf(kinds, round.Duration("close_ms", 1000, 0), round.Duration("spin_ms", 6000, 0), round.Switch("la_partage")),
	New:      func() round.Game[position] { return &rules{state: state{Results: []past{}}} },
	Event:    newEvent,
}.Kind()

const resultsMax = 500 // how many past results a table remembers

// Phases of a round, after betting.
const (
	closed   = "closed"   // no more bets
	spinning = "spinning" // the result is known, the ball still runs
)

var _ round.Briefer[position] = (*rules)(nil)

// table is one table in progress.
type table = round.Table[position]

// settings are a table's limits and times.
type settings struct {
	round.Settings
	CloseMS   int64 `json:"close_ms"`   // from "no more bets" to the spin
	SpinMS    int64 `json:"spin_ms"`    // from then to the payout
	LaPartage bool  `json:"la_partage"` // on zero, half of an even-money stake comes back
}

// rules are what a roulette table has besides its stakes. It implements round.Game.
type rules struct {
	settings settings // set once; not part of the snapshot
	state
}

// state is what a snapshot keeps of them. It changes in Apply only.
type state struct {
	Pocket  *int   `json:"pocket,omitempty"` // from the spin to the next round
	Results []past `json:"results"`          // newest last
}

// past is a past round.
type past struct {
	Round  int64 `json:"round"`
	Pocket int   `json:"pocket"`
}

// Settings implements round.Game.
func (r *rules) Settings() interface{ Common() *round.Settings } { return &r.settings }

// State implements round.Game.
func (r *rules) State() any { return &r.state }

// Lasts implements round.Game.
func (r *rules) Lasts(phase string) int64 {
	if phase == closed {
		return r.settings.CloseMS
	}
	return r.settings.SpinMS
}

// CloseBetting implements round.Game.
func (r *rules) CloseBetting(t *table, at time.Time) game.Event {
	return &bettingClosed{t.Header(), round.After(at, r.settings.CloseMS), t.Stakes()}
}

// Step implements round.Game: it spins the wheel once bets are closed, and pays once the ball rests.
func (r *rules) Step(t *table, at time.Time, open game.Seed) []game.Event {
	if t.Phase() == closed {
		pocket := Draw(open, t.Header().Round)
		return []game.Event{&wheelSpun{t.Header(), pocket, colour(pocket), open, t.Commitment(), round.After(at, r.settings.SpinMS)}}
	}
	pocket := *r.Pocket
	return []game.Event{&roundSettled{t.Header(), pocket, t.Settle(at, func(s stake) game.Money {
		return s.Position.payout(pocket, s.Amount, r.settings.LaPartage)
	})}}
}

// Apply implements round.Game.
func (r *rules) Apply(_ *table, ev game.Event) {
	switch ev := ev.(type) {
	case *round.Opened, *round.Voided:
		r.Pocket = nil
	case *wheelSpun:
		pocket := ev.Pocket
		r.Pocket = &pocket
	case *roundSettled:
		r.Results = append(r.Results, past{ev.Round, ev.Pocket})
		r.Results = r.Results[max(0, len(r.Results)-resultsMax):]
	}
}
