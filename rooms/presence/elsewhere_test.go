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
	fails   error // what a question to it ends with; nil: its answer
	asked   atomic.Int32
	hold    chan struct{} // nil: answers come at once
}

func (w *line) Tell(method string, body []byte) error {
	for _, to := range w.all {
		if w.fails == nil && to.fails == nil {
			to.answers[method](w.node, body, nil)
		}
	}
	return nil
}

func (w *line) Answer(method string, f hub.Answerer) { w.answers[method] = f }

func (w *line) Ask(node, method string, body []byte, _ time.Duration, answer func([]byte, error)) {
	to := w.all[node]
	to.asked.Add(1)
	if to.fails != nil {
		answer(nil, to.fails)
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

func TestAPlayerIsHeldByTheNodeThatHasHimAndOneThatDoesNotAnswerIsCountedWhileItsLeaseRuns(t *testing.T) {
	id, another, now, all := casino(t), casino(t), time.Now(), lines{}
	_, here := all.join("a")
	b, there := all.join("b", "ann", "bob")
	c, dying := all.join("c", "cid", "dan", "eve")
	living := []string{"a", "b", "c"}
	tell := func() {
		now = now.Add(fullEvery)
		here.Count(now, map[tenant.ID]Counts{id: {}}, living)
		there.Count(now, map[tenant.ID]Counts{id: {Online: 2}}, living)
		dying.Count(now, map[tenant.ID]Counts{id: {Online: 3}, another: {Online: 3}}, living)
	}
	want := func(player string, held, known bool, elsewhere int) {
		t.Helper()
		if got, sure := here.Held(t.Context(), id, player); got != held || sure != known {
			t.Errorf("%s is held: %v, which is known: %v", player, got, sure)
		}
		if got := here.Elsewhere(id); got != elsewhere {
			t.Errorf("asked about %s, %d are elsewhere, want %d", player, got, elsewhere)
		}
		if got := here.Elsewhere(another); living[len(living)-1] == "c" && got != 3 {
			t.Errorf("asked about %s, %d of another casino are elsewhere", player, got)
		}
	}
	tell()
	tell()
	if got := here.Elsewhere(id); got != 5 {
		t.Fatalf("%d are elsewhere", got)
	}
	want("ann", true, true, 5)
	want("zoe", false, true, 5)
	if held, known := here.Held(t.Context(), tenant.New(), "ann"); held || !known {
		t.Error("no node said that it has players of the other tenant")
	}
	delete(b.players, "bob") // who left is no longer counted, before the node says so
	want("zoe", false, true, 4)

	for _, why := range []error{hub.ErrNoAnswer, errors.New("the lane is full")} {
		c.fails = why
		want("cid", false, false, 4)
		want("ann", true, true, 4)
		asked := c.asked.Load()
		want("dan", false, false, 4)
		if c.asked.Load() == asked {
			t.Error("a node that lives is not asked again")
		}
		c.fails = nil // it was slow, no more, and has said nothing since
		want("cid", true, true, 4)
	}
	c.fails = hub.ErrNoAnswer
	living = []string{"a", "b"} // its lease has run out
	tell()
	want("cid", false, true, 1)
}

func TestQuestionsAboutPlayersAreBoundedAlsoIfTheirCallersLeave(t *testing.T) {
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
			go func() { held, known := here.Held(ctx, id, "ann"); ended <- held || known }()
		}
		synctest.Wait()
		if n := b.asked.Load(); n != asksMax {
			t.Fatalf("%d ask", n)
		}
		tooMany := func() {
			t.Helper()
			began := time.Now()
			if held, known := here.Held(t.Context(), id, "ann"); held || known || b.asked.Load() != asksMax || time.Since(began) != askWithin {
				t.Errorf("one more was asked about: %v, %v, after %v", held, known, time.Since(began))
			}
		}
		tooMany()
		cancel(errors.New("gone"))
		for range asksMax {
			if <-ended {
				t.Error("held, without an answer")
			}
		}
		tooMany() // what they asked is not answered yet
		one := make(chan bool)
		go func() { held, known := here.Held(t.Context(), id, "ann"); one <- held && known }() // waits for its turn
		synctest.Wait()
		if n := here.asking[id].users; n != asksMax+1 {
			t.Errorf("%d ask or wait", n)
		}
		close(b.hold)
		if !<-one {
			t.Error("whose turn came was not asked about")
		}
		synctest.Wait()
		if len(here.asking) != 0 {
			t.Errorf("%v are under way", here.asking)
		}
	})
}
