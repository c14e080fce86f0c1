package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// request is how a route is asked for, once.
type request struct {
	path   string // "": that of the route
	body   string
	status int // what who may ask gets; 0: 200
	code   string
}

const (
	because  = `{"reason":"a test"}`
	endpoint = `{"url":"https://receiver.example/","reason":"a test"}`
)

// requests returns how every route with a parameter, a body or another status than 200 is asked for. n is a
// name that no other request has.
func requests(c *webtest.Casino, operator string, alice *webtest.Socket) map[string]func(n string) request {
	promotion := func(id string) string {
		return fmt.Sprintf(`{"title":"Happy hour","text":"Twice the fun","ends_at":%q,"command_id":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), id)
	}
	room := func(n string) string { c.OpenRoom(n, webtest.Slow); return "/v1/rooms/" + n }
	key := func() string {
		id, _ := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"rooms:read"}})
		return "/v1/keys/" + id
	}
	absent := func(path, body, code string) func(string) request {
		return func(string) request { return request{path: path, body: body, status: http.StatusNotFound, code: code} }
	}
	unhook := func() { // there may be a few only
		var list struct{ Webhooks []struct{ ID string } }
		c.Get(operator, "/v1/webhooks").Into(&list)
		for _, h := range list.Webhooks {
			c.Do(http.MethodDelete, operator, "/v1/webhooks/"+h.ID, because).Want(http.StatusOK, "")
		}
	}
	hook := func() string {
		unhook()
		var made struct{ ID string }
		c.Post(operator, "/v1/webhooks", endpoint).Into(&made)
		return "/v1/webhooks/" + made.ID
	}
	return map[string]func(n string) request{
		"POST /v1/tickets": func(string) request { return request{status: http.StatusCreated} },
		"GET /v1/rooms/:room/rounds/:round": func(string) request {
			return request{path: "/v1/rooms/" + webtest.Table + "/rounds/999", status: http.StatusNotFound, code: "not_found"}
		},
		"GET /v1/players/:player/rounds":       func(string) request { return request{path: "/v1/players/alice/rounds"} },
		"GET /v1/players/:player/transactions": func(string) request { return request{path: "/v1/players/alice/transactions"} },
		"POST /v1/rooms": func(n string) request {
			return request{body: fmt.Sprintf(`{"room":%q,"game":"roulette"}`, n), status: http.StatusCreated}
		},
		"POST /v1/rooms/:room/close": func(n string) request {
			return request{path: room(n) + "/close", body: because, status: http.StatusAccepted}
		},
		"POST /v1/rooms/:room/void": func(n string) request {
			path := room(n) + "/void"
			alice.Join(n)
			bet(alice, n, "red")
			return request{path: path, body: withID(`"reason":"a test"`)}
		},
		"POST /v1/players/:player/credit": func(n string) request {
			return request{path: "/v1/players/" + n + "/credit", body: withID(`"amount":100,"reason":"a test"`)}
		},
		"POST /v1/players/:player/kick": func(n string) request { return request{path: "/v1/players/" + n + "/kick", body: because} },
		"POST /v1/staff/:subject/kick":  func(n string) request { return request{path: "/v1/staff/" + n + "/kick", body: because} },
		"POST /v1/tokens/revoke":        func(n string) request { return request{body: fmt.Sprintf(`{"jti":%q,"reason":"a test"}`, n)} },
		"POST /v1/promotions":           func(string) request { return request{body: promotion(uuid.NewString()), status: http.StatusCreated} },
		"POST /v1/promotions/:id/withdraw": func(string) request {
			id := uuid.NewString()
			c.Post(operator, "/v1/promotions", promotion(id)).Want(http.StatusCreated, "")
			return request{path: "/v1/promotions/" + id + "/withdraw", body: withID(`"reason":"a test"`)}
		},
		"PUT /v1/brand":      func(string) request { return request{body: `{"style":{},"reason":"a test"}`} },
		"PUT /v1/brand/logo": func(string) request { return request{body: `{"image":"","reason":"a test"}`} },
		"POST /v1/keys": func(string) request {
			return request{body: `{"name":"robot","scopes":["rooms:read"],"reason":"a test"}`, status: http.StatusCreated}
		},
		"POST /v1/keys/:id/rotate": func(string) request {
			return request{path: key() + "/rotate", body: `{"overlap_seconds":0,"reason":"a test"}`, status: http.StatusCreated}
		},
		"POST /v1/keys/:id/revoke": func(string) request { return request{path: key() + "/revoke", body: because} },

		"POST /v1/credits/:command/reverse": absent("/v1/credits/"+uuid.NewString()+"/reverse", withID(`"reason":"a test"`), "credit_not_found"),
		"GET /v1/approvals/:id":             absent("/v1/approvals/"+uuid.NewString(), "", "approval_not_found"),
		"POST /v1/approvals/:id/approve":    absent("/v1/approvals/"+uuid.NewString()+"/approve", because, "approval_not_found"),
		"POST /v1/approvals/:id/refuse":     absent("/v1/approvals/"+uuid.NewString()+"/refuse", because, "approval_not_found"),
		"POST /v1/approvals/:id/withdraw":   absent("/v1/approvals/"+uuid.NewString()+"/withdraw", because, "approval_not_found"),
		"POST /v1/webhooks":                 func(string) request { unhook(); return request{body: endpoint, status: http.StatusCreated} },
		"GET /v1/webhooks/:id":              func(string) request { return request{path: hook()} },
		"PUT /v1/webhooks/:id":              func(string) request { return request{path: hook(), body: endpoint} },
		"DELETE /v1/webhooks/:id":           func(string) request { return request{path: hook(), body: because} },
		"POST /v1/webhooks/:id/rotate":      func(string) request { return request{path: hook() + "/rotate", body: because} },
		"POST /v1/webhooks/:id/test": func(string) request {
			return request{path: hook() + "/test", body: because, status: http.StatusAccepted}
		},
		"POST /v1/webhooks/:id/pause":     func(string) request { return request{path: hook() + "/pause", body: because} },
		"POST /v1/webhooks/:id/resume":    func(string) request { return request{path: hook() + "/resume", body: because} },
		"GET /v1/webhooks/:id/deliveries": func(string) request { return request{path: hook() + "/deliveries"} },
		"POST /v1/webhooks/:id/deliveries/:delivery/replay": func(string) request {
			return request{path: hook() + "/deliveries/1/replay", body: because, status: http.StatusNotFound, code: "not_found"}
		},
	}
}

// caller is somebody who asks for routes.
type caller struct {
	name, token string
	refused     *auth.Error // why it is refused whatever it asks for; nil: may decides
	may         func(auth.Scope) bool
}

// keyCaller returns a caller by an API key of these scopes.
func keyCaller(c *webtest.Casino, name string, scopes []string, addresses ...string) caller {
	_, text := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: scopes, Addresses: addresses})
	return caller{name, text, nil, func(s auth.Scope) bool { return slices.Contains(scopes, string(s)) }}
}

// callers returns who asks for every route: nobody, every role, and keys of every kind with all scopes.
func callers(t *testing.T, c, other *webtest.Casino) []caller {
	t.Helper()
	var all []string
	for _, s := range auth.KeyScopes() {
		all = append(all, string(s))
	}
	list := []caller{{name: "nobody", refused: auth.ErrMissing}}
	for _, r := range []auth.Role{auth.Player, auth.Operator, auth.Service, auth.Support} {
		list = append(list, caller{string(r), c.Token("somebody", r), nil, auth.Principal{Role: r}.May})
	}
	refused := func(k caller, why *auth.Error) { k.refused = why; list = append(list, k) }
	refused(keyCaller(c, "a key from a wrong address", all, "203.0.113.0/24", "2001:db8::/32"), auth.ErrKeyAddress)
	refused(keyCaller(other, "another casino's key", all), auth.ErrKeyUnknown)
	mistyped := keyCaller(c, "a mistyped key", all)
	mistyped.token = mistyped.token[:len(mistyped.token)-1] + "l"
	refused(mistyped, auth.ErrKeyMalformed)

	by, soon := tenancy.APIKeyChange{Reason: "a test", Actor: "webtest"}, time.Now().Add(200*time.Millisecond)
	made := func(ends time.Time) (id string, k caller) {
		id, text := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: all, ExpiresAt: ends})
		return id, caller{token: text, may: func(s auth.Scope) bool { return slices.Contains(all, string(s)) }}
	}
	_, expired := made(soon)
	expired.name = "an expired key"
	refused(expired, auth.ErrKeyExpired)
	id, revoked := made(time.Time{})
	if _, err := c.Store.APIKeys.Revoke(t.Context(), c.Tenant.ID, id, by); err != nil {
		t.Fatal(err)
	}
	revoked.name = "a revoked key"
	refused(revoked, auth.ErrKeyRevoked)
	for name, overlap := range map[string]time.Duration{"a replaced key after its overlap": 0, "a replaced key in its overlap": time.Hour} {
		id, old := made(time.Time{})
		if _, _, err := c.Store.APIKeys.Rotate(t.Context(), c.Tenant.ID, id, overlap, by); err != nil {
			t.Fatal(err)
		}
		old.name = name
		if overlap == 0 {
			old.refused = auth.ErrKeyExpired
		}
		list = append(list, old)
	}
	<-time.After(time.Until(soon))
	return list
}

// keysFor returns callers by keys with a scope alone, from the tests' own address, and with all others.
func keysFor(c *webtest.Casino, needs auth.Scope) (list []caller) {
	var others []string
	for _, s := range auth.KeyScopes() {
		if s == needs {
			list = append(list, keyCaller(c, "a key with its scope", []string{string(s)}, "127.0.0.1", "::1"))
		} else {
			others = append(others, string(s))
		}
	}
	return append(list, keyCaller(c, "a key with all scopes but it", others))
}

// The table of routes is the one that the server is made from, so a route that is added is asked for too.
func TestEveryRouteIsForThoseWhoHaveItsScopeAndNobodyElse(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	other := c.Another("lucky-star")
	operator := c.Token("olivia", auth.Operator)
	alice := c.Dial("alice", c.Player("alice", 100_000))
	how, everybody, needs := requests(c, operator, alice), callers(t, c, other), c.Server.Needs()
	for _, name := range c.Server.Routes() {
		if method, path, _ := strings.Cut(name, " "); strings.HasPrefix(path, "/v1/") && method != http.MethodHead {
			if _, ok := needs[name]; !ok {
				t.Errorf("%s has no rule", name)
			}
		}
	}
	n, keys := 0, map[auth.Scope][]caller{}
	for name, scope := range needs {
		method, path, _ := strings.Cut(name, " ")
		prepare := how[name]
		if prepare == nil {
			if method != http.MethodGet || strings.Contains(path, ":") {
				t.Errorf("say in requests how %s is asked for", name)
				continue
			}
			prepare = func(string) request { return request{} }
		}
		who := everybody
		if scope != web.Public && scope != web.SignedIn {
			if keys[scope] == nil {
				keys[scope] = keysFor(c, scope)
			}
			who = slices.Concat(everybody, keys[scope])
		}
		for _, by := range who {
			status, code := 0, ""
			switch {
			case scope == web.Public:
			case by.refused == auth.ErrKeyAddress:
				status, code = http.StatusForbidden, by.refused.Code
			case by.refused != nil:
				status, code = http.StatusUnauthorized, by.refused.Code
			case scope != web.SignedIn && !by.may(scope):
				status, code = http.StatusForbidden, game.CodeForbidden
			}
			r := request{status: status} // what is refused is refused before anything is read
			if status == 0 {
				n++
				r = prepare(fmt.Sprint("test-", n))
				if r.status == 0 {
					r.status = http.StatusOK
				}
				code = r.code
			}
			if r.path == "" {
				r.path = path
			}
			if a := c.Do(method, by.token, r.path, r.body); a.Status != r.status || a.Code != code {
				t.Errorf("%s by %s: %d %q, want %d %q: %s", name, by.name, a.Status, a.Code, r.status, code, a.Body)
			}
		}
	}
}

func TestAnAPIKeyCostsNoSQLAndASuspendedCasinosKeysAreRefused(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	_, key := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"rooms:read"}})
	owner := storetest.Owner(t, c.Admin)
	if _, err := owner.Exec(t.Context(), `begin; lock table platform.domain, platform.tenant_key, platform.tenant, platform.api_key, platform.api_key_used in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		c.Get(key, "/v1/session").Want(http.StatusOK, "")
	}
	if _, err := owner.Exec(t.Context(), `rollback`); err != nil {
		t.Fatal(err)
	}
	if err := c.Admin.Suspend(t.Context(), c.Tenant.Slug, "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the casino is suspended", func() bool { return c.Get(key, "/v1/session").Code == "tenant_suspended" })
	if err := c.Admin.Resume(t.Context(), c.Tenant.Slug); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the casino is served again", func() bool { return c.Get(key, "/v1/session").Status == http.StatusOK })
}
