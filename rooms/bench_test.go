package rooms_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

type deaf struct{}

func (deaf) Publish(context.Context, hub.Message) error { return nil }

// BenchmarkCommands is what one room does when the journal costs nothing: accepted bets, in
// batches as they gather.
func BenchmarkCommands(b *testing.B) {
	id := tenant.New()
	journal := roomstest.NewJournal()
	ref, err := journal.OpenRoom(id, rooms.Config{Room: "table-1", Game: "coin", Settings: []byte(`{"betting_ms":50}`)})
	if err != nil {
		b.Fatal(err)
	}
	journal.Fund(id, "alice", 1<<50)
	d := rooms.NewDirectory(rooms.Options{
		Journal: journal, Publisher: deaf{}, Kinds: map[string]game.Kind{"coin": coinKind},
		Seeds:     func() (game.Seed, error) { return game.Seed{1}, nil },
		Listening: func(tenant.Topic) bool { return true }, Currency: func(tenant.ID) string { return "EUR" },
		Node: "node-1", Log: slog.New(slog.DiscardHandler), Limits: unlimited,
	})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if err := d.Open(b.Context(), ref); err != nil {
		b.Fatal(err)
	}
	const window = 512 // commands that wait at once
	slots := make(chan struct{}, window)
	accepted := 0
	b.ReportAllocs()
	for b.Loop() {
		slots <- struct{}{}
		d.Send(ref, betCommand("alice", uuid.NewString(), 1), func(a rooms.Answer, err error) {
			if err == nil && a.Refusal == nil {
				accepted++ // by the room's goroutine only
			}
			<-slots
		})
	}
	for range window {
		slots <- struct{}{}
	}
	if accepted == 0 {
		b.Fatal("no bet was accepted")
	}
	b.ReportMetric(float64(accepted)/b.Elapsed().Seconds(), "bets/s")
}
