package db_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkScope compares a transaction in a tenant's scope with a bare one of the same work
// in the same schema: a look-up, and one durable line. The two take turns, so that whatever else happens on
// the machine happens to both; the medians are reported, and how much dearer the scope is.
func BenchmarkScope(b *testing.B) {
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{MaxConns: 1})
	storetest.Durable(b, d)
	ids := make([]tenant.ID, 100)
	for i := range ids {
		ids[i] = storetest.Tenant(b, admin)
		storetest.Super(b, d, `grant usage on schema `+ids[i].Schema()+` to pitboss_app; grant insert on `+ids[i].Schema()+`.audit_log to pitboss_app;
			grant select on `+ids[i].Schema()+`.account to pitboss_app`)
	}
	const look, line = `select count(*) from %saccount where owner = 'nobody'`, `insert into %saudit_log (actor, action, target, reason, address) values ('', '', '', '', '')`
	for name, sql := range map[string]string{"look": look, "write": line} {
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/tenants=%d", name, n), func(b *testing.B) {
				run := func(tx pgx.Tx, schema string) error {
					_, err := tx.Exec(b.Context(), fmt.Sprintf(sql, schema))
					return err
				}
				var bare, scoped []time.Duration
				for i := 0; b.Loop(); i++ {
					id := ids[i%n]
					began := time.Now()
					if err := s.BareBegin(b.Context(), func(tx pgx.Tx) error { return run(tx, id.Schema()+".") }); err != nil {
						b.Fatal(err)
					}
					middle := time.Now()
					if err := s.Tenant(id).Tx(b.Context(), func(_ context.Context, tx pgx.Tx) error { return run(tx, "") }); err != nil {
						b.Fatal(err)
					}
					bare, scoped = append(bare, middle.Sub(began)), append(scoped, time.Since(middle))
				}
				slices.Sort(bare)
				slices.Sort(scoped)
				x, y := float64(bare[len(bare)/2].Nanoseconds())/1e3, float64(scoped[len(scoped)/2].Nanoseconds())/1e3
				b.ReportMetric(x, "bare-µs")
				b.ReportMetric(y, "scoped-µs")
				b.ReportMetric(100*(y/x-1), "overhead-%")
			})
		}
	}
}
