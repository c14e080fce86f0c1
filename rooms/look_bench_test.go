package rooms_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
)

// still are the leases of a floor on which nothing happens.
type still struct {
	rooms.Leases
	first rooms.Floor
}

func (s *still) Floor(_ context.Context, since rooms.Mark) (rooms.Floor, error) {
	if since == (rooms.Mark{}) {
		return s.first, nil
	}
	return rooms.Floor{Nodes: s.first.Nodes, Mark: s.first.Mark}, nil
}

func (s *still) Configs(context.Context, tenant.ID) ([]rooms.Config, error) { return nil, nil }

// mute are peers that say nothing.
type mute struct{}

func (mute) Ask(string, string, []byte, time.Duration, func([]byte, error)) {}
func (mute) Tell(string, []byte) error                                      { return nil }
func (mute) Answer(string, hub.Answerer)                                    {}
func (mute) Forget(string)                                                  {}

// BenchmarkLook is what it costs a node, without the database, to look at a floor of rooms that
// other nodes own and where nothing changed: it does so four times a second.
func BenchmarkLook(b *testing.B) {
	id, err := tenant.New("casino-x")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("rooms=%d", n), func(b *testing.B) {
			floor := rooms.Floor{Mark: rooms.Mark{Next: 1}}
			for i := range 40 {
				floor.Nodes = append(floor.Nodes, rooms.Node{Name: fmt.Sprint("node-", i)})
			}
			for i := range n {
				floor.Places = append(floor.Places, rooms.Place{
					Ref: rooms.Ref{Tenant: id, Room: fmt.Sprint("room-", i)}, Status: rooms.Open, Node: floor.Nodes[i%40].Name, Epoch: 1,
				})
			}
			d := rooms.NewDirectory(rooms.Options{Leases: &still{first: floor}, Peers: mute{}, Node: "node-x", Log: slog.New(slog.DiscardHandler)})
			d.LookAround(b.Context())
			for b.Loop() {
				d.LookAround(b.Context())
			}
		})
	}
}
