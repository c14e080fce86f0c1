package hub_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
)

// unruly is a bus that loses, duplicates and reorders messages, and a record of all that were
// published.
type unruly struct {
	hub.Bus
	mu        sync.Mutex
	rnd       *rand.Rand
	published map[tenant.Topic][]hub.Message
	late      []hub.Message // held back, to come out of order
	fetched   int
}

func (u *unruly) Publish(ctx context.Context, m hub.Message) error {
	u.mu.Lock()
	if m.Seq > 0 {
		u.published[m.Topic] = append(u.published[m.Topic], m)
	}
	send := []hub.Message{m}
	switch dice := u.rnd.IntN(10); {
	case m.Seq == 0:
	case dice == 0:
		send = nil
	case dice == 1:
		send = append(send, m)
	case dice == 2:
		u.late, send = append(u.late, m), nil
	case dice == 3:
		send, u.late = append(send, u.late...), nil
	}
	u.mu.Unlock()
	for _, m := range send {
		if err := u.Bus.Publish(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// repair returns a few of what is missing at a time.
func (u *unruly) repair(_ context.Context, topic tenant.Topic, after int64) ([]hub.Message, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.published[topic]
	some := all[min(int(after), len(all)):]
	some = some[:min(len(some), 1+u.rnd.IntN(20))]
	u.fetched += len(some)
	return some, nil
}

func (u *unruly) top(topic tenant.Topic) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return int64(len(u.published[topic]))
}

func repairing(u *unruly) setup {
	return func(_ *house, o *hub.Options) { o.Bus, o.Repair = u, u.repair }
}

func TestEveryEventComesOnceAndInOrderOverABusThatLosesDoublesAndReorders(t *testing.T) {
	t.Parallel()
	const events, clients = 2000, 20
	u := &unruly{Bus: membus.New(), rnd: seeded(t), published: map[tenant.Topic][]hub.Message{}}
	h := tcp(t, repairing(u))
	room := h.room("a")
	var reading sync.WaitGroup
	join := func(c *client) {
		if err := c.conn.Hold(room); err != nil {
			t.Error(err)
			return
		}
		at := u.top(room) // as the room would answer
		if !c.conn.Begin(room, at) {
			t.Errorf("%d is behind the times", at)
		}
		if err := c.conn.Release(room, at); err != nil {
			t.Error(err)
			return
		}
		reading.Go(func() {
			for want := at + 1; want <= events; want++ {
				if got := seqOf(t, c.read()); got != want {
					t.Errorf("%d came, %d was next", got, want)
					return
				}
			}
		})
	}
	all := make([]*client, clients)
	for i := range all {
		all[i] = h.connect(h.player(string(rune('a' + i))))
	}
	join(all[0])
	for seq := int64(1); seq <= events; seq++ {
		h.publish(event(room, seq, 0))
		if seq%100 == 0 && int(seq/100) < clients {
			join(all[seq/100])
		}
	}
	// The last ones may be lost: a beat tells of them.
	if err := u.Publish(t.Context(), hub.Message{Topic: room, Top: events}); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fetched == 0 {
		t.Error("nothing was fetched")
	}
}

// fetchesAll makes the house's hub fetch every event of a topic that it misses, up to the last one.
func fetchesAll(bus hub.Bus, last int64) setup {
	return func(_ *house, o *hub.Options) {
		o.Bus = bus
		o.Repair = func(_ context.Context, topic tenant.Topic, after int64) (out []hub.Message, _ error) {
			for seq := after + 1; seq <= last; seq++ {
				out = append(out, event(topic, seq, 300))
			}
			return out, nil
		}
	}
}

func TestThousandsOfMissingEventsCloseNobody(t *testing.T) {
	t.Parallel()
	const missing, clients = 2000, 30
	bus := membus.New()
	h := tcp(t, fetchesAll(bus, missing))
	room := h.room("a")
	var reading sync.WaitGroup
	for i := range clients {
		c := h.connect(h.player(fmt.Sprint("player-", i)))
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		if err := c.conn.Release(room, 0); err != nil {
			t.Fatal(err)
		}
		reading.Go(func() {
			for want := int64(1); want <= missing; want++ {
				if got := seqOf(t, c.read()); got != want {
					t.Errorf("%d came, %d was next", got, want)
					return
				}
			}
		})
	}
	if err := bus.Publish(t.Context(), hub.Message{Topic: room, Top: missing}); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
}

func TestMissingEventsWaitForWhoReadsSlowlyButNotForever(t *testing.T) {
	t.Parallel()
	const missing = 2000
	for name, pace := range map[string]time.Duration{"slowly": 2 * time.Millisecond, "hardly": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := membus.New()
				h := pipes(t, fetchesAll(bus, missing))
				room := h.room("a")
				slow, quick := h.connect(h.player("slow")), h.connect(h.player("quick"))
				for _, c := range []*client{slow, quick} {
					c.hold(room)
				}
				var reading sync.WaitGroup
				reading.Go(func() {
					for want := int64(1); want <= missing; want++ {
						<-time.After(pace)
						if frame, err := slow.next(); err != nil || seqOf(t, frame) != want {
							if name == "slowly" {
								t.Errorf("%s came, %d was next: %v", frame, want, err)
							}
							return
						}
					}
				})
				reading.Go(func() {
					began := time.Now()
					for want := int64(1); want <= missing; want++ {
						if got := seqOf(t, quick.read()); got != want {
							t.Errorf("%d came, %d was next", got, want)
						}
					}
					if took := time.Since(began); took > 15*time.Second {
						t.Errorf("who reads quickly waited %v for who does not", took)
					}
				})
				if err := bus.Publish(t.Context(), hub.Message{Topic: room, Top: missing}); err != nil {
					t.Fatal(err)
				}
				reading.Wait()
				if closed := slow.conn.Closing(); closed != (name == "hardly") {
					t.Errorf("who reads %s is closed: %v", name, closed)
				}
				h.stop()
			})
		})
	}
}

func TestAJoinThatFailsGivesNothingAgain(t *testing.T) {
	t.Parallel()
	u := &unruly{Bus: membus.New(), rnd: seeded(t), published: map[tenant.Topic][]hub.Message{}}
	h := tcp(t, repairing(u))
	a, b, room := h.connect(h.player("alice")), h.connect(h.player("bob")), h.room("a")
	enter := func(c *client, at int64) {
		t.Helper()
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		if err := c.conn.Release(room, at); err != nil {
			t.Fatal(err)
		}
	}
	enter(a, 1) // 2 and 3 are lost on their way here; bob's answer has them
	for seq := range int64(4) {
		u.published[room] = append(u.published[room], event(room, seq+1, 0))
	}
	enter(b, 3)
	enter(b, 0) // the room does not answer
	if err := u.Bus.Publish(t.Context(), event(room, 4, 0)); err != nil {
		t.Fatal(err)
	}
	if got := seqOf(t, b.read()); got != 4 {
		t.Errorf("bob, who has 3, is given %d", got)
	}
}

func TestABeatIsPassedOnToThoseWhoMissNothing(t *testing.T) {
	t.Parallel()
	u := &unruly{Bus: membus.New(), rnd: seeded(t), published: map[tenant.Topic][]hub.Message{}}
	h := tcp(t, repairing(u))
	c, room := h.connect(h.player("alice")), h.room("a")
	if err := c.conn.Hold(room); err != nil {
		t.Fatal(err)
	}
	u.published[room] = []hub.Message{event(room, 1, 0), event(room, 2, 0)}
	if err := c.conn.Release(room, 1); err != nil {
		t.Fatal(err)
	}
	beat := hub.Message{Topic: room, Top: 2, Frame: []byte(`{"seq":-2}`)}
	h.publish(beat) // 2 is missing: it comes, and the beat does not
	if got := seqOf(t, c.read()); got != 2 {
		t.Errorf("got %d", got)
	}
	h.publish(beat)
	if got := seqOf(t, c.read()); got != -2 {
		t.Errorf("got %d", got)
	}
}

func TestAnAnswerIsBehindTheTimesIfEventsAfterItWillNotCome(t *testing.T) {
	t.Parallel()
	u := &unruly{Bus: membus.New(), rnd: seeded(t), published: map[tenant.Topic][]hub.Message{}}
	h := tcp(t, repairing(u))
	a, b, room := h.connect(h.player("alice")), h.connect(h.player("bob")), h.room("a")
	for _, c := range []*client{a, b} {
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
	}
	// Events 1 to 3 are lost on their way here; one heard of 3, the other, before that, of 1.
	for seq := range int64(4) {
		u.published[room] = append(u.published[room], event(room, seq+1, 0))
	}
	begin := func(c *client, seq int64, want bool) {
		t.Helper()
		if got := c.conn.Begin(room, seq); got != want {
			t.Errorf("%d: %v", seq, got)
		}
	}
	begin(a, 3, true)
	begin(b, 1, false)
	begin(b, 3, true)
	for _, c := range []*client{a, b} {
		if err := c.conn.Release(room, 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Bus.Publish(t.Context(), event(room, 4, 0)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{a, b} {
		if got := seqOf(t, c.read()); got != 4 {
			t.Errorf("got %d", got)
		}
	}
	// Who joins again throws away what it was sent: an answer from before that will not do.
	if err := b.conn.Hold(room); err != nil {
		t.Fatal(err)
	}
	begin(b, 3, false)
	begin(b, 4, true)
}
