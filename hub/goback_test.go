package hub_test

import (
	"context"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// TestWhenTheDatabaseGoesBackSocketsAreClosedAndSeqsBeginAnew lets a topic go back from 96 to 91.
func TestWhenTheDatabaseGoesBackSocketsAreClosedAndSeqsBeginAnew(t *testing.T) {
	t.Parallel()
	const first = 1<<32 + 1
	h := tcp(t, func(_ *house, o *hub.Options) {
		o.Repair = func(context.Context, tenant.Topic, int64) ([]hub.Message, error) { return nil, nil }
	})
	room := h.room("a")
	at := func(epoch, seq int64) hub.Message {
		m := event(room, seq, 0)
		m.Epoch = epoch
		return m
	}
	join := func(c *client, seq int64) {
		t.Helper()
		if err := c.conn.Hold(room); err != nil {
			t.Fatal(err)
		}
		if !c.conn.Begin(room, seq) {
			t.Fatalf("%d is behind the times", seq)
		}
		if err := c.conn.Release(room, seq); err != nil {
			t.Fatal(err)
		}
	}
	old, late := h.connect(h.player("old")), h.connect(h.player("late"))
	join(old, 95)
	h.publish(at(7, 96))
	if got := seqOf(t, old.read()); got != 96 {
		t.Fatalf("%d came", got)
	}
	if err := late.conn.Hold(room); err != nil { // it asks, and is answered when it is too late
		t.Fatal(err)
	}

	h.hub.GoBack(first)
	late.conn.Begin(room, 96)
	_ = late.conn.Release(room, 96)
	for _, c := range []*client{old, late} {
		if _, last := c.wantClose(wire.CloseWentBack); last.RetryAfterMS <= 0 {
			t.Errorf("told to come back after %d ms", last.RetryAfterMS)
		}
	}
	young := h.connect(h.player("young"))
	join(young, 91)
	h.publish(at(7, 97)) // by a node that does not know yet
	h.publish(hub.Message{Topic: room, Class: hub.ClassState, Key: "beat", Epoch: 7, Top: 97, Frame: []byte(`{"seq":0}`)})
	h.publish(at(first, 92))
	h.publish(at(first+1, 93))
	for want := int64(92); want <= 93; want++ {
		if got := seqOf(t, young.read()); got != want {
			t.Fatalf("%d came, %d was next", got, want)
		}
	}
	if got := h.metric("pitboss_hub_outdated_total"); got != 2 {
		t.Errorf("%v messages were dropped", got)
	}
}
