package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// table is a room that tells where it is.
type table struct {
	*house
	topic tenant.Topic
	seq   atomic.Int64  // of what was published, or is about to be
	view  int           // bytes of its view
	asked chan struct{} // holds one while it is
}

func newTable(h *house) *table {
	x := &table{house: h, topic: h.room("a"), view: 100, asked: make(chan struct{}, 1)}
	h.handler = func(c *hub.Conn) hub.Handler { return seat{handler{h, c}, x} }
	return x
}

// tell publishes the next n events.
func (x *table) tell(n, size int) {
	x.t.Helper()
	for range n {
		x.publish(event(x.topic, x.seq.Add(1), size))
	}
}

// seat is a socket at the table.
type seat struct {
	handler
	table *table
}

func (s seat) Resync(_ context.Context, topic tenant.Topic, dropped int) error {
	if topic != s.table.topic {
		return errors.New("not the table's")
	}
	s.table.asked <- struct{}{}
	defer func() { <-s.table.asked }()
	if !s.c.Held(topic) {
		return nil
	}
	if s.c.Begin(topic, 1) && s.table.seq.Load() > 1 && s.table.repaired() {
		return errors.New("a view of long ago would do")
	}
	if s.table.view >= dropped {
		return errors.New("the view is too large")
	}
	seq := s.table.seq.Load()
	s.c.Send(hub.ClassResult, "", fmt.Appendf(nil, `{"resync":%d,"seq":%d,"view":"%s"}`, dropped, seq, strings.Repeat("v", s.table.view)))
	return s.c.Release(topic, seq)
}

func (x *table) repaired() bool { return x.repair }

// follow takes frames of the table until the event last, and returns how many resyncs there were.
// Every event comes once and in order, but for those that a resync stands for.
func follow(t testing.TB, next func() (string, error), last int64) (resyncs int, err error) {
	t.Helper()
	for at := int64(0); at < last; {
		frame, err := next()
		if err != nil {
			return resyncs, fmt.Errorf("after %d: %w", at, err)
		}
		seq := seqOf(t, frame)
		switch {
		case strings.HasPrefix(frame, `{"resync"`):
			resyncs++
			if seq <= at {
				return resyncs, fmt.Errorf("a resync at %d after %d", seq, at)
			}
			at = seq
		case seq == at+1:
			at = seq
		default:
			return resyncs, fmt.Errorf("%d came after %d: %.80s", seq, at, frame)
		}
	}
	return resyncs, nil
}

func (c *client) next() (string, error) {
	_, frame, err := c.ws.Read(context.Background())
	return string(frame), err
}

// TestAWatcherThatFallsBehindIsResynchronisedAndMissesNothingAfterwards has a watcher that reads
// at a trickle through floods of events.
func TestAWatcherThatFallsBehindIsResynchronisedAndMissesNothingAfterwards(t *testing.T) {
	t.Parallel()
	for name, repair := range map[string]bool{"bus only": false, "with repair": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := pipes(t, limits(hub.Limits{QueueBytesMax: 32 << 10}), func(h *house, o *hub.Options) {
					if h.repair = repair; repair {
						o.Repair = func(context.Context, tenant.Topic, int64) ([]hub.Message, error) { return nil, nil }
					}
				})
				x := newTable(h)
				c := h.connect(h.player("slow"))
				c.hold(x.topic)
				const floods, events = 4, 45 // less than twice what may wait
				var room sync.WaitGroup
				room.Go(func() {
					for range floods {
						x.tell(events, 1<<10)
						<-time.After(10 * time.Second)
						x.tell(3, 1<<10)
					}
				})
				defer room.Wait()
				resyncs, err := follow(t, func() (string, error) {
					<-time.After(100 * time.Millisecond)
					return c.next()
				}, floods*(events+3))
				if err != nil || resyncs < 2 || resyncs > floods {
					t.Errorf("%d resyncs, %v", resyncs, err)
				}
				if got := h.metric("pitboss_hub_resyncs_total"); got != float64(resyncs) || c.conn.Closing() {
					t.Errorf("counted %v, closed: %v", got, c.conn.Closing())
				}
				h.stop()
			})
		})
	}
}

// TestAllWatchersOfATableFallBehindAtOnce has real sockets look away while a flood comes. Who was
// resynchronised sees what follows without a gap, and so does who was not.
func TestAllWatchersOfATableFallBehindAtOnce(t *testing.T) {
	t.Parallel()
	rnd := seeded(t)
	h := tcp(t, limits(hub.Limits{QueueBytesMax: 256 << 10}), func(h *house, _ *hub.Options) { h.readBuffer = 4 << 10 })
	x := newTable(h)
	const watchers, events, size = 40, 300, 1 << 10
	var wg sync.WaitGroup
	var resyncs atomic.Int64
	over := make(chan struct{})
	for i := range watchers {
		c := h.connect(h.player(fmt.Sprint("p", i)))
		c.hold(x.topic)
		own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
		wg.Go(func() {
			looks, seen := own.IntN(5), int64(0)
			for n := 0; seen < events+20; n++ {
				if n == looks {
					<-over
				}
				frame, err := c.next()
				if err != nil {
					t.Errorf("watcher %d after %d: %v", i, seen, err)
					return
				}
				seq := seqOf(t, frame)
				if strings.HasPrefix(frame, `{"resync"`) {
					resyncs.Add(1)
				} else if seq != seen+1 {
					t.Errorf("watcher %d: %d came after %d", i, seq, seen)
					return
				}
				seen = seq
			}
		})
	}
	x.tell(events, size)
	until(t, "it has arrived", func() bool { return h.metric("pitboss_hub_resyncs_total") > 0 })
	x.tell(20, size)
	close(over)
	wg.Wait()
	if resyncs.Load() == 0 {
		t.Error("nobody was resynchronised")
	}
}

func TestWhoCanNotBeResynchronisedIsClosedAsSlow(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]func(*table, *client){
		"it reads nothing, ever": func(x *table, _ *client) {
			x.tell(40, 1<<10)
			synctest.Wait() // it is resynchronised, and not with a view of what is still to come
			x.tell(160, 1<<10)
		},
		"the view is no smaller":         func(x *table, _ *client) { x.view = 64 << 10; x.tell(60, 1<<10) },
		"it is the answers that wait":    func(_ *table, c *client) { sendMany(c, 60, 1<<10) },
		"half of it are answers":         func(x *table, c *client) { sendMany(c, 17, 1<<10); x.tell(17, 1<<10) },
		"it is a topic that is nobody's": func(x *table, _ *client) { tellElsewhere(x, "elsewhere", 1, 60) },
		"it is a topic without events":   func(x *table, _ *client) { tellElsewhere(x, "elsewhere", 0, 60) },
		"two tables, no one of which leads": func(x *table, _ *client) {
			tellElsewhere(x, "b", 1, 15)
			tellElsewhere(x, "elsewhere", 1, 15)
			x.tell(20, 1<<10)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := pipes(t, limits(hub.Limits{QueueBytesMax: 32 << 10}))
				x := newTable(h)
				c := h.connect(h.player("dead"))
				c.hold(x.topic, h.room("elsewhere"), h.room("b"))
				c.conn.Send(hub.ClassResult, "", []byte("being written"))
				synctest.Wait()
				flood(x, c)
				synctest.Wait()
				c.wantClose(wire.CloseSlow)
				h.stop()
			})
		})
	}
}

func sendMany(c *client, n, size int) {
	for range n {
		c.conn.Send(hub.ClassResult, "", []byte(strings.Repeat("x", size)))
	}
}

func tellElsewhere(x *table, room string, first int64, n int) {
	for i := range int64(n) {
		seq := int64(0)
		if first > 0 {
			seq = first + i
		}
		x.publish(event(x.room(room), seq, 1<<10))
	}
}

// What a view does not tell anew is not dropped: answers, chat, and what other topics say.
func TestAResyncDropsTheEventsOfOneTopicOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{QueueBytesMax: 32 << 10}))
		x := newTable(h)
		c := h.connect(h.player("slow"))
		other := h.room("other")
		c.hold(x.topic, other)
		c.conn.Send(hub.ClassResult, "", []byte(`{"seq":-1}`))
		synctest.Wait() // it is being written
		h.publish(hub.Message{Topic: x.topic, Class: hub.ClassChat, Frame: []byte(`{"seq":-3,"chat":1}`)})
		h.publish(hub.Message{Topic: x.topic, Class: hub.ClassState, Key: "beat", Top: 7, Frame: []byte(`{"seq":-99}`)})
		h.publish(event(other, 1, 100))
		c.conn.Send(hub.ClassResult, "", []byte(`{"seq":-2}`))
		x.tell(40, 1<<10)
		synctest.Wait()
		x.tell(2, 100)
		synctest.Wait()
		var got []int64
		for range 4 {
			got = append(got, seqOf(t, c.read()))
		}
		resync := got[2]
		if got[0] != -1 || got[1] != -2 || resync < 30 || got[3] != 1 {
			t.Errorf("got %v: want the answers, the resync and the other topic's event", got)
		}
		for seq := resync + 1; seq <= 42; seq++ {
			if got := seqOf(t, c.read()); got != seq {
				t.Fatalf("%d came, %d was next", got, seq)
			}
		}
		if got := seqOf(t, c.read()); got != -3 {
			t.Errorf("got %d, want the chat", got)
		}
		h.stop()
	})
}

// A socket that leaves, or ends, while it waits for its resync is not told any more.
func TestAResyncThatComesTooLateTellsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{QueueBytesMax: 32 << 10}))
		x := newTable(h)
		leaves, ends := h.connect(h.player("leaves")), h.connect(h.player("ends"))
		x.asked <- struct{}{} // nobody is answered
		for _, c := range []*client{leaves, ends} {
			c.hold(x.topic)
			c.conn.Send(hub.ClassResult, "", []byte(`{"seq":-1}`))
		}
		synctest.Wait()
		x.tell(40, 1<<10)
		synctest.Wait()
		leaves.conn.Leave(x.topic)
		_ = ends.ws.CloseNow()
		<-x.asked
		synctest.Wait()
		leaves.conn.Send(hub.ClassPromotion, "", []byte(`{"seq":-2}`))
		if a, b := seqOf(t, leaves.read()), seqOf(t, leaves.read()); a != -1 || b != -2 {
			t.Errorf("got %d and %d", a, b)
		}
		h.stop()
	})
}
