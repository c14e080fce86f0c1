package webhooks_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkNothingToDeliver is what a deliverer does each second for a tenant of which there is nothing to tell.
// It reports how many bytes of WAL it writes.
func BenchmarkNothingToDeliver(b *testing.B) {
	d := storetest.Empty(b)
	s, admin := storetest.Open(b, d, store.Options{})
	storetest.Durable(b, d)
	id := storetest.Tenant(b, admin)
	endpoint(b, s, id)
	epoch := claim(b, s, id)
	due(b, s, id, epoch) // so that it is not behind
	written := func() int {
		return storetest.Count(b, admin, `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`)
	}
	before := written()
	for b.Loop() {
		work(b, s, id, epoch)
	}
	b.ReportMetric(float64(written()-before)/float64(b.N), "WAL-B/op")
}
