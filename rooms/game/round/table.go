package round

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// Phases that every round game has, as views show them.
const (
	Betting = "betting"
	Settled = "settled" // paid or voided; waiting for the next round
	Ended   = "ended"   // the room is closed
)

// Config describes a game to the kit.
type Config[P Position] struct {
	Name      string // "roulette"
	Title     string // "Roulette", where a sentence begins
	Positions []P    // all of them, 255 at most
	Settings  []game.Setting

	// New returns a game that has not begun.
	New func() Game[P]

	// Event returns a pointer to a zero event of the game's own; nil if it has none of this type.
	Event func(typ string) game.Event

	byName map[string]P
}

// Game is what a round game adds to the kit. Like game.Rules it only computes: time and seeds come as
// arguments, and its state changes in Apply only.
type Game[P Position] interface {
	// Settings returns a pointer to the game's settings, a struct that embeds Settings.
	Settings() interface{ Common() *Settings }

	// State returns a pointer to a struct with what a snapshot keeps of the game besides the table. Its
	// JSON members are others than the table's.
	State() any

	// CloseBetting returns the event that ends betting and begins the game's first phase (see Phase).
	CloseBetting(t *Table[P], at time.Time) game.Event

	// Step returns the events that are due at the end of a phase of the game's own. The last of them
	// begins another phase. open is the seed to which the round is committed; it is zero once it is revealed.
	Step(t *Table[P], at time.Time, open game.Seed) []game.Event

	// Apply applies ev, after the table has: one of the kit's events or one of the game's own.
	Apply(t *Table[P], ev game.Event)

	// Lasts returns how many milliseconds a phase of the game's own lasts.
	Lasts(phase string) int64

	// View returns what who may see, ready for JSON: a struct that embeds the table's View.
	View(t *Table[P], who game.PlayerID) any
}

// SeedKeeper is a Game with seeds that serve more than one round, such as one for many deals of the same cards. The seed
// of any other game serves one: it is revealed by an event of the game's own, or by the kit when the round is
// settled.
type SeedKeeper interface {
	// KeepsSeed reports whether the seed serves the next round too. It is asked when a round is settled,
	// before the event that says so is applied. The seed of a void round is revealed in any case.
	KeepsSeed() bool
}

// Stepped is a Game with positions that do not take every amount.
type Stepped[P Position] interface {
	// Unit returns the amount of which all that a player has on a position is a multiple, at least 1.
	Unit(P) game.Money
}

// Briefer is a Game that adds to the table's brief, such as its last results.
type Briefer[P Position] interface {
	// Brief returns what the lobby shows of the table: a struct that embeds the table's Brief. It has at most
	// game.BriefMax bytes of JSON, whatever happened.
	Brief(t *Table[P]) any
}

// Phase is an event that begins a phase.
type Phase interface {
	// Begins returns the phase's name and when it ends.
	Begins() (phase string, until Time)
}

// Kind returns the game that the kit builds from c. It panics if the positions are not as Position says, or
// are of a kind that the setting max_by_kind does not have: a mistake that every test would show.
func (c Config[P]) Kind() game.Kind {
	c.byName = make(map[string]P, len(c.Positions))
	for _, p := range c.Positions {
		name, kind := p.String(), p.Kind()
		_, twice := c.byName[name]
		switch {
		case p == 0:
			panic(fmt.Sprintf("round: %s has a position 0; positions are numbered from 1", c.Name))
		case name == "" || twice:
			panic(fmt.Sprintf("round: %s has two positions named %q, or one without a name", c.Name, name))
		case !slices.ContainsFunc(c.Settings, func(s game.Setting) bool { return slices.Contains(s.Kinds, kind) }):
			panic(fmt.Sprintf("round: %s has a position %s of the kind %q, which max_by_kind does not have", c.Name, name, kind))
		}
		c.byName[name] = p
	}
	return game.Kind{
		Name: c.Name, Settings: c.Settings, New: c.newTable, Command: c.command,
		Event: func(typ string) game.Event {
			if ev := c.Event(typ); ev != nil {
				return ev
			}
			return event[P](typ)
		},
	}
}

// Parse returns the position of that name.
func (c *Config[P]) Parse(name string) (P, bool) {
	p, ok := c.byName[name]
	return p, ok
}

// Table is a table of a round game in progress. It implements game.Rules.
type Table[P Position] struct {
	config *Config[P]
	game   Game[P]
	common *Settings // of the game's settings
	state  state[P]
	seats  map[game.PlayerID]*player[P] // those of state.Players
	on     Sums                         // what all of them have on each position
}

// state is what a snapshot keeps of a table. It changes in Apply only.
type state[P Position] struct {
	Phase      string          `json:"phase"`
	Until      Time            `json:"until,omitzero"` // when the phase ends; zero: waiting for a first bet
	Round      int64           `json:"round"`          // 0 before the first round
	Commitment game.Commitment `json:"commitment,omitzero"`
	Since      int64           `json:"since,omitempty"` // the earlier round that made it; 0: this one did
	Seed       game.Seed       `json:"seed,omitzero"`   // from its reveal to the next round
	Players    []*player[P]    `json:"players"`         // in order of their seats
	Closing    bool            `json:"closing,omitempty"`
	Reason     string          `json:"reason,omitempty"` // of closing
}

// player is somebody who bet in this round.
type player[P Position] struct {
	ID     game.PlayerID `json:"id"`
	Seat   int           `json:"seat"` // from 1
	Name   string        `json:"name"` // masked
	Bets   [][]Stake[P]  `json:"bets"` // accepted bet commands, latest last; the inner slices never change
	Placed int           `json:"placed"`
	Staked game.Money    `json:"staked"` // sum of Bets
	Payout game.Money    `json:"payout,omitempty"`
}

// newTable implements game.Kind.New. A new table is like one whose round 0 was settled long ago: it wants
// to open round 1 now.
func (c *Config[P]) newTable(raw json.RawMessage) (game.Rules, error) {
	g := c.New()
	settings := g.Settings()
	if err := game.ParseSettings(c.Settings, raw, settings); err != nil {
		return nil, fmt.Errorf("%s settings: %w", c.Name, err)
	}
	t := &Table[P]{config: c, game: g, common: settings.Common()}
	t.restore(state[P]{Phase: Settled, Until: Time{time.Unix(0, 0).UTC()}})
	return t, nil
}

func (t *Table[P]) restore(s state[P]) {
	t.state = s
	t.seats = make(map[game.PlayerID]*player[P], len(s.Players))
	t.on = Sums{}
	for _, p := range s.Players {
		t.seats[p.ID] = p
		for _, bets := range p.Bets {
			t.put(bets, 1)
		}
	}
}

// put adds stakes to those on the table; with a sign of -1 it removes them.
func (t *Table[P]) put(list []Stake[P], sign game.Money) {
	for _, s := range list {
		t.on.add(sign, uint8(s.Position), s.Amount)
	}
}

// MarshalJSON writes a snapshot: one object with the members of the table's state and of the game's.
func (t *Table[P]) MarshalJSON() ([]byte, error) {
	ours, err := json.Marshal(&t.state)
	if err != nil {
		return nil, err
	}
	own, err := json.Marshal(t.game.State())
	if err != nil || bytes.Equal(own, []byte("{}")) {
		return ours, err
	}
	ours[len(ours)-1] = ','
	return append(ours, own[1:]...), nil
}

// UnmarshalJSON reads a snapshot. It replaces all that the table has but its settings, and shares nothing with
// views that were made before.
func (t *Table[P]) UnmarshalJSON(raw []byte) error {
	var s state[P]
	if err := game.DecodeKnown(raw, &s); err != nil {
		return fmt.Errorf("%s snapshot: %w", t.config.Name, err)
	}
	settings, err := json.Marshal(t.game.Settings())
	if err != nil {
		return err
	}
	again, err := t.config.newTable(settings)
	if err != nil {
		return err
	}
	fresh := again.(*Table[P])
	if err := game.DecodeKnown(raw, fresh.game.State()); err != nil {
		return fmt.Errorf("%s snapshot: %w", t.config.Name, err)
	}
	t.game, t.common = fresh.game, fresh.common
	t.restore(s)
	return nil
}

// Settings implements game.Configured.
func (t *Table[P]) Settings() any { return t.game.Settings() }

// Phase returns the current phase.
func (t *Table[P]) Phase() string { return t.state.Phase }

// Until returns when the current phase ends; zero while the table waits for a first bet.
func (t *Table[P]) Until() Time { return t.state.Until }

// Header returns the header of the current round's events.
func (t *Table[P]) Header() Header { return Header{t.state.Round} }

// Commitment returns the commitment of the current round.
func (t *Table[P]) Commitment() game.Commitment { return t.state.Commitment }

// First returns the first round of those that the current round's seed serves.
func (t *Table[P]) First() int64 {
	if t.state.Since != 0 {
		return t.state.Since
	}
	return t.state.Round
}

// Stakes returns the stakes of all players together, by position.
func (t *Table[P]) Stakes() []Stake[P] { return stakesOf[P](&t.on) }

// Wake implements game.Rules.
func (t *Table[P]) Wake() time.Time {
	if t.state.Phase == Ended {
		return time.Time{}
	}
	return t.state.Until.Time
}

// BetweenRounds implements game.Paused.
func (t *Table[P]) BetweenRounds() bool {
	switch t.state.Phase {
	case Settled, Ended:
		return true
	case Betting:
		return t.state.Until.IsZero()
	}
	return false
}

// Lasts implements game.Timed.
func (t *Table[P]) Lasts() time.Duration {
	if t.state.Until.IsZero() || t.state.Round == 0 {
		return 0
	}
	switch t.state.Phase {
	case Betting:
		return millis(t.common.BettingMS)
	case Settled:
		return millis(t.common.PauseMS)
	case Ended:
		return 0
	}
	return millis(t.game.Lasts(t.state.Phase))
}

// staked returns all the money on the table.
func (t *Table[P]) staked() (sum game.Money) {
	for _, p := range t.state.Players {
		sum += p.Staked
	}
	return sum
}
