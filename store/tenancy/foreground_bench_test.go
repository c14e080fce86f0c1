package tenancy_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// foreground bets while a fleet is migrated.
const (
	foregroundTables = 8
	foregroundEvery  = 20 * time.Millisecond // of each table a bet
	foregroundAlone  = 6 * time.Second       // before each run
	foregroundTurns  = 8                     // runs, each after a time without one: the machine is not the same all the time
)

// BenchmarkFleetForeground measures what a run over 1,000 tenants costs a tenant that is played at: the 99th percentile of
// its bets, as they are written, before the run and during it: the median of eight runs and of the times before them. Bets are timed
// from when they were due. It is one of those that are migrated.
func BenchmarkFleetForeground(b *testing.B) {
	for b.Loop() {
		d, admin := manyTenants(b, *fleetTenants)
		s, _ := storetest.Open(b, d, store.Options{})
		refs := storetest.Tables(b, s, admin, foregroundTables)
		seqs := make([]int64, len(refs))
		for i := range refs {
			storetest.Fund(b, s, refs[i].Tenant, game.PlayerID(fmt.Sprintf("player-%d-0", i)), 1_000_000)
		}
		storetest.Durable(b, d)
		bet := func(ctx context.Context) (took []time.Duration) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for i, ref := range refs {
				wg.Go(func() {
					own := betUntil(ctx, b, s, ref, game.PlayerID(fmt.Sprintf("player-%d-0", i)), &seqs[i])
					mu.Lock()
					defer mu.Unlock()
					took = append(took, own...)
				})
			}
			wg.Wait()
			return took
		}
		alone := func() []time.Duration {
			ctx, cancel := context.WithTimeout(b.Context(), foregroundAlone)
			defer cancel()
			return bet(ctx)
		}
		alone() // to warm up: the server was started a moment ago
		var quiet, busy []float64
		var longest time.Duration
		var steps []migrations.Step
		for turn := range foregroundTurns {
			quiet = append(quiet, p99(b, alone()))
			steps = append(steps, migrations.Step{Phase: migrations.Expand, SQL: fmt.Sprintf(`alter table account add column label_%d text`, turn)})
			admin := newer(b, d, steps...)
			migrated, cancel := context.WithCancel(b.Context())
			go func() {
				defer cancel()
				began := time.Now()
				if err := admin.Migrate(b.Context(), d.AppURL); err != nil {
					b.Error(err)
				}
				longest = max(longest, time.Since(began))
			}()
			busy = append(busy, p99(b, bet(migrated)))
		}
		b.ReportMetric(longest.Seconds(), "run-s")
		b.ReportMetric(median(quiet), "before-p99-ms")
		b.ReportMetric(median(busy), "during-p99-ms")
		b.ReportMetric(100*(median(busy)/median(quiet)-1), "rise-%")
	}
}

// betUntil bets at a table until ctx ends, and returns how long each bet took.
func betUntil(ctx context.Context, b *testing.B, s *store.Store, ref rooms.Ref, who game.PlayerID, seq *int64) (took []time.Duration) {
	for due := time.Now(); ; due = due.Add(foregroundEvery) {
		select {
		case <-ctx.Done():
			return took
		case <-time.After(time.Until(due)):
		}
		if ctx.Err() != nil {
			return took
		}
		if _, err := s.Journal.Append(b.Context(), ref, storetest.Batch(*seq, storetest.Bet(1, *seq+1, who, 1))); err != nil {
			b.Error(err)
			return took
		}
		*seq++
		took = append(took, time.Since(due))
	}
}

// p99 returns the 99th percentile, in milliseconds.
func p99(b *testing.B, took []time.Duration) float64 {
	if len(took) == 0 {
		b.Fatal("nobody bet")
	}
	slices.Sort(took)
	return float64(took[(len(took)-1)*99/100].Microseconds()) / 1e3
}

// median returns the middle value.
func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
