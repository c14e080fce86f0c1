package changes

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// net carries messages between nodes, without delay. Lost, if it is set, reports which messages are lost.
type net struct {
	mu    sync.Mutex // guards what follows
	nodes map[string]*end
	lost  func(from, to string) bool
}

func (n *net) lose(lost func(from, to string) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = lost
}

type end struct {
	net     *net
	name    string
	answer  hub.Answerer
	told    atomic.Int64
	tracker *Tracker
}

func (e *end) Answer(_ string, f hub.Answerer) { e.answer = f }

func (e *end) Tell(_ string, body []byte) error {
	e.told.Add(1)
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	for _, to := range e.net.nodes {
		if to == e || e.net.lost == nil || !e.net.lost(e.name, to.name) {
			to.answer(e.name, body, nil)
		}
	}
	return nil
}

// run adds a node, which runs until the bubble's test ends or the returned function is called.
func (n *net) run(t *testing.T, name string) (*end, func()) {
	e := &end{net: n, name: name}
	e.tracker = New(name, e, slog.New(slog.DiscardHandler))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nodes[name] = e
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.tracker.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return e, stop
}

// socket keeps what it was told.
type socket struct {
	mu     sync.Mutex
	frames []Set // guarded by mu
}

func (s *socket) Send(_ hub.Class, _ string, frame []byte) {
	var f struct {
		Method string            `json:"method"`
		Params wire.StaffChanged `json:"params"`
	}
	if err := strict.DecodeKnown(frame, &f); err != nil || f.Method != wire.PushStaffChanged {
		panic(string(frame))
	}
	of, err := Parse(f.Params.Of)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames = append(s.frames, of)
}

// take returns all that the socket was told since, in one set, and in how many frames.
func (s *socket) take() (all Set, frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.frames {
		all |= f
	}
	frames, s.frames = len(s.frames), nil
	return all, frames
}

func want(t *testing.T, s *socket, what string, all Set, atMost int) {
	t.Helper()
	synctest.Wait()
	if got, frames := s.take(); got != all || frames > atMost {
		t.Errorf("%s: told of %v in %d frames, want %v in %d at most", what, got.Names(), frames, all.Names(), atMost)
	}
}

func TestThousandsOfChangesAreAFewSignalsOfWhatIsWatchedAndTheLastIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &net{nodes: map[string]*end{}}
		a, _ := all.run(t, "a")
		b, _ := all.run(t, "b")
		id, other := tenant.New(), tenant.New()
		if a.tracker.Note(id, All); a.tracker.tenants[id] != nil {
			t.Error("a change that nobody watches is kept")
		}
		auditor, floor, elsewhere, foreign := &socket{}, &socket{}, &socket{}, &socket{}
		a.tracker.Watch(id, auditor, Audit)
		a.tracker.Watch(id, floor, Rooms|Money)
		b.tracker.Watch(id, elsewhere, Money)
		b.tracker.Watch(other, foreign, All)
		want(t, auditor, "at once", Audit, 2)
		want(t, floor, "at once", Rooms|Money, 2)
		time.Sleep(3*beatEvery + 2*interval)
		for _, s := range []*socket{auditor, floor, elsewhere, foreign} {
			s.take()
		}

		a.tracker.Note(id, Money)
		want(t, floor, "the first", Money, 1) // without a delay
		want(t, elsewhere, "the first", Money, 1)
		want(t, auditor, "the first", 0, 0)
		time.Sleep(interval)
		before := a.told.Load()
		for range 5000 { // in a second
			b.tracker.Note(id, Rooms)
			a.tracker.Note(id, Rooms|Money)
			time.Sleep(time.Second / 5000)
		}
		want(t, floor, "a second of changes", Rooms|Money, 5)
		want(t, elsewhere, "a second of changes", Money, 5)
		if sent := a.told.Load() - before; sent > 5 {
			t.Errorf("a second of changes is %d messages to other nodes", sent)
		}
		time.Sleep(2 * interval) // the last
		floor.take()
		elsewhere.take()
		time.Sleep(5 * beatEvery)
		for _, s := range []*socket{auditor, floor, elsewhere, foreign} {
			want(t, s, "nothing changes", 0, 0)
		}

		a.tracker.Watch(id, floor, Rooms|Audit)
		want(t, floor, "another watch", Audit, 1) // it knows of rooms
		a.tracker.Watch(id, floor, 0)
		a.tracker.Watch(id, auditor, 0)
		b.tracker.Watch(id, elsewhere, 0)
		b.tracker.Watch(other, foreign, 0)
		time.Sleep(2 * forgetAfter)
		for _, e := range all.nodes {
			before := e.told.Load()
			e.tracker.Note(id, All)
			time.Sleep(2 * forgetAfter)
			synctest.Wait()
			if n := e.told.Load() - before; n > 0 || len(e.tracker.tenants) > 0 {
				t.Errorf("node %s tells others %d times though nobody watches, of %v", e.name, n, e.tracker.tenants)
			}
		}
		want(t, floor, "after the end", 0, 0)
	})
}

func TestWhatANewNodeALostMessageOrADeathHidIsSignalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &net{nodes: map[string]*end{}}
		a, _ := all.run(t, "a")
		b, stopB := all.run(t, "b")
		id, s := tenant.New(), &socket{}
		a.tracker.Watch(id, s, Keys)
		time.Sleep(2 * beatEvery)
		s.take()

		all.lose(func(from, _ string) bool { return from == "b" })
		b.tracker.Note(id, Keys)
		time.Sleep(interval)
		want(t, s, "a signal that the bus lost", 0, 0)
		all.lose(nil)
		time.Sleep(beatEvery + interval)
		want(t, s, "the next message", Keys, 1)

		all.lose(func(from, to string) bool { return from == "a" && to == "b" })
		time.Sleep(forgetAfter + 2*beatEvery)
		b.tracker.Note(id, Keys) // b does not know any more that anybody watches
		time.Sleep(interval)
		s.take()
		all.lose(nil)
		time.Sleep(beatEvery + 2*interval)
		want(t, s, "a watch that is known again", Keys, 2)

		stopB()
		all.mu.Lock()
		delete(all.nodes, "b")
		all.mu.Unlock()
		time.Sleep(silentAfter + 2*beatEvery)
		want(t, s, "a node that died", Keys, 1)

		c, _ := all.run(t, "b") // again, in another process
		time.Sleep(beatEvery + 2*interval)
		want(t, s, "a node that came", Keys, 3)
		c.tracker.Note(id, Keys)
		want(t, s, "what changes there", Keys, 1)
	})
}

func TestABusThatLosesMessagesHidesNoChangeForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd, pick := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
		all := &net{nodes: map[string]*end{}}
		some := func(string, string) bool { return rnd.IntN(3) == 0 }
		nodes := []*end{}
		for _, name := range []string{"a", "b", "c"} {
			e, _ := all.run(t, name)
			nodes = append(nodes, e)
		}
		id := tenant.New()
		watching := map[*end]*socket{}
		for range 300 {
			all.lose(some)
			e := nodes[pick.IntN(len(nodes))]
			if s := watching[e]; s != nil && pick.IntN(2) == 0 {
				e.tracker.Watch(id, s, 0)
				delete(watching, e)
			} else if s == nil {
				watching[e] = &socket{}
				e.tracker.Watch(id, watching[e], Audit|Money)
			}
			for _, s := range watching {
				s.take()
			}
			nodes[pick.IntN(len(nodes))].tracker.Note(id, Audit)
			time.Sleep(time.Duration(pick.IntN(3000)) * time.Millisecond)
			all.lose(nil)
			time.Sleep(silentAfter + beatEvery)
			synctest.Wait()
			for e, s := range watching {
				if got, _ := s.take(); got&Audit == 0 {
					t.Fatalf("a socket of node %s was not told of a change", e.name)
				}
			}
		}
	})
}

func TestAMessageThatIsTooLongIsSplitAndReadAsWhole(t *testing.T) {
	a, b := newTracker("a"), newTracker("b")
	now := time.Now()
	var ids []tenant.ID
	sockets := map[tenant.ID]*socket{}
	for range tenantsPerMessage + 10 {
		id := tenant.New()
		ids, sockets[id] = append(ids, id), &socket{}
		b.Watch(id, sockets[id], Rooms)
		sockets[id].take()
	}
	for _, m := range b.tell(now, true) {
		a.hear(now, "b", roundTrip(t, m))
	}
	messages := a.tell(now, false)
	if len(messages) != 2 {
		t.Fatalf("%d messages", len(messages))
	}
	for _, m := range messages {
		b.hear(now, "a", roundTrip(t, m))
	}
	b.tell(now, false)
	for _, id := range ids {
		if got, _ := sockets[id].take(); got != Rooms {
			t.Fatalf("%s was told of %v", id, got.Names())
		}
	}
}

func roundTrip(t *testing.T, m message) (out message) {
	t.Helper()
	body, err := json.Marshal(m)
	if err == nil {
		err = strict.DecodeKnown(body, &out)
	}
	if err != nil || len(body) > 64<<10 {
		t.Fatalf("%d bytes: %v", len(body), err)
	}
	return out
}

func TestEveryKindIsTheThingOfAScopeThatReads(t *testing.T) {
	if got, err := Parse(All.Names()); err != nil || got != All {
		t.Errorf("%v, %v", got, err)
	}
	var known []string
	for _, rule := range auth.Scopes() {
		if thing, reads := strings.CutSuffix(string(rule.Scope), ":read"); reads {
			known = append(known, thing)
		}
	}
	for _, name := range All.Names() {
		if !slices.Contains(known, name) {
			t.Errorf("no scope reads %s", name)
		}
	}
	for _, name := range []string{"", "Rooms", "room", "rooms:read"} {
		if _, err := Parse([]string{"rooms", name}); err == nil {
			t.Errorf("%q is a kind", name)
		}
	}
}

func TestABatchSaysWhatItChanges(t *testing.T) {
	id := tenant.New()
	bet := rooms.Entry{Moves: []game.Posting{{}}}
	for _, c := range []struct {
		room    string
		entries []rooms.Entry
		want    Set
	}{
		{"roulette-1", []rooms.Entry{{}}, Rooms},
		{"roulette-1", []rooms.Entry{{}, bet}, Rooms | Money | Players},
		{"roulette-1", []rooms.Entry{{Audit: &rooms.Audit{}}}, Rooms | Audit},
		{rooms.LobbyID, []rooms.Entry{{Audit: &rooms.Audit{}}}, Promotions | Audit},
	} {
		if got := ofBatch(rooms.Ref{Tenant: id, Room: c.room}, rooms.Batch{Entries: c.entries}); got != c.want {
			t.Errorf("%+v: %v, want %v", c.entries, got.Names(), c.want.Names())
		}
	}
}

// BenchmarkCommitted measures what noting a commit of 16 bets costs, while nobody watches and while somebody does.
func BenchmarkCommitted(b *testing.B) {
	ref := rooms.Ref{Tenant: tenant.New(), Room: "roulette-1"}
	batch := rooms.Batch{Entries: make([]rooms.Entry, 16)}
	for i := range batch.Entries {
		batch.Entries[i].Moves = []game.Posting{{}}
	}
	for _, c := range []struct {
		name    string
		watched tenant.ID
	}{{"NobodyWatches", tenant.ID{}}, {"AnotherTenantIsWatched", tenant.New()}, {"Watched", ref.Tenant}} {
		b.Run(c.name, func(b *testing.B) {
			t := newTracker("a")
			if !c.watched.IsZero() {
				t.Watch(c.watched, &socket{}, All)
			}
			b.ReportAllocs()
			for b.Loop() {
				t.Committed(ref, batch)
			}
		})
	}
}
