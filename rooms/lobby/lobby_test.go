package lobby_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/gametest"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
)

// staffed is a lobby in which everybody but alice and bob is an operator, for gametest,
// which knows only players.
type staffed struct{ *lobby.Lobby }

func (s staffed) Decide(cmd game.Command) ([]game.Event, error) {
	cmd.By.Staff = cmd.By.Player != "alice" && !strings.HasPrefix(string(cmd.By.Player), "bob")
	return s.Lobby.Decide(cmd)
}

func TestLobbyIsAGame(t *testing.T) {
	t.Parallel()
	kind := lobby.Kind
	kind.New = func(settings json.RawMessage) (game.Rules, error) {
		rules, err := lobby.Kind.New(settings)
		if err != nil {
			return nil, err
		}
		return &staffed{rules.(*lobby.Lobby)}, nil
	}
	gametest.Run(t, kind, gametest.Spec{Move: func(r *rand.Rand) json.RawMessage {
		if r.IntN(4) == 0 {
			return json.RawMessage(fmt.Sprintf(`{"type":"promotion.withdraw","id":"promo-%d","reason":"r"}`, r.IntN(60)))
		}
		ends := time.Date(2030, 1, 1, 0, 0, r.IntN(3600), r.IntN(1e9), time.UTC)
		return json.RawMessage(fmt.Sprintf(`{"type":"promotion.publish","id":"promo-%d","title":"t","text":"%d","ends_at":%q}`,
			r.IntN(60), r.IntN(9), ends.Format(time.RFC3339Nano)))
	}})
}

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// house is a lobby with an operator.
type house struct {
	*testing.T
	rules game.Rules
}

func newHouse(t *testing.T) house {
	t.Helper()
	rules, err := lobby.Kind.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return house{t, rules}
}

// do gives the operator's command and returns how it was refused.
func (h house) do(typ string, body any) string {
	h.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	cmd, err := lobby.Kind.Command(typ, raw)
	if err != nil {
		h.Fatal(err)
	}
	events, err := h.rules.Decide(game.Command{At: start, By: game.Actor{Player: "op", Staff: true}, Body: cmd})
	var no *game.Refusal
	if errors.As(err, &no) {
		return no.Code
	}
	for _, ev := range events {
		h.rules.Apply(ev)
	}
	return ""
}

func promo(i int) lobby.Publish {
	return lobby.Publish{ID: strict.Line(fmt.Sprint("p", i)), Title: "Title", Text: "Text", EndsAt: wire.At(start.Add(time.Hour))}
}

func TestWordsAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*lobby.Publish)
		want   string
	}{
		"longest": {func(p *lobby.Publish) {
			p.Title, p.Text = strict.Line(strings.Repeat("ü", 120)), strict.Text(strings.Repeat("ü", 2000))
		}, ""},
		"title":         {func(p *lobby.Publish) { p.Title = strict.Line(strings.Repeat("ü", 121)) }, game.CodeInvalidCommand},
		"text":          {func(p *lobby.Publish) { p.Text = strict.Text(strings.Repeat("ü", 2001)) }, game.CodeInvalidCommand},
		"id":            {func(p *lobby.Publish) { p.ID = strict.Line(strings.Repeat("x", 65)) }, game.CodeInvalidCommand},
		"a year":        {func(p *lobby.Publish) { p.EndsAt = wire.At(start.Add(lobby.LongestRun)) }, ""},
		"a millisecond": {func(p *lobby.Publish) { p.EndsAt = wire.At(start.Add(time.Millisecond)) }, ""},
	} {
		p := promo(1)
		c.change(&p)
		if got := newHouse(t).do(lobby.TypePublish, p); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	h := newHouse(t)
	h.do(lobby.TypePublish, promo(1))
	if got := h.do(lobby.TypeWithdraw, lobby.Withdraw{ID: "p1", Reason: strict.Line(strings.Repeat("x", 501))}); got != game.CodeInvalidCommand {
		t.Errorf("a long reason: %q", got)
	}
}

func TestSoManyAreActiveAndSoManyRemembered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range lobby.ActiveMax {
		if no := h.do(lobby.TypePublish, promo(i)); no != "" {
			t.Fatalf("promotion %d: %s", i, no)
		}
	}
	if no := h.do(lobby.TypePublish, promo(1000)); no != game.CodeLimitReached {
		t.Errorf("one more: %q", no)
	}
	for i := range lobby.PastMax + 50 {
		if no := h.do(lobby.TypeWithdraw, lobby.Withdraw{ID: strict.Line(fmt.Sprint("p", i))}); no != "" {
			t.Fatalf("withdraw %d: %s", i, no)
		}
		if no := h.do(lobby.TypePublish, promo(lobby.ActiveMax+i)); no != "" {
			t.Fatalf("promotion %d: %s", lobby.ActiveMax+i, no)
		}
	}
	state := h.rules.(*lobby.Lobby)
	if len(state.Active) != lobby.ActiveMax || len(state.Past) != lobby.PastMax || state.Past[0].ID != "p50" {
		t.Errorf("%d active, %d past", len(state.Active), len(state.Past))
	}
}

func TestOperatorsSeeWhoAndWhatIsOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range 3 {
		h.do(lobby.TypePublish, promo(i))
	}
	h.do(lobby.TypeWithdraw, lobby.Withdraw{ID: "p0", Reason: "a mistake"})
	raw, err := json.Marshal(h.rules.(interface{ StaffView() any }).StaffView())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Promotions []struct{ ID, Status, By string }
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := []struct{ ID, Status, By string }{{"p0", "withdrawn", "op"}, {"p1", "active", "op"}, {"p2", "active", "op"}}
	if diff := cmp.Diff(want, got.Promotions); diff != "" {
		t.Error(diff)
	}
	view, err := json.Marshal(h.rules.View("alice"))
	if err != nil || strings.Contains(string(view), `"op"`) {
		t.Errorf("players see %s, %v", view, err)
	}
	active, err := lobby.Active(view)
	if err != nil || len(active) != 2 || active[0].ID != "p1" || !active[0].EndsAt.Equal(start.Add(time.Hour)) {
		t.Errorf("active: %+v, %v", active, err)
	}
	if _, err := lobby.Active([]byte(`[`)); err == nil {
		t.Error("what is no view is read")
	}
}

func TestPlayersAreToldWithoutTheOperatorsNameAndReason(t *testing.T) {
	t.Parallel()
	pub := &lobby.Published{ID: "p1", Title: "T", Text: "x", PublishedAt: wire.At(start), EndsAt: wire.At(start), By: "op"}
	if diff := cmp.Diff(wire.Promotion{ID: "p1", Title: "T", Text: "x", PublishedAt: wire.At(start), EndsAt: wire.At(start)}, pub.Public()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wire.PromotionWithdrawn{ID: "p1"}, (&lobby.Withdrawn{ID: "p1", By: "op", Reason: "r"}).Public()); diff != "" {
		t.Error(diff)
	}
}

func TestLobbyHasNoSettings(t *testing.T) {
	t.Parallel()
	for settings, ok := range map[string]bool{"": true, "{}": true, " {} ": true, `{"x":1}`: false, "[]": false, "{": false} {
		if _, err := lobby.Kind.New(json.RawMessage(settings)); (err == nil) != ok {
			t.Errorf("%q: %v", settings, err)
		}
	}
}
