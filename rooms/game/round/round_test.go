package round

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/gametest"
)

func TestAGameMadeOfTheKitStandsWhatEveryGameMust(t *testing.T) {
	t.Parallel()
	gametest.Run(t, coinKind, coinSpec)
}

func FuzzCoin(f *testing.F) { gametest.Fuzz(f, coinKind, coinSpec) }

func TestNoPayoutsAddUpTo2To53(t *testing.T) {
	t.Parallel()
	if sum := MoneyMax * PlayersMax * PaysMax; sum/PaysMax/PlayersMax != MoneyMax || sum >= 1<<53 {
		t.Fatalf("%d", sum)
	}
}

func TestNobodyIsToldMoreThan64BytesOfAnothersBet(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"al**x7k", "", "𝔸𝔹**x7k", "<>***", strings.Repeat("x", 200)} {
		for _, round := range []int64{1, 1_234_567, 1<<63 - 1} {
			for _, amount := range []game.Money{2, 5000, MoneyMax} {
				for _, first := range []bool{false, true} {
					c := chips[side]{Header{round}, PlayersMax, name, []Stake[side]{{heads, amount - 1}, {tails, 1}}, "alice", first}
					for _, ev := range []game.Redactor{&betPlaced[side]{c}, &betRemoved[side]{chips: c}} {
						form := encoded(t, ev.Public())
						named := strings.Contains(form, `"name"`)
						if len(form) > game.StakeFormMax || named && !first || first && !named && name == "al**x7k" && round < 1<<40 {
							t.Errorf("%d bytes for %q in round %d, first %t: %s", len(form), name, round, first, form)
						}
						if own := encoded(t, ev.For("alice")); name != "" && !strings.Contains(own, encoded(t, name)) || !strings.HasSuffix(own, `],"mine":true}`) {
							t.Errorf("the player's own form is %s", own)
						}
						if other := encoded(t, ev.For("bob")); other != form {
							t.Errorf("bob is told %s", other)
						}
					}
				}
			}
		}
	}
}

func TestPositionsThatAreNotAsTheKitNeedsThemAreAMistakeOfTheProgram(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Config[side]){
		"position 0":                      func(c *Config[side]) { c.Positions = []side{0, heads} },
		"two positions named":             func(c *Config[side]) { c.Positions = []side{heads, heads} },
		"which max_by_kind does not have": func(c *Config[side]) { c.Settings = SettingsOf([]string{"edge"}) },
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, want) {
					t.Errorf("%q, not %q", said, want)
				}
			}()
			c := Config[side]{Name: "coin", Positions: []side{heads, tails}, Settings: SettingsOf([]string{"side"})}
			change(&c)
			c.Kind()
		}()
	}
}

func TestAPayoutThatCannotBeIsNotMade(t *testing.T) {
	t.Parallel()
	for _, payout := range []game.Money{-1, PaysMax*100 + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d are paid for 100", payout)
				}
			}()
			p := &player[side]{ID: "alice", Seat: 1, Bets: [][]Stake[side]{{{heads, 100}}}, Staked: 100}
			table := &Table[side]{common: &Settings{}, state: state[side]{Players: []*player[side]{p}}}
			table.Settle(time.Time{}, func(Stake[side]) game.Money { return payout })
		}()
	}
}

func TestARoundUnderTheOpenSeedNeedsNoFreshOne(t *testing.T) {
	t.Parallel()
	rules, err := coinKind.New(json.RawMessage(`{"per_seed": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	seed, now := game.Seed{1}, time.Unix(1000, 0)
	tick := func(fresh game.Seed) []game.Event {
		if wake := rules.Wake(); wake.After(now) {
			now = wake
		}
		events, err := rules.Decide(game.Command{At: now, Body: game.Tick{Fresh: fresh, Open: seed}})
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			rules.Apply(ev)
		}
		return events
	}
	for round, want := range []int64{0, 1} {
		fresh := game.Seed{}
		if round == 0 {
			fresh = seed
		}
		opened := tick(fresh)
		if len(opened) != 1 || opened[0].(*Opened).Since != want {
			t.Fatalf("round %d: %+v", round+1, opened)
		}
		events, err := rules.Decide(game.Command{At: now, By: game.Actor{Player: "alice", Name: "al**x7k"}, Body: bet[side]{stakes: []Stake[side]{{heads, 100}}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			rules.Apply(ev)
		}
		tick(game.Seed{})
		tick(game.Seed{})
	}
	if events := tick(game.Seed{}); len(events) > 0 {
		t.Errorf("a round begins without a seed: %+v", events)
	}
}

func encoded(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
