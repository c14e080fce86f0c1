package hub_test

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// planned has a hub whose one tenant, casino-x, has limits that the test may change.
func planned(t *testing.T) (*house, *atomic.Pointer[hub.TenantLimits]) {
	h := pipes(t, limits(hub.Limits{RefusalsBurst: 1e6, CommandsPerSecond: 1e5, CommandsBurst: 1e5}))
	var plan atomic.Pointer[hub.TenantLimits]
	plan.Store(&hub.TenantLimits{})
	h.hub.LimitTenants(func(id tenant.ID) hub.TenantLimits {
		if id == h.tenant {
			return *plan.Load()
		}
		return hub.TenantLimits{}
	})
	return h, &plan
}

func TestAPlansPlayersAreCountedOverAllNodesAndTheOthersAreRefusedBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, plan := planned(t)
		plan.Store(&hub.TenantLimits{Players: 3, Elsewhere: 1})
		h.connect(h.player("ann"))
		h.connect(h.player("bob"))
		h.connect(h.player("ann")) // her other socket takes the place of the first
		_, resp, err := h.tryConnect(h.player("cid"), false)
		if err == nil || resp == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
			t.Fatalf("the third of this node: %v, %+v", err, resp)
		}
		var body struct {
			Code   string
			Params wire.ErrorParams
		}
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Code != "limit_reached" || body.Params != (wire.ErrorParams{Limit: "plan_sockets", Value: 3}) {
			t.Errorf("%+v, %v", body, err)
		}
		staff := h.player("cid")
		staff.Role = "operator"
		h.connect(staff)
		other := h.player("cid")
		other.Tenant = mustTenant(t, "casino-y")
		h.connect(other)
		if n := h.metric("pitboss_hub_limit_hits_total", "limit", "plan_sockets"); n != 1 {
			t.Errorf("%v hits", n)
		}
		plan.Store(&hub.TenantLimits{Players: 4, Elsewhere: 1})
		h.connect(h.player("cid"))
		h.stop()
	})
}

func TestANodeHasItsPlayersPartOfAPlansCommandsAndFollowsChangesWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, plan := planned(t)
		plan.Store(&hub.TenantLimits{CommandsPerSecond: 400, Elsewhere: 3})
		c := h.connect(h.player("ann"))
		other := h.player("bob")
		other.Tenant = mustTenant(t, "casino-y")
		free := h.connect(other)
		rate := func() (given int) {
			for c.conn.Allow(1) == nil { // what had gathered
			}
			for range 10 {
				<-time.After(100 * time.Millisecond)
				for c.conn.Allow(1) == nil {
					given++
				}
			}
			return given
		}
		if n := rate(); n < 95 || n > 101 {
			t.Errorf("a quarter of the players were given %d commands a second of 400", n)
		}
		if met := c.conn.Allow(1); met == nil || *met != (wire.ErrorParams{Limit: "plan_commands_per_second", Value: 400}) {
			t.Errorf("refused with %+v", met)
		}
		for i := range 1000 {
			if free.conn.Allow(1) != nil {
				t.Fatalf("the other tenant was refused after %d", i)
			}
		}
		plan.Store(&hub.TenantLimits{CommandsPerSecond: 80})
		<-time.After(time.Second + time.Millisecond)
		if n := rate(); n < 75 || n > 81 {
			t.Errorf("then all of them were given %d of 80", n)
		}
		plan.Store(&hub.TenantLimits{CommandsPerSecond: 1}) // a join is possible all the same
		<-time.After(12 * time.Second)
		if met := c.conn.Allow(10); met != nil {
			t.Errorf("a join was refused: %+v", met)
		}
		for c.conn.Allow(1) == nil { // what had gathered
		}
		plan.Store(&hub.TenantLimits{CommandsPerSecond: 160}) // it need not wait for what it took at the lower rate
		<-time.After(time.Second + time.Millisecond)
		if n := rate(); n < 155 || n > 161 {
			t.Errorf("after a rise it was given %d of 160", n)
		}
		plan.Store(&hub.TenantLimits{})
		<-time.After(time.Second + time.Millisecond)
		for i := range 1000 {
			if met := c.conn.Allow(1); met != nil {
				t.Fatalf("without a plan it was refused after %d: %+v", i, met)
			}
		}
		h.stop()
	})
}
