package gametest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// table is a game that is checked after every command. Its clock and its seeds are the
// same in every run.
type table struct {
	t        testing.TB
	kind     game.Kind
	settings json.RawMessage
	now      time.Time
	open     game.Seed       // committed and not revealed; zero if none
	secrets  []secret        // all that was committed and never revealed
	lost     bool            // the seed of the round is
	hurried  bool            // events only are checked
	seeds    int             // how many fresh seeds were made
	players  []game.PlayerID // who gave a command
	closed   bool            // "room.closed" has happened
	round    int64           // of the latest event that belongs to one; 0 before
	book     *book
	events   []game.Event
	log      []string // what happened: each event's type and JSON
	history  []string // what was done, for the reader of a failure

	// The same game three times.
	live     game.Rules // events are applied as decided
	reread   game.Rules // events are applied as read back from JSON
	restored game.Rules // made from a snapshot before every command

	// Of the live game, as of the last compare.
	snapshot string
	views    map[game.PlayerID]string
}

// begin is the clock's start at every table.
var begin = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// newTable returns a table, or an error if the game refuses the settings.
func newTable(t testing.TB, kind game.Kind, spec Spec, settings json.RawMessage) (*table, error) {
	tb := &table{t: t, kind: kind, settings: settings, now: begin, book: newBook(spec.Result)}
	for _, rules := range []*game.Rules{&tb.live, &tb.reread, &tb.restored} {
		var err error
		if *rules, err = kind.New(slices.Clone(settings)); err != nil {
			return nil, err
		}
	}
	tb.compare()
	return tb, nil
}

// parse decodes a player's command as a room does. The Refusal is the game's.
func (tb *table) parse(raw json.RawMessage) (any, *game.Refusal) {
	tb.t.Helper()
	var head struct {
		Type string `json:"type"`
	}
	_ = game.DecodeKnown(raw, &head) // the game has to survive what is not even JSON
	body, err := tb.kind.Command(head.Type, slices.Clone(raw))
	if err == nil {
		return body, nil
	}
	no := tb.refusal(err)
	if no.Code != game.CodeInvalidCommand {
		tb.fail("Kind.Command refuses with %s, not %s", no.Code, game.CodeInvalidCommand)
	}
	return nil, no
}

// command gives a player's command.
func (tb *table) command(who game.PlayerID, raw json.RawMessage) ([]game.Event, *game.Refusal) {
	tb.t.Helper()
	tb.did("%s %s", who, raw)
	if !slices.Contains(tb.players, who) {
		tb.players = append(tb.players, who)
	}
	body, no := tb.parse(raw)
	if no != nil {
		return nil, no
	}
	return tb.give(game.Command{At: tb.now, By: game.Actor{Player: who, Name: mask(who)}, Body: body}, game.Seed{})
}

// otherRound gives a player's command that names a round other than the current one: it must be refused.
func (tb *table) otherRound(who game.PlayerID, raw json.RawMessage, away int64) {
	tb.t.Helper()
	var members map[string]json.RawMessage
	if err := game.DecodeKnown(raw, &members); err != nil || tb.round == 0 {
		return
	}
	for _, other := range []int64{tb.round + away, tb.round - away} {
		members["round"] = fmt.Append(nil, other)
		if _, no := tb.command(who, []byte(tb.json(members))); no == nil {
			tb.fail("a command that names another round is accepted: round %d, while round %d is open", other, tb.round)
		}
	}
}

// mask returns a player's name as others see it.
func mask(who game.PlayerID) string { return string(who[:min(2, len(who))]) + "**x7k" }

// trouble is what a Tick can lack.
type trouble string

const (
	none      trouble = ""
	openLost  trouble = " without the open seed"
	freshLess trouble = " without a fresh seed"
)

// tick gives a Tick at the present time.
func (tb *table) tick(lack trouble) []game.Event {
	tb.t.Helper()
	tb.did("tick%s", lack)
	tick := game.Tick{Open: tb.open}
	if lack != freshLess {
		tb.seeds++
		tick.Fresh = sha256.Sum256(fmt.Appendf(nil, "gametest seed %d", tb.seeds))
	}
	if lack == openLost { // for good; it stays among the secrets
		tb.lost = tb.lost || !tb.open.IsZero()
		tick.Open, tb.open = game.Seed{}, game.Seed{}
	}
	events, no := tb.give(game.Command{At: tb.now, Body: tick}, tick.Fresh)
	if no != nil {
		tb.fail("a Tick is refused: %v", no)
	}
	return events
}

// toWake moves the clock to when the game wants a Tick. It returns false if the game waits for nothing.
func (tb *table) toWake() bool {
	wake := tb.live.Wake()
	if wake.After(tb.now) {
		tb.now = wake
	}
	return !wake.IsZero()
}

func (tb *table) close(reason string) ([]game.Event, *game.Refusal) {
	tb.t.Helper()
	tb.did("close %s", reason)
	return tb.give(game.Command{At: tb.now, Body: game.Close{Reason: reason, Open: tb.open}}, game.Seed{})
}

// shift sets the clock, and tells the game.
func (tb *table) shift(by time.Duration) {
	tb.t.Helper()
	g, ok := tb.live.(game.Timed)
	if !ok {
		return
	}
	tb.did("the clock is set by %v", by)
	tb.now = tb.now.Add(by)
	if g.Lasts() == 0 {
		return
	}
	wake := tb.live.Wake()
	events, no := tb.give(game.Command{At: tb.now, Body: game.Shift{By: by}}, game.Seed{})
	if no != nil {
		tb.fail("a Shift is refused: %v", no)
	}
	if got := tb.live.Wake(); !got.Equal(wake.Add(by)) {
		tb.fail("after a Shift of %v the game waits until %v, and waited until %v", by, got, wake)
	}
	for _, ev := range events {
		if len(game.Postings(ev)) > 0 {
			tb.fail("a Shift moves money: %s", ev.Type())
		}
	}
}

// operator gives the commands that players cannot.
var operator = game.Actor{Player: "operator#1c3", Name: "operator", Staff: true}

// void lets a player, who is refused, and then an operator void the current round.
func (tb *table) void() {
	tb.t.Helper()
	if tb.closed {
		return
	}
	tb.did("void")
	void := game.Void{Reason: "by chance", Open: tb.open}
	if _, no := tb.give(game.Command{At: tb.now, By: game.Actor{Player: "ann#6f1"}, Body: void}, game.Seed{}); no == nil {
		tb.fail("a player's Void is not refused")
	}
	if _, no := tb.give(game.Command{At: tb.now, By: operator, Body: void}, game.Seed{}); no == nil {
		if err := tb.book.ended(); err != nil {
			tb.fail("after a Void %v", err)
		}
	}
}

// expose has the room give up the open seed, as it does when others may know it.
func (tb *table) expose() ([]game.Event, *game.Refusal) {
	tb.t.Helper()
	tb.did("the open seed may be known")
	events, no := tb.give(game.Command{At: tb.now, Body: game.Void{Reason: "by chance", Open: tb.open}}, game.Seed{})
	tb.lost = tb.lost || !tb.open.IsZero()
	tb.open = game.Seed{} // what the game did not reveal is as good as lost
	return events, no
}

// onTime fails if the game waits for longer than the current phase lasts.
func (tb *table) onTime() {
	tb.t.Helper()
	if g, ok := tb.live.(game.Timed); ok && g.Lasts() > 0 && tb.live.Wake().Sub(tb.now) > g.Lasts() {
		tb.fail("the game waits for %v, and the phase lasts %v", tb.live.Wake().Sub(tb.now), g.Lasts())
	}
}

// finishTicks bounds how many Ticks a game may need to end.
const finishTicks = 1000

// finish closes the room and plays on until it has ended.
func (tb *table) finish() {
	tb.t.Helper()
	if !tb.closed {
		if _, no := tb.close("finish"); no != nil {
			tb.fail("a Close is refused: %v", no)
		}
	}
	for n := 0; !tb.closed; n++ {
		if n == finishTicks {
			tb.fail("%d Ticks after Close the room is not closed", n)
		}
		if !tb.toWake() {
			tb.fail("after Close the game is neither closed nor waiting for a Tick")
		}
		tb.tick(none)
	}
	if _, no := tb.close("again"); no == nil || no.Code != game.CodeRoomClosed {
		tb.fail("a closed room answers a Close with %v", no)
	}
	tb.tick(none)
	if err := tb.book.ended(); err != nil {
		tb.fail("the room is closed, but %v", err)
	}
	if !tb.open.IsZero() {
		tb.fail("the room is closed, but its open seed was not revealed")
	}
	for i, ev := range tb.events {
		if got := ev.Type() + " " + tb.json(ev); got != tb.log[i] {
			tb.fail("event %d was changed after it was decided:\n%s\n%s", i+1, tb.log[i], got)
		}
	}
}

func (tb *table) json(v any) string {
	tb.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.fail("%T does not marshal: %v", v, err)
	}
	return string(data)
}

func (tb *table) did(format string, args ...any) {
	tb.history = append(tb.history, tb.now.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// historyShown is how many commands a failure lists.
const historyShown = 20

func (tb *table) fail(format string, args ...any) {
	tb.t.Helper()
	tail := tb.history[max(0, len(tb.history)-historyShown):]
	tb.t.Fatalf("%s\nsettings %s\nafter\n  %s", fmt.Sprintf(format, args...), tb.settings, strings.Join(tail, "\n  "))
}
