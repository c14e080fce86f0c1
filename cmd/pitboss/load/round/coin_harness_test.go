package round

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
	kit "github.com/pitboss-hub/pitboss/rooms/game/round"
)

// coinGame is the coin for the load engine. The event that reveals its seed is the one that pays, and its
// betting.closed has no totals.
var coinGame = New(Game{
	Name: coinKind.Name, Positions: []string{"heads", "tails"},
	Table: func(int) Table {
		return Table{Settings: map[string]any{"flip_ms": 50, "pause_ms": 70}, Payout: func(outcome string, b load.Bet) (game.Money, error) {
			var up, on side
			err := errors.Join(up.UnmarshalText([]byte(outcome)), on.UnmarshalText([]byte(b.Position)))
			return pays(up, on, b.Amount), err
		}}
	},
	Reveals: "round.settled",
	Read: func(data json.RawMessage) (string, error) {
		var d struct {
			Side side `json:"side"`
		}
		err := json.Unmarshal(data, &d)
		return d.Side.String(), err
	},
	Outcome: func(seed game.Seed, _ int64) string { return toss(seed).String() },
})

// coinKind is the smallest game of the kit.
var coinKind = kit.Config[side]{
	Name: "coin", Title: "Coin", Positions: []side{heads, tails}, Settings: kit.SettingsOf([]string{"side"}, kit.Duration("flip_ms", 500, 0)),
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

func toss(seed game.Seed) side { return heads + side(seed[0]&1) }

func pays(up, on side, amount game.Money) game.Money {
	if up == on {
		return 2 * amount
	}
	return 0
}

type coin struct {
	settings struct {
		kit.Settings
		FlipMS int64 `json:"flip_ms"`
	}
	state struct{}
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
	Seed game.Seed `json:"seed"`
	kit.Settlement[side]
}

func (e *coinSettled) Reveals() game.Seed       { return e.Seed }
func (e *coinSettled) Postings() []game.Posting { return e.Payouts(e.Header) }
func (e *coinSettled) Public() any              { return e.For("") }
func (e *coinSettled) For(who game.PlayerID) any {
	return struct {
		kit.Header
		Side side      `json:"side"`
		Seed game.Seed `json:"seed"`
		kit.SettlementForm[side]
	}{e.Header, e.Side, e.Seed, e.Form(who)}
}

func (c *coin) Settings() interface{ Common() *kit.Settings }  { return &c.settings }
func (c *coin) State() any                                     { return &c.state }
func (c *coin) Lasts(string) int64                             { return c.settings.FlipMS }
func (c *coin) Apply(*kit.Table[side], game.Event)             {}
func (c *coin) View(t *kit.Table[side], who game.PlayerID) any { return t.ViewFor(who) }
func (c *coin) CloseBetting(t *kit.Table[side], at time.Time) game.Event {
	return &coinFlipped{t.Header(), kit.After(at, c.settings.FlipMS)}
}

func (c *coin) Step(t *kit.Table[side], at time.Time, open game.Seed) []game.Event {
	up := toss(open)
	return []game.Event{&coinSettled{t.Header(), up, open, t.Settle(at, func(s kit.Stake[side]) game.Money { return pays(up, s.Position, s.Amount) })}}
}
