package round

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// ownEnd ends the data of a bet.placed in its player's own form.
var ownEnd = []byte(`,"mine":true}`)

// ownBet reads a bet.placed. names has the positions that are read without a copy.
func ownBet(names map[string]string, data []byte) (round int64, b load.Bet, own bool, err error) {
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
	position := c.Text()
	c.Skip(`,"amount":`)
	b.Amount = game.Money(c.Number())
	c.Skip(`}],"mine":true}`)
	if !c.Done() || game.Money(sum) != b.Amount {
		return 0, load.Bet{}, false, fmt.Errorf("a bet.placed that was not expected: %.200s", data)
	}
	var known bool
	if b.Position, known = names[string(position)]; !known {
		b.Position = string(position)
	}
	return round, b, true, nil
}

// head has what is read of any event of a round.
type head struct {
	Round int64     `json:"round"`
	Seed  game.Seed `json:"seed"`
}

// told has the members of all events that the kit gives a meaning.
type told struct {
	head
	Commitment game.Commitment `json:"commitment"`
	Since      int64           `json:"since"`
	ClosesAt   time.Time       `json:"closes_at"`
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

func (g *Game) event(typ string, data json.RawMessage) (load.Event, error) {
	var d told
	into := any(&d.head) // of the game's own events nothing else has a meaning here
	switch typ {
	case "round.opened", "betting.started", "betting.closed", "round.settled", "round.voided", "seed.revealed":
		into = &d
	}
	if err := game.DecodeKnown(data, into); err != nil {
		return load.Event{}, err
	}
	e := load.Event{Round: d.Round}
	switch typ {
	case "round.opened":
		e.Commitment, e.Since, e.Open = d.Commitment, d.Since, true
	case "betting.started":
		e.Open, e.ClosesAt = true, d.ClosesAt
	case "betting.stopped":
		e.Open = true // the clock waits for another first bet
	case "betting.closed":
		e.Totals = d.totals()
	case "round.settled":
		e.Settled = &load.Settled{Staked: d.Staked, Paid: d.Paid, Own: d.account()}
	case "round.voided":
		e.Seed, e.Voided = d.Seed, &load.Voided{Reason: d.Reason}
		if d.Mine != nil {
			e.Voided.Refund = d.Mine.Refund
		}
	case "seed.revealed":
		e.Commitment, e.Since, e.Seed = d.Commitment, d.Since, d.Seed
	}
	if typ == g.Reveals {
		e.Seed = d.Seed
	}
	if typ == g.Reveals || typ == "round.settled" {
		var err error
		if e.Outcome, err = g.Read(data); err != nil {
			return load.Event{}, err
		}
	}
	return e, nil
}

// totals returns what lies on the table, nil if the event does not have it.
func (d *told) totals() *game.Money {
	if d.Totals == nil {
		return nil
	}
	var sum game.Money
	for _, on := range d.Totals {
		sum += on.Amount
	}
	return &sum
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
		Since      int64           `json:"since"`
		ClosesAt   time.Time       `json:"closes_at"`
	}
	if err := game.DecodeKnown(raw, &v); err != nil {
		return load.Event{}, err
	}
	e := load.Event{Round: v.Round, Commitment: v.Commitment, Since: v.Since}
	if v.Phase == "betting" {
		e.Open, e.ClosesAt = true, v.ClosesAt
	}
	return e, nil
}
