package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

const (
	tables  = 4                       // that Run plays at
	rounds  = 3                       // of a table that are paid, before one is voided
	betting = 1500 * time.Millisecond // how long a round takes bets
	// ticksMax is how many ticks a table may need for what it is waited for.
	ticksMax = 100
)

// The players who bet: alice as often as she may, bob three times. Somebody else only looks on.
const (
	alice game.PlayerID = "alice"
	bob   game.PlayerID = "bob"
	guest game.PlayerID = "guest"
)

// Run plays rounds of g by the rules of kind, and fails the test where g reads something else than what the
// rules did. The package's documentation has the list.
func Run(t *testing.T, g load.Game, kind game.Kind) {
	t.Helper()
	for n := range tables {
		if err := play(&g, kind, n); err != nil {
			t.Errorf("%s, table %d: %v", g.Name, n, err)
		}
	}
}

// play plays at the n-th table, from its opening to its end.
func play(g *load.Game, kind game.Kind, n int) error {
	if g.Name != kind.Name {
		return fmt.Errorf("it is named %q, and its rules %q", g.Name, kind.Name)
	}
	d := &dealer{load: g, kind: kind, table: g.Table(n, betting), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), fresh: seedOf(n, 0)}
	var err error
	if d.rules, err = kind.New(d.table.Settings); err != nil {
		return fmt.Errorf("the rules refuse the settings %s: %w", d.table.Settings, err)
	}
	if err := d.look(); err != nil {
		return fmt.Errorf("before the first round: %w", err)
	}
	for i := range rounds + 1 {
		d.fresh = seedOf(n, i)
		if err := d.bets(); err != nil {
			return err
		}
		if i < rounds {
			err = d.until("the end of the round", &d.settled)
		} else {
			d.reason = "a test"
			err = d.decide(game.Actor{Player: "boss", Staff: true}, game.Void{Reason: d.reason, Open: d.seed})
			if err == nil && !d.voided {
				err = errors.New("Event read nothing that says that the round is voided")
			}
		}
		if err != nil {
			return err
		}
	}
	if err := d.decide(game.Actor{Player: "boss", Staff: true}, game.Close{Reason: "a test"}); err != nil {
		return err
	}
	if err := d.until("the end of the table", &d.over); err != nil {
		return err
	}
	return d.strange()
}

func seedOf(table, round int) game.Seed { return game.Seed{byte(table + 1), byte(round + 1), 31: 7} }

// bets opens a round and places bets in it.
func (d *dealer) bets() error {
	if err := d.until("the opening of a round", &d.open); err != nil {
		return err
	}
	for i := range d.load.BetsMax {
		b := d.load.Bet()
		if b.Amount < 1 || b.Amount > d.load.StakeMax {
			return fmt.Errorf("Bet returned a stake of %d, and StakeMax is %d", b.Amount, d.load.StakeMax)
		}
		if err := d.place(alice, b); err != nil {
			return err
		}
		if i < 3 {
			if err := d.place(bob, d.load.Bet()); err != nil {
				return err
			}
		}
	}
	return nil
}

// strange holds Payout, Event and View to refusing what no rules have.
func (d *dealer) strange() error {
	b, outcome := d.load.Bet(), d.load.Outcome(d.seed, d.round)
	if paid, err := d.table.Payout("no such outcome", b); err == nil {
		return fmt.Errorf("Payout returned %d and no error for an outcome that does not exist", paid)
	}
	if paid, err := d.table.Payout(outcome, load.Bet{Position: "no such position", Amount: b.Amount}); err == nil {
		return fmt.Errorf("Payout returned %d and no error for a position that does not exist", paid)
	}
	if _, err := d.load.Event("round.settled", json.RawMessage(`[]`)); err == nil {
		return errors.New("Event read an array")
	}
	if _, err := d.load.View(json.RawMessage(`[]`)); err == nil {
		return errors.New("View read an array")
	}
	return nil
}

// formFor returns the data of an event as who is told it.
func formFor(e game.Event, who game.PlayerID) (json.RawMessage, error) {
	var form any = e
	if r, ok := e.(game.Redactor); ok {
		form = r.Public()
		for _, p := range r.Audience() {
			if p == who {
				form = r.For(who)
			}
		}
	}
	return json.Marshal(form)
}
