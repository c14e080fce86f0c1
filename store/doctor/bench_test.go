package doctor_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/store/doctor"
)

// BenchmarkExamination examines a deployment of 1,000 tenants whose books are empty, and reports how long the checks take
// that take longest.
func BenchmarkExamination(b *testing.B) {
	w := newWard(b)
	if _, err := w.admin.FillPool(b.Context(), 1000); err != nil {
		b.Fatal(err)
	}
	w.super(`update platform.tenant set status = 'active', slug = 's-' || replace(id, '_', '-'), name = 'S', currency = 'EUR', exponent = 2 where status = 'provisioning'`)
	w.super(`insert into platform.slug (slug, tenant) select slug, id from platform.tenant where slug like 's-%'`)
	w.super(`insert into platform.domain (domain, tenant, is_primary) select slug || '.example', id, true from platform.tenant where slug like 's-%'`)
	took := map[string]int64{}
	for b.Loop() {
		d, err := doctor.Open(b.Context(), w.o)
		if err != nil {
			b.Fatal(err)
		}
		err = d.Run(b.Context(), func(r doctor.Result) {
			took[r.Check] += r.TookMS
			if r.Status == doctor.Fail {
				b.Errorf("%+v", r)
			}
		})
		d.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"drift", "balances", "foreign"} {
		b.ReportMetric(float64(took[name])/float64(b.N), name+"-ms/op")
	}
}
