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

// coin is the smallest round game: a coin falls flip_ms after betting and pays twice the stake.
type coin struct {
	settings coinSettings
	state    struct {
		Tossed int64 `json:"tossed"`
	}
}

type coinSettings struct {
	Settings
	FlipMS int64 `json:"flip_ms"`
}

var coinKind = Config[side]{
	Name: "coin", Title: "Coin", Positions: []side{heads, tails}, Settings: SettingsOf([]string{"side"}, Duration("flip_ms", 500, 0)),
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
	Seed game.Seed `json:"seed"`
	Settlement[side]
}

func (e *coinSettled) Reveals() game.Seed       { return e.Seed }
func (e *coinSettled) Postings() []game.Posting { return e.Payouts(e.Header) }
func (e *coinSettled) Public() any              { return e.For("") }
func (e *coinSettled) For(who game.PlayerID) any {
	return struct {
		Header
		Side side      `json:"side"`
		Seed game.Seed `json:"seed"`
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
	up := heads + side(open[0]&1)
	return []game.Event{&coinSettled{t.Header(), up, open, t.Settle(at, func(s Stake[side]) game.Money {
		if s.Position == up {
			return 2 * s.Amount
		}
		return 0
	})}}
}

func (c *coin) Apply(_ *Table[side], ev game.Event) {
	if _, ok := ev.(*coinSettled); ok {
		c.state.Tossed++
	}
}

func (c *coin) View(t *Table[side], who game.PlayerID) any {
	return struct {
		View[side]
		Tossed int64 `json:"tossed"`
	}{t.ViewFor(who), c.state.Tossed}
}
