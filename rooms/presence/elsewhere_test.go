package presence

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
)

// lines are what nodes hear each other by, without delay.
type lines map[string]*line

// line is one node's end. Its players are those of all tenants.
type line struct {
	all     lines
	node    string
	answers map[string]hub.Answerer
	players map[string]bool
	dead    bool
	asked   atomic.Int32
	hold    chan struct{} // nil: answers come at once
}

func (w *line) Tell(method string, body []byte) error {
	for _, to := range w.all {
		if !w.dead && !to.dead {
			to.answers[method](w.node, body, nil)
		}
	}
	return nil
}

func (w *line) Answer(method string, f hub.Answerer) { w.answers[method] = f }

func (w *line) Ask(node, method string, body []byte, _ time.Duration, answer func([]byte, error)) {
	to := w.all[node]
	to.asked.Add(1)
	if to.dead {
		answer(nil, hub.ErrNoAnswer)
		return
	}
	if to.hold != nil {
		go func() { <-to.hold; to.answers[method](w.node, body, func(b []byte) { answer(b, nil) }) }()
		return
	}
	to.answers[method](w.node, body, func(b []byte) { answer(b, nil) })
}

// join adds a node.
func (all lines) join(node string, players ...string) (*line, *Counter) {
	w := &line{all: all, node: node, answers: map[string]hub.Answerer{}, players: map[string]bool{}}
	for _, p := range players {
		w.players[p] = true
	}
	all[node] = w
	return w, New(node, w, slog.New(slog.DiscardHandler), func(_ tenant.ID, player string) (int, bool) { return len(w.players), w.players[player] })
}

func TestAPlayerIsHeldByTheNodeThatHasHimAndADeadNodeHoldsNobody(t *testing.T) {
	id, now, all := casino(t), time.Now(), lines{}
	_, here := all.join("a")
	b, there := all.join("b", "ann", "bob")
	c, dying := all.join("c", "cid", "dan", "eve")
	living := []string{"a", "b", "c"}
	tell := func() {
		now = now.Add(fullEvery)
		here.Count(now, map[tenant.ID]Counts{id: {}}, living)
		there.Count(now, map[tenant.ID]Counts{id: {Online: 2}}, living)
		dying.Count(now, map[tenant.ID]Counts{id: {Online: 3}}, living)
	}
	want := func(player string, held bool, elsewhere int) {
		t.Helper()
		if got := here.Held(t.Context(), id, player); got != held {
			t.Errorf("%s is held: %v", player, got)
		}
		if got := here.Elsewhere(id); got != elsewhere {
			t.Errorf("asked about %s, %d are elsewhere, want %d", player, got, elsewhere)
		}
	}
	tell()
	tell()
	if got := here.Elsewhere(id); got != 5 {
		t.Fatalf("%d are elsewhere", got)
	}
	want("ann", true, 5)
	want("zoe", false, 5)
	if here.Held(t.Context(), tenant.New(), "ann") {
		t.Error("no node said that it has players of the other tenant")
	}
	delete(b.players, "bob") // who left is no longer counted, before the node says so
	want("zoe", false, 4)

	c.dead = true // its lease runs on
	want("cid", false, 1)
	asked := c.asked.Load()
	want("dan", false, 1)
	if c.asked.Load() != asked {
		t.Error("the dead node is asked again")
	}
	c.dead = false // it was slow, no more
	tell()
	want("cid", true, 4)
}

func TestQuestionsAboutPlayersAreBoundedAndEndWithTheirCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, now, all := casino(t), time.Now(), lines{}
		_, here := all.join("a")
		b, there := all.join("b", "ann")
		living := []string{"a", "b"}
		for range 2 {
			now = now.Add(fullEvery)
			here.Count(now, map[tenant.ID]Counts{id: {}}, living)
			there.Count(now, map[tenant.ID]Counts{id: {Online: 1}}, living)
		}
		b.hold = make(chan struct{})
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan bool)
		for range asksMax {
			go func() { ended <- here.Held(ctx, id, "ann") }()
		}
		until := func(what string, ok func() bool) {
			t.Helper()
			for deadline := time.Now().Add(30 * time.Second); !ok(); <-time.After(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal(what)
				}
			}
		}
		until("not all ask", func() bool { return b.asked.Load() == asksMax })
		if here.Held(t.Context(), id, "ann") || b.asked.Load() != asksMax {
			t.Error("one more was asked about")
		}
		one := make(chan bool)
		go func() { one <- here.Held(t.Context(), id, "ann") }() // waits for its turn
		until("it does not wait", func() bool { here.mu.Lock(); defer here.mu.Unlock(); return here.asking[id].callers == asksMax+1 })
		cancel(errors.New("gone"))
		for range asksMax {
			if <-ended {
				t.Error("held, without an answer")
			}
		}
		close(b.hold)
		if !<-one {
			t.Error("whose turn came was not asked about")
		}
		if len(here.asking) != 0 {
			t.Errorf("%v are under way", here.asking)
		}
	})
}
