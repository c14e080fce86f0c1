package gametest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

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
