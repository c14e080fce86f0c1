package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// dealer plays at one table, and records what the rules did and what load read of it.
type dealer struct {
	load  *load.Game
	kind  game.Kind
	table load.Table
	rules game.Rules
	now   time.Time
	fresh game.Seed // for the next round
	n     int       // of the table

	// The round at hand.
	rounds int // bets were placed in, this one too
	round  int64
	seed   game.Seed
	first  int64                                   // the first round that the seed serves
	public bool                                    // the seed was told
	stakes map[game.PlayerID]map[string]game.Money // by position
	reason string                                  // of a Void
	bet    *placing                                // the command at hand, if it is a bet

	// What Event read.
	open     bool
	closesAt time.Time
	settled  bool
	voided   bool
	over     bool
}

// placing is a bet that a player places.
type placing struct {
	by game.PlayerID
	load.Bet
	told bool
}

// until lets time pass until reached, which what names.
func (d *dealer) until(what string, reached *bool) error {
	for range ticksMax {
		if *reached {
			return nil
		}
		wake := d.rules.Wake()
		if wake.IsZero() {
			return fmt.Errorf("the rules wait for nothing, and Event read nothing that is %s", what)
		}
		if wake.After(d.now) {
			d.now = wake
		}
		if err := d.decide(game.Actor{}, game.Tick{Fresh: d.fresh, Open: d.secret()}); err != nil {
			return err
		}
	}
	if *reached {
		return nil
	}
	return fmt.Errorf("after %d ticks, Event read nothing that is %s", ticksMax, what)
}

// command returns the command that places b, as the rules decode it.
func (d *dealer) command(b load.Bet) (any, error) {
	const before = "before"
	raw := d.load.AppendCommand([]byte(before), b)
	if len(raw) < len(before) || string(raw[:len(before)]) != before {
		return nil, fmt.Errorf("AppendCommand overwrote what it appends to: %s", raw)
	}
	raw = raw[len(before):]
	var head struct {
		Type string `json:"type"`
	}
	if err := game.DecodeKnown(raw, &head); err != nil {
		return nil, fmt.Errorf("AppendCommand wrote %s: %w", raw, err)
	}
	body, err := d.kind.Command(head.Type, raw)
	if err != nil {
		return nil, fmt.Errorf("the rules refuse the command %s: %w", raw, err)
	}
	return body, nil
}

// place bets.
func (d *dealer) place(by game.PlayerID, b load.Bet) error {
	body, err := d.command(b)
	if err != nil {
		return err
	}
	d.bet = &placing{by: by, Bet: b}
	defer func() { d.bet = nil }()
	if d.stakes[by] == nil {
		d.stakes[by] = map[string]game.Money{}
	}
	d.stakes[by][b.Position] += b.Amount
	if err := d.decide(game.Actor{Player: by, Name: string(by)}, body); err != nil {
		return fmt.Errorf("%d on %s: %w", b.Amount, b.Position, err)
	}
	if !d.bet.told {
		return fmt.Errorf("%d on %s: there was no event %s", b.Amount, b.Position, d.load.BetPlaced)
	}
	return nil
}

// decide gives the rules a command and reads what they tell.
func (d *dealer) decide(by game.Actor, body any) error {
	events, err := d.rules.Decide(game.Command{At: d.now, By: by, Body: body})
	if err != nil {
		return fmt.Errorf("the rules refuse %T: %w", body, err)
	}
	for _, e := range events {
		d.rules.Apply(e)
		if err := d.hear(e); err != nil {
			return fmt.Errorf("%s: %w", e.Type(), err)
		}
	}
	return d.look()
}

// hear reads an event as everybody is told it.
func (d *dealer) hear(e game.Event) error {
	if c, ok := e.(game.Committer); ok {
		d.stakes, d.settled, d.voided = map[game.PlayerID]map[string]game.Money{}, false, false
		if _, fresh := c.Commits(); fresh {
			d.seed, d.first, d.public = d.fresh, c.RoundNo(), false
		}
	}
	if r, ok := e.(game.Revealer); ok && !r.Reveals().IsZero() {
		d.public = true
	}
	if in, ok := e.(game.InRound); ok {
		d.round = in.RoundNo()
	}
	var all load.Event
	for i, who := range []game.PlayerID{guest, alice, bob} {
		data, err := formFor(e, who)
		if err != nil {
			return err
		}
		if e.Type() == d.load.BetPlaced {
			if err := d.hearBet(e, who, data); err != nil {
				return fmt.Errorf("%s is told %s: %w", who, data, err)
			}
			continue
		}
		read, err := d.load.Event(e.Type(), data)
		if err == nil {
			err = d.hold(e, who, &read)
		}
		if i == 0 {
			all = read
		} else if err == nil && (read.Open != all.Open || !read.ClosesAt.Equal(all.ClosesAt)) {
			err = fmt.Errorf("that bets are open is %t until %v, and %s was told %t until %v", read.Open, read.ClosesAt, guest, all.Open, all.ClosesAt)
		}
		if err != nil {
			return fmt.Errorf("%s is told %s: %w", who, data, err)
		}
	}
	if e.Type() == d.load.BetPlaced {
		d.bet.told = true
		return nil
	}
	if !all.ClosesAt.IsZero() && d.closesAt.IsZero() && !all.ClosesAt.Equal(d.now.Add(betting)) {
		return fmt.Errorf("betting ends at %v, and lasts %v from %v", all.ClosesAt, betting, d.now)
	}
	d.open, d.closesAt = all.Open, all.ClosesAt
	d.settled, d.voided = d.settled || all.Settled != nil, d.voided || all.Voided != nil
	d.over = e.Type() == game.TypeClosed
	return nil
}

// hearBet holds what OwnBet reads to the bet that is placed.
func (d *dealer) hearBet(e game.Event, who game.PlayerID, data json.RawMessage) error {
	if d.bet == nil || d.bet.told {
		return errors.New("there is no bet that it could tell of")
	}
	if staked := posted(e, game.Stake, d.bet.by); staked != d.bet.Amount {
		return fmt.Errorf("the rules took a stake of %d, and the bet was %d", staked, d.bet.Amount)
	}
	no, b, own, err := d.load.OwnBet(data)
	switch {
	case err != nil:
		return err
	case own != (who == d.bet.by):
		return fmt.Errorf("it is the bet of %s, and OwnBet said %t", d.bet.by, own)
	case own && (no != d.round || b != d.bet.Bet):
		return fmt.Errorf("OwnBet read %+v in round %d, and the bet was %+v in round %d", b, no, d.bet.Bet, d.round)
	}
	return nil
}

// look holds what was read of whether betting is open, by Event and by View, to whether the rules accept a
// bet.
func (d *dealer) look() error {
	body, err := d.command(d.table.Bet())
	if err != nil {
		return err
	}
	takes := func(at time.Time) bool {
		_, err := d.rules.Decide(game.Command{At: at, By: game.Actor{Player: guest, Name: string(guest)}, Body: body})
		return err == nil
	}
	if now := takes(d.now); d.open != now {
		return fmt.Errorf("that the rules accept a bet is %t, and Event read %t", now, d.open)
	}
	if d.open && !d.closesAt.IsZero() && (!takes(d.closesAt.Add(-time.Millisecond)) || takes(d.closesAt)) {
		return fmt.Errorf("Event read that bets are open until %v, which is not when the rules end it", d.closesAt)
	}
	for _, who := range []game.PlayerID{guest, alice} {
		raw, err := json.Marshal(d.rules.View(who))
		if err != nil {
			return err
		}
		v, err := d.load.View(raw)
		switch {
		case err != nil:
		case v.Round != d.round:
			err = fmt.Errorf("View read round %d, and it is round %d", v.Round, d.round)
		case v.Open != d.open || !v.ClosesAt.Equal(d.closesAt):
			err = fmt.Errorf("View read that bets are open: %t until %v, and Event %t until %v", v.Open, v.ClosesAt, d.open, d.closesAt)
		case d.open && (v.Commitment != d.seed.Commit() || v.Since != d.since()):
			err = fmt.Errorf("View read the commitment %s since round %d, and it is %s since %d", v.Commitment, v.Since, d.seed.Commit(), d.since())
		}
		if err != nil {
			return fmt.Errorf("%s is shown %s: %w", who, raw, err)
		}
	}
	return nil
}

// secret returns the seed as long as it was not told.
func (d *dealer) secret() game.Seed {
	if d.public {
		return game.Seed{}
	}
	return d.seed
}

// since returns the earlier round that committed to the seed; 0 if this one did.
func (d *dealer) since() int64 {
	if d.first == d.round {
		return 0
	}
	return d.first
}

// outcome returns what the seed decides in this round.
func (d *dealer) outcome() (string, error) {
	outcome, err := d.load.Outcome(d.seed, d.first, d.round)
	if err != nil {
		return "", fmt.Errorf("Outcome of round %d, which the seed serves since round %d: %w", d.round, d.first, err)
	}
	return outcome, nil
}
