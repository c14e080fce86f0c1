package tenant_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestHitsAreATenantsOwnAndForgottenAfterADay(t *testing.T) {
	t.Parallel()
	var h tenant.Hits
	one, other := tenant.New(), tenant.New()
	now := time.Now()
	for i := range 3 {
		h.AddAt(one, "searches", now.Add(time.Duration(i)*time.Hour))
	}
	h.AddAt(one, "rooms", now)
	h.AddAt(other, "rooms", now)
	h.AddAt(tenant.ID{}, "descriptors", now)
	for _, c := range []struct {
		after time.Duration
		want  map[string]int64
	}{
		{2 * time.Hour, map[string]int64{"rooms": 1, "searches": 3}},
		{24 * time.Hour, map[string]int64{"searches": 2}},
		{25 * time.Hour, map[string]int64{"searches": 1}},
		{26 * time.Hour, map[string]int64{}},
		{1000 * time.Hour, map[string]int64{}},
	} {
		got := map[string]int64{}
		for _, hit := range h.OfAt(one, now.Add(c.after)) {
			got[hit.Limit] = hit.Count
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("after %s (-want +got):\n%s", c.after, d)
		}
	}
	h.AddAt(one, "searches", now.Add(100*time.Hour)) // a ring that was not used for days has nothing of before
	if got := h.OfAt(one, now.Add(100*time.Hour)); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("after four days: %+v", got)
	}
	if got := (*tenant.Hits)(nil).Of(one); got != nil {
		t.Errorf("none: %+v", got)
	}
}

func TestOldHitsOfManyTenantsTakeNoMemory(t *testing.T) {
	t.Parallel()
	var h tenant.Hits
	now := time.Now()
	for day := range 30 {
		for i := range 200 {
			h.AddAt(tenant.New(), fmt.Sprint(i%3), now.Add(time.Duration(day)*25*time.Hour))
		}
	}
	if n := h.Tenants(); n > 800 {
		t.Errorf("the hits of %d tenants are kept, of whom 200 met a limit within a day", n)
	}
}
