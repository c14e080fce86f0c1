package baccarat

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// dealer plays a table by hand, for what transcripts would be too long for.
type dealer struct {
	t      testing.TB
	table  *table
	now    time.Time
	seeds  uint64
	open   game.Seed
	events []game.Event
}

// dealTo opens a table with its first round.
func dealTo(t testing.TB, settings string) *dealer {
	t.Helper()
	rules, err := Kind.New(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	d := &dealer{t: t, table: rules.(*table), now: start}
	d.tick()
	return d
}

func (d *dealer) tick() {
	d.t.Helper()
	if wake := d.table.Wake(); wake.After(d.now) {
		d.now = wake
	}
	d.seeds++
	var fresh game.Seed
	binary.BigEndian.PutUint64(fresh[:], d.seeds)
	d.give(game.Command{At: d.now, Body: game.Tick{Fresh: fresh, Open: d.open}}, fresh)
}

func (d *dealer) give(cmd game.Command, fresh game.Seed) {
	d.t.Helper()
	events, err := d.table.Decide(cmd)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, ev := range events {
		d.table.Apply(ev)
		switch ev := ev.(type) {
		case *round.Opened:
			if ev.Since == 0 {
				d.open = fresh
			}
		case game.Revealer:
			d.open = game.Seed{}
		}
	}
	d.events = append(d.events, events...)
}

// view returns what who sees.
func (d *dealer) view(who game.PlayerID) view { return d.table.View(who).(view) }

func (d *dealer) decide(who game.PlayerID, raw string) ([]game.Event, error) {
	d.t.Helper()
	var head struct{ Type string }
	if err := json.Unmarshal([]byte(raw), &head); err != nil {
		d.t.Fatal(err)
	}
	body, err := Kind.Command(head.Type, json.RawMessage(raw))
	if err != nil {
		return nil, err
	}
	return d.table.Decide(game.Command{At: d.now, By: game.Actor{Player: who, Name: "x***"}, Body: body})
}

func (d *dealer) must(who game.PlayerID, raw string) {
	d.t.Helper()
	events, err := d.decide(who, raw)
	if err != nil {
		d.t.Fatalf("%s %.200s: %v", who, raw, err)
	}
	for _, ev := range events {
		d.table.Apply(ev)
	}
}

func (d *dealer) refused(who game.PlayerID, raw, want string) {
	d.t.Helper()
	if _, err := d.decide(who, raw); code(err) != want {
		d.t.Fatalf("%s %.200s: %v, not %s", who, raw, err, want)
	}
}

func code(err error) string {
	var no *game.Refusal
	if errors.As(err, &no) {
		return no.Code
	}
	return ""
}

const oneBet = `{"type":"bet","bets":[{"position":"player","amount":100}]}`

// play plays a round to its payout and goes on to the next.
func (d *dealer) play() {
	d.t.Helper()
	d.must("alice", oneBet)
	for d.table.Phase() != round.Settled {
		d.tick()
	}
	d.tick()
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
