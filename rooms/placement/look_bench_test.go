package placement_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/placement"
)

// still are leases by which nothing changes after the first look.
type still struct {
	placement.Leases
	first placement.Changes
}

func (s *still) Assignments(_ context.Context, since placement.Mark) (placement.Changes, error) {
	if since == (placement.Mark{}) {
		return s.first, nil
	}
	return placement.Changes{Nodes: s.first.Nodes, Mark: s.first.Mark}, nil
}

func (s *still) Configs(context.Context, tenant.ID) ([]placement.Config, error) { return nil, nil }

// idleRuntime is a Runtime that runs nothing.
type idleRuntime struct{ placement.Runtime }

func (idleRuntime) Runs(placement.Ref) bool                    { return false }
func (idleRuntime) Open(context.Context, placement.Assignment) {}
func (idleRuntime) Lost(placement.Assignment)                  {}

// BenchmarkLook is what it costs a node, without the database, to look at an index of rooms that
// other nodes own and where nothing changed: it does so four times a second.
func BenchmarkLook(b *testing.B) {
	id := tenant.New()
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("rooms=%d", n), func(b *testing.B) {
			index := placement.Changes{Mark: placement.Mark{Next: 1}}
			for i := range 40 {
				index.Nodes = append(index.Nodes, placement.Node{Name: fmt.Sprint("node-", i)})
			}
			for i := range n {
				index.Assignments = append(index.Assignments, placement.Assignment{
					Ref: placement.Ref{Tenant: id, Room: fmt.Sprint("room-", i)}, Status: placement.Open, Node: index.Nodes[i%40].Name, Epoch: 1,
				})
			}
			a := placement.NewAgent(placement.Options{Leases: &still{first: index}, Runtime: idleRuntime{}, Node: "node-x", Log: slog.New(slog.DiscardHandler)})
			a.LookAround(b.Context())
			for b.Loop() {
				a.LookAround(b.Context())
			}
		})
	}
}
