package journal_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// BenchmarkAppend is one durable append of some bets by different players, by rooms of some
// tenants in turn; it reports bets a second.
func BenchmarkAppend(b *testing.B) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe} {
		d := storetest.Empty(b)
		d.AppURL += "&default_query_exec_mode=" + strings.ReplaceAll(mode.String(), " ", "_")
		s, admin := storetest.Open(b, d, store.Options{})
		storetest.Durable(b, d)
		for _, bets := range []int{1, 10, 100} {
			for _, tenants := range []int{1, 50} {
				b.Run(fmt.Sprintf("%s/bets=%d/tenants=%d", mode, bets, tenants), func(b *testing.B) {
					appendBets(b, s, admin, bets, tenants)
				})
			}
		}
	}
}

// BenchmarkAppendTogether is 200 rooms of one tenant, each of which appends a bet or two of its
// own ten players, again and again, as the tables of a busy casino do.
func BenchmarkAppendTogether(b *testing.B) {
	const tables, seats = 200, 10
	for _, bets := range []int{1, 2} {
		b.Run(fmt.Sprintf("rooms=%d/bets=%d", tables, bets), func(b *testing.B) {
			d := storetest.Empty(b)
			s, admin := storetest.Open(b, d, store.Options{})
			storetest.Durable(b, d)
			j := s.Journal
			refs := make([]rooms.Ref, tables)
			refs[0] = storetest.Table(b, s, admin)
			for i := range refs {
				if i > 0 {
					refs[i] = rooms.Ref{Tenant: refs[0].Tenant, Room: fmt.Sprintf("room-%d", i)}
					storetest.OpenRoom(b, s, refs[i])
				}
				storetest.Claim(b, s, refs[i], "n")
				for seat := range seats {
					storetest.Fund(b, s, refs[i].Tenant, player(i, seat), journal.MaxAmount)
				}
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			var mu sync.Mutex
			var took []time.Duration
			var wg sync.WaitGroup
			b.ResetTimer()
			for i, ref := range refs {
				wg.Go(func() {
					var seq int64
					for turn := 0; left.Add(int64(-bets)) > -int64(bets); turn++ {
						entries := make([]rooms.Entry, bets)
						for k := range entries {
							entries[k] = storetest.Bet(1, seq+int64(k)+1, player(i, (turn*bets+k)%seats), 100)
							entries[k].Command.ID = uuid.NewString()
						}
						began := time.Now()
						if _, err := j.Append(b.Context(), ref, rooms.Batch{Epoch: 1, Seq: seq, Entries: entries, Status: rooms.Open}); err != nil {
							b.Error(err)
							return
						}
						seq += int64(bets)
						mu.Lock()
						took = append(took, time.Since(began))
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "bets/s")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
		})
	}
}

func appendBets(b *testing.B, s *store.Store, admin *tenancy.Admin, bets, tenants int) {
	players := make([]game.PlayerID, bets)
	for i := range players {
		players[i] = game.PlayerID(fmt.Sprintf("player-%d", i))
	}
	refs, seqs := make([]rooms.Ref, tenants), make([]int64, tenants)
	for i := range refs {
		refs[i] = storetest.Table(b, s, admin)
		storetest.Claim(b, s, refs[i], "n")
		for _, p := range players {
			storetest.Fund(b, s, refs[i].Tenant, p, journal.MaxAmount)
		}
	}
	j := s.Journal
	for turn := 0; b.Loop(); turn++ {
		ref, seq := refs[turn%tenants], &seqs[turn%tenants]
		entries := make([]rooms.Entry, bets)
		for i := range entries {
			entries[i] = storetest.Bet(1, *seq+int64(i)+1, players[i], 100)
			entries[i].Command.ID = uuid.NewString()
		}
		_, err := j.Append(b.Context(), ref, rooms.Batch{Epoch: 1, Seq: *seq, Entries: entries, Status: rooms.Open})
		if err != nil {
			b.Fatal(err)
		}
		*seq += int64(bets)
	}
	b.ReportMetric(float64(bets)*float64(b.N)/b.Elapsed().Seconds(), "bets/s")
}
