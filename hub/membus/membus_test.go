package membus_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/membus"
)

func TestMembusIsABus(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T, n int) []hub.Bus {
		first := membus.New()
		nodes := []hub.Bus{first}
		for len(nodes) < n {
			nodes = append(nodes, first.Node())
		}
		return nodes
	})
}

func TestPublisherWaitsForANodeThatDoesNotKeepUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id, err := tenant.Parse("t_casino_x_abcdef")
		if err != nil {
			t.Fatal(err)
		}
		topic, bus := id.Topic("room", "a"), membus.New()
		ctx, cancel := context.WithCancel(t.Context())
		if err := bus.Subscribe(ctx, topic); err != nil {
			t.Fatal(err)
		}
		const messages = 40_000
		published := make(chan error, 1)
		go func() {
			for seq := range int64(messages) {
				if err := bus.Publish(ctx, hub.Message{Topic: topic, Seq: seq + 1}); err != nil {
					published <- err
					return
				}
			}
			published <- nil
		}()
		synctest.Wait()
		select {
		case err := <-published:
			t.Fatalf("nothing runs, but all was taken: %v", err)
		default:
		}
		var last int64
		ran := make(chan error, 1)
		go func() {
			ran <- bus.Run(ctx, func(m hub.Message) {
				if m.Seq != last+1 {
					t.Errorf("%d after %d", m.Seq, last)
				}
				last = m.Seq
			})
		}()
		if err := <-published; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if last != messages {
			t.Fatalf("%d of %d came", last, messages)
		}
		cancel()
		if err := <-ran; err != nil {
			t.Fatal(err)
		}
		if err := bus.Publish(context.Background(), hub.Message{Topic: topic}); !errors.Is(err, membus.ErrStopped) {
			t.Fatalf("publishing on a stopped node: %v", err)
		}
	})
}
