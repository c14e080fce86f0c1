package presence_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms/presence"
)

// join runs a node, and returns its Counter and what stops the node.
func join(t *testing.T, bus hub.Bus, name string, players ...string) (c *presence.Counter, stop func()) {
	t.Helper()
	h := hub.New(hub.Options{Bus: bus, Node: name, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	c = presence.New(name, h, slog.New(slog.DiscardHandler), func(_ tenant.ID, player string) (int, bool) {
		return len(players), slices.Contains(players, player)
	})
	go func() { ended <- h.Run(ctx) }()
	stop = func() {
		if cancel(); ended == nil {
			return
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended = nil
	}
	t.Cleanup(stop)
	return c, stop
}

func TestNodesAskEachOtherOverTheBus(t *testing.T) {
	t.Parallel()
	bus := membus.New()
	here, _ := join(t, bus, "a")
	there, stop := join(t, bus.Node(), "b", "ann", "bob")
	id, living := tenant.New(), []string{"a", "b"}
	deadline := time.After(30 * time.Second)
	for now := time.Now(); here.Elsewhere(id) != 2; now = now.Add(time.Minute) {
		here.Count(now, map[tenant.ID]presence.Counts{id: {}}, living)
		there.Count(now, map[tenant.ID]presence.Counts{id: {Online: 2}}, living)
		select {
		case <-deadline:
			t.Fatal("the node is not heard")
		case <-time.After(time.Millisecond):
		}
	}
	for player, plays := range map[string]bool{"ann": true, "cid": false} {
		if held, known := here.Held(t.Context(), id, player); held != plays || !known {
			t.Errorf("%s is held: %v, which is known: %v", player, held, known)
		}
	}
	stop() // which its lease does not tell
	began := time.Now()
	if held, known := here.Held(t.Context(), id, "ann"); held || known || here.Elsewhere(id) != 2 {
		t.Errorf("a dead node answers, or %d players are elsewhere", here.Elsewhere(id))
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("after %v", took)
	}
}
