package e2e

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestSIGTERMAnswersOpenCommandsAndTellsEverybodyToComeBack(t *testing.T) {
	f := newCasino(t)
	s := f.startServer("")
	defer s.kill()
	f.awaitServer(s)

	const players = 8
	var conns []*rpc
	var closing atomic.Int64
	answered := make(chan string, 1000)
	asked := 0
	for i := range players {
		c := f.dial(soon(t), f.token(fmt.Sprintf("player-%d", i)), func(method string, params json.RawMessage) {
			var said wire.Closing
			if method == wire.PushClosing && json.Unmarshal(params, &said) == nil && said.Reason == wire.CloseDraining.Name && said.RetryAfterMS > 0 {
				closing.Add(1)
			}
		})
		if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for range 10 {
		for _, c := range conns {
			err := c.ask(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
				Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
			}, func(r reply, ok bool) {
				switch {
				case !ok:
					answered <- "nothing"
				case r.Error != nil:
					answered <- r.Error.Data.Code
				default:
					answered <- "accepted"
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			asked++
		}
	}
	// Every command is in the socket before the signal is: a ping's reply says that it was read.
	for _, c := range conns {
		if err := c.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for range asked {
		got[<-answered]++
	}
	if got["nothing"] > 0 || got["accepted"] == 0 {
		t.Errorf("answers: %v", got)
	}
	for _, c := range conns {
		if code := c.closedWith(t); code != websocket.StatusCode(wire.CloseDraining.Code) {
			t.Errorf("closed with %d", code)
		}
	}
	<-s.died
	if code := s.cmd.ProcessState.ExitCode(); code != 0 || time.Since(began) > drainTimeout {
		t.Errorf("exit %d after %v\n%s", code, time.Since(began), s.log.last(4000))
	}
	if n := closing.Load(); n != players {
		t.Errorf("%d of %d were told when to come back", n, players)
	}

	accepted := 0
	for _, r := range f.journal() {
		if r.Type == "bet.placed" {
			accepted++
		}
	}
	if accepted != got["accepted"] {
		t.Errorf("%d bets were accepted, %d are in the journal", got["accepted"], accepted)
	}
	var left game.Money
	for i := range players {
		b, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, game.PlayerID(fmt.Sprintf("player-%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		left += b
	}
	if want := players*crashFunds - 100*game.Money(accepted); left != want {
		t.Errorf("the players have %d, want %d", left, want)
	}
}
