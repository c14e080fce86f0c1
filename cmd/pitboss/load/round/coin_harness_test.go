package round

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
	kit "github.com/pitboss-hub/pitboss/rooms/game/round"
)

// coinGame is the coin for the load engine. Its seeds serve one round at half of the tables, and the event that
// tells them is the one that pays; at the others they serve three. Its betting.closed has no totals.
var coinGame = New(Game{
	Name: coinKind.Name, Positions: []string{"heads", "tails"},
	Table: func(n int) Table {
		return Table{
			Settings: map[string]any{"flip_ms": 50, "pause_ms": 70, "per_seed": 1 + n%2*2, "tails_step": 10},
			Payout: func(outcome string, b load.Bet) (game.Money, error) {
				var up, on side
				err := errors.Join(up.UnmarshalText([]byte(outcome)), on.UnmarshalText([]byte(b.Position)))
				return pays(up, on, b.Amount), err
			},
			Steps: map[string]game.Money{"tails": 10},
		}
	},
	Reveals: "round.settled",
	Read: func(data json.RawMessage) (string, error) {
		var d struct {
			Side side `json:"side"`
		}
		err := json.Unmarshal(data, &d)
		return d.Side.String(), err
	},
	Outcome: func(seed game.Seed, first, round int64) (string, error) {
		if round < first || round-first >= perSeedMax {
			return "", errors.New("the seed does not serve that round")
		}
		return toss(seed, round-first).String(), nil
	},
})

// perSeedMax is how many rounds a seed serves at most.
const perSeedMax = 8

// coinKind is the smallest game of the kit.
var coinKind = kit.Config[side]{
	Name: "coin", Title: "Coin", Positions: []side{heads, tails},
	Settings: kit.SettingsOf([]string{"side"}, kit.Duration("flip_ms", 500, 0), kit.Money("tails_step", 1),
		game.Setting{Name: "per_seed", Type: game.SettingInt, Default: int64(1), Min: 1, Max: perSeedMax, Message: "per_seed"}),
	New: func() kit.Game[side] { return &coin{} },
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

// toss returns how the coin falls the n-th time by a seed, counted from 0.
func toss(seed game.Seed, n int64) side { return heads + side(seed[0]>>n&1) }

func pays(up, on side, amount game.Money) game.Money {
	if up == on {
		return 2 * amount
	}
	return 0
}

type coin struct {
	settings struct {
		kit.Settings
		FlipMS    int64      `json:"flip_ms"`
		PerSeed   int64      `json:"per_seed"`
		TailsStep game.Money `json:"tails_step"`
	}
	state struct {
		Tossed int64 `json:"tossed"` // by the seed at hand
	}
}

type coinFlipped struct {
	kit.Header
	FallsAt kit.Time `json:"falls_at"`
}

func (*coinFlipped) Type() string                 { return "betting.closed" }
func (e *coinFlipped) Begins() (string, kit.Time) { return "flipping", e.FallsAt }

type coinSettled struct {
	kit.Header
	Side side      `json:"side"`
	Seed game.Seed `json:"seed,omitzero"`
	kit.Settlement[side]
}

func (e *coinSettled) Reveals() game.Seed       { return e.Seed }
func (e *coinSettled) Postings() []game.Posting { return e.Payouts(e.Header) }
func (e *coinSettled) Public() any              { return e.For("") }
func (e *coinSettled) For(who game.PlayerID) any {
	return struct {
		kit.Header
		Side side      `json:"side"`
		Seed game.Seed `json:"seed,omitzero"`
		kit.SettlementForm[side]
	}{e.Header, e.Side, e.Seed, e.Form(who)}
}

func (c *coin) Settings() interface{ Common() *kit.Settings }  { return &c.settings }
func (c *coin) State() any                                     { return &c.state }
func (c *coin) Lasts(string) int64                             { return c.settings.FlipMS }
func (c *coin) KeepsSeed() bool                                { return c.state.Tossed+1 < c.settings.PerSeed }
func (c *coin) View(t *kit.Table[side], who game.PlayerID) any { return t.ViewFor(who) }
func (c *coin) CloseBetting(t *kit.Table[side], at time.Time) game.Event {
	return &coinFlipped{t.Header(), kit.After(at, c.settings.FlipMS)}
}

func (c *coin) Unit(s side) game.Money {
	if s == tails {
		return c.settings.TailsStep
	}
	return 1
}

func (c *coin) Step(t *kit.Table[side], at time.Time, open game.Seed) []game.Event {
	up := toss(open, c.state.Tossed)
	if c.settings.PerSeed > 1 {
		open = game.Seed{} // the kit tells it
	}
	return []game.Event{&coinSettled{t.Header(), up, open, t.Settle(at, func(s kit.Stake[side]) game.Money { return pays(up, s.Position, s.Amount) })}}
}

func (c *coin) Apply(_ *kit.Table[side], ev game.Event) {
	switch ev := ev.(type) {
	case *coinSettled:
		c.state.Tossed++
	case *kit.Opened:
		if ev.Since == 0 {
			c.state.Tossed = 0
		}
	}
}
