package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkFloor is a node's look at the index, with 40 nodes: of what changed, where nothing
// did; and of everything, as a node that starts sees it.
func BenchmarkFloor(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		d := storetest.Empty(b)
		s, admin := storetest.Open(b, d, store.Options{MaxConns: 1})
		id := storetest.Tenant(b, admin)
		storetest.Super(b, d, fmt.Sprintf(`insert into platform.room (tenant, room, state, node, epoch)
			select '%s', 'room-' || i, 'open', 'node-' || i %% 40, 1 from generate_series(1, %d) i; analyze platform.room`, id, n))
		storetest.Super(b, d, `insert into platform.node (node, incarnation, expires)
			select 'node-' || i, gen_random_uuid(), clock_timestamp() + '1 day' from generate_series(0, 39) i`)
		l := s.Leases
		look := func(since placement.Mark) placement.Changes {
			f, err := l.Assignments(b.Context(), since)
			if err != nil {
				b.Fatal(err)
			}
			return f
		}
		mark := look(placement.Mark{}).Mark
		b.Run(fmt.Sprintf("nothing new/rooms=%d", n), func(b *testing.B) {
			for b.Loop() {
				mark = look(mark).Mark
			}
		})
		b.Run(fmt.Sprintf("everything/rooms=%d", n), func(b *testing.B) {
			for b.Loop() {
				if got := len(look(placement.Mark{}).Assignments); got < n {
					b.Fatalf("%d rooms of %d", got, n)
				}
			}
		})
	}
}

// BenchmarkRenew is what a node's lease costs each time it is renewed, on a disk.
func BenchmarkRenew(b *testing.B) {
	d := storetest.Empty(b)
	s, _ := storetest.Open(b, d, store.Options{MaxConns: 1})
	storetest.Durable(b, d)
	lease := placement.Lease{Node: "node-1", Incarnation: uuid.NewString()}
	for b.Loop() {
		if _, _, err := s.Leases.Renew(b.Context(), lease, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeat is what a player's socket asks the database when it connects, by as many at once
// as there are connections.
func BenchmarkSeat(b *testing.B) {
	s, admin := storetest.New(b)
	id := storetest.Tenant(b, admin)
	b.SetParallelism(db.DefaultMaxConns)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, _, _, err := s.Ledger.Seat(b.Context(), id, "alice"); err != nil {
				b.Error(err)
			}
		}
	})
}
