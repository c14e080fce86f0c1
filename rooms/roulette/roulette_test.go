package roulette

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
	"github.com/pitboss-hub/pitboss/rooms/gametest"
)

var spec = gametest.Spec{
	Settings: []json.RawMessage{
		nil,
		json.RawMessage(`{"la_partage": true, "min_bet": 1, "round_min": 1, "betting_ms": 3000, "close_ms": 0, "pause_ms": 0}`),
		json.RawMessage(`{"min_bet": 100, "max_bet": 1000, "max_by_kind": {"straight": 300}, "round_min": 500, "round_max": 3000}`),
	},
	Move: func(r *rand.Rand) json.RawMessage {
		switch r.IntN(10) {
		case 0:
			return json.RawMessage(`{"type": "undo"}`)
		case 1:
			return json.RawMessage(`{"type": "clear"}`)
		}
		list := make([]stake, 1+r.IntN(4))
		for i := range list {
			list[i] = stake{Position: position(1 + r.IntN(positions)), Amount: game.Money(100 + 50*r.IntN(8) + r.IntN(2))}
		}
		raw, err := json.Marshal(map[string]any{"type": "bet", "bets": list})
		if err != nil {
			panic(err)
		}
		return raw
	},
	Result: func(ev game.Event) (staked, paid game.Money, ok bool) {
		s, ok := ev.(*roundSettled)
		if !ok {
			return 0, 0, false
		}
		return s.Staked, s.Paid, true
	},
}

func TestRoulette(t *testing.T) {
	t.Parallel()
	gametest.Run(t, Kind, spec)
}

func FuzzRoulette(f *testing.F) { gametest.Fuzz(f, Kind, spec) }

func TestEventNamesEveryEventOfTheGameAndNoOther(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{
		"round.opened", "betting.started", "betting.stopped", "bet.placed", "bet.removed", "betting.closed",
		"wheel.spun", "round.settled", "round.voided", "room.closing", "room.closed",
	} {
		if ev := Kind.Event(typ); ev == nil || ev.Type() != typ {
			t.Errorf("Event(%q) is %v", typ, ev)
		}
	}
	if ev := Kind.Event("bet.lost"); ev != nil {
		t.Errorf("there is an event bet.lost: %v", ev)
	}
}

func TestSettingsThatCouldNotBePlayedAreRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ settings, want string }{
		{`{"min_bet": 0}`, "roulette settings: min_bet is 0 and must be from 1 to 100000000000"},
		{`{"min_bet": -1}`, "roulette settings: min_bet is -1 and must be from 1 to 100000000000"},
		{`{"min_bet": 200, "max_bet": 100}`, "roulette settings: max_bet is 100 and must be from 200 to 100000000000"},
		{`{"max_bet": 100000000001}`, "roulette settings: max_bet is 100000000001 and must be from 100 to 100000000000"},
		{`{"round_min": 0}`, "roulette settings: round_min is 0 and must be from 1 to 100000000000"},
		{`{"round_max": 50, "round_min": 10}`, "roulette settings: round_max is 50 and must be from 100 to 100000000000"},
		{`{"round_max": 9223372036854775807}`, "roulette settings: round_max is 9223372036854775807 and must be from 100 to 100000000000"},
		{`{"betting_ms": 0}`, "roulette settings: betting_ms is 0 and must be from 1 to 600000"},
		{`{"spin_ms": 600001}`, "roulette settings: spin_ms is 600001 and must be from 0 to 600000"},
		{`{"close_ms": -1}`, "roulette settings: close_ms is -1 and must be from 0 to 600000"},
		{`{"pause_ms": -1}`, "roulette settings: pause_ms is -1 and must be from 0 to 600000"},
		{`{"max_by_kind": {"straight": 99}}`, "roulette settings: max_by_kind.straight is 99 and must be from 100 to 100000"},
		{`{"max_by_kind": {"red": 200}}`, `roulette settings: max_by_kind has no kind "red", the kinds are straight, split, trio, street, corner, first_four, line, dozen, column, even_money`},
		{`{"colour": "red"}`, `roulette settings: it has no member "colour"`},
		{`{"Min_Bet": 200}`, `roulette settings: it has no member "Min_Bet"`},
		{`{"min_bet": 200, "min_bet": 100}`, `roulette settings: it has the member "min_bet" twice`},
		{`{"min_bet": null}`, "roulette settings: min_bet must not be null"},
		{`[]`, "roulette settings: it must be an object"},
		{`"null"`, "roulette settings: it must be an object"},
		{`{} {}`, "roulette settings: it is not JSON: byte 3: invalid character '{' after top-level value"},
		{`{"min_bet": 1.5}`, "roulette settings: min_bet must be a whole number, without quotes, fraction or exponent, that fits 64 bits"},
	} {
		if _, err := Kind.New(json.RawMessage(c.settings)); err == nil || err.Error() != c.want {
			t.Errorf("New(%s):\n got %v\nwant %s", c.settings, err, c.want)
		}
	}
}

func TestSettingsThatAreMissingAreTheDefaults(t *testing.T) {
	t.Parallel()
	want := &settings{
		Settings: round.Settings{MinBet: 100, MaxBet: 100_000, RoundMin: 100, RoundMax: 1_000_000, BettingMS: 15_000, PauseMS: 4000},
		CloseMS:  1000, SpinMS: 6000,
	}
	for _, raw := range []string{``, `null`, `{}`} {
		rules, err := Kind.New(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, rules.(game.Configured).Settings()); diff != "" {
			t.Errorf("%q: %s", raw, diff)
		}
	}
}

// At the highest limits, the highest payouts of a full table add up without overflow,
// and to less than 2^53.
func TestNoSumOverflowsAtTheHighestLimits(t *testing.T) {
	t.Parallel()
	if sum := round.MoneyMax * round.PlayersMax * 36; sum/36/round.PlayersMax != round.MoneyMax || sum >= 1<<53 {
		t.Fatalf("%d", sum)
	}
	d := dealTo(t, fmt.Sprintf(`{"max_bet": %d, "round_max": %d}`, round.MoneyMax, round.MoneyMax))
	d.must("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"straight:1","amount":%d}]}`, round.MoneyMax))
	for _, amount := range []string{"1", "100", "9223372036854775807", "9223372036854775707"} {
		d.refused("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"straight:1","amount":%s}]}`, amount), game.CodeLimitReached)
		d.refused("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"red","amount":%s},{"position":"red","amount":9223372036854775807}]}`, amount), game.CodeLimitReached)
	}
	d.refused("bob", fmt.Sprintf(`{"type":"bet","bets":[%s]}`, everyPosition(int64(round.MoneyMax))), game.CodeLimitReached)
}

func TestBetsOfARoundAreBounded(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{}`)
	for range 100 / 2 {
		d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
		d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
		d.must("alice", `{"type":"clear"}`)
	}
	d.refused("alice", `{"type":"bet","bets":[{"position":"red","amount":100}]}`, game.CodeLimitReached)
	d.must("bob", `{"type":"bet","bets":[`+everyPosition(100)+`]}`)
	d.refused("carol", `{"type":"bet","bets":[`+everyPosition(100)+`,{"position":"red","amount":100}]}`, game.CodeLimitReached)
	for i := 2; i < round.PlayersMax; i++ {
		d.must(game.PlayerID(fmt.Sprint("p", i)), `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
	}
	d.refused("one too many", `{"type":"bet","bets":[{"position":"red","amount":100}]}`, game.CodeLimitReached)
	d.must("bob", `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
}

func everyPosition(amount int64) (list string) {
	for p := position(1); p <= positions; p++ {
		if p > 1 {
			list += ","
		}
		list += fmt.Sprintf(`{"position":%q,"amount":%d}`, p, amount)
	}
	return list
}

func TestTableRemembersTheLast500Results(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "spin_ms": 0, "pause_ms": 0}`)
	var want []past
	for len(want) < resultsMax+20 {
		d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":100}]}`)
		for d.table.Phase() != round.Settled {
			d.tick()
		}
		want = append(want, past{d.table.Header().Round, *d.view("").Pocket})
		d.tick()
	}
	got := d.view("").Results
	if fmt.Sprint(got) != fmt.Sprint(want[20:]) {
		t.Fatalf("%d results: %v", len(got), got)
	}
}

func TestOnlyPlayersBet(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{}`)
	body, err := Kind.Command("bet", json.RawMessage(`{"bets":[{"position":"red","amount":100}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []game.Actor{{}, {Player: "boss", Staff: true}} {
		if _, err := d.table.Decide(game.Command{At: d.now, By: by, Body: body}); code(err) != game.CodeForbidden {
			t.Errorf("%+v: %v", by, err)
		}
	}
}

func TestNoRoundOpensWithoutASeed(t *testing.T) {
	t.Parallel()
	rules, err := Kind.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if events, err := rules.Decide(game.Command{At: start, Body: game.Tick{}}); err != nil || events != nil {
		t.Fatal(events, err)
	}
}

func TestASnapshotThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for _, s := range []string{`[]`, `{"players":[{"bets":[[{"position":"straight:37","amount":1}]]}]}`, `{"seed":"00"}`} {
		rules, err := Kind.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(s), rules); err == nil {
			t.Errorf("%s was read", s)
		}
	}
}

func TestALimitIsToldWithWhatAClientNeedsToSayItInItsOwnWords(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"min_bet": 200, "max_bet": 1000, "round_min": 400, "round_max": 1500, "max_by_kind": {"straight": 500}}`)
	d.must("alice", `{"type":"bet","bets":[{"position":"red","amount":900}]}`)
	for _, c := range []struct {
		who  game.PlayerID
		bets string
		want game.Params
	}{
		{"alice", `{"position":"red","amount":200}`, game.Params{Limit: "max_bet", Value: 1000, Position: "red", Has: 900}},
		{"bob", `{"position":"straight:8","amount":600}`, game.Params{Limit: "max_bet", Value: 500, Position: "straight:8"}},
		{"bob", `{"position":"odd","amount":100}`, game.Params{Limit: "min_bet", Value: 200, Position: "odd"}},
		{"bob", `{"position":"odd","amount":300}`, game.Params{Limit: "round_min", Value: 400}},
		{"alice", `{"position":"odd","amount":700}`, game.Params{Limit: "round_max", Value: 1500, Has: 900}},
	} {
		_, err := d.decide(c.who, `{"type":"bet","bets":[`+c.bets+`]}`)
		var no *game.Refusal
		if !errors.As(err, &no) || no.Code != game.CodeLimitReached {
			t.Fatalf("%s: %v", c.bets, err)
		}
		if diff := cmp.Diff(&c.want, no.Params); diff != "" {
			t.Errorf("%s: %s", c.bets, diff)
		}
	}
}
