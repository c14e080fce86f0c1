package gametest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// coin is a small game with a bug on demand: heads pay double.
type coin struct {
	coinState
	bug    string
	staked game.Money // by all, ever; only a bug counts it
}

type coinState struct {
	Round  int64
	Hash   game.Commitment
	Before game.Commitment // of the round before
	Stakes []coinStake
	Until  time.Time
	Phase  string // "", "open" or "closed"
	Asked  bool   // to close
	Noted  string // where bugs put things
}

type coinStake struct {
	Player game.PlayerID
	Amount game.Money
}

type (
	coinOpened struct {
		Round int64
		Hash  game.Commitment
		Note  string
		again bool
	}
	coinStaked struct {
		Round  int64
		Player game.PlayerID
		Amount game.Money
		lost   int64
		bug    string
	}
	coinFlipped struct {
		Round  int64
		Seed   game.Seed
		Pays   []coinStake
		Staked game.Money
		Total  game.Money
	}
	coinVoided struct {
		Round   int64
		Refunds []coinStake
		bug     string
	}
	coinAsked struct{}
)

// coinBet is the only command: a stake on heads.
type coinBet struct {
	Stake int64
	Round *int64
}

func (*coinOpened) Type() string                       { return game.TypeRoundOpened }
func (e *coinOpened) RoundNo() int64                   { return e.Round }
func (e *coinOpened) Commits() (game.Commitment, bool) { return e.Hash, !e.again }
func (*coinStaked) Type() string                       { return "staked" }
func (e *coinStaked) RoundNo() int64                   { return e.Round }
func (e *coinStaked) Postings() []game.Posting {
	moves := []game.Posting{{Kind: game.Stake, Player: e.Player, Amount: e.Amount + game.Money(e.lost), Ref: game.RoundRef(e.Round)}}
	if e.bug == "moves money for nobody knows what" {
		moves[0].Ref = "coin"
	}
	if e.bug == "refunds more than was staked" {
		moves = append(moves, game.Posting{Kind: game.Refund, Player: e.Player, Amount: e.Amount + 1, Ref: game.RoundRef(e.Round)})
	}
	return moves
}
func (e *coinStaked) Public() any               { return e.For("") }
func (e *coinStaked) Audience() []game.PlayerID { return []game.PlayerID{e.Player} }
func (e *coinStaked) For(who game.PlayerID) any {
	form := map[string]any{"amount": e.Amount, "mine": who == e.Player}
	if e.bug == "tells everybody where every chip lies" {
		form["chips"] = [...]string{"a heap of chips on heads", "another heap on tails"}
	}
	if e.bug == "tells a time without milliseconds" {
		form["at"] = begin
	}
	if e.bug == "names players to others" {
		form["player"] = e.Player
	}
	return form
}
func (*coinFlipped) EndsRound()           {}
func (*coinFlipped) Type() string         { return game.TypeRoundSettled }
func (e *coinFlipped) RoundNo() int64     { return e.Round }
func (e *coinFlipped) Reveals() game.Seed { return e.Seed }
func (e *coinFlipped) Postings() (moves []game.Posting) {
	for _, p := range e.Pays {
		moves = append(moves, game.Posting{Kind: game.Payout, Player: p.Player, Amount: p.Amount, Ref: game.RoundRef(e.Round)})
	}
	return moves
}
func (e *coinFlipped) Public() any               { return map[string]any{"seed": e.Seed} }
func (e *coinFlipped) Audience() []game.PlayerID { return nil }
func (e *coinFlipped) For(game.PlayerID) any     { return e.Public() }
func (*coinVoided) EndsRound()                   {}
func (e *coinVoided) Type() string {
	if e.bug == "ends a round under a name of its own" {
		return "voided"
	}
	return game.TypeRoundVoided
}
func (e *coinVoided) RoundNo() int64 { return e.Round }
func (e *coinVoided) Postings() (moves []game.Posting) {
	for _, s := range e.Refunds {
		moves = append(moves, game.Posting{Kind: game.Refund, Player: s.Player, Amount: s.Amount, Ref: game.RoundRef(e.Round)})
	}
	return moves
}
func (e *coinVoided) Public() any               { return map[string]any{"round": e.Round} }
func (e *coinVoided) Audience() []game.PlayerID { return nil }
func (e *coinVoided) For(game.PlayerID) any     { return e.Public() }
func (*coinAsked) Type() string                 { return "asked" }

func (c *coin) MarshalJSON() ([]byte, error) {
	s := c.coinState
	if c.bug == "loses state in a snapshot" {
		s.Asked = false
	}
	return json.Marshal(s)
}

func (c *coin) UnmarshalJSON(raw []byte) error { return json.Unmarshal(raw, &c.coinState) }

func (c *coin) Wake() time.Time {
	if c.Phase == "closed" && c.bug != "waits though it is closed" {
		return time.Time{}
	}
	return c.Until
}

func (c *coin) Totals() any { return map[string]any{"staked": c.staked} }

func (c *coin) View(game.PlayerID) any {
	if c.bug == "changes in View" {
		c.Round++
	}
	return map[string]any{"round": c.Round, "note": c.Noted}
}

func (c *coin) Decide(cmd game.Command) ([]game.Event, error) {
	if c.bug == "changes in Decide" {
		c.Round++
	}
	switch body := cmd.Body.(type) {
	case game.Tick:
		return c.tick(cmd.At, body), nil
	case game.Close:
		if c.Phase == "closed" {
			return nil, game.Refuse(game.CodeRoomClosed, "Closed.")
		}
		return []game.Event{&coinAsked{}}, nil
	case coinBet:
		switch {
		case c.Phase == "closed" && c.bug != "takes stakes after the end":
			return nil, game.Refuse(game.CodeRoomClosed, "Closed.")
		case c.bug == "refuses with a plain error":
			return nil, errors.New("plain")
		case c.Phase == "":
			return nil, game.Refuse(game.CodeBettingClosed, "Wait.")
		case body.Round != nil && *body.Round != c.Round && c.bug != "takes a bet that names another round":
			return nil, game.Refuse(game.CodeBettingClosed, "Another round is open.")
		}
		ev := &coinStaked{Round: c.Round, Player: cmd.By.Player, Amount: game.Money(body.Stake), bug: c.bug}
		if c.bug == "decides by an accident" {
			for k := range map[game.Money]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true} {
				ev.Amount = k
				break
			}
		}
		if c.bug == "loses a field of an event" {
			ev.lost = 5
		}
		return []game.Event{ev}, nil
	}
	return nil, game.Refuse(game.CodeInvalidCommand, "What?")
}

func (c *coin) tick(at time.Time, tick game.Tick) []game.Event {
	switch {
	case c.Phase == "closed" || at.Before(c.Until):
		return nil
	case c.Phase == "" && c.Asked && c.bug != "never ends":
		return []game.Event{&game.Closed{}}
	case c.Phase == "" && tick.Fresh.IsZero() && c.bug != "opens a round without a seed":
		return nil
	case c.Phase == "":
		ev := &coinOpened{Round: c.Round + 1, Hash: tick.Fresh.Commit()}
		switch c.bug {
		case "shows the seed too soon":
			ev.Note = tick.Fresh.Hex()
		case "commits to another seed":
			ev.Hash[0]++
		}
		return []game.Event{ev}
	case c.bug == "keeps its seed secret" && c.Asked && len(c.Stakes) == 0:
		return []game.Event{&game.Closed{}}
	case c.bug == "commits to one seed after another" && len(c.Stakes) == 0:
		return []game.Event{&coinOpened{Round: c.Round + 1, Hash: tick.Fresh.Commit()}}
	case c.bug == "begins a round under a seed of before" && c.Before != c.Hash && c.Round > 1:
		return []game.Event{&coinOpened{Round: c.Round + 1, Hash: c.Before, again: true}}
	case c.bug == "drops the round's stakes" && c.Asked && len(c.Stakes) > 0:
		return []game.Event{&game.Closed{}}
	case tick.Open.Commit() != c.Hash && c.bug != "pays though the seed is lost":
		return []game.Event{&coinVoided{c.Round, c.Stakes, c.bug}}
	}
	ev := &coinFlipped{Round: c.Round, Seed: tick.Open}
	if c.bug == "reveals what is not the seed" {
		ev.Seed[0]++
	}
	for _, s := range c.Stakes {
		ev.Staked += s.Amount
	}
	if tick.Open[0]&1 == 0 {
		ev.Pays = append(ev.Pays, c.Stakes...)
		for i := range ev.Pays {
			ev.Pays[i].Amount *= 2
			ev.Total += ev.Pays[i].Amount
		}
	}
	switch c.bug {
	case "pays more than the result says":
		ev.Total--
	case "pays to whom has no stake":
		ev.Pays, ev.Total = append(ev.Pays, coinStake{"nobody", 1}), ev.Total+1
	}
	return []game.Event{ev}
}

func (c *coin) Apply(ev game.Event) {
	switch ev := ev.(type) {
	case *coinOpened:
		c.Before = c.Hash
		c.Phase, c.Round, c.Hash, c.Noted, c.Stakes = "open", ev.Round, ev.Hash, ev.Note, nil
		c.Until = c.Until.Add(time.Second)
	case *coinStaked:
		c.Stakes = append(c.Stakes, coinStake{ev.Player, ev.Amount})
		if c.bug == "shows totals that no snapshot has" {
			c.staked += ev.Amount
		}
		if c.bug == "changes an event afterwards" {
			ev.Amount++
		}
	case *coinFlipped, *coinVoided:
		c.Phase, c.Until = "", c.Until.Add(time.Second)
	case *coinAsked:
		c.Asked = true
	case *game.Closed:
		c.Phase = "closed"
	}
}

func coinKind(bug string) game.Kind {
	return game.Kind{
		Name: "coin",
		New: func(json.RawMessage) (game.Rules, error) {
			return &coin{bug: bug, coinState: coinState{Until: begin}}, nil
		},
		Command: func(_ string, body json.RawMessage) (any, error) {
			var in coinBet
			if json.Unmarshal(body, &in) != nil || in.Stake <= 0 || in.Stake > 1000 {
				if bug == "refuses unreadable commands with another code" {
					return nil, game.Refuse(game.CodeForbidden, "What?")
				}
				return nil, game.Refuse(game.CodeInvalidCommand, "What?")
			}
			return in, nil
		},
		Event: func(typ string) game.Event {
			if bug == "forgets an event's type" && typ == "asked" {
				return nil
			}
			for _, ev := range []game.Event{new(coinOpened), &coinStaked{bug: bug}, new(coinFlipped), &coinVoided{bug: bug}, new(coinAsked), new(game.Closed)} {
				if ev.Type() == typ {
					return ev
				}
			}
			return nil
		},
	}
}

var coinSpec = Spec{
	Settings: []json.RawMessage{nil},
	Move: func(r *rand.Rand) json.RawMessage {
		return fmt.Appendf(nil, `{"stake":%d}`, 1+r.IntN(900))
	},
	Result: func(ev game.Event) (staked, paid game.Money, ok bool) {
		f, ok := ev.(*coinFlipped)
		if !ok {
			return 0, 0, false
		}
		return f.Staked, f.Total, true
	},
}

// caught is a testing.TB that keeps what a check says and ends its goroutine.
type caught struct {
	testing.TB
	said string
}

func (c *caught) Helper() {}

func (c *caught) Fatalf(format string, args ...any) {
	c.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// playCoin plays random games until a check says something, or n are played.
func playCoin(t *testing.T, bug string, n int) string {
	t.Helper()
	for seed := range uint64(n) {
		c := &caught{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			play(c, coinKind(bug), coinSpec, rand.New(rand.NewPCG(seed, 0)), func(step int) bool { return step < 60 })
		}()
		<-done
		if c.said != "" {
			return c.said
		}
	}
	return ""
}

func TestASoundGamePasses(t *testing.T) {
	t.Parallel()
	if said := playCoin(t, "", 50); said != "" {
		t.Error(said)
	}
}

func TestEveryBugIsFound(t *testing.T) {
	t.Parallel()
	for bug, want := range map[string]string{
		"ends a round under a name of its own":          "its type does not say so",
		"moves money for nobody knows what":             "under the reference",
		"refunds more than was staked":                  "refunded of",
		"names players to others":                       `names "`,
		"tells a time without milliseconds":             "a time that is not in UTC with milliseconds",
		"takes a bet that names another round":          "a command that names another round is accepted",
		"tells everybody where every chip lies":         "bytes, and 64 are allowed",
		"shows totals that no snapshot has":             "shows another view",
		"loses state in a snapshot":                     "restored",
		"waits though it is closed":                     "a closed room waits for a Tick",
		"changes in View":                               "View or Wake changed the state",
		"changes in Decide":                             "Decide changed the state",
		"takes stakes after the end":                    "a closed room answers with",
		"refuses with a plain error":                    "not a *game.Refusal",
		"decides by an accident":                        "decides otherwise",
		"loses a field of an event":                     "moves other money when read back",
		"never ends":                                    "the room is not closed",
		"shows the seed too soon":                       "a seed in it that was not revealed",
		"opens a round without a seed":                  "commits to a seed that is not the Tick's fresh one",
		"pays though the seed is lost":                  "the result of a round whose seed is lost",
		"reveals what is not the seed":                  "reveals a seed that is not the open one",
		"commits to another seed":                       "commits to a seed that is not the Tick's fresh one",
		"keeps its seed secret":                         "its open seed was not revealed",
		"commits to one seed after another":             "commits to a seed before the open one was revealed",
		"begins a round under a seed of before":         "begins a round under a seed that is not the open one",
		"drops the round's stakes":                      "has no result",
		"pays more than the result says":                "the result says",
		"pays to whom has no stake":                     "nothing in the round",
		"changes an event afterwards":                   "was changed after it was decided",
		"forgets an event's type":                       `Kind.Event("asked") is`,
		"refuses unreadable commands with another code": "Kind.Command refuses with",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			if said := playCoin(t, bug, 50); !strings.Contains(said, want) {
				t.Errorf("the checks say %q, not %q", said, want)
			}
		})
	}
}

func TestASettingThatIsNotHeldToItsBoundsIsFound(t *testing.T) {
	t.Parallel()
	list := []game.Setting{
		{Name: "flips", Type: game.SettingInt, Default: int64(3), Min: 1, Max: 9, Message: "flips"},
		{Name: "least", Type: game.SettingInt, Default: int64(5), Min: 1, Max: 9, AtLeast: []string{"flips"}, Message: "least"},
		{Name: "edge", Type: game.SettingBool, Default: false, Message: "edge"},
		{Name: "by_side", Type: game.SettingMoneys, Min: 1, Max: 9, Kinds: []string{"heads"}, AtMost: []string{"least"}, Message: "by_side"},
	}
	type members struct {
		Flips  int64            `json:"flips"`
		Least  int64            `json:"least"`
		Edge   bool             `json:"edge"`
		BySide map[string]int64 `json:"by_side,omitempty"`
	}
	for bug, want := range map[string]string{
		"":             "",
		"no flips":     `flips: 0 is accepted`,
		"no bounds":    `a setting that does not exist is accepted`,
		"other member": `has a setting "thumb" that Kind.Settings does not describe`,
	} {
		kind := coinKind("")
		kind.Settings = list
		kind.New = func(raw json.RawMessage) (game.Rules, error) {
			var m members
			checked := list
			switch bug {
			case "no flips":
				checked = slices.Clone(list)
				checked[0].Min = 0
			case "no bounds":
				return &configuredCoin{coin: &coin{coinState: coinState{Until: begin}}, settings: m}, nil
			}
			if err := game.ParseSettings(checked, raw, &m); err != nil {
				return nil, err
			}
			c := &configuredCoin{coin: &coin{coinState: coinState{Until: begin}}, settings: m}
			if bug == "other member" {
				c.settings = map[string]any{"flips": 3, "least": 5, "edge": false, "thumb": true}
			}
			return c, nil
		}
		c := &caught{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			checkSettings(c, kind)
		}()
		<-done
		if !strings.Contains(c.said, want) || want == "" && c.said != "" {
			t.Errorf("with %q the checks say %q, not %q", bug, c.said, want)
		}
	}
}

type configuredCoin struct {
	*coin
	settings any
}

func (c *configuredCoin) Settings() any { return c.settings }

// FuzzCoin shows that Fuzz plays whatever its input is.
func FuzzCoin(f *testing.F) { Fuzz(f, coinKind(""), coinSpec) }

func TestBlocksAreReadWithTheirComments(t *testing.T) {
	t.Parallel()
	got := parseBlocks("# a\n# b\nopen {}\n----\nold\nold\n\n# only words\n\ntick\n\ntick 5s\n----\nx\n")
	want := []block{
		{comment: []string{"# a", "# b"}, command: "open {}"}, {comment: []string{"# only words"}},
		{command: "tick"}, {command: "tick 5s"},
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q", got)
	}
}

func TestPlayTellsTheLastOfItsRoundsOnly(t *testing.T) {
	t.Parallel()
	perform := func(commands string) string {
		return perform(t, coinKind(""), coinSpec, parseBlocks(commands))
	}
	_, last, _ := strings.Cut(perform("open {}\n\nplay 3 ann {\"stake\": 5}\n"), "play 3")
	if strings.Contains(last, `"Round":2`) || strings.Count(last, `"Round":3`) < 3 || strings.Count(last, "stake of 5") != 1 {
		t.Error(last)
	}
	_, again, _ := strings.Cut(perform("open {}\n\nplay 2 ann {\"stake\": 5}\n\nplay 1 ann {\"stake\": 5}\n"), "play 1")
	if again != last {
		t.Errorf("three rounds end with %s; two and one with %s", last, again)
	}
}
