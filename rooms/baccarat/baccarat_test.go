package baccarat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
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
		`{"banker_step": 0}`:                    "baccarat settings: banker_step is 0 and must be from 1 to 100000",
		`{"banker_step": 100000000001}`:         "baccarat settings: banker_step is 100000000001 and must be from 1 to 100000",
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

// told returns what a table tells of a shoe that begins with the round first.
func told(t *testing.T, s *shoe, first int64) (list []string) {
	t.Helper()
	card, count := s.burned()
	list = append(list, fmt.Sprintf("%s is burned, and %d", card, count))
	place, n := 1+count, first
	for h := range s.hands() {
		for i := range 3 {
			for _, to := range []string{player, banker} {
				if cards := *h.side(to); i < len(cards) {
					list = append(list, fmt.Sprintf("%s gets %s with %d points, cut card %t", to, cards[i], points(cards[:i+1]), place == s.cut))
					place++
				}
			}
		}
		list = append(list, fmt.Sprintf("round %d: %s, %s", n, encoded(t, h), h.Outcome()))
		n++
	}
	return append(list, fmt.Sprintf("shoe %d to %d is over", first, n-1))
}

// A table tells what a checker computes, from the first card of a shoe to the last, and then begins another.
func TestATableDealsItsShoesAsCheckersDo(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	for range 3 {
		seed, first := d.open, d.table.First()
		var got []string
		for d.open == seed {
			d.events = nil
			d.play()
			for _, ev := range d.events {
				switch ev := ev.(type) {
				case *cardBurned:
					got = append(got, fmt.Sprintf("%s is burned, and %d", ev.Card, ev.Count))
				case *cardDealt:
					got = append(got, fmt.Sprintf("%s gets %s with %d points, cut card %t", ev.To, ev.Card, ev.Points, ev.Cut))
				case *roundSettled:
					o, winner := Outcome{ev.PlayerPoints, ev.BankerPoints, ev.PlayerPair, ev.BankerPair}, ev.Winner
					got = append(got, fmt.Sprintf("round %d: %s, %s", ev.Round, encoded(t, ev.Hand), o))
					if winner != o.Winner() {
						t.Errorf("%s wins: %s", winner, o)
					}
				case *round.SeedRevealed:
					if ev.Seed != seed || ev.Commitment != seed.Commit() {
						t.Errorf("another seed is told: %s", encoded(t, ev))
					}
					got = append(got, fmt.Sprintf("shoe %d to %d is over", ev.Since, ev.Round))
				}
			}
		}
		if diff := cmp.Diff(told(t, shuffle(seed, first), first), got); diff != "" {
			t.Fatalf("the shoe of round %d: %s", first, diff)
		}
	}
}

// The view of every moment of two shoes is held to the events that were told before it.
func TestTheViewHasWhatWasToldOfTheShoe(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	var want struct {
		since      int64
		out        int
		cut, last  bool
		turned     bool // the first card, in this round
		cards      []Card
		shoes, old int // shoes that are over; events that were looked at
	}
	for want.shoes < 2 {
		if d.table.Phase() == round.Betting {
			d.must("alice", oneBet)
		}
		d.tick()
		for _, ev := range d.events[want.old:] {
			switch ev := ev.(type) {
			case *round.Opened:
				want.turned, want.cards, want.since = false, nil, ev.Since
				if ev.Since == 0 {
					want.out, want.cut = 0, false
				}
				want.last = want.cut
			case *cardBurned:
				want.out, want.turned = 1+ev.Count, true
			case *cardDealt:
				want.cut = want.cut || ev.Cut
				want.last = want.last || ev.Cut && len(want.cards) == 0
				want.out++
				want.cards = append(want.cards, ev.Card)
			case *round.SeedRevealed:
				want.shoes++
			}
		}
		want.old = len(d.events)
		v := d.view("")
		if v.Since != want.since || v.CardsOut != want.out || v.Last != want.last || (v.Burned != nil) != want.turned || len(v.Player)+len(v.Banker) != len(want.cards) {
			t.Fatalf("%+v: %s", want, encoded(t, v))
		}
		if during := v.Phase == closed || v.Phase == dealing; during == v.DealsAt.IsZero() {
			t.Fatalf("the next card comes at %v: %s", v.DealsAt, encoded(t, v))
		}
	}
}

func TestTableRemembersTheLast200Hands(t *testing.T) {
	t.Parallel()
	d := dealTo(t, `{"close_ms": 0, "deal_ms": 0, "pause_ms": 0}`)
	for range 205 {
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
