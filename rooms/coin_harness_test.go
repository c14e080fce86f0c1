package rooms_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// coin is a game for tests: bets on heads or tails, a toss some time after the first bet,
// and commands that do what a game should not.
type coin struct {
	Settings   coinSettings    `json:"settings"`
	Round      int64           `json:"round"`
	Betting    bool            `json:"betting"`
	Commitment game.Commitment `json:"commitment"`
	ClosesAt   time.Time       `json:"closes_at"`
	Bets       []coinBet       `json:"bets"`
	Notes      []string        `json:"notes"`
	Closing    bool            `json:"closing"`
	Ended      bool            `json:"ended"`
}

type coinSettings struct {
	BettingMS int64  `json:"betting_ms"`
	Keep      bool   `json:"keep"`  // one seed for all rounds, told when the table closes
	Cheat     string `json:"cheat"` // commit: to a seed of its own; reveal: another seed; forget: to reveal; swap: the seed of later rounds
}

type coinBet struct {
	Player game.PlayerID `json:"player"`
	Amount game.Money    `json:"amount"`
	Heads  bool          `json:"heads"`
}

type (
	coinOpened struct {
		Round      int64           `json:"round"`
		Commitment game.Commitment `json:"commitment"`
		Again      bool            `json:"again"` // a round of before committed to it
	}
	coinPlaced struct {
		Round    int64     `json:"round"`
		Bet      coinBet   `json:"bet"`
		ClosesAt time.Time `json:"closes_at"`
	}
	coinTossed struct {
		Round   int64     `json:"round"`
		Seed    game.Seed `json:"seed"`
		Heads   bool      `json:"heads"`
		Winners []coinBet `json:"winners"`
	}
	coinMoved struct {
		ClosesAt time.Time `json:"closes_at"`
	}
	coinVoided struct {
		Round   int64     `json:"round"`
		Seed    game.Seed `json:"seed"`
		Reason  string    `json:"reason"`
		Refunds []coinBet `json:"refunds"`
	}
	coinTold struct {
		Round int64     `json:"round"`
		Seed  game.Seed `json:"seed"`
	}
	coinClosing struct{}
	coinNoted   struct {
		Text string `json:"text"`
	}
	coinBoom struct{ where string }
)

func (*coinOpened) Type() string                       { return "coin.opened" }
func (e *coinOpened) RoundNo() int64                   { return e.Round }
func (e *coinOpened) Commits() (game.Commitment, bool) { return e.Commitment, !e.Again }

func (*coinPlaced) Type() string     { return "coin.placed" }
func (e *coinPlaced) RoundNo() int64 { return e.Round }
func (e *coinPlaced) Postings() []game.Posting {
	return []game.Posting{{Kind: game.Stake, Player: e.Bet.Player, Amount: e.Bet.Amount, Ref: fmt.Sprint("round ", e.Round)}}
}
func (e *coinPlaced) Public() any               { return map[string]any{"amount": e.Bet.Amount} }
func (e *coinPlaced) Audience() []game.PlayerID { return []game.PlayerID{e.Bet.Player} }
func (e *coinPlaced) For(game.PlayerID) any {
	return map[string]any{"amount": e.Bet.Amount, "heads": e.Bet.Heads, "mine": true}
}

func (*coinTossed) Type() string         { return "coin.tossed" }
func (e *coinTossed) RoundNo() int64     { return e.Round }
func (e *coinTossed) Reveals() game.Seed { return e.Seed }
func (e *coinTossed) Postings() []game.Posting {
	var out []game.Posting
	for _, w := range e.Winners {
		out = append(out, game.Posting{Kind: game.Payout, Player: w.Player, Amount: 2 * w.Amount, Ref: fmt.Sprint("round ", e.Round)})
	}
	return out
}

func (*coinTold) Type() string         { return "coin.told" }
func (e *coinTold) RoundNo() int64     { return e.Round }
func (e *coinTold) Reveals() game.Seed { return e.Seed }

func (*coinMoved) Type() string          { return "coin.moved" }
func (*coinVoided) Type() string         { return "coin.voided" }
func (e *coinVoided) RoundNo() int64     { return e.Round }
func (e *coinVoided) Reveals() game.Seed { return e.Seed }
func (e *coinVoided) Postings() []game.Posting {
	var out []game.Posting
	for _, b := range e.Refunds {
		out = append(out, game.Posting{Kind: game.Refund, Player: b.Player, Amount: b.Amount, Ref: fmt.Sprint("round ", e.Round)})
	}
	return out
}

func (*coinClosing) Type() string { return "coin.closing" }
func (*coinNoted) Type() string   { return "coin.noted" }
func (*coinBoom) Type() string    { return "coin.boom" }
func (e *coinBoom) Public() any {
	if e.where == "form" {
		panic("boom in a form")
	}
	return nil
}
func (*coinBoom) Audience() []game.PlayerID { return nil }
func (*coinBoom) For(game.PlayerID) any     { return nil }

var coinKind = game.Kind{
	Name: "coin",
	New: func(settings json.RawMessage) (game.Rules, error) {
		c := &coin{Settings: coinSettings{BettingMS: 1000}}
		if err := json.Unmarshal(settings, &c.Settings); err != nil {
			return nil, err
		}
		if c.Settings.BettingMS <= 0 {
			return nil, fmt.Errorf("betting_ms must be above zero")
		}
		return c, nil
	},
	Command: func(typ string, body json.RawMessage) (any, error) {
		var to any
		switch typ {
		case "bet":
			to = &coinBet{}
		case "note":
			to = &coinNote{}
		case "boom":
			to = &coinBoomed{}
		default:
			return nil, game.Refuse(game.CodeInvalidCommand, "No such command.")
		}
		if err := json.Unmarshal(body, to); err != nil {
			return nil, game.Refuse(game.CodeInvalidCommand, err.Error())
		}
		return to, nil
	},
	Event: func(typ string) game.Event {
		switch typ {
		case "coin.opened":
			return &coinOpened{}
		case "coin.placed":
			return &coinPlaced{}
		case "coin.tossed":
			return &coinTossed{}
		case "coin.told":
			return &coinTold{}
		case "coin.moved":
			return &coinMoved{}
		case "coin.voided":
			return &coinVoided{}
		case "coin.closing":
			return &coinClosing{}
		case "coin.noted":
			return &coinNoted{}
		}
		return nil
	},
}

type coinNote struct {
	Text string `json:"text"`
}

func (n *coinNote) Target() string { return n.Text }

type coinBoomed struct {
	Where string `json:"where"`
}

func heads(s game.Seed) bool { return s[0]&1 == 0 }

func (c *coin) Decide(cmd game.Command) ([]game.Event, error) {
	switch body := cmd.Body.(type) {
	case game.Tick:
		return c.tick(cmd.At, body), nil
	case game.Shift:
		return []game.Event{&coinMoved{c.ClosesAt.Add(body.By)}}, nil
	case game.Void:
		if len(c.Bets) == 0 {
			return nil, game.Refuse(game.CodeNothingToVoid, "No bets.")
		}
		return []game.Event{&coinVoided{c.Round, body.Open, body.Reason, c.Bets}}, nil
	case game.Close:
		switch {
		case c.Ended:
			return nil, game.Refuse(game.CodeRoomClosed, "It is over.")
		case c.Closing:
			return nil, nil
		case len(c.Bets) > 0:
			return []game.Event{&coinClosing{}}, nil
		}
		return c.closed(body.Reason, body.Open), nil
	case *coinNote:
		if !cmd.By.Staff {
			return nil, game.Refuse(game.CodeForbidden, "Staff only.")
		}
		return []game.Event{&coinNoted{body.Text}}, nil
	case *coinBoomed:
		switch body.Where {
		case "decide":
			panic("boom in Decide")
		case "error":
			return nil, fmt.Errorf("an error that is no refusal")
		case "amount":
			return []game.Event{&coinPlaced{Round: c.Round, Bet: coinBet{Player: cmd.By.Player, Amount: -1}}}, nil
		}
		return []game.Event{&coinBoom{body.Where}}, nil
	case *coinBet:
		switch {
		case c.Ended:
			return nil, game.Refuse(game.CodeRoomClosed, "It is over.")
		case !c.Betting, !c.ClosesAt.IsZero() && !cmd.At.Before(c.ClosesAt):
			return nil, game.Refuse(game.CodeBettingClosed, "No more bets.")
		case body.Amount <= 0 || body.Amount > 1000:
			return nil, game.Refuse(game.CodeLimitReached, "1 to 1000.")
		}
		closes := c.ClosesAt
		if closes.IsZero() {
			closes = cmd.At.Add(time.Duration(c.Settings.BettingMS) * time.Millisecond)
		}
		return []game.Event{&coinPlaced{c.Round, coinBet{cmd.By.Player, body.Amount, body.Heads}, closes}}, nil
	}
	return nil, game.Refuse(game.CodeInvalidCommand, "No such command.")
}

func (c *coin) tick(at time.Time, tick game.Tick) []game.Event {
	switch {
	case c.Ended || at.Before(c.Wake()):
		return nil
	case c.Betting:
		e := &coinTossed{Round: c.Round, Seed: tick.Open, Heads: heads(tick.Open)}
		switch c.Settings.Cheat {
		case "reveal":
			e.Seed = game.Seed{42}
		case "forget":
			return []game.Event{&coinOpened{Round: c.Round + 1, Commitment: tick.Fresh.Commit()}}
		}
		if c.Settings.Keep {
			e.Seed = game.Seed{}
		}
		for _, b := range c.Bets {
			if b.Heads == e.Heads {
				e.Winners = append(e.Winners, b)
			}
		}
		return []game.Event{e}
	case c.Closing:
		return c.closed("", tick.Open)
	case c.Settings.Cheat == "commit", c.Settings.Cheat == "swap" && c.Round > 0:
		return []game.Event{&coinOpened{c.Round + 1, game.Seed{42}.Commit(), c.Round > 0}}
	case c.Settings.Keep && c.Round > 0:
		return []game.Event{&coinOpened{c.Round + 1, c.Commitment, true}}
	case tick.Fresh.IsZero():
		return nil
	}
	return []game.Event{&coinOpened{Round: c.Round + 1, Commitment: tick.Fresh.Commit()}}
}

func (c *coin) closed(reason string, open game.Seed) []game.Event {
	if c.Settings.Keep && c.Round > 0 {
		return []game.Event{&coinTold{c.Round, open}, &game.Closed{Reason: reason}}
	}
	return []game.Event{&game.Closed{Reason: reason}}
}

func (c *coin) Apply(ev game.Event) {
	switch ev := ev.(type) {
	case *coinOpened:
		c.Round, c.Commitment, c.Betting = ev.Round, ev.Commitment, true
	case *coinPlaced:
		c.Bets, c.ClosesAt = append(c.Bets, ev.Bet), ev.ClosesAt
	case *coinTossed, *coinVoided:
		c.Betting, c.Bets, c.ClosesAt = false, nil, time.Time{}
	case *coinMoved:
		c.ClosesAt = ev.ClosesAt
	case *coinClosing:
		c.Closing = true
	case *coinNoted:
		c.Notes = append(c.Notes, ev.Text)
	case *game.Closed:
		c.Ended = true
	case *coinBoom:
		panic("boom in Apply")
	}
}

func (c *coin) Lasts() time.Duration {
	if c.Betting && !c.ClosesAt.IsZero() {
		return time.Duration(c.Settings.BettingMS) * time.Millisecond
	}
	return 0
}

// Wake is long past when a round is to be opened.
func (c *coin) Wake() time.Time {
	switch {
	case c.Ended:
		return time.Time{}
	case c.Betting:
		return c.ClosesAt
	}
	return time.Unix(1, 0)
}

func (c *coin) View(who game.PlayerID) any {
	if who == "boom" {
		panic("boom in View")
	}
	var mine game.Money
	for _, b := range c.Bets {
		if b.Player == who {
			mine += b.Amount
		}
	}
	return map[string]any{"round": c.Round, "bets": len(c.Bets), "notes": len(c.Notes), "mine": mine}
}

// sum is a coin with totals and a brief.
type sum struct{ coin }

func (s *sum) Totals() any {
	staked := game.Money(0)
	for _, b := range s.Bets {
		staked += b.Amount
	}
	return map[string]any{"staked": staked}
}

func (s *sum) Brief() any {
	return map[string]any{"bets": len(s.Bets), "notes": strings.Join(s.Notes, "")}
}

var sumKind = game.Kind{
	Name: "sum", Command: coinKind.Command, Event: coinKind.Event,
	New: func(settings json.RawMessage) (game.Rules, error) {
		rules, err := coinKind.New(settings)
		if err != nil {
			return nil, err
		}
		return &sum{*rules.(*coin)}, nil
	},
}

func (c *coin) StaffView() any { return map[string]any{"notes": c.Notes} }
