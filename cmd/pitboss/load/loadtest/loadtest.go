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
	rounds  = 3                       // of a table that are paid at least, with as many bets as a player may make
	served  = 200                     // rounds in which a seed is told at the latest
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
	d := &dealer{load: g, kind: kind, table: g.Table(n, betting), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), n: n, public: true}
	var err error
	if d.rules, err = kind.New(d.table.Settings); err != nil {
		return fmt.Errorf("the rules refuse the settings %s: %w", d.table.Settings, err)
	}
	if err := d.look(); err != nil {
		return fmt.Errorf("before the first round: %w", err)
	}
	// Until a seed was told because it served its last round; then one is told because its round is voided, the
	// second one if it serves as many, and one because the table closes.
	for i := 0; i < rounds || !d.public; i++ {
		if i == served {
			return fmt.Errorf("no seed was told in %d rounds", served)
		}
		if err := d.pay(i < rounds); err != nil {
			return err
		}
	}
	if err := d.pay(false); err != nil {
		return err
	}
	if err := d.bets(false); err != nil {
		return err
	}
	d.reason = "a test"
	if err := d.decide(game.Actor{Player: "boss", Staff: true}, game.Void{Reason: d.reason, Open: d.secret()}); err != nil {
		return err
	}
	if !d.voided {
		return errors.New("Event read nothing that says that the round is voided")
	}
	if err := d.pay(false); err != nil {
		return err
	}
	if err := d.opened(); err != nil {
		return err
	}
	if err := d.decide(game.Actor{Player: "boss", Staff: true}, game.Close{Reason: "a test", Open: d.secret()}); err != nil {
		return err
	}
	if err := d.until("the end of the table", &d.over); err != nil {
		return err
	}
	if !d.public {
		return errors.New("the table closed, and its seed was not told")
	}
	return d.strange()
}

// pay plays a round to its end.
func (d *dealer) pay(full bool) error {
	if err := d.bets(full); err != nil {
		return err
	}
	return d.until("the end of the round", &d.settled)
}

// opened lets a round be opened.
func (d *dealer) opened() error {
	d.rounds++
	d.fresh = game.Seed{byte(d.n + 1), byte(d.rounds), 31: 7}
	return d.until("the opening of a round", &d.open)
}

// bets opens a round and places bets in it: as many as a player may make if it is to be full.
func (d *dealer) bets(full bool) error {
	if err := d.opened(); err != nil {
		return err
	}
	most := 1
	if full {
		most = d.load.BetsMax
	}
	for i := range most {
		b := d.table.Bet()
		if b.Amount < 1 || b.Amount > d.load.StakeMax {
			return fmt.Errorf("Bet returned a stake of %d, and StakeMax is %d", b.Amount, d.load.StakeMax)
		}
		if err := d.place(alice, b); err != nil {
			return err
		}
		if i < 3 {
			if err := d.place(bob, d.table.Bet()); err != nil {
				return err
			}
		}
	}
	return nil
}

// strange holds Payout, Event and View to refusing what no rules have.
func (d *dealer) strange() error {
	b := d.table.Bet()
	outcome, err := d.outcome()
	if err != nil {
		return err
	}
	for _, round := range []int64{d.first - 1, d.first + 1<<40} {
		if o, err := d.load.Outcome(d.seed, d.first, round); err == nil {
			return fmt.Errorf("Outcome returned %s and no error for round %d of a seed that serves those from %d on", o, round, d.first)
		}
	}
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
