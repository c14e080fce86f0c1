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
	"github.com/pitboss-hub/pitboss/store/webhooks"
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

// BenchmarkFacts is what webhooks cost the write path: durable appends of a bet, and of the end of a round in
// which ten players have a stake, at a casino without webhooks and at one with an endpoint. The two take turns,
// so that whatever else happens on the machine happens to both; the medians are reported.
func BenchmarkFacts(b *testing.B) {
	const seats = 10
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	refs := []rooms.Ref{storetest.Table(b, s, admin), storetest.Table(b, s, admin)}
	for _, ref := range refs {
		storetest.Claim(b, s, ref, "n")
		for seat := range seats {
			storetest.Fund(b, s, ref.Tenant, player(0, seat), journal.MaxAmount)
		}
	}
	_, _, err := s.Webhooks.Create(b.Context(), refs[1].Tenant, webhooks.Spec{URL: "https://receiver.example/"}, webhooks.By{Actor: "op"})
	if err != nil {
		b.Fatal(err)
	}
	var seqs [2]int64
	var bet, end [2][]time.Duration
	add := func(i int, took *[]time.Duration, entries ...rooms.Entry) {
		began := time.Now()
		if _, err := s.Journal.Append(b.Context(), refs[i], rooms.Batch{Epoch: 1, Seq: seqs[i], Entries: entries, Status: rooms.Open}); err != nil {
			b.Fatal(err)
		}
		*took = append(*took, time.Since(began))
		seqs[i] += int64(len(entries))
	}
	for round := int64(1); b.Loop(); round++ {
		of := func(e rooms.Entry) rooms.Entry {
			e.Records[0].Round = round
			for i := range e.Moves {
				e.Moves[i].Ref = game.RoundRef(round)
			}
			return e
		}
		for seat := range seats {
			for i := range refs {
				add(i, &bet[i], of(storetest.Bet(1, seqs[i]+1, player(0, seat), 100)))
			}
		}
		for i := range refs {
			e := rooms.Entry{Records: []rooms.Record{storetest.Record(1, seqs[i]+1, game.TypeRoundSettled, `{}`)}}
			for seat := range seats / 2 {
				e.Moves = append(e.Moves, game.Posting{Kind: game.Payout, Player: player(0, seat), Amount: 200})
			}
			add(i, &end[i], of(e))
		}
	}
	for i, name := range []string{"without", "with"} {
		for what, took := range map[string][]time.Duration{"bet": bet[i], "end": end[i]} {
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), what+"-"+name+"-µs")
		}
	}
}
