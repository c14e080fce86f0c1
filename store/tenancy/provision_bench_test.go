package tenancy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// BenchmarkProvision makes 200 tenants one after the other, on a server that waits for the disk, and reports how
// long the median one and the slowest but two took.
func BenchmarkProvision(b *testing.B) {
	const tenants = 200
	for b.Loop() {
		d := storetest.Empty(b)
		_, admin := storetest.Open(b, d, store.Options{})
		storetest.Durable(b, d)
		took := make([]time.Duration, tenants)
		for i := range took {
			began := time.Now()
			if _, err := admin.CreateTenant(b.Context(), storetest.Casino(fmt.Sprintf("made-%d", i), fmt.Sprintf("made-%d.localhost", i))); err != nil {
				b.Fatal(err)
			}
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[tenants/2].Microseconds())/1e3, "p50-ms")
		b.ReportMetric(float64(took[tenants*99/100].Microseconds())/1e3, "p99-ms")
	}
}
