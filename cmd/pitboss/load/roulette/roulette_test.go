package roulette

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// A round is played by the rules; what they would tell alice is what Game reads.
func TestGameReadsWhatTheRulesTell(t *testing.T) {
	table := Game.Table(1, 1500*time.Millisecond)
	rules, err := roulette.Kind.New(table.Settings)
	if err != nil {
		t.Fatal(err)
	}
	now, seed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), game.Seed{3, 1, 4, 1, 5}
	heard := map[string]load.Event{}
	var bets []load.Bet
	decide := func(by game.PlayerID, body any) {
		t.Helper()
		events, err := rules.Decide(game.Command{At: now, By: game.Actor{Player: by, Name: string(by)}, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			rules.Apply(e)
			data := formFor(t, e, "alice")
			if e.Type() == Game.BetPlaced {
				_, b, own, err := Game.OwnBet(data)
				if err != nil || own != (by == "alice") {
					t.Errorf("%s of %s: own is %t, %v", data, by, own, err)
				}
				if own {
					bets = append(bets, b)
				}
				continue
			}
			read, err := Game.Event(e.Type(), data)
			if err != nil || read.Round != 1 {
				t.Errorf("%s: %+v, %v", data, read, err)
			}
			heard[e.Type()] = read
		}
	}
	place := func(by game.PlayerID, b load.Bet) {
		t.Helper()
		body, err := roulette.Kind.Command("bet", Game.AppendCommand(nil, b))
		if err != nil {
			t.Fatal(err)
		}
		decide(by, body)
	}
	decide("", game.Tick{Fresh: seed})
	raw, err := json.Marshal(rules.View("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if view, err := Game.View(raw); err != nil || view != (load.Event{Round: 1, Commitment: seed.Commit(), Open: true}) {
		t.Errorf("%s: %+v, %v", raw, view, err)
	}
	placed := []load.Bet{{Position: "red", Amount: 101}, {Position: fmt.Sprintf("straight:%d", roulette.Draw(seed, 1)), Amount: 10}}
	for range 50 {
		placed = append(placed, Game.Bet())
	}
	for _, b := range placed {
		place("alice", b)
	}
	place("bob", load.Bet{Position: "odd", Amount: 7})
	for heard["round.settled"].Settled == nil {
		now = rules.Wake()
		decide("", game.Tick{Open: seed})
	}

	if !reflect.DeepEqual(bets, placed) {
		t.Errorf("the rules told of %v, and the bets are %v", bets, placed)
	}
	if e := heard["round.opened"]; e.Commitment != seed.Commit() || !e.Open || !e.ClosesAt.IsZero() {
		t.Errorf("round.opened: %+v", e)
	}
	if e := heard["betting.started"]; !e.Open || e.ClosesAt.IsZero() {
		t.Errorf("betting.started: %+v", e)
	}
	settled := heard["round.settled"].Settled
	if e := heard["betting.closed"]; e.Open || e.Totals == nil || *e.Totals != settled.Staked {
		t.Errorf("betting.closed: %+v", e)
	}
	if e := heard["wheel.spun"].Revealed; e == nil || *e != (load.Revealed{Seed: seed, Outcome: Game.Outcome(seed, 1)}) {
		t.Errorf("wheel.spun: %+v", e)
	}
	if settled.Outcome != Game.Outcome(seed, 1) || settled.Own == nil {
		t.Fatalf("round.settled: %+v", settled)
	}
	var staked, paid game.Money
	for _, r := range settled.Own.Bets {
		want, err := table.Payout(settled.Outcome, r.Bet)
		if err != nil || want != r.Payout {
			t.Errorf("%+v: the payout should be %d, %v", r, want, err)
		}
		staked, paid = staked+r.Amount, paid+r.Payout
	}
	if staked != settled.Own.Staked || paid != settled.Own.Payout || staked+7 != settled.Staked {
		t.Errorf("round.settled: %+v, %+v", settled, settled.Own)
	}
}

// formFor returns the data of an event as a player is told it.
func formFor(t *testing.T, e game.Event, who game.PlayerID) json.RawMessage {
	t.Helper()
	var form any = e
	if r, ok := e.(game.Redactor); ok {
		form = r.Public()
		for _, p := range r.Audience() {
			if p == who {
				form = r.For(who)
			}
		}
	}
	raw, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestARoundThatIsVoidedIsRead(t *testing.T) {
	e, err := Game.Event("round.voided", json.RawMessage(`{"round":1,"reason":"lost","next_at":"2026-01-02T03:04:08.000Z","mine":{"refund":110}}`))
	if err != nil || e.Round != 1 || e.Voided == nil || *e.Voided != (load.Voided{Refund: 110, Reason: "lost"}) {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := Game.Event("betting.stopped", json.RawMessage(`{"round":1}`)); err != nil || e != (load.Event{Round: 1, Open: true}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestPayoutsOfWhatIsNotOnTheTableAreErrors(t *testing.T) {
	table := Game.Table(0, time.Second)
	for _, c := range []struct{ outcome, position string }{{"37", "red"}, {"heads", "red"}, {"1", "violet"}} {
		if paid, err := table.Payout(c.outcome, load.Bet{Position: c.position, Amount: 10}); err == nil {
			t.Errorf("%v pays %d", c, paid)
		}
	}
}

func TestEveryOtherTablePlaysLaPartage(t *testing.T) {
	for n, want := range map[int]game.Money{0: 0, 1: 50, 2: 0} {
		if got, err := Game.Table(n, time.Second).Payout("0", load.Bet{Position: "red", Amount: 100}); err != nil || got != want {
			t.Errorf("table %d pays %d for 100 on red at zero, %v", n, got, err)
		}
	}
}

func TestAnOwnBetThatIsWrittenOtherwiseIsAnError(t *testing.T) {
	for _, data := range []string{
		`{"round":12,"seat":3,"name":"lo***","sum":251,"bets":[{"position":"red","amount":250}],"mine":true}`,
		`{"seat":3,"round":12,"name":"lo***","sum":250,"bets":[{"position":"red","amount":250}],"mine":true}`,
	} {
		if _, _, _, err := Game.OwnBet([]byte(data)); err == nil {
			t.Errorf("%s is read", data)
		}
	}
}

func FuzzOwnBetNeverPanics(f *testing.F) {
	f.Add([]byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _, _, _ = Game.OwnBet(data) })
}

// BenchmarkOwnBet is what the client does more for an event of a player's own bet.
func BenchmarkOwnBet(b *testing.B) {
	data := []byte(`{"round":12,"seat":3,"name":"lo***","sum":250,"bets":[{"position":"split:17-20","amount":250}],"mine":true}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, own, err := Game.OwnBet(data); !own || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendCommand is the game's part of sending a bet.
func BenchmarkAppendCommand(b *testing.B) {
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = Game.AppendCommand(out[:0], load.Bet{Position: "split:17-20", Amount: 250})
	}
}
