package hub_test

import (
	"testing"
	"testing/synctest"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestHoweverManyTenantsThereAreTheirSeriesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		const tenants = tenant.LabelsMax + 20
		var last *client
		for range tenants {
			id := h.player("ann")
			id.Tenant = tenant.New()
			last = h.connect(id)
		}
		h.series(tenant.LabelsMax + 1)
		if n := h.metric("pitboss_hub_connections", "tenant", tenant.LabelOfOthers); n != 20 {
			t.Errorf("the others have %v sockets", n)
		}
		_ = last.ws.CloseNow()
		synctest.Wait()
		if n := h.metric("pitboss_hub_connections", "tenant", tenant.LabelOfOthers); n != 19 {
			t.Errorf("after one left the others have %v sockets", n)
		}
		if n := h.metric("pitboss_hub_connections"); n != tenants-1 {
			t.Errorf("all together have %v sockets", n)
		}
		h.stop()
	})
}

// series checks how many series each metric by tenant has.
func (h *house) series(want int) {
	h.t.Helper()
	families, err := h.reg.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		if m := f.GetMetric(); len(m[0].GetLabel()) > 0 && m[0].GetLabel()[0].GetName() == "tenant" && len(m) != want {
			h.t.Errorf("%s has %d series, want %d", f.GetName(), len(m), want)
		}
	}
}
