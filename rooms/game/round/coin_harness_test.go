package round

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/gametest"
)

// side is a side of a coin.
type side uint8

const (
	heads side = iota + 1
	tails
)

func (s side) String() string               { return [...]string{"", "heads", "tails"}[s] }
func (s side) Kind() string                 { return "side" }
func (s side) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *side) UnmarshalText(b []byte) error {
	for _, c := range []side{heads, tails} {
		if c.String() == string(b) {
			*s = c
			return nil
		}
	}
	return errors.New("no such side")
}

// coin is the smallest round game: a coin falls flip_ms after betting and pays twice the stake. A seed
// serves per_seed tosses; if that is one, the coin reveals it by itself.
type coin struct {
	settings coinSettings
	state    struct {
		Tossed int64 `json:"tossed"` // by the seed at hand
	}
}

type coinSettings struct {
	Settings
	FlipMS    int64      `json:"flip_ms"`
	PerSeed   int64      `json:"per_seed"`
	TailsStep game.Money `json:"tails_step"`
}

var coinSettingsList = SettingsOf([]string{"side"}, Duration("flip_ms", 500, 0),
	game.Setting{Name: "per_seed", Type: game.SettingInt, Default: int64(1), Min: 1, Max: 8, Message: "per_seed"}, Money("tails_step", 1))

var coinKind = Config[side]{
	Name: "coin", Title: "Coin", Positions: []side{heads, tails}, Settings: coinSettingsList,
	New: func() Game[side] { return &coin{} },
	Event: func(typ string) game.Event {
		switch typ {
		case "betting.closed":
			return new(coinFlipped)
		case "round.settled":
			return new(coinSettled)
		}
		return nil
	},
}.Kind()

var coinSpec = gametest.Spec{
	Settings: []json.RawMessage{
		nil, json.RawMessage(`{"min_bet": 5, "round_min": 5, "betting_ms": 1000, "flip_ms": 0, "pause_ms": 0, "max_by_kind": {"side": 90}}`),
		json.RawMessage(`{"min_bet": 5, "round_min": 5, "per_seed": 3, "tails_step": 10}`),
	},
	Move: func(r *rand.Rand) json.RawMessage {
		switch r.IntN(8) {
		case 0:
			return json.RawMessage(`{"type":"undo"}`)
		case 1:
			return json.RawMessage(`{"type":"clear"}`)
		}
		raw, err := json.Marshal(map[string]any{"type": "bet", "bets": []Stake[side]{{side(1 + r.IntN(2)), game.Money(1 + r.IntN(200))}}})
		if err != nil {
			panic(err)
		}
		return raw
	},
	Result: func(ev game.Event) (staked, paid game.Money, ok bool) {
		s, ok := ev.(*coinSettled)
		if !ok {
			return 0, 0, false
		}
		return s.Staked, s.Paid, true
	},
}

type coinFlipped struct {
	Header
	FallsAt Time `json:"falls_at"`
}

func (*coinFlipped) Type() string             { return "betting.closed" }
func (e *coinFlipped) Begins() (string, Time) { return "flipping", e.FallsAt }

type coinSettled struct {
	Header
	Side side      `json:"side"`
	Seed game.Seed `json:"seed,omitzero"`
	Settlement[side]
}

func (e *coinSettled) Reveals() game.Seed       { return e.Seed }
func (e *coinSettled) Postings() []game.Posting { return e.Payouts(e.Header) }
func (e *coinSettled) Public() any              { return e.For("") }
func (e *coinSettled) For(who game.PlayerID) any {
	return struct {
		Header
		Side side      `json:"side"`
		Seed game.Seed `json:"seed,omitzero"`
		SettlementForm[side]
	}{e.Header, e.Side, e.Seed, e.Form(who)}
}

func (c *coin) Settings() interface{ Common() *Settings } { return &c.settings }
func (c *coin) State() any                                { return &c.state }
func (c *coin) Lasts(string) int64                        { return c.settings.FlipMS }

func (c *coin) CloseBetting(t *Table[side], at time.Time) game.Event {
	return &coinFlipped{t.Header(), After(at, c.settings.FlipMS)}
}

func (c *coin) Step(t *Table[side], at time.Time, open game.Seed) []game.Event {
	up := heads + side(open[0]>>c.state.Tossed&1)
	if c.settings.PerSeed > 1 {
		open = game.Seed{}
	}
	return []game.Event{&coinSettled{t.Header(), up, open, t.Settle(at, func(s Stake[side]) game.Money {
		if s.Position == up {
			return 2 * s.Amount
		}
		return 0
	})}}
}

func (c *coin) Apply(_ *Table[side], ev game.Event) {
	switch ev := ev.(type) {
	case *coinSettled:
		c.state.Tossed++
	case *Opened:
		if ev.Since == 0 {
			c.state.Tossed = 0
		}
	}
}

func (c *coin) KeepsSeed() bool { return c.state.Tossed+1 < c.settings.PerSeed }

func (c *coin) Unit(s side) game.Money {
	if s == tails {
		return c.settings.TailsStep
	}
	return 1
}

func (c *coin) View(t *Table[side], who game.PlayerID) any {
	return struct {
		View[side]
		Tossed int64 `json:"tossed"`
	}{t.ViewFor(who), c.state.Tossed}
}
