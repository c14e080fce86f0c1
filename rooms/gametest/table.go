package gametest

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// give lets all three games decide, checks and applies. fresh is the Tick's, if any.
func (tb *table) give(cmd game.Command, fresh game.Seed) ([]game.Event, *game.Refusal) {
	tb.t.Helper()
	if tb.hurried {
		return tb.hurry(cmd, fresh)
	}
	before := tb.json(tb.live)
	events, err := tb.live.Decide(cmd)
	want := tb.decision(events, err)
	if after := tb.json(tb.live); after != before {
		tb.fail("Decide changed the state: %s", cmp.Diff(before, after))
	}
	for name, rules := range map[string]game.Rules{"asked again": tb.live, "reread from events": tb.reread, "restored from a snapshot": tb.restored} {
		again, err := rules.Decide(cmd)
		if got := tb.decision(again, err); got != want {
			tb.fail("the game %s decides otherwise: %s", name, cmp.Diff(want, got))
		}
	}
	var no *game.Refusal
	if err != nil {
		no = tb.refusal(err)
		if len(events) > 0 {
			tb.fail("a refusal comes with events")
		}
	}
	_, tick := cmd.Body.(game.Tick)
	if tb.closed && (len(events) > 0 || !tick && (no == nil || no.Code != game.CodeRoomClosed)) {
		tb.fail("a closed room answers with %s", want)
	}
	for _, ev := range events {
		if cmd.By.Player != "" && !cmd.By.Staff {
			tb.isShort(ev)
		}
		tb.apply(ev, fresh)
	}
	if no == nil {
		tb.compare()
		tb.keepsSecrets(fresh)
		tb.onTime()
	}
	return events, no
}

// hurry lets the live game decide, and checks its events only.
func (tb *table) hurry(cmd game.Command, fresh game.Seed) ([]game.Event, *game.Refusal) {
	tb.t.Helper()
	events, err := tb.live.Decide(cmd)
	if err != nil {
		return nil, tb.refusal(err)
	}
	for _, ev := range events {
		tb.apply(ev, fresh)
	}
	return events, nil
}

// decision returns the result of Decide as text.
func (tb *table) decision(events []game.Event, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintln(&b, "refused:", err)
	}
	for _, ev := range events {
		fmt.Fprintf(&b, "%s %s %+v\n", ev.Type(), tb.json(ev), game.Postings(ev))
	}
	return b.String()
}

func (tb *table) refusal(err error) *game.Refusal {
	tb.t.Helper()
	var no *game.Refusal
	if !errors.As(err, &no) {
		tb.fail("not a *game.Refusal: %v", err)
	}
	if no.Code == "" || no.Message == "" {
		tb.fail("a refusal lacks its code or its message: %q, %q", no.Code, no.Message)
	}
	return no
}

// apply applies ev to all three games and the book.
func (tb *table) apply(ev game.Event, fresh game.Seed) {
	tb.t.Helper()
	if tb.closed {
		tb.fail("%s comes after %s", ev.Type(), game.TypeClosed)
	}
	tb.seedsOf(ev, fresh)
	if err := tb.book.enter(ev); err != nil {
		tb.fail("%s: %v", ev.Type(), err)
	}
	data := tb.json(ev)
	tb.checkForms(ev, data)
	tb.live.Apply(ev)
	tb.reread.Apply(tb.read(ev.Type(), data))
	tb.restored.Apply(tb.read(ev.Type(), data))
	tb.events = append(tb.events, ev)
	tb.log = append(tb.log, ev.Type()+" "+data)
	tb.closed = ev.Type() == game.TypeClosed
	if in, ok := ev.(game.InRound); ok {
		tb.round = in.RoundNo()
	}
	tb.isSummedUp(ev)
}

// isSummedUp checks that a player's history finds an event that begins or ends a round, and the money of a round.
func (tb *table) isSummedUp(ev game.Event) {
	tb.t.Helper()
	_, begins := ev.(game.Committer)
	_, ends := ev.(game.RoundEnder)
	if typ := ev.Type(); begins != (typ == game.TypeRoundOpened) || ends != (typ == game.TypeRoundSettled || typ == game.TypeRoundVoided) {
		tb.fail("%s begins or ends a round, and its type does not say so, or the other way round", typ)
	}
	for _, m := range game.Postings(ev) {
		if m.Ref != game.RoundRef(tb.round) {
			tb.fail("%s moves money of round %d under the reference %q", ev.Type(), tb.round, m.Ref)
		}
	}
}

// read decodes an event from its JSON, which must lose nothing.
func (tb *table) read(typ, data string) game.Event {
	tb.t.Helper()
	ev := tb.kind.Event(typ)
	if ev == nil || ev.Type() != typ {
		tb.fail("Kind.Event(%q) is %v", typ, ev)
	}
	if err := game.DecodeKnown([]byte(data), ev); err != nil {
		tb.fail("%s cannot be read back: %v", typ, err)
	}
	if again := tb.json(ev); again != data {
		tb.fail("%s is not the same when read back: %s", typ, cmp.Diff(data, again))
	}
	return ev
}

// compare fails unless the three games agree, and makes the third anew.
func (tb *table) compare() {
	tb.t.Helper()
	snapshot := tb.json(tb.live)
	again, err := tb.kind.New(slices.Clone(tb.settings))
	if err != nil {
		tb.fail("New: %v", err)
	}
	if err := game.DecodeKnown([]byte(snapshot), again); err != nil {
		tb.fail("a snapshot cannot be read: %v", err)
	}
	tb.snapshot, tb.views = snapshot, tb.viewsOf(tb.live)
	for name, rules := range map[string]game.Rules{"replayed": tb.reread, "restored and continued": tb.restored, "restored": again} {
		if got := tb.json(rules); got != snapshot {
			tb.fail("the game %s has another state: %s", name, cmp.Diff(snapshot, got))
		}
		if !rules.Wake().Equal(tb.live.Wake()) {
			tb.fail("the game %s wakes at %v, not %v", name, rules.Wake(), tb.live.Wake())
		}
		if got := tb.viewsOf(rules); !maps.Equal(got, tb.views) {
			tb.fail("the game %s shows another view: %s", name, cmp.Diff(tb.views, got))
		}
	}
	tb.restored = again
	if got := tb.json(tb.live); got != snapshot {
		tb.fail("View or Wake changed the state: %s", cmp.Diff(snapshot, got))
	}
	if tb.closed && !tb.live.Wake().IsZero() {
		tb.fail("a closed room waits for a Tick at %v", tb.live.Wake())
	}
}

// viewsOf returns the views of everyone in general, under "", and of each player; and the totals and the
// brief, under names that are nobody's.
func (tb *table) viewsOf(rules game.Rules) map[game.PlayerID]string {
	tb.t.Helper()
	views := map[game.PlayerID]string{"": tb.json(rules.View(""))}
	if sums, ok := rules.(game.Totaler); ok {
		views["\x00totals"] = tb.json(sums.Totals())
	}
	if b, ok := rules.(game.Briefer); ok {
		brief := tb.json(b.Brief())
		if len(brief) > game.BriefMax || brief[0] != '{' {
			tb.fail("the brief is no object, or has %d bytes where %d are allowed: %s", len(brief), game.BriefMax, brief)
		}
		views["\x00brief"] = brief
	}
	for _, who := range tb.players {
		views[who] = tb.json(rules.View(who))
	}
	return views
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
