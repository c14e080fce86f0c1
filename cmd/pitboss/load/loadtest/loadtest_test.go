package loadtest

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/load"
	loadroulette "github.com/pitboss-hub/pitboss/cmd/pitboss/load/roulette"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
)

// altered returns a mistake: alter changes every Event after it was read.
func altered(alter func(typ string, e *load.Event)) func(*load.Game) {
	return func(g *load.Game) {
		read := g.Event
		g.Event = func(typ string, data json.RawMessage) (load.Event, error) {
			e, err := read(typ, data)
			alter(typ, &e)
			return e, err
		}
	}
}

func TestEveryMistakeOfAGameIsFound(t *testing.T) {
	t.Parallel()
	for what, mistake := range map[string]func(*load.Game){
		"another name":     func(g *load.Game) { g.Name = "coin" },
		"no event of bets": func(g *load.Game) { g.BetPlaced = "bet.made" },
		"too many bets":    func(g *load.Game) { g.BetsMax = 101 },
		"a higher stake":   func(g *load.Game) { g.StakeMax = 0 },
		"another stake": func(g *load.Game) {
			write := g.AppendCommand
			g.AppendCommand = func(dst []byte, b load.Bet) []byte { b.Amount++; return write(dst, b) }
		},
		"another position": func(g *load.Game) {
			write := g.AppendCommand
			g.AppendCommand = func(dst []byte, b load.Bet) []byte { b.Position = "straight:36"; return write(dst, b) }
		},
		"a command of its own": func(g *load.Game) {
			write := g.AppendCommand
			g.AppendCommand = func(_ []byte, b load.Bet) []byte { return write(nil, b) }
		},
		"no own bets": func(g *load.Game) {
			g.OwnBet = func([]byte) (int64, load.Bet, bool, error) { return 0, load.Bet{}, false, nil }
		},
		"another round of bets": func(g *load.Game) {
			read := g.OwnBet
			g.OwnBet = func(data []byte) (int64, load.Bet, bool, error) {
				no, b, own, err := read(data)
				return no + 1, b, own, err
			}
		},
		"longer betting": func(g *load.Game) {
			table := g.Table
			g.Table = func(n int, betting time.Duration) load.Table { return table(n, betting+time.Second) }
		},
		"other payouts": func(g *load.Game) {
			table := g.Table
			g.Table = func(n int, betting time.Duration) load.Table {
				at := table(n, betting)
				pays := at.Payout
				at.Payout = func(outcome string, b load.Bet) (game.Money, error) {
					paid, err := pays(outcome, b)
					return paid + 1, err
				}
				return at
			}
		},
		"payouts of anything": func(g *load.Game) {
			table := g.Table
			g.Table = func(n int, betting time.Duration) load.Table {
				at := table(n, betting)
				pays := at.Payout
				at.Payout = func(outcome string, b load.Bet) (game.Money, error) {
					paid, _ := pays(outcome, b)
					return paid, nil
				}
				return at
			}
		},
		"settings that are not the game's": func(g *load.Game) {
			table := g.Table
			g.Table = func(n int, betting time.Duration) load.Table {
				at := table(n, betting)
				at.Settings = json.RawMessage(`{"colour":"red"}`)
				return at
			}
		},
		"another outcome": func(g *load.Game) {
			g.Outcome = func(game.Seed, int64, int64) (string, error) { return "37", nil }
		},
		"outcomes of any round": func(g *load.Game) {
			g.Outcome = func(seed game.Seed, _, round int64) (string, error) {
				return strconv.Itoa(roulette.Draw(seed, round)), nil
			}
		},
		"outcomes of no round": func(g *load.Game) {
			g.Outcome = func(game.Seed, int64, int64) (string, error) { return "", errors.New("none") }
		},
		"no view": func(g *load.Game) { g.View = func(json.RawMessage) (load.Event, error) { return load.Event{}, nil } },
		"a view without commitment": func(g *load.Game) {
			read := g.View
			g.View = func(raw json.RawMessage) (load.Event, error) {
				v, err := read(raw)
				v.Commitment = game.Commitment{}
				return v, err
			}
		},
		"a view with another seed": func(g *load.Game) {
			read := g.View
			g.View = func(raw json.RawMessage) (load.Event, error) {
				v, err := read(raw)
				v.Since++
				return v, err
			}
		},
		"another round":     altered(func(_ string, e *load.Event) { e.Round++ }),
		"no commitment":     altered(func(_ string, e *load.Event) { e.Commitment = game.Commitment{} }),
		"betting is closed": altered(func(_ string, e *load.Event) { e.Open = false }),
		"betting is open":   altered(func(_ string, e *load.Event) { e.Open = true }),
		"no end of betting": altered(func(_ string, e *load.Event) { e.ClosesAt = time.Time{} }),
		"other totals":      altered(func(_ string, e *load.Event) { t := game.Money(1); e.Totals = &t }),
		"an earlier seed": altered(func(_ string, e *load.Event) {
			if !e.Commitment.IsZero() {
				e.Since = 1
			}
		}),
		"no seed":    altered(func(_ string, e *load.Event) { e.Seed = game.Seed{} }),
		"no outcome": altered(func(_ string, e *load.Event) { e.Outcome = "" }),
		"no seed of a void": altered(func(typ string, e *load.Event) {
			if typ == "round.voided" {
				e.Seed = game.Seed{}
			}
		}),
		"no outcome of a settlement": altered(func(typ string, e *load.Event) {
			if typ == "round.settled" {
				e.Outcome = ""
			}
		}),
		"nothing settled": altered(func(_ string, e *load.Event) { e.Settled = nil }),
		"nothing voided":  altered(func(_ string, e *load.Event) { e.Voided = nil }),
		"a seed too soon": altered(func(typ string, e *load.Event) {
			if typ == "betting.closed" {
				e.Seed = game.Seed{1}
			}
		}),
		"no account": altered(func(_ string, e *load.Event) {
			if e.Settled != nil {
				e.Settled.Own = nil
			}
		}),
		"an account without bets": altered(func(_ string, e *load.Event) {
			if e.Settled != nil && e.Settled.Own != nil {
				e.Settled.Own.Bets = nil
			}
		}),
		"other sums": altered(func(_ string, e *load.Event) {
			if e.Settled != nil {
				e.Settled.Paid++
			}
		}),
		"another refund": altered(func(_ string, e *load.Event) {
			if e.Voided != nil {
				e.Voided.Refund++
			}
		}),
	} {
		g := loadroulette.Game
		mistake(&g)
		var err error
		for n := 0; n < tables && err == nil; n++ {
			err = play(&g, roulette.Kind, n)
		}
		if err == nil {
			t.Errorf("%s: nothing was found", what)
		}
		t.Logf("%s: %v", what, err)
	}
}

func TestMistakesAboutSeedsThatServeSeveralRoundsAreFound(t *testing.T) {
	t.Parallel()
	shared := 0 // games that have such seeds
	for _, played := range games.All {
		if played.Load == nil {
			continue
		}
		several := false
		g := *played.Load
		altered(func(_ string, e *load.Event) { several = several || e.Since != 0 })(&g)
		if err := play(&g, played.Rules, 0); err != nil {
			t.Fatal(err)
		}
		if !several {
			continue
		}
		shared++
		for what, mistake := range map[string]func(*load.Game){
			"every round has a seed of its own": altered(func(_ string, e *load.Event) { e.Since = 0 }),
			"a later round":                     altered(func(_ string, e *load.Event) { e.Since += min(e.Since, 1) }),
			"a view without the earlier round": func(g *load.Game) {
				read := g.View
				g.View = func(raw json.RawMessage) (load.Event, error) {
					v, err := read(raw)
					v.Since = 0
					return v, err
				}
			},
			"outcomes as if each round were the first": func(g *load.Game) {
				outcome := g.Outcome
				g.Outcome = func(seed game.Seed, _, round int64) (string, error) { return outcome(seed, round, round) }
			},
		} {
			g := *played.Load
			mistake(&g)
			err := play(&g, played.Rules, 0)
			if err == nil {
				t.Errorf("%s, %s: nothing was found", g.Name, what)
			}
			t.Logf("%s, %s: %v", g.Name, what, err)
		}
	}
	if shared == 0 {
		t.Error("no game has such seeds")
	}
}
