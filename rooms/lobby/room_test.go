package lobby_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// told is what sockets were told, but beats.
type told struct {
	mu       sync.Mutex // guards what follows
	messages []hub.Message
}

func (r *told) Publish(_ context.Context, m hub.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	return nil
}

func TestPromotionIsAPushOfItsOwnAndAudited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := tenant.New()
		journal, sockets := roomstest.NewJournal(), &told{}
		ref, err := journal.OpenRoom(id, rooms.Config{Room: rooms.LobbyID, Game: lobby.Kind.Name})
		if err != nil {
			t.Fatal(err)
		}
		d := rooms.NewDirectory(rooms.Options{
			Journal: journal, Publisher: sockets, Kinds: map[string]game.Kind{"lobby": lobby.Kind},
			Seeds:     func() (game.Seed, error) { return game.Seed{1}, nil },
			Listening: func(tenant.Topic) bool { return false }, Currency: func(tenant.ID) string { return "EUR" },
			Node: "node-1", Log: slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		defer running.Wait()
		defer cancel()
		if err := d.Open(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		send := func(id, typ string, staff bool, body any) rooms.Answer {
			t.Helper()
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan rooms.Answer, 1)
			d.Send(ref, rooms.Command{
				ID: id, By: game.Actor{Player: "op", Staff: staff}, Address: "127.0.0.1", Type: typ, Body: raw,
			}, func(a rooms.Answer, err error) {
				if err != nil {
					t.Error(err)
				}
				done <- a
			})
			return <-done
		}
		publish := lobby.Publish{ID: "p1", Title: "Free spins", Text: "Twenty.", EndsAt: wire.At(time.Now().Add(time.Minute))}
		if a := send("00000000-0000-0000-0000-000000000001", lobby.TypePublish, false, publish); a.Refusal == nil || a.Refusal.Code != game.CodeForbidden {
			t.Errorf("a player publishes: %+v", a)
		}
		send("00000000-0000-0000-0000-000000000002", lobby.TypePublish, true, publish)
		publish.ID = "p2"
		send("00000000-0000-0000-0000-000000000003", lobby.TypePublish, true, publish)
		send("00000000-0000-0000-0000-000000000004", lobby.TypeWithdraw, true, lobby.Withdraw{ID: "p1", Reason: "r"})
		<-time.After(time.Minute) // of the bubble's time
		synctest.Wait()

		type push struct {
			Method string
			Class  hub.Class
			Type   string
			Data   string
		}
		var got []push
		for _, m := range sockets.messages {
			var frame struct {
				Method string
				Params struct {
					Type string
					Data json.RawMessage
				}
			}
			if err := json.Unmarshal(m.Frame, &frame); err != nil {
				t.Fatal(err)
			}
			got = append(got, push{frame.Method, m.Class, frame.Params.Type, string(frame.Params.Data)})
		}
		const words = `"title":"Free spins","text":"Twenty.","published_at":"2000-01-01T00:00:00.000Z","ends_at":"2000-01-01T00:01:00.000Z"}`
		want := []push{
			{"promotion.published", hub.ClassPromotion, "promotion.published", `{"id":"p1",` + words},
			{"promotion.published", hub.ClassPromotion, "promotion.published", `{"id":"p2",` + words},
			{"promotion.withdrawn", hub.ClassPromotion, "promotion.withdrawn", `{"id":"p1"}`},
			{"room.event", hub.ClassState, "promotion.ended", `{"id":"p2"}`},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		var lines []string
		for _, a := range journal.Audits(id) {
			lines = append(lines, a.Actor+" "+a.Action+" "+a.Target+" "+a.Address)
		}
		if diff := cmp.Diff([]string{
			"op promotion.publish p1 127.0.0.1", "op promotion.publish p2 127.0.0.1", "op promotion.withdraw p1 127.0.0.1",
		}, lines); diff != "" {
			t.Error(diff)
		}
	})
}
