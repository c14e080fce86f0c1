package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestANodeThatHearsNothingIsNotReadyAndItsTablesGoOn(t *testing.T) {
	f := newCasino(t)
	redis := startRedis(t)
	var links []*bustest.Link
	var buses []string
	for range 2 {
		link := bustest.NewLink(t, redis.Addr)
		links, buses = append(links, link), append(buses, link.Addr())
	}
	nodes, _ := f.serveOn(buses...)
	for _, x := range nodes {
		eventually(t, "a node is ready", func() bool { return ready(x.address) })
	}
	owner := f.assignment().Node
	i := map[string]int{"node-0": 0, "node-1": 1}[owner]
	deaf, link := nodes[i], links[i]
	c := deaf.dial(soon(t), f.token("alice"), nil)
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(){"mute": link.Mute, "stalled": link.Stall, "cut": link.Cut} {
		spoil()
		began := time.Now()
		eventually(t, what+": it is not ready", func() bool { return !ready(deaf.address) })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: readiness was red after %v", what, took)
		}
		if status, _, body := deaf.do("GET", "/readyz", "", ""); status != 503 || !strings.Contains(string(body), "bus") {
			t.Errorf("%s: %d %s", what, status, body)
		}
		if !ready(nodes[1-i].address) {
			t.Errorf("%s: the other node is not ready either", what)
		}
		if err := c.call(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
			Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
		}, nil); err != nil && !strings.Contains(err.Error(), game.CodeBettingClosed) {
			t.Errorf("%s: a bet at the deaf node's own table: %v", what, err)
		}
		link.Mend()
		eventually(t, what+": it is ready again", func() bool { return ready(deaf.address) })
	}
}
