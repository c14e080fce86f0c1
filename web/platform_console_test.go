package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestThePlatformsConsoleIsAtItsHostAndNowhereElse(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, func(o *web.Options) {
		o.Routing.SubfolderHost = "folders.localhost"
		o.Routing.UnknownHost.Tenant = "casino-x"
	})
	at := c.Platform()
	if a := at.Get("", "/").Want(http.StatusFound, ""); a.Header.Get("Location") != "/platform" {
		t.Errorf("/ leads to %q", a.Header.Get("Location"))
	}
	for path, base := range map[string]string{"/platform": "./", "/platform/jobs": "../", "/platform/casinos/casino-x": "../../"} {
		a := at.Do(http.MethodGet, "", path, "", "Accept-Encoding", "identity").Want(http.StatusOK, "")
		policy := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(string(a.Body), `<base href="`+base+`" />`) || !strings.Contains(policy, "frame-ancestors 'none'") || a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %q, %s", path, policy, a.Body)
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="\./(assets/[^"]+)"`).FindAllStringSubmatch(string(a.Body), -1) {
			at.Get("", "/"+m[1]).Want(http.StatusOK, "")
		}
	}
	for _, path := range []string{"/console", "/play", "/verify", "/ws"} {
		at.Get("", path).Want(http.StatusNotFound, "not_found")
	}
	for _, path := range []string{"/platform", "/platform/jobs", "/platform/casinos/casino-x"} {
		c.Get("", path).Want(http.StatusNotFound, "not_found")
		c.At("somewhere.example").Get("", path).Want(http.StatusNotFound, "not_found")
		c.At("folders.localhost").Get("", "/t/casino-x"+path).Want(http.StatusNotFound, "not_found")
	}
}

func TestAKeyOfThePlatformIsToldWhatItMayDo(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	id, key := c.PlatformKey(tenancy.NewAPIKey{Name: "billing", Scopes: []string{"tenants:read"}, ExpiresAt: time.Now().Add(time.Hour)})
	var got struct {
		Key, Name string
		Scopes    []string
		ExpiresAt time.Time `json:"expires_at"`
	}
	c.Platform().Get(key, "/v1/session").Want(http.StatusOK, "").Into(&got)
	if got.Key != id || got.Name != "billing" || len(got.Scopes) != 1 || got.Scopes[0] != "tenants:read" || got.ExpiresAt.IsZero() {
		t.Errorf("%+v", got)
	}
}

func TestThePlatformListsItsNodesRoomsAndPlans(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	c.OpenRoom("extra-1", webtest.Slow)
	if _, err := c.Admin.SetPlan(t.Context(), "small", func(p *tenancy.TenantPlan) error { p.Sockets = 10; return nil }, "a test"); err != nil {
		t.Fatal(err)
	}
	_, key := c.PlatformKey(tenancy.NewAPIKey{Name: "billing", Scopes: []string{"tenants:read"}})
	at := c.Platform()
	var nodes struct {
		Nodes []struct {
			Node  string
			Rooms int
		}
		Lost int `json:"rooms_without_node"`
	}
	storetest.Eventually(t, "the node has its rooms", func() bool {
		at.Get(key, "/v1/nodes").Want(http.StatusOK, "").Into(&nodes)
		return len(nodes.Nodes) == 1 && nodes.Nodes[0].Rooms >= 3 && nodes.Lost == 0
	})
	var list struct {
		Rooms []struct{ ID, Tenant, Room, Game, Status, Node string }
		Next  string
	}
	at.Get(key, "/v1/rooms?tenant=casino-x&room.prefix=extra").Want(http.StatusOK, "").Into(&list)
	if len(list.Rooms) != 1 || list.Rooms[0].ID != "casino-x/extra-1" || list.Rooms[0].Game == "" || list.Rooms[0].Node != nodes.Nodes[0].Node {
		t.Errorf("%+v", list)
	}
	at.Get(key, "/v1/rooms?limit=1&sort=-id").Want(http.StatusOK, "").Into(&list)
	if len(list.Rooms) != 1 || list.Next == "" {
		t.Errorf("a page of one: %+v", list)
	}
	at.Get(key, "/v1/rooms?limit=501").Want(http.StatusBadRequest, "invalid_params")
	at.Get(key, "/v1/rooms?colour=red").Want(http.StatusBadRequest, "invalid_params")
	var plans struct {
		Plans []struct {
			Name    string
			Sockets int
		}
	}
	at.Get(key, "/v1/plans").Want(http.StatusOK, "").Into(&plans)
	if len(plans.Plans) != 1 || plans.Plans[0].Name != "small" || plans.Plans[0].Sockets != 10 {
		t.Errorf("%+v", plans)
	}
}

func TestAnEntryLetsIntoACasinoForAnHourAndIsInBothLogs(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	enter := func(role string, more ...string) webtest.Answer {
		return at.Do(http.MethodPost, key, "/v1/tenants/casino-x/entries", `{"role":"`+role+`","reason":"its first table"}`, more...)
	}
	var e struct {
		Jti, Subject, Role, Secret string
		ExpiresAt                  time.Time `json:"expires_at"`
	}
	enter("operator", "Idempotency-Key", "one").Want(http.StatusCreated, "").Into(&e)
	if left := time.Until(e.ExpiresAt); e.Role != "operator" || !strings.HasPrefix(e.Subject, "platform:") || left > tenancy.EntryLife || left < tenancy.EntryLife-time.Minute {
		t.Errorf("%+v", e)
	}
	if again := enter("operator", "Idempotency-Key", "one").Want(http.StatusCreated, ""); strings.Contains(string(again.Body), `"secret"`) {
		t.Errorf("the token is shown again: %s", again.Body)
	}
	var who struct{ Player, Role string }
	c.Get(e.Secret, "/v1/session").Want(http.StatusOK, "").Into(&who)
	if who.Player != e.Subject || who.Role != "operator" {
		t.Errorf("it lets in %+v", who)
	}
	operator := c.Token("olivia", auth.Operator)
	var log struct {
		Entries []struct{ Actor, Action, Reason string }
	}
	for name, a := range map[string]webtest.Answer{"the casino's": c.Get(operator, "/v1/audit?action=tenant.enter"), "the platform's": at.Get(key, "/v1/audit?action=tenant.enter")} {
		a.Want(http.StatusOK, "").Into(&log)
		if len(log.Entries) != 1 || !strings.HasPrefix(log.Entries[0].Actor, "key:") || log.Entries[0].Reason != "its first table" || strings.Contains(string(a.Body), e.Secret) {
			t.Errorf("%s log: %s", name, a.Body)
		}
	}
	// Support changes nothing; a token that the casino revokes is refused.
	var sam struct{ Secret string }
	enter("support").Want(http.StatusCreated, "").Into(&sam)
	c.Get(sam.Secret, "/v1/rooms").Want(http.StatusOK, "")
	c.Post(sam.Secret, "/v1/rooms", `{"room":"x-1","game":"roulette"}`).Want(http.StatusForbidden, "forbidden")
	c.Post(operator, "/v1/tokens/revoke", `{"jti":"`+e.Jti+`","reason":"a test"}`).Want(http.StatusOK, "")
	c.Get(e.Secret, "/v1/session").Want(http.StatusUnauthorized, "token_revoked")

	for _, role := range []string{"player", "service", "key", ""} {
		enter(role).Want(http.StatusBadRequest, "invalid_params")
	}
	at.Do(http.MethodPost, key, "/v1/tenants/casino-x/entries", `{"role":"operator","reason":""}`).Want(http.StatusBadRequest, "invalid_params")
	at.Do(http.MethodPost, key, "/v1/tenants/nobody/entries", `{"role":"operator","reason":"a test"}`).Want(http.StatusNotFound, "tenant_not_found")
	_, writes := c.PlatformKey(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"tenants:read", "tenants:write", "tenants:end"}})
	at.Do(http.MethodPost, writes, "/v1/tenants/casino-x/entries", `{"role":"operator","reason":"a test"}`).Want(http.StatusForbidden, "forbidden")
	at.Do(http.MethodPost, key, "/v1/tenants/casino-x/suspend", because).Want(http.StatusOK, "")
	enter("operator").Want(http.StatusConflict, "status_conflict")
}

func TestAMigrationIsPlannedAndFollowedByThePlatformsAPI(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	at, key := automation(t, c)
	var fleet struct {
		Wants, Template int
		Versions        map[string]int
	}
	at.Get(key, "/v1/migrate").Want(http.StatusOK, "").Into(&fleet)
	if fleet.Wants == 0 || fleet.Template != fleet.Wants || len(fleet.Versions) != 1 {
		t.Errorf("%+v", fleet)
	}
	var plan struct{ Groups []struct{ Tenants []string } }
	at.Do(http.MethodPost, key, "/v1/migrate/plan", `{"tenants":["casino-x"]}`).Want(http.StatusOK, "").Into(&plan)
	if len(plan.Groups) != 0 {
		t.Errorf("%+v", plan)
	}
	at.Do(http.MethodPost, key, "/v1/migrate/plan", `{"tenants":["nobody"]}`).Want(http.StatusNotFound, "tenant_not_found")
	at.Do(http.MethodPost, key, "/v1/migrate", `{"workers":17}`).Want(http.StatusBadRequest, "invalid_params")
	at.Do(http.MethodPost, key, "/v1/migrate", `{"resume":"it is night"}`).Want(http.StatusOK, "") // none is paused
	for _, what := range []string{"pause", "cancel"} {
		at.Do(http.MethodPost, key, "/v1/migrate/"+what, because).Want(http.StatusConflict, "migration_stopped")
	}
}
