package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// TestHoldAndReleaseLoseNothingAndRepeatNothing joins, leaves and joins again while a
// room goes on: after each join the client gets exactly the events that its snapshot
// did not have.
func TestHoldAndReleaseLoseNothingAndRepeatNothing(t *testing.T) {
	t.Parallel()
	rnd := seeded(t)
	h := tcp(t, limits(hub.Limits{QueueBytesMax: 64 << 20}))
	room := h.room("a")
	const sockets, joins = 16, 25

	// The journal: what is in it was, or is about to be, published.
	var mu sync.Mutex
	var journal int64
	committed := func() int64 { mu.Lock(); defer mu.Unlock(); return journal }
	ctx, stop := context.WithCancel(t.Context())
	var room1, wg sync.WaitGroup
	room1.Go(func() {
		// A room does not wait for sockets; this one does, so that all stay. What is on
		// the bus is not seen here, but is less than QueueBytesMax.
		full := func(c hub.ConnInfo) bool { return c.QueuedBytes > 64<<10 }
		for ctx.Err() == nil {
			until(t, "sockets catch up", func() bool { return !slices.ContainsFunc(h.hub.Connections(h.tenant), full) })
			mu.Lock()
			journal++
			seq := journal
			mu.Unlock()
			m := event(room, seq, 100)
			m.Class = hub.Class(seq % 3 % 2)
			h.publish(m)
			if seq%10 == 0 {
				h.publish(hub.Message{Topic: room, Class: hub.ClassState, Key: "beat", Frame: fmt.Appendf(nil, `{"beat":%d,"seq":0}`, seq)})
			}
		}
	})
	for i := range sockets {
		own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
		c := h.connect(h.player(fmt.Sprint("p", i)))
		wg.Go(func() {
			defer c.conn.Leave(room)
			for join := range joins {
				if err := c.conn.Hold(room); err != nil {
					t.Errorf("hold: %v", err)
					return
				}
				snapshot := committed()
				c.conn.Send(hub.ClassResult, "", fmt.Appendf(nil, `{"join":%d,"seq":-%d}`, join, snapshot+1))
				if err := c.conn.Release(room, snapshot); err != nil {
					t.Errorf("release: %v", err)
					return
				}
				// Skip what an earlier join has left, then expect each event once.
				reply := fmt.Sprintf(`{"join":%d,"seq":-%d}`, join, snapshot+1)
				for {
					_, frame, err := c.ws.Read(context.Background())
					if err != nil {
						t.Errorf("read: %v", err)
						return
					}
					if string(frame) == reply {
						break
					}
				}
				next := snapshot
				for next < snapshot+1+own.Int64N(20) {
					_, frame, err := c.ws.Read(context.Background())
					if err != nil {
						t.Errorf("read: %v", err)
						return
					}
					seq := seqOf(t, string(frame))
					if seq == 0 {
						continue // a beat
					}
					if next++; seq != next {
						t.Errorf("socket %d, join %d at %d: %d came, %d was next", i, join, snapshot, seq, next)
						return
					}
				}
				if own.IntN(2) == 0 {
					c.conn.Leave(room) // else the next Hold takes back what waits
				}
			}
		})
	}
	wg.Wait()
	stop()
	room1.Wait()
}

func TestReleaseDropsWhatIsKnownAlsoLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		room := h.room("a")
		c := h.connect(h.player("alice"))
		if err := c.conn.Release(room, 0); !errors.Is(err, hub.ErrNotHeld) {
			t.Errorf("nothing is held: %v", err)
		}
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		h.publish(event(room, 1, 0))
		h.publish(event(room, 2, 0))
		h.publish(hub.Message{Topic: room, Frame: []byte(`{"seq":0}`)})
		synctest.Wait()
		if err := c.conn.Release(room, 4); err != nil {
			t.Fatal(err)
		}
		for seq := range int64(3) {
			h.publish(event(room, seq+3, 0))
		}
		if first, second := seqOf(t, c.read()), seqOf(t, c.read()); first != 0 || second != 5 {
			t.Errorf("got %d and %d, want 0 and 5", first, second)
		}
		if err := c.conn.Release(room, 4); !errors.Is(err, hub.ErrNotHeld) {
			t.Errorf("released twice: %v", err)
		}
		h.stop()
	})
}

func TestHoldAgainTakesBackWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		room := h.room("a")
		c := h.connect(h.player("alice"))
		c.hold(room)
		for seq := range int64(6) {
			m := event(room, seq+1, 0)
			m.Class = hub.Class(seq % 2)
			h.publish(m)
			if seq == 0 {
				synctest.Wait() // it is being written
			}
		}
		synctest.Wait()
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		c.conn.Send(hub.ClassPromotion, "", []byte(`{"seq":-4}`)) // the reply: a view at 4
		synctest.Wait()
		var got []int64
		got = append(got, seqOf(t, c.read()), seqOf(t, c.read()))
		if err := c.conn.Release(room, 4); err != nil {
			t.Fatal(err)
		}
		got = append(got, seqOf(t, c.read()), seqOf(t, c.read()))
		if diff := cmp.Diff([]int64{1, -4, 5, 6}, got); diff != "" {
			t.Error(diff)
		}
		h.stop()
	})
}

func TestHoldingTooMuchClosesAsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{QueueBytesMax: 10 << 10}))
		room := h.room("a")
		c := h.connect(h.player("alice"))
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		for seq := range int64(20) {
			h.publish(event(room, seq+1, 1<<10))
		}
		if frames, _ := c.wantClose(wire.CloseSlow); len(frames) != 0 {
			t.Errorf("%d frames came", len(frames))
		}
		if err := c.conn.Release(room, 0); !errors.Is(err, hub.ErrClosed) {
			t.Errorf("Release: %v", err)
		}
		if err := c.conn.Hold(h.room("b")); !errors.Is(err, hub.ErrClosed) {
			t.Errorf("Hold: %v", err)
		}
		h.stop()
	})
}

func TestAfterLeaveNothingComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		room := h.room("a")
		c := h.connect(h.player("alice"))
		c.hold(room)
		c.conn.Send(hub.ClassResult, "", []byte("being written"))
		synctest.Wait()
		for seq := range int64(5) {
			h.publish(event(room, seq+1, 0))
		}
		synctest.Wait()
		c.conn.Leave(room)
		h.publish(event(room, 6, 0))
		synctest.Wait()
		if got := h.hub.Connections(h.tenant)[0].QueuedBytes; got != 0 {
			t.Errorf("%d bytes wait", got)
		}
		c.conn.Send(hub.ClassPromotion, "", []byte("end"))
		if a, b := c.read(), c.read(); a != "being written" || b != "end" {
			t.Errorf("got %q, %q", a, b)
		}
		h.stop()
	})
}

func TestASocketMayNotListenToTooMuch(t *testing.T) {
	t.Parallel()
	h := tcp(t, limits(hub.Limits{TopicsPerConnMax: 3}))
	c := h.connect(h.player("alice"))
	c.hold(h.room("a"), h.room("b"), h.room("c"), h.room("a"))
	if err := c.conn.Hold(h.room("d")); !errors.Is(err, hub.ErrTooManyTopics) {
		t.Errorf("the fourth: %v", err)
	}
	c.conn.Leave(h.room("b"))
	c.hold(h.room("d"))
	if got := h.metric("pitboss_hub_limit_hits_total", "limit", "topics_per_conn"); got != 1 {
		t.Errorf("counted %v times", got)
	}
}

// strictBus fails the test if a topic is subscribed or unsubscribed at the same time
// twice, or twice in a row.
type strictBus struct {
	hub.Bus
	t    *testing.T
	fail func(tenant.Topic) error

	mu         sync.Mutex
	subscribed map[tenant.Topic]bool
	busy       map[tenant.Topic]bool
}

func newStrictBus(t *testing.T) *strictBus {
	return &strictBus{Bus: membus.New(), t: t, subscribed: map[tenant.Topic]bool{}, busy: map[tenant.Topic]bool{}}
}

func (b *strictBus) begin(topic tenant.Topic, want bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[topic] || b.subscribed[topic] != want {
		b.t.Errorf("%s: busy %v, subscribed %v, want %v", topic, b.busy[topic], b.subscribed[topic], want)
	}
	b.busy[topic] = true
}

func (b *strictBus) end(topic tenant.Topic, now bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[topic], b.subscribed[topic] = false, now
}

// check reports an error if the bus is not subscribed to a topic that has a listener.
func (b *strictBus) check(topic tenant.Topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.subscribed[topic] {
		b.t.Errorf("%s has a listener and is not subscribed", topic)
	}
}

func (b *strictBus) Subscribe(ctx context.Context, topic tenant.Topic) error {
	if b.fail != nil {
		if err := b.fail(topic); err != nil {
			return err
		}
	}
	b.begin(topic, false)
	defer b.end(topic, true)
	return b.Bus.Subscribe(ctx, topic)
}

func (b *strictBus) Unsubscribe(topic tenant.Topic) {
	if b.fail != nil {
		return
	}
	b.begin(topic, true)
	defer b.end(topic, false)
	b.Bus.Unsubscribe(topic)
}

func TestBusIsSubscribedWhileSomebodyListens(t *testing.T) {
	t.Parallel()
	rnd := seeded(t)
	bus := newStrictBus(t)
	h := tcp(t, onBus(bus))
	var wg sync.WaitGroup
	for i := range 12 {
		own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
		c := h.connect(h.player(fmt.Sprint("p", i)))
		wg.Go(func() {
			for range 300 {
				room := h.room(fmt.Sprint("r", own.IntN(3)))
				if err := c.conn.Hold(room); err != nil {
					t.Error(err)
					return
				}
				for range own.IntN(50) {
					bus.check(room)
				}
				if own.IntN(3) > 0 {
					c.conn.Leave(room)
				}
			}
			if i%2 == 0 {
				_ = c.ws.CloseNow() // with whatever it still listens to
				return
			}
			for _, topic := range c.conn.Topics() {
				c.conn.Leave(topic)
			}
		})
	}
	wg.Wait()
	until(t, "nobody listens, nothing is subscribed", func() bool {
		bus.mu.Lock()
		defer bus.mu.Unlock()
		for topic, yes := range bus.subscribed {
			if yes && !topic.Tenant().IsZero() {
				return false
			}
		}
		return true
	})
}

func TestHoldFailsWithTheBusAndWorksWhenItIsBack(t *testing.T) {
	t.Parallel()
	bus, away := newStrictBus(t), errors.New("the bus is away")
	var mu sync.Mutex
	down := true
	bus.fail = func(topic tenant.Topic) error {
		mu.Lock()
		defer mu.Unlock()
		if down && !topic.Tenant().IsZero() {
			return away
		}
		return nil
	}
	h := tcp(t, onBus(bus))
	c := h.connect(h.player("alice"))
	if err := c.conn.Hold(h.room("a")); !errors.Is(err, away) {
		t.Fatalf("Hold: %v", err)
	}
	if n := len(c.conn.Topics()); n != 0 {
		t.Errorf("it listens to %d topics", n)
	}
	mu.Lock()
	down = false
	mu.Unlock()
	c.hold(h.room("a"))
	h.publish(event(h.room("a"), 1, 0))
	if got := seqOf(t, c.read()); got != 1 {
		t.Errorf("got %d", got)
	}
}

func TestRunFailsWithTheBus(t *testing.T) {
	t.Parallel()
	broken := errors.New("the bus broke")
	b := hub.New(hub.Options{Bus: brokenBus{membus.New(), broken}})
	if err := b.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Run: %v", err)
	}
	if err := b.Publish(t.Context(), hub.Message{Topic: mustTenant(t, "casino-x").Topic("room", "a")}); !errors.Is(err, broken) {
		t.Errorf("Publish: %v", err)
	}
}

type brokenBus struct {
	hub.Bus
	err error
}

func (b brokenBus) Run(context.Context, func(hub.Message)) error { return b.err }

func (b brokenBus) Publish(context.Context, hub.Message) error { return b.err }
