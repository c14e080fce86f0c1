package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
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
	}, func(context.Context, tenant.ID, string) (held, known bool) { return false, true })
	return h, &plan
}

// wantRefused checks that a socket is refused before the upgrade, with a status and a code.
func (h *house) wantRefused(id hub.Identity, status int, code string) {
	h.t.Helper()
	_, resp, err := h.tryConnect(id, false)
	if err == nil || resp == nil || resp.StatusCode != status || resp.Header.Get("Retry-After") == "" {
		h.t.Fatalf("%v, %+v", err, resp)
	}
	var body struct{ Error struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body.Error.Code != code {
		h.t.Errorf("%+v, %v", body, err)
	}
}

func TestAPlayerWhoHasASocketOnAnotherNodeIsNoOneTooMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		var limits atomic.Pointer[hub.TenantLimits]
		limits.Store(&hub.TenantLimits{Players: 2, Elsewhere: 2})
		var asked []string
		h.hub.LimitTenants(func(tenant.ID) hub.TenantLimits { return *limits.Load() }, func(_ context.Context, id tenant.ID, player string) (held, known bool) {
			if asked = append(asked, player); player == "cid" { // the other node is dead
				limits.Store(&hub.TenantLimits{Players: 2})
			}
			return player == "ann", player != "dan"
		})
		met := func(player string) *wire.ErrorParams { return h.hub.PlanMet(h.tenant, player) }
		full := wire.ErrorParams{Limit: "plan_sockets", Value: 2}
		h.wantRefused(h.player("bob"), http.StatusTooManyRequests, "limit_reached")
		if got := met("bob"); got == nil || *got != full {
			t.Errorf("bob would be refused with %+v", got)
		}
		h.wantRefused(h.player("dan"), http.StatusServiceUnavailable, wire.CodeBusy) // a node did not answer
		if n := h.metric("pitboss_hub_limit_hits_total", "limit", "plan_questions"); n != 1 {
			t.Errorf("%v hits", n)
		}
		h.connect(h.player("ann")) // counted twice for a moment
		h.connect(h.player("ann"))
		h.connect(h.player("cid")) // by what is known once the others were asked
		if got := met("ann"); got != nil {
			t.Errorf("ann would be refused with %+v", got)
		}
		if got := []string{"bob", "dan", "ann", "cid"}; !slices.Equal(asked, got) {
			t.Errorf("asked about %v, want %v", asked, got)
		}
		h.stop()
	})
}

func TestWhoIsOneTooManyAndComesAgainAndAgainIsLimitedAsAnybodyIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{ConnectsPerSecond: 1, ConnectsBurst: 3, TenantConnectsPerSecond: 1, TenantConnectsBurst: 6}))
		var asked atomic.Int32
		h.hub.LimitTenants(func(tenant.ID) hub.TenantLimits { return hub.TenantLimits{Players: 1, Elsewhere: 1} }, func(context.Context, tenant.ID, string) (held, known bool) {
			asked.Add(1)
			return false, true
		})
		for range 3 {
			h.wantRefused(h.player("bob"), http.StatusTooManyRequests, "limit_reached")
		}
		for range 5 {
			h.wantRefused(h.player("bob"), http.StatusTooManyRequests, wire.CodeRateLimited)
		}
		for range 3 {
			h.wantRefused(h.player("cid"), http.StatusTooManyRequests, "limit_reached")
		}
		h.wantRefused(h.player("dan"), http.StatusTooManyRequests, wire.CodeRateLimited) // so is all of the tenant
		if asked.Load() != 6 {
			t.Errorf("other nodes were asked %d times", asked.Load())
		}
		<-time.After(time.Minute)
		if n := h.hub.Known(); n != 0 {
			t.Errorf("%d who were refused are remembered", n)
		}
		h.stop()
	})
}

func TestWhomAdmitDoesNotLetInIsNotUpgradedAndIsChargedIfHeIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{ConnectsPerSecond: 1, ConnectsBurst: 1}))
		no, tried := errors.New("not now"), 0
		accept := func(player string, refused bool) (*httptest.ResponseRecorder, error) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/ws", nil)
			r.Header.Set("Sec-WebSocket-Protocol", wire.Subprotocol)
			return w, h.hub.Accept(w, r, h.player(player), func() (bool, error) { tried++; return refused, no }, nil)
		}
		for range 5 {
			if w, err := accept("ann", false); !errors.Is(err, no) || w.Body.Len() > 0 {
				t.Errorf("%v, answered %s", err, w.Body)
			}
		}
		if w, err := accept("dan", true); !errors.Is(err, no) || w.Body.Len() > 0 {
			t.Errorf("%v, answered %s", err, w.Body)
		}
		if tried != 6 {
			t.Errorf("tried %d times of 6", tried)
		}
		if w, err := accept("dan", true); !errors.Is(err, hub.ErrTooManyConnects) || w.Code != http.StatusTooManyRequests {
			t.Errorf("who was refused costs nothing: %d, %v", w.Code, err)
		}
		h.connect(h.player("ann"))
		h.hub.LimitTenants(func(tenant.ID) hub.TenantLimits { return hub.TenantLimits{Players: 1} }, func(context.Context, tenant.ID, string) (held, known bool) { return false, true })
		if _, err := accept("bob", false); !errors.Is(err, hub.ErrTooManySockets) || tried != 6 {
			t.Errorf("%v; who was one too many was asked for his ticket", err)
		}
		h.stop()
	})
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
