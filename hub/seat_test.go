package hub_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// twoHouses returns two nodes that serve one tenant.
func twoHouses(t *testing.T, a, b hub.Bus) (*house, *house) {
	t.Helper()
	x, y := pipes(t, onBus(a)), pipes(t, onBus(b))
	y.tenant = x.tenant
	return x, y
}

// comes opens a socket of a player that has held its own topic.
func (h *house) comes(name string) (*client, tenant.Topic) {
	h.t.Helper()
	c := h.connect(h.player(name))
	topic := h.tenant.Topic("player", name)
	if err := c.conn.Hold(topic); err != nil {
		h.t.Fatal(err)
	}
	return c, topic
}

func (c *client) stays() {
	c.t.Helper()
	c.conn.Send(hub.ClassResult, "", []byte(`"here"`))
	if got := c.read(); got != `"here"` || c.conn.Closing() {
		c.t.Errorf("got %s", got)
	}
}

func TestThePlayersNewerSocketStaysWhateverNodeItIsOn(t *testing.T) {
	t.Parallel()
	bus := membus.New()
	a, b := twoHouses(t, bus, bus.Node())
	older, topic := a.comes("alice")
	older.conn.Sit(topic, 1)
	bob, bobs := a.comes("bob")
	bob.conn.Sit(bobs, 1)
	newer, _ := b.comes("alice")
	newer.conn.Sit(topic, 2)
	older.wantClose(wire.CloseSuperseded)
	newer.stays()
	bob.stays()
	third, _ := a.comes("alice")
	third.conn.Sit(topic, 3)
	newer.wantClose(wire.CloseSuperseded)
	third.stays()
}

func TestWhoLearnsItsSeatTooLateIsSuperseded(t *testing.T) {
	t.Parallel()
	bus := membus.New()
	a, b := twoHouses(t, bus, bus.Node())
	older, topic := a.comes("alice")
	newer, _ := b.comes("alice")
	newer.conn.Sit(topic, 2)
	until(t, "the seat is known", func() bool {
		probe := a.connect(hub.Identity{Tenant: a.tenant, Player: "alice", Role: "operator"})
		defer func() { _ = probe.ws.CloseNow() }()
		if err := probe.conn.Hold(topic); err != nil {
			t.Fatal(err)
		}
		probe.conn.Sit(topic, 1)
		return probe.conn.Closing()
	})
	older.conn.Sit(topic, 1)
	older.wantClose(wire.CloseSuperseded)
	newer.stays()
}

func TestAClosedSocketTakesNobodysSeat(t *testing.T) {
	t.Parallel()
	bus := membus.New()
	a, b := twoHouses(t, bus, bus.Node())
	gone, topic := a.comes("alice")
	stays, _ := b.comes("alice")
	stays.conn.Sit(topic, 1)
	gone.conn.Close(wire.CloseRevoked, 0)
	gone.conn.Sit(topic, 2)
	gone.wantClose(wire.CloseRevoked)
	stays.stays()
}

// forgetful loses seats while it is told to.
type forgetful struct {
	hub.Bus
	loses *atomic.Bool
	lost  *atomic.Int32
}

func (f forgetful) Publish(ctx context.Context, m hub.Message) error {
	if m.Seat != 0 && f.loses.Load() {
		f.lost.Add(1)
		return nil
	}
	return f.Bus.Publish(ctx, m)
}

func TestASeatThatTheBusLostIsToldAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := membus.New()
		lossy := forgetful{bus.Node(), new(atomic.Bool), new(atomic.Int32)}
		a, b := twoHouses(t, bus, lossy)
		older, topic := a.comes("alice")
		older.conn.Sit(topic, 1)
		lossy.loses.Store(true)
		newer, _ := b.comes("alice")
		newer.conn.Sit(topic, 2)
		lossy.loses.Store(false)
		start := time.Now()
		var playing sync.WaitGroup
		for _, c := range []*client{older, newer} { // who plays says something now and then
			playing.Go(func() {
				for c.ws.Ping(context.Background()) == nil {
					<-time.After(20 * time.Second)
				}
			})
		}
		playing.Go(func() { newer.readEnd() })
		older.wantClose(wire.CloseSuperseded)
		if took := time.Since(start); took < 20*time.Second || took > 50*time.Second {
			t.Errorf("after %v", took)
		}
		if newer.conn.Closing() || lossy.lost.Load() != 1 {
			t.Errorf("lost %d", lossy.lost.Load())
		}
		a.stop()
		b.stop()
		playing.Wait()
	})
}
