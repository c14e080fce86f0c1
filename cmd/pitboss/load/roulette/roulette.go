package roulette

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

const (
	// The phases of a table but betting, in milliseconds: short, so that it is mostly open.
	closeMS, spinMS, pauseMS = 100, 300, 200
	// stakeMax is the largest stake, in minor units. The least is 1.
	stakeMax = 1000
)

// Game is roulette, for the load engine.
var Game = load.Game{
	Name:     roulette.Kind.Name,
	SeatsMax: 500,
	BetsMax:  95, // a little less than the server takes
	StakeMax: stakeMax,

	Table:         table,
	Bet:           bet,
	AppendCommand: appendCommand,
	BetPlaced:     "bet.placed",
	OwnBet:        ownBet,
	Event:         event,
	View:          view,
	Outcome:       func(seed game.Seed, round int64) string { return strconv.Itoa(roulette.Draw(seed, round)) },
}

func table(n int, betting time.Duration) load.Table {
	laPartage := n%2 == 1
	return load.Table{
		Settings: fmt.Appendf(nil, `{"min_bet":1,"max_bet":1000000000,"round_min":1,"round_max":1000000000,"betting_ms":%d,"close_ms":%d,"spin_ms":%d,"pause_ms":%d,"la_partage":%t}`,
			betting.Milliseconds(), closeMS, spinMS, pauseMS, laPartage),
		Payout: func(outcome string, b load.Bet) (game.Money, error) {
			pocket, err := strconv.Atoi(outcome)
			if err != nil {
				return 0, fmt.Errorf("roulette: no pocket %q", outcome)
			}
			return roulette.Payout(b.Position, pocket, b.Amount, laPartage)
		},
	}
}

// betPositions are where bets are placed: every kind of position.
var betPositions = []string{
	"red", "black", "odd", "even", "low", "high", "dozen:1", "dozen:2", "dozen:3", "column:1", "column:2", "column:3",
	"straight:0", "straight:7", "straight:17", "straight:36", "split:17-20", "split:0-2", "trio:0-1-2", "street:16-17-18",
	"corner:16-17-19-20", "first_four", "line:13-14-15-16-17-18",
}

var positionNames = func() map[string]string {
	names := map[string]string{}
	for _, p := range betPositions {
		names[p] = p
	}
	return names
}()

// positionNamed returns string(name), mostly without a copy.
func positionNamed(name []byte) string {
	if p, ok := positionNames[string(name)]; ok {
		return p
	}
	return string(name)
}

func bet() load.Bet {
	return load.Bet{Position: betPositions[rand.IntN(len(betPositions))], Amount: 1 + game.Money(rand.IntN(stakeMax))}
}

func appendCommand(dst []byte, b load.Bet) []byte {
	dst = append(dst, `{"type":"bet","bets":[{"position":"`...)
	dst = append(dst, b.Position...)
	dst = append(dst, `","amount":`...)
	dst = strconv.AppendInt(dst, int64(b.Amount), 10)
	return append(dst, `}]}`...)
}

// ownEnd ends the data of a bet.placed in its player's own form.
var ownEnd = []byte(`,"mine":true}`)

func ownBet(data []byte) (round int64, b load.Bet, own bool, err error) {
	if !bytes.HasSuffix(data, ownEnd) {
		return 0, load.Bet{}, false, nil
	}
	c := load.NewCursor(data)
	c.Skip(`{"round":`)
	round = c.Number()
	c.Skip(`,"seat":`)
	c.Number()
	c.Skip(`,"name":"`)
	c.Text()
	c.Skip(`,"sum":`)
	sum := c.Number()
	c.Skip(`,"bets":[{"position":"`)
	b.Position = positionNamed(c.Text())
	c.Skip(`,"amount":`)
	b.Amount = game.Money(c.Number())
	c.Skip(`}],"mine":true}`)
	if !c.Done() || game.Money(sum) != b.Amount {
		return 0, load.Bet{}, false, fmt.Errorf("a bet.placed that was not expected: %.200s", data)
	}
	return round, b, true, nil
}

// told has the members of all events that belong to a round.
type told struct {
	Round      int64           `json:"round"`
	Commitment game.Commitment `json:"commitment"`
	ClosesAt   time.Time       `json:"closes_at"`
	Pocket     int             `json:"pocket"`
	Seed       game.Seed       `json:"seed"`
	Staked     game.Money      `json:"staked"`
	Paid       game.Money      `json:"paid"`
	Reason     string          `json:"reason"`
	Totals     []struct {
		Amount game.Money `json:"amount"`
	} `json:"totals"`
	Mine *struct {
		Staked game.Money `json:"staked"`
		Payout game.Money `json:"payout"`
		Refund game.Money `json:"refund"`
		Bets   []struct {
			Position string     `json:"position"`
			Amount   game.Money `json:"amount"`
			Payout   game.Money `json:"payout"`
		} `json:"bets"`
	} `json:"mine"`
}

func event(typ string, data json.RawMessage) (load.Event, error) {
	var d told
	if err := game.DecodeKnown(data, &d); err != nil {
		return load.Event{}, err
	}
	e := load.Event{Round: d.Round}
	switch typ {
	case "round.opened":
		e.Commitment, e.Open = d.Commitment, true
	case "betting.started":
		e.Open, e.ClosesAt = true, d.ClosesAt
	case "betting.stopped":
		e.Open = true // the clock waits for another first bet
	case "betting.closed":
		var sum game.Money
		for _, on := range d.Totals {
			sum += on.Amount
		}
		e.Totals = &sum
	case "wheel.spun":
		e.Revealed = &load.Revealed{Seed: d.Seed, Outcome: strconv.Itoa(d.Pocket)}
	case "round.settled":
		e.Settled = &load.Settled{Outcome: strconv.Itoa(d.Pocket), Staked: d.Staked, Paid: d.Paid, Own: d.account()}
	case "round.voided":
		e.Voided = &load.Voided{Reason: d.Reason}
		if d.Mine != nil {
			e.Voided.Refund = d.Mine.Refund
		}
	}
	return e, nil
}

// account returns the player's own part of a settled round, nil if it had none.
func (d *told) account() *load.Account {
	if d.Mine == nil {
		return nil
	}
	own := &load.Account{Staked: d.Mine.Staked, Payout: d.Mine.Payout}
	for _, b := range d.Mine.Bets {
		own.Bets = append(own.Bets, load.Result{Bet: load.Bet{Position: b.Position, Amount: b.Amount}, Payout: b.Payout})
	}
	return own
}

func view(raw json.RawMessage) (load.Event, error) {
	var v struct {
		Phase      string          `json:"phase"`
		Round      int64           `json:"round"`
		Commitment game.Commitment `json:"commitment"`
		ClosesAt   time.Time       `json:"closes_at"`
	}
	if err := game.DecodeKnown(raw, &v); err != nil {
		return load.Event{}, err
	}
	e := load.Event{Round: v.Round, Commitment: v.Commitment}
	if v.Phase == "betting" {
		e.Open, e.ClosesAt = true, v.ClosesAt
	}
	return e, nil
}
