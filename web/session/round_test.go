package session_test

import (
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// playsARoundToItsEnd has one player bet and another watch, and holds what both were told, the ledger
// and the round's look-up against each other. Nobody else bets at this table.
func playsARoundToItsEnd(t *testing.T, c *webtest.Casino) {
	const funds = 10_000
	rita, watcher := c.Dial("rita", c.Player("rita", funds)), c.Dial("watcher", c.Player("watcher", funds))
	rita.Join(webtest.Table)
	watcher.Join(webtest.Table)
	bet := `{"type":"bet","bets":[{"position":"red","amount":100},{"position":"straight:17","amount":300}]}`
	var answer wire.RoomCommandResult
	rita.Call(wire.MethodRoomCommand, webtest.Command(webtest.Table, bet), &answer)
	if !answer.Accepted || answer.Balance != funds-400 {
		t.Fatalf("the bet is answered with %+v", answer)
	}
	var placed, mine struct {
		Round, Sum int64
		Mine       bool
		Bets       []struct{ Position string }
	}
	decode(t, watcher.Event(webtest.Table, "bet.placed"), &placed)
	decode(t, rita.Event(webtest.Table, "bet.placed"), &mine)
	if placed.Sum != 400 || placed.Mine || placed.Bets != nil || !mine.Mine || len(mine.Bets) != 2 {
		t.Errorf("watcher is told %+v, and rita %+v", placed, mine)
	}
	type settled struct {
		Round, Staked, Paid int64
		Pocket              int
		Mine                *struct{ Staked, Payout int64 }
	}
	var watched, own settled
	watcher.Event(webtest.Table, "betting.closed")
	watcher.Event(webtest.Table, "wheel.spun")
	decode(t, watcher.Event(webtest.Table, "round.settled"), &watched)
	decode(t, rita.Event(webtest.Table, "round.settled"), &own)
	if watched.Mine != nil || own.Mine == nil || own.Mine.Staked != 400 || own.Mine.Payout != own.Paid || watched.Pocket != own.Pocket || watched.Staked != 400 {
		t.Fatalf("watcher is told %+v, and rita %+v", watched, own)
	}
	want := int64(0)
	if own.Pocket == 17 {
		want = 36 * 300
	}
	for _, red := range []int{1, 3, 5, 7, 9, 12, 14, 16, 18, 19, 21, 23, 25, 27, 30, 32, 34, 36} {
		if own.Pocket == red {
			want += 200
		}
	}
	if own.Mine.Payout != want {
		t.Errorf("%d pays %d, want %d", own.Pocket, own.Mine.Payout, want)
	}
	var balance wire.Balance
	rita.Call(wire.MethodWalletBalance, struct{}{}, &balance)
	if balance.Balance != funds-400+want {
		t.Errorf("the balance is %d, want %d", balance.Balance, funds-400+want)
	}

	operator, _, _ := c.Staff()
	var trial struct {
		Sum int64
		OK  bool
	}
	c.Get(operator, "/v1/ledger/trial-balance").Into(&trial)
	if !trial.OK || trial.Sum != 0 {
		t.Errorf("the trial balance is %+v", trial)
	}
	var round struct {
		Room, Game string
		Round      int64
		Events     []wire.RoomEvent
	}
	looked := c.Get("", fmt.Sprintf("/v1/rooms/%s/rounds/%d", webtest.Table, own.Round)).Want(200, "")
	looked.Into(&round)
	if round.Room != webtest.Table || round.Game != "roulette" || round.Round != own.Round || len(round.Events) < 5 ||
		round.Events[0].Type != "round.opened" || round.Events[len(round.Events)-1].Type != "round.settled" {
		t.Errorf("the round is %s", looked.Body)
	}
	if got := looked.Header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
		t.Errorf("a round that is over is kept by %q", got)
	}

	// The next round has another number, and a bet that was meant for the last one is too late.
	rita.Event(webtest.Table, "round.opened")
	rita.Refused("betting_closed", wire.MethodRoomCommand, webtest.Command(webtest.Table, fmt.Sprintf(`{"type":"bet","round":%d,"bets":[{"position":"red","amount":100}]}`, own.Round)))
}
