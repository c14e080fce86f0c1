package store_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkScope compares a transaction in a tenant's scope with a bare one of the same work:
// none, and one durable line.
func BenchmarkScope(b *testing.B) {
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	ids := make([]tenant.ID, 100)
	for i := range ids {
		ids[i] = storetest.Tenant(b, admin)
	}
	storetest.Super(b, d, `grant usage on schema `+ids[0].Schema()+` to pitboss_app; grant insert on `+ids[0].Schema()+`.audit_log to pitboss_app`)
	const line = `audit_log (actor, action, target, reason, address) values ('', '', '', '', '')`
	for _, work := range []struct{ name, bare, scoped string }{
		{"none", `select 1`, `select 1`},
		{"write", `insert into ` + ids[0].Schema() + `.` + line, `insert into ` + line},
	} {
		run := func(sql string) func(context.Context, pgx.Tx) error {
			return func(ctx context.Context, tx pgx.Tx) error {
				rows, _ := tx.Query(ctx, sql)
				rows.Close()
				return rows.Err()
			}
		}
		b.Run("bare begin/work="+work.name, func(b *testing.B) {
			for b.Loop() {
				if err := s.BareBegin(b.Context(), func(tx pgx.Tx) error { return run(work.bare)(b.Context(), tx) }); err != nil {
					b.Fatal(err)
				}
			}
		})
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("role and path/tenants=%d/work=%s", n, work.name), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if err := s.Tenant(ids[i%n]).Tx(b.Context(), run(work.scoped)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAppend is one durable append of some bets by different players, by rooms of some
// tenants in turn; it reports bets a second.
func BenchmarkAppend(b *testing.B) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe} {
		d := storetest.Empty(b)
		s, admin := storetest.Open(b, d, store.Options{})
		if err := s.SetExecMode(b.Context(), d.AppURL, mode); err != nil {
			b.Fatal(err)
		}
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

func appendBets(b *testing.B, s *store.Store, admin *store.Admin, bets, tenants int) {
	players := make([]game.PlayerID, bets)
	for i := range players {
		players[i] = game.PlayerID(fmt.Sprintf("player-%d", i))
	}
	refs, seqs := make([]rooms.Ref, tenants), make([]int64, tenants)
	for i := range refs {
		refs[i] = open(b, s, admin)
		claim(b, s, refs[i], "n")
		for _, p := range players {
			fund(b, s, refs[i].Tenant, p, store.MaxAmount)
		}
	}
	for turn := 0; b.Loop(); turn++ {
		ref, seq := refs[turn%tenants], &seqs[turn%tenants]
		entries := make([]rooms.Entry, bets)
		for i := range entries {
			entries[i] = bet(1, *seq+int64(i)+1, players[i], 100)
			entries[i].Command.ID = uuid.NewString()
		}
		_, err := store.NewJournal(s).Append(b.Context(), ref, rooms.Batch{Epoch: 1, Seq: *seq, Entries: entries, Status: rooms.Open})
		if err != nil {
			b.Fatal(err)
		}
		*seq += int64(bets)
	}
	b.ReportMetric(float64(bets)*float64(b.N)/b.Elapsed().Seconds(), "bets/s")
}
