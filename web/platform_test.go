package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// platformCallers returns who asks for every route of the platform: nobody, everybody of a casino, and keys of the
// platform of every kind with all scopes.
func platformCallers(t *testing.T, c *webtest.Casino) []caller {
	t.Helper()
	var all, casinos []string
	for _, s := range auth.PlatformScopes() {
		all = append(all, string(s))
	}
	for _, s := range auth.KeyScopes() {
		casinos = append(casinos, string(s))
	}
	list := []caller{{name: "nobody", refused: auth.ErrMissing}}
	for _, r := range []auth.Role{auth.Player, auth.Operator, auth.Service, auth.Support} {
		list = append(list, caller{name: string(r), token: c.Token("somebody", r), refused: auth.ErrKeyMalformed})
	}
	foreign := keyCaller(c, "a casino's key", casinos)
	foreign.refused = auth.ErrKeyUnknown
	made := func(name string, refused *auth.Error, n tenancy.NewAPIKey) (id string) {
		n.Name = "a test"
		id, text := c.PlatformKey(n)
		list = append(list, caller{name, text, refused, func(s auth.Scope) bool { return slices.Contains(n.Scopes, string(s)) }})
		return id
	}
	made("a key from a wrong address", auth.ErrKeyAddress, tenancy.NewAPIKey{Scopes: all, Addresses: []string{"203.0.113.0/24"}})
	soon := time.Now().Add(200 * time.Millisecond)
	made("an expired key", auth.ErrKeyExpired, tenancy.NewAPIKey{Scopes: all, ExpiresAt: soon})
	revoked := made("a revoked key", auth.ErrKeyRevoked, tenancy.NewAPIKey{Scopes: all})
	if _, err := c.Admin.RevokeAPIKey(t.Context(), tenancy.Platform, revoked, "a test"); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		made("a key with "+s+" alone", nil, tenancy.NewAPIKey{Scopes: []string{s}, Addresses: []string{"127.0.0.1", "::1"}})
	}
	if err := c.Store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(soon))
	return append(list, foreign)
}

func TestEveryRouteOfThePlatformIsForItsKeysWithTheScopeAndNobodyElse(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	everybody, at := platformCallers(t, c), c.Platform()
	for name, scope := range c.Server.PlatformNeeds() {
		method, path, _ := strings.Cut(name, " ")
		for _, by := range everybody {
			status, code := http.StatusOK, ""
			switch {
			case scope == web.Public:
			case by.refused == auth.ErrKeyAddress:
				status, code = http.StatusForbidden, by.refused.Code
			case by.refused != nil:
				status, code = http.StatusUnauthorized, by.refused.Code
			case scope != web.SignedIn && !by.may(scope):
				status, code = http.StatusForbidden, game.CodeForbidden
			}
			a := at.Do(method, by.token, path, "")
			if status == http.StatusOK { // it is let in; what it asks for is not there, or lacks a body
				if a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden {
					t.Errorf("%s by %s: %d %q", name, by.name, a.Status, a.Code)
				}
				continue
			}
			if a.Status != status || a.Code != code || a.Header.Get("X-Request-Id") == "" {
				t.Errorf("%s by %s: %d %q %v, want %d %q: %s", name, by.name, a.Status, a.Code, a.Header, status, code, a.Body)
			}
			if status == http.StatusUnauthorized && a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s by %s: %v", name, by.name, a.Header)
			}
		}
	}
	// What a casino's host answers, the platform's does not, and the other way round.
	_, key := c.PlatformKey(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"tenants:read", "audit:read"}})
	at.Get(key, "/v1/players").Want(http.StatusNotFound, "not_found")
	at.Do(http.MethodPost, key, "/v1/tenants", "{}").Want(http.StatusForbidden, "forbidden")
	c.Get(key, "/v1/audit").Want(http.StatusUnauthorized, "key_unknown")
	c.Get(key, "/v1/tenants").Want(http.StatusNotFound, "not_found")
}

func TestThePlatformListsItsCasinosAndItsAuditLog(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, func(o *web.Options) { o.Edge.PersonRequests, o.Edge.TenantRequests = 1, 100 })
	c.Another("lucky-star")
	id, key := c.PlatformKey(tenancy.NewAPIKey{Name: "billing", Scopes: []string{"tenants:read", "audit:read"}})
	if err := c.Admin.Suspend(t.Context(), "lucky-star", "it moved"); err != nil {
		t.Fatal(err)
	}
	if err := c.Store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := c.Platform()
	var out struct {
		Tenants []struct {
			Slug, Name, Status, Currency string
			StatusReason                 string `json:"status_reason"`
			Domains                      []string
		}
	}
	a := at.Get(key, "/v1/tenants").Want(http.StatusOK, "")
	if a.Into(&out); len(out.Tenants) != 2 || out.Tenants[0].Slug != "casino-x" || out.Tenants[0].Status != "active" || out.Tenants[1].Status != "suspended" || out.Tenants[1].StatusReason != "it moved" ||
		!slices.Equal(out.Tenants[0].Domains, []string{"casino-x.localhost"}) || out.Tenants[0].Currency != "EUR" {
		t.Errorf("the casinos are %+v", out.Tenants)
	}
	if again := at.Do(http.MethodGet, key, "/v1/tenants", "", "If-None-Match", a.Header.Get("ETag")); again.Status != http.StatusNotModified {
		t.Errorf("asked for again: %d", again.Status)
	}
	var log struct {
		Entries []struct{ Actor, Action, Target, Reason string }
	}
	at.Get(key, "/v1/audit?action=api_key.create&limit=1").Want(http.StatusOK, "").Into(&log)
	if len(log.Entries) != 1 || log.Entries[0].Target != id || log.Entries[0].Reason != "test" {
		t.Errorf("the audit log has %+v", log.Entries)
	}
	if a := at.Get(c.Token("olivia", auth.Operator), "/v1/tenants").Want(http.StatusUnauthorized, "key_malformed"); !strings.Contains(string(a.Body), "API key of the platform") {
		t.Errorf("a token is answered %s", a.Body)
	}
	at.Get(key, "/v1/audit?shoe=42").Want(http.StatusBadRequest, "invalid_params")
	if a := at.Do(http.MethodGet, key, "/v1/audit", "", "Accept", "text/csv").Want(http.StatusOK, ""); !strings.HasPrefix(string(a.Body), "id,at,actor") {
		t.Errorf("as CSV it is %s", a.Body)
	}
	// A key has its own rate, and its use is noted.
	storetest.Eventually(t, "the key asks too often", func() bool { return at.Get(key, "/v1/tenants").Status == http.StatusTooManyRequests })
	_, other := c.PlatformKey(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"tenants:read"}})
	if a := at.Get(other, "/v1/tenants").Want(http.StatusOK, ""); a.Header.Get("RateLimit") == "" {
		t.Errorf("another key: %v", a.Header)
	}
}

// TestThePlatformSaysWhyACasinoIsOutOfOrder has one whose key cannot be read.
func TestThePlatformSaysWhyACasinoIsOutOfOrder(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	c.Another("lucky-star")
	_, key := c.PlatformKey(tenancy.NewAPIKey{Name: "billing", Scopes: []string{"tenants:read"}})
	if _, err := storetest.Owner(t, c.Admin).Exec(t.Context(), `update platform.tenant_key set secret = '\x00' where tenant = (select id from platform.tenant where slug = 'lucky-star')`); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.Owner(t, c.Admin).Exec(t.Context(), `update platform.instance set directory_version = directory_version + 1`); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Slug, Status string
		OutOfOrder   string `json:"out_of_order"`
	}
	var out struct{ Tenants []row }
	at := c.Platform()
	storetest.Eventually(t, "it is out of order", func() bool {
		at.Get(key, "/v1/tenants?status=out_of_order").Want(http.StatusOK, "").Into(&out)
		return len(out.Tenants) == 1
	})
	var one row
	at.Get(key, "/v1/tenants/lucky-star").Want(http.StatusOK, "").Into(&one)
	if one != out.Tenants[0] || one.Slug != "lucky-star" || !strings.Contains(one.OutOfOrder, "cannot be read") {
		t.Errorf("%+v, %+v", out.Tenants, one)
	}
	if err := c.Admin.Suspend(t.Context(), "lucky-star", "until it is mended"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is suspended, and still says why", func() bool {
		at.Get(key, "/v1/tenants/lucky-star").Want(http.StatusOK, "").Into(&one)
		return one.Status == "suspended"
	})
	if !strings.Contains(one.OutOfOrder, "cannot be read") {
		t.Errorf("%+v", one)
	}
}
