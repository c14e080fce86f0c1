package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestANodeThatHearsNothingIsNotReadyAndItsTablesGoOn(t *testing.T) {
	f := newFloor(t)
	redis, err := localredis.Start(soon(t), openDir(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Stop)
	var links []*bustest.Link
	var buses []hub.Bus
	for range 2 {
		link := bustest.NewLink(t, redis.Addr)
		bus, err := redisbus.Open(redisbus.Options{URL: "redis://" + link.Addr(), Key: f.store.Box.BusKey(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		links, buses = append(links, link), append(buses, bus)
	}
	nodes, _ := f.serveOn(buses...)
	ready := func(x *floor) bool {
		status, _, _ := x.do("GET", "/readyz", "", "")
		return status == 200
	}
	for _, x := range nodes {
		eventually(t, "a node is ready", func() bool { return ready(x) })
	}
	owner := f.place().Node
	i := map[string]int{"node-0": 0, "node-1": 1}[owner]
	deaf, link := nodes[i], links[i]
	c := deaf.dial(soon(t), f.token("alice"), nil)
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(){"mute": link.Mute, "stalled": link.Stall, "cut": link.Cut} {
		spoil()
		began := time.Now()
		eventually(t, what+": it is not ready", func() bool { return !ready(deaf) })
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: readiness was red after %v", what, took)
		}
		if status, _, body := deaf.do("GET", "/readyz", "", ""); status != 503 || !strings.Contains(string(body), "bus") {
			t.Errorf("%s: %d %s", what, status, body)
		}
		if !ready(nodes[1-i]) {
			t.Errorf("%s: the other node is not ready either", what)
		}
		if err := c.call(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
			Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
		}, nil); err != nil && !strings.Contains(err.Error(), game.CodeBettingClosed) {
			t.Errorf("%s: a bet at the deaf node's own table: %v", what, err)
		}
		link.Mend()
		eventually(t, what+": it is ready again", func() bool { return ready(deaf) })
	}
}
