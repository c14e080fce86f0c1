package baccarat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/game/round"
	"github.com/pitboss-hub/pitboss/rooms/gametest"
)

var spec = gametest.Spec{
	Settings: []json.RawMessage{
		nil,
		json.RawMessage(`{"banker_step": 1, "min_bet": 1, "round_min": 1, "betting_ms": 3000, "close_ms": 0, "deal_ms": 0, "pause_ms": 0}`),
		json.RawMessage(`{"no_commission": true, "max_bet": 1000, "max_by_kind": {"tie": 300}, "round_min": 500, "round_max": 3000}`),
	},
	Move: func(r *rand.Rand) json.RawMessage {
		switch r.IntN(10) {
		case 0:
			return json.RawMessage(`{"type": "undo"}`)
		case 1:
			return json.RawMessage(`{"type": "clear"}`)
		}
		list := make([]stake, 1+r.IntN(3))
		for i := range list {
			list[i] = stake{Position: allPositions[r.IntN(len(allPositions))], Amount: game.Money(100 + 20*r.IntN(20) + r.IntN(9)/8)}
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

func TestBaccarat(t *testing.T) {
	t.Parallel()
	gametest.Run(t, Kind, spec)
}

func FuzzBaccarat(f *testing.F) { gametest.Fuzz(f, Kind, spec) }

func TestEventNamesEveryEventOfTheGameAndNoOther(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{
		"round.opened", "betting.started", "betting.stopped", "bet.placed", "bet.removed", "betting.closed", "card.burned",
		"card.dealt", "round.settled", "round.voided", "seed.revealed", "room.closing", "room.closed",
	} {
		if ev := Kind.Event(typ); ev == nil || ev.Type() != typ {
			t.Errorf("Event(%q) is %v", typ, ev)
		}
	}
	if ev := Kind.Event("wheel.spun"); ev != nil {
		t.Errorf("there is an event wheel.spun: %v", ev)
	}
}

func TestSettingsThatCouldNotBePlayedAreRefusedByName(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{"banker_step": 0}`:                    "baccarat settings: banker_step is 0 and must be from 1 to 100000000000",
		`{"banker_step": 100000000001}`:         "baccarat settings: banker_step is 100000000001 and must be from 1 to 100000000000",
		`{"deal_ms": 600001}`:                   "baccarat settings: deal_ms is 600001 and must be from 0 to 600000",
		`{"max_by_kind": {"player_pair": 99}}`:  "baccarat settings: max_by_kind.player_pair is 99 and must be from 100 to 100000",
		`{"max_by_kind": {"either_pair": 200}}`: `baccarat settings: max_by_kind has no kind "either_pair", the kinds are player, banker, tie, player_pair, banker_pair`,
		`{"decks": 6}`:                          `baccarat settings: it has no member "decks"`,
	} {
		if _, err := Kind.New(json.RawMessage(settings)); err == nil || err.Error() != want {
			t.Errorf("New(%s):\n got %v\nwant %s", settings, err, want)
		}
	}
}

func TestSettingsAreThoseOfTheDocsInTheirOrder(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range Kind.Settings {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "min_bet max_bet round_min round_max betting_ms close_ms deal_ms no_commission banker_step pause_ms max_by_kind" {
		t.Error(got)
	}
	want := &settings{
		Settings: round.Settings{MinBet: 100, MaxBet: 100_000, RoundMin: 100, RoundMax: 1_000_000, BettingMS: 15_000, PauseMS: 4000},
		CloseMS:  1000, DealMS: 1500, BankerStep: 20,
	}
	rules, err := Kind.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rules.(game.Configured).Settings()); diff != "" {
		t.Error(diff)
	}
}

// A table tells what a checker computes, from the first card of a shoe to the last, and then begins another.
func TestATableDealsItsShoesAsCheckersDo(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	shoes := 0
	for shoes < 3 {
		seed, first := d.open, d.table.First()
		s := shuffle(seed, first)
		var want, got []string
		out, cut := 1+s.cards[0].burns(), 0
		for h := range s.hands() {
			want = append(want, encoded(t, h))
		}
		for d.open == seed {
			if since := d.view("").Since; since != 0 && since != first || (since == 0) != (d.table.Header().Round == first) {
				t.Fatalf("round %d is since %d", d.table.Header().Round, since)
			}
			d.events = nil
			d.play()
			for _, ev := range d.events {
				switch ev := ev.(type) {
				case *cardBurned:
					if len(got) > 0 || ev.Card != s.cards[0] || ev.Count != s.cards[0].burns() {
						t.Fatalf("in hand %d: %s", len(got)+1, encoded(t, ev))
					}
				case *cardDealt:
					if ev.Card != s.cards[out] || ev.Cut != (out == s.cut) {
						t.Fatalf("place %d, the cut card before %d: %s", out, s.cut, encoded(t, ev))
					}
					out++
				case *roundSettled:
					got = append(got, encoded(t, ev.Hand))
					o, err := ParseOutcome(fmt.Sprintf("%s %d-%d", ev.Winner, ev.PlayerPoints, ev.BankerPoints))
					if err != nil || o.Winner() != ev.Winner {
						t.Fatalf("%s: %v", encoded(t, ev), err)
					}
					if cut++; out < s.cut {
						cut = 0
					}
				case *round.SeedRevealed:
					if ev.Seed != seed || ev.Round != first+int64(len(got))-1 || cut == 0 || cut > 2 {
						t.Fatalf("after %d hands: %s", len(got), encoded(t, ev))
					}
					shoes++
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the shoe of round %d:\n got %q\nwant %q", first, got, want)
		}
	}
}

func TestTheViewCountsTheCardsThatAreOutAndNamesTheLastHand(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	s := shuffle(d.open, 1)
	hands := int64(0)
	for range s.hands() {
		hands++
	}
	for n := int64(1); n <= hands; n++ {
		d.must("alice", oneBet)
		for d.table.Phase() != round.Settled {
			v := d.view("")
			dealt := len(v.Player) + len(v.Banker)
			if v.CardsOut == 0 != (n == 1 && v.Burned == nil) || (v.Burned != nil) != (n == 1 && v.CardsOut > 0) || v.CardsOut > 0 && v.CardsOut < dealt {
				t.Fatalf("round %d: %s", n, encoded(t, v))
			}
			if wantLast := n == hands && (v.CardsOut > s.cut); v.Last != wantLast && v.Last != (n == hands) {
				t.Fatalf("round %d: %s", n, encoded(t, v))
			}
			d.tick()
		}
		if v := d.view(""); v.Last != (n == hands) || v.Seed.IsZero() == (n == hands) {
			t.Fatalf("round %d of %d: %s", n, hands, encoded(t, v))
		}
		d.tick()
	}
	if v := d.view(""); v.Last || v.CardsOut != 0 || v.Since != 0 || len(v.Player)+len(v.Banker) > 0 || len(v.Results) != int(hands) {
		t.Fatalf("a new shoe: %s", encoded(t, v))
	}
}

func TestTableRemembersTheLast200Hands(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	for range resultsMax + 5 {
		d.play()
	}
	var want []past
	for _, ev := range d.events {
		if s, ok := ev.(*roundSettled); ok {
			want = append(want, past{s.Round, s.Winner, s.PlayerPoints, s.BankerPoints, s.PlayerPair, s.BankerPair})
		}
	}
	if diff := cmp.Diff(want[5:], d.view("").Results); diff != "" {
		t.Error(diff)
	}
}

// At the highest limits, the highest payouts of a full table add up without overflow, and to less than 2^53.
func TestNoSumOverflowsAtTheHighestLimits(t *testing.T) {
	t.Parallel()
	if sum := round.MoneyMax * round.PlayersMax * 12; sum/12/round.PlayersMax != round.MoneyMax || sum >= 1<<53 {
		t.Fatalf("%d", sum)
	}
	d := dealTo(t, fmt.Sprintf(`{"max_bet": %d, "round_max": %d}`, round.MoneyMax, round.MoneyMax))
	d.must("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"player_pair","amount":%d}]}`, round.MoneyMax))
	for _, amount := range []string{"20", "100", "9223372036854775800", "9223372036854775807"} {
		d.refused("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"banker","amount":%s}]}`, amount), game.CodeLimitReached)
		d.refused("alice", fmt.Sprintf(`{"type":"bet","bets":[{"position":"banker","amount":%s},{"position":"banker","amount":9223372036854775800}]}`, amount), game.CodeLimitReached)
	}
}
