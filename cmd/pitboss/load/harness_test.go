package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// coin is a game for tests: heads or tails, by the bits of the seed's first byte, and the right side pays double.
// A seed serves eight rounds at most.
var coin = Game{
	Name: "coin", SeatsMax: 500, BetsMax: 95, StakeMax: 1000,
	Table: func(int, time.Duration) Table {
		return Table{Settings: json.RawMessage(`{}`), Bet: func() Bet { return Bet{"heads", 1} }, Payout: coinPayout}
	},
	AppendCommand: func(dst []byte, b Bet) []byte {
		return fmt.Appendf(dst, `{"type":"bet","on":%q,"amount":%d}`, b.Position, b.Amount)
	},
	BetPlaced: "bet.placed",
	OwnBet: func(data []byte) (round int64, b Bet, own bool, err error) {
		if !bytes.HasSuffix(data, []byte(`,"mine":true}`)) {
			return 0, Bet{}, false, nil
		}
		var d coinEvent
		if err := json.Unmarshal(data, &d); err != nil {
			return 0, Bet{}, false, err
		}
		return d.Round, Bet{d.On, d.Amount}, true, nil
	},
	Event: func(typ string, data json.RawMessage) (Event, error) {
		var d coinEvent
		err := json.Unmarshal(data, &d)
		e := Event{Round: d.Round}
		switch typ {
		case "opened":
			e.Commitment, e.Since, e.Open = d.Commitment, d.Since, true
		case "started":
			e.Open, e.ClosesAt = true, d.ClosesAt
		case "closed":
			e.Totals = &d.Total
		case "tossed":
			e.Outcome, e.Seed = d.Side, d.Seed
		case "settled":
			e.Outcome, e.Settled = d.Side, &Settled{d.Staked, d.Paid, d.Own}
		case "revealed":
			e.Commitment, e.Since, e.Seed = d.Commitment, d.Since, d.Seed
		case "voided":
			e.Seed, e.Voided = d.Seed, &Voided{d.Refund, "lost"}
		}
		return e, err
	},
	View: func(raw json.RawMessage) (e Event, err error) { return e, json.Unmarshal(raw, &e) },
	Outcome: func(seed game.Seed, first, round int64) (string, error) {
		if round-first > 7 {
			return "", errors.New("no such toss")
		}
		return []string{"heads", "tails"}[seed[0]>>(round-first)&1], nil
	},
}

func coinPayout(outcome string, b Bet) (game.Money, error) {
	switch b.Position {
	case outcome:
		return 2 * b.Amount, nil
	case "heads", "tails":
		return 0, nil
	}
	return 0, strconv.ErrSyntax
}

// coinEvent has the members of all of the coin's events.
type coinEvent struct {
	Round      int64
	Commitment game.Commitment
	Since      int64
	ClosesAt   time.Time `json:"closes_at"`
	On, Side   string
	Seed       game.Seed
	Amount     game.Money
	Total      game.Money
	Refund     game.Money
	Staked     game.Money
	Paid       game.Money
	Own        *Account
}

// newTestRun returns a run of coins with one table and one player, who has nothing.
func newTestRun() (*run, *player) {
	r := &run{Options: Options{Games: []Play{{&coin, 1}}}, shares: []*stats{newStats()}}
	t := newTable(&coin, "t1", 0, time.Second, &r.faults)
	p := &player{
		run: r, table: t, name: "p1", stats: r.shares[0], book: newBook("p1", t),
		waiting: map[int64]waiting{}, unsure: map[int64]time.Time{}, calls: map[int64]answer{},
	}
	t.players = append(t.players, p)
	r.tables = []*table{t}
	return r, p
}
