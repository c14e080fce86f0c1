package loadtest

import (
	"errors"
	"fmt"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// hold holds what Event read for who to the rules' event.
func (d *dealer) hold(e game.Event, who game.PlayerID, read *load.Event) error {
	var no int64
	if in, ok := e.(game.InRound); ok {
		no = in.RoundNo()
	}
	_, commits := e.(game.Committer)
	told := commits || !read.Commitment.IsZero()
	switch {
	case read.Round != no:
		return fmt.Errorf("Event read round %d, and it is of round %d", read.Round, no)
	case told && (read.Commitment != d.seed.Commit() || read.Since != d.since()):
		return fmt.Errorf("Event read the commitment %s since round %d, and it is %s since %d", read.Commitment, read.Since, d.seed.Commit(), d.since())
	case read.Totals != nil && *read.Totals != d.staked():
		return fmt.Errorf("Event read totals of %d, and %d lies on the table", *read.Totals, d.staked())
	}
	_, ends := e.(game.RoundEnder)
	voids := ends && posted(e, game.Refund, "") > 0
	if err := d.holdReveal(e, read); err != nil {
		return err
	}
	if ends && !voids {
		return d.holdSettled(e, who, read)
	}
	if read.Settled != nil {
		return fmt.Errorf("Event read the settlement %+v, and it settles nothing", *read.Settled)
	}
	want := load.Voided{Refund: posted(e, game.Refund, who), Reason: d.reason}
	switch v := read.Voided; {
	case voids && (v == nil || *v != want):
		return fmt.Errorf("Event read %+v, and the round is voided: %+v", v, want)
	case !voids && v != nil:
		return fmt.Errorf("Event read %+v, and it voids nothing", *v)
	}
	return nil
}

// holdReveal holds a seed and an outcome to the rules' event.
func (d *dealer) holdReveal(e game.Event, read *load.Event) error {
	var seed game.Seed
	if r, ok := e.(game.Revealer); ok {
		seed = r.Reveals()
	}
	if read.Seed != seed {
		return fmt.Errorf("Event read the seed %s, and it reveals %s", read.Seed.Hex(), seed.Hex())
	}
	if read.Outcome == "" {
		return nil
	}
	outcome, err := d.outcome()
	if err == nil && read.Outcome != outcome {
		err = fmt.Errorf("Event read the outcome %q, and it is %q", read.Outcome, outcome)
	}
	return err
}

// holdSettled holds a settlement to the postings, to the stakes, and to Payout.
func (d *dealer) holdSettled(e game.Event, who game.PlayerID, event *load.Event) error {
	read := event.Settled
	switch {
	case read == nil:
		return errors.New("Event read no settlement, and the round is settled")
	case event.Outcome == "":
		return errors.New("Event read no outcome, and the round is settled")
	case read.Staked != d.staked() || read.Paid != posted(e, game.Payout, ""):
		return fmt.Errorf("Event read %d staked and %d paid, and it is %d and %d", read.Staked, read.Paid, d.staked(), posted(e, game.Payout, ""))
	}
	stakes, own := d.stakes[who], read.Own
	if own == nil || len(stakes) == 0 {
		if own != nil || len(stakes) > 0 {
			return fmt.Errorf("Event read the account %+v, and the stakes are %v", own, stakes)
		}
		return nil
	}
	if want := posted(e, game.Payout, who); own.Staked != sum(stakes) || own.Payout != want || len(own.Bets) != len(stakes) {
		return fmt.Errorf("Event read the account %+v, and the stakes are %v and the payout %d", *own, stakes, want)
	}
	left := own.Payout
	for _, r := range own.Bets {
		if stakes[r.Position] != r.Amount {
			return fmt.Errorf("Event read %d on %s, and %d was staked there", r.Amount, r.Position, stakes[r.Position])
		}
		want, err := d.table.Payout(event.Outcome, r.Bet)
		if err != nil {
			return fmt.Errorf("Payout of %d on %s: %w", r.Amount, r.Position, err)
		}
		if want != r.Payout {
			return fmt.Errorf("%d on %s was paid %d, and Payout returns %d", r.Amount, r.Position, r.Payout, want)
		}
		left -= r.Payout
	}
	if left != 0 {
		return fmt.Errorf("Event read the account %+v, whose payouts do not add up", *own)
	}
	return nil
}

// staked returns what lies on the table.
func (d *dealer) staked() (all game.Money) {
	for _, on := range d.stakes {
		all += sum(on)
	}
	return all
}

func sum(on map[string]game.Money) (all game.Money) {
	for _, amount := range on {
		all += amount
	}
	return all
}

// posted returns how much of that kind an event moves for who, or for everybody if who is empty.
func posted(e game.Event, kind string, who game.PlayerID) (all game.Money) {
	for _, m := range game.Postings(e) {
		if m.Kind == kind && (who == "" || m.Player == who) {
			all += m.Amount
		}
	}
	return all
}
