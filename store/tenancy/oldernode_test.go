package tenancy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// TestNoTenantGetsAStatusThatANodeWhichServesDoesNotKnow has a node of a version that writes no version of its own, and one
// of each side of the step.
func TestNoTenantGetsAStatusThatANodeWhichServesDoesNotKnow(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	owner := storetest.Owner(t, admin)
	if _, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-x", "x.localhost")); err != nil {
		t.Fatal(err)
	}
	reserved := storetest.Casino("casino-y", "y.localhost")
	reserved.WithoutSchema = true
	do := map[string]func() error{
		"maintenance":      func() error { return admin.Maintain(t.Context(), "casino-x", time.Time{}, "a test") },
		"made ahead":       func() error { _, err := admin.FillPool(t.Context(), 1); return err },
		"without a schema": func() error { _, err := admin.CreateTenant(t.Context(), reserved); return err },
		"archive":          func() error { _, err := admin.Archive(t.Context(), "casino-x", "a test", archiver(t, d)); return err },
	}
	for _, c := range []struct {
		version any
		former  bool // the version is that of the node's binary of before
		expires string
		older   bool
	}{{nil, false, "1 hour", true}, {14, false, "1 hour", true}, {20, true, "1 hour", true}, {nil, false, "-1 second", false}, {15, false, "1 hour", false}} {
		if _, err := owner.Exec(t.Context(), `delete from platform.node`); err != nil {
			t.Fatal(err)
		}
		if _, err := owner.Exec(t.Context(), `insert into platform.node (node, incarnation, expires, platform_version, versions_by) select 'old-1', id, now() + $1::interval, $2, case when $3 then gen_random_uuid() else id end from gen_random_uuid() id`, c.expires, c.version, c.former); err != nil {
			t.Fatal(err)
		}
		for what, f := range do {
			if err := f(); errors.Is(err, tenancy.ErrOlderNode) != c.older || c.older && !strings.Contains(err.Error(), "old-1") {
				t.Errorf("%s beside a node of version %v whose lease ends in %s: %v", what, c.version, c.expires, err)
			}
		}
		if !c.older {
			continue
		}
		if err := admin.Suspend(t.Context(), "casino-x", "a test"); err != nil { // which every node knows
			t.Error(err)
		}
		if err := admin.Resume(t.Context(), "casino-x"); err != nil {
			t.Error(err)
		}
		if now, err := admin.Tenant(t.Context(), "casino-x"); err != nil || now.Status(time.Now()) != tenancy.Active {
			t.Errorf("%+v, %v", now, err)
		}
	}
}
