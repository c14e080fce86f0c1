package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// auditLine is a line of the audit log.
type auditLine struct {
	Actor, Action, Target, Address, Credential, Request string
	Before, After                                       json.RawMessage
}

// linesOf returns the lines of a request.
func linesOf(c *webtest.Casino, token, request string) []auditLine {
	var log struct{ Entries []auditLine }
	c.Get(token, "/v1/audit?request="+request).Into(&log)
	return log.Entries
}

// tokenWithID returns the token of an operator, whose jti is "t-" and the subject.
func tokenWithID(c *webtest.Casino, subject string) string {
	return c.Mint(auth.Principal{Subject: subject, Role: auth.Operator, TokenID: "t-" + subject, ExpiresAt: time.Now().Add(time.Hour)})
}

// secondPersonAbove has credits above an amount need a second person.
func secondPersonAbove(t *testing.T, c *webtest.Casino, amount int64) {
	t.Helper()
	if _, err := c.Admin.SetTenant(t.Context(), c.Tenant.Slug, tenancy.Settings{CreditApprovalAbove: &amount}, "a test"); err != nil {
		t.Fatal(err)
	}
}

// changes returns how every route that changes something is asked for so that it does. Those that requests has are
// asked for as there.
func changes(t *testing.T, c *webtest.Casino, operator string) map[string]func(n string) request {
	t.Helper()
	credit := func(amount int) (command string) {
		command = uuid.NewString()
		c.Post(operator, "/v1/players/greta/credit", fmt.Sprintf(`{"amount":%d,"reason":"a test","command_id":%q}`, amount, command))
		return command
	}
	asked := func(verb string) func(string) request {
		return func(string) request {
			return request{path: "/v1/approvals/" + credit(50_000_000) + verb, body: because}
		}
	}
	how := requests(c, operator, c.Dial("alice", c.Player("alice", 100_000)))
	how["POST /v1/credits/:command/reverse"] = func(string) request {
		return request{path: "/v1/credits/" + credit(100) + "/reverse", body: withID(`"reason":"a test"`)}
	}
	how["POST /v1/approvals/:id/approve"], how["POST /v1/approvals/:id/refuse"] = asked("/approve"), asked("/refuse")
	how["POST /v1/approvals/:id/withdraw"] = asked("/withdraw")
	how["POST /v1/webhooks/:id/deliveries/:delivery/replay"] = func(n string) request {
		path := how["GET /v1/webhooks/:id"](n).path
		c.Post(operator, path+"/test", because).Want(http.StatusAccepted, "")
		var told struct{ Deliveries []struct{ ID int64 } }
		c.Get(operator, path+"/deliveries").Into(&told)
		epoch, err := c.Store.Deliveries.Claim(t.Context(), c.Tenant.ID)
		if err == nil {
			done := webhooks.Result{Endpoint: uuid.MustParse(strings.TrimPrefix(path, "/v1/webhooks/")), Fact: told.Deliveries[0].ID, OK: true, Status: http.StatusOK}
			_, err = c.Store.Deliveries.Record(t.Context(), c.Tenant.ID, epoch, []webhooks.Result{done})
		}
		if err != nil {
			t.Fatal(err)
		}
		return request{path: fmt.Sprintf("%s/deliveries/%d/replay", path, told.Deliveries[0].ID), body: because, status: http.StatusAccepted}
	}
	return how
}

// unaudited are the routes that change nothing of the casino's.
var unaudited = map[string]bool{"POST /v1/tickets": true}

// news are the routes that make something, or say something once: there is nothing before.
var news = map[string]bool{
	"POST /v1/rooms": true, "POST /v1/rooms/:room/close": true, "POST /v1/rooms/:room/void": true, "POST /v1/promotions": true,
	"POST /v1/promotions/:id/withdraw": true, "POST /v1/keys": true, "POST /v1/webhooks": true, "POST /v1/tokens/revoke": true,
	"POST /v1/players/:player/kick": true, "POST /v1/staff/:subject/kick": true, "POST /v1/approvals/:id/approve": true,
	"POST /v1/approvals/:id/refuse": true, "POST /v1/approvals/:id/withdraw": true,
}

func TestEveryChangeIsOneLineOfTheAuditLogThatSaysByWhatAndInWhichRequest(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	secondPersonAbove(t, c, 10_000_000)
	olivia := tokenWithID(c, "olivia")
	oscar := tokenWithID(c, "oscar")
	how, n := changes(t, c, olivia), 0
	ask := func(name, token string) (status int, id string, r request) {
		method, path, _ := strings.Cut(name, " ")
		n++
		id = fmt.Sprint("test-", n)
		if r = how[name](id); r.path == "" {
			r.path = path
		}
		return c.Do(method, token, r.path, r.body, "X-Request-Id", id).Status, id, r
	}
	for name, scope := range c.Server.Needs() {
		method, path, _ := strings.Cut(name, " ")
		if method == http.MethodGet || unaudited[name] {
			continue
		}
		callers := []struct{ token, actor, credential string }{{oscar, "operator:oscar", "token:t-oscar"}}
		if strings.HasSuffix(path, "/withdraw") && strings.HasPrefix(path, "/v1/approvals") {
			callers[0].token, callers[0].actor, callers[0].credential = olivia, "operator:olivia", "token:t-olivia"
		}
		if slices.Contains(auth.KeyScopes(), scope) && !strings.HasPrefix(path, "/v1/approvals") {
			id, text := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: []string{string(scope)}})
			callers = append(callers, struct{ token, actor, credential string }{text, "key:" + id, "key:" + id})
		}
		for _, by := range callers {
			if status, id, r := ask(name, by.token); status >= http.StatusBadRequest {
				t.Errorf("%s by %s: %d", name, by.actor, status)
			} else if lines := linesOf(c, oscar, id); len(lines) != 1 {
				t.Errorf("%s by %s: %d lines: %+v", name, by.actor, len(lines), lines)
			} else if l := lines[0]; l.Actor != by.actor || l.Credential != by.credential || l.Request != id || l.Address == "" || l.Target == "" {
				t.Errorf("%s by %s: %+v", name, by.actor, l)
			} else if before := len(l.Before) > 0 && string(l.Before) != "null"; before == news[name] {
				t.Errorf("%s: before: %s", name, l.Before)
			} else if len(l.After) == 0 && !news[name] && method != http.MethodDelete {
				t.Errorf("%s: after: %s", name, l.After)
			} else if _, again := c.Do(method, by.token, r.path, `{"none":1}`, "X-Request-Id", id+"-refused"), linesOf(c, oscar, id+"-refused"); len(again) != 0 {
				t.Errorf("%s: what is no body is audited: %+v", name, again)
			}
		}
		if scope == web.Public || scope == web.SignedIn {
			t.Errorf("%s changes something and has no scope", name)
		}
		for _, token := range []string{"", c.Token("alice", auth.Player), c.Token("sam", auth.Support)} {
			if status, id, _ := ask(name, token); status != http.StatusUnauthorized && status != http.StatusForbidden {
				t.Errorf("%s: %d, want 401 or 403", name, status)
			} else if lines := linesOf(c, oscar, id); len(lines) != 0 {
				t.Errorf("%s: what was refused is audited: %+v", name, lines)
			}
		}
	}
}

func TestWhatASecondPersonAgreesToNamesBothCredentialsAndRequests(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	secondPersonAbove(t, c, 0)
	key, text := c.Key(tenancy.NewAPIKey{Name: "a test", Scopes: []string{"money:write"}})
	oscar, command := tokenWithID(c, "oscar"), uuid.NewString()
	body := fmt.Sprintf(`{"amount":5,"reason":"a gift","command_id":%q}`, command)
	c.Do(http.MethodPost, text, "/v1/players/greta/credit", body, "X-Request-Id", "asks").Want(http.StatusAccepted, "")
	c.Do(http.MethodPost, oscar, "/v1/approvals/"+command+"/approve", because, "X-Request-Id", "agrees").Want(http.StatusOK, "")
	asked, agreed := linesOf(c, oscar, "asks"), linesOf(c, oscar, "agrees")
	if len(asked) != 2 || asked[0].Action != "player.credit" || asked[1].Action != "approval.ask" || asked[0].Credential != "key:"+key || asked[1].Credential != "key:"+key {
		t.Errorf("asked: %+v", asked)
	} else if after := string(asked[0].After); !strings.Contains(after, `"approved_with":"token:t-oscar"`) || !strings.Contains(after, `"approved_in":"agrees"`) {
		t.Errorf("after: %s", after)
	}
	if len(agreed) != 1 || agreed[0].Action != "approval.approve" || agreed[0].Credential != "token:t-oscar" {
		t.Errorf("agreed: %+v", agreed)
	}
	for _, again := range []string{"once", "twice"} { // the answer comes from what was kept
		c.Do(http.MethodPost, oscar, "/v1/tokens/revoke", `{"jti":"another","reason":"a test"}`, "X-Request-Id", again, "Idempotency-Key", "revokes").Want(http.StatusOK, "")
	}
	if once, twice := linesOf(c, oscar, "once"), linesOf(c, oscar, "twice"); len(once) != 1 || len(twice) != 0 {
		t.Errorf("what is answered again is audited again: %+v, %+v", once, twice)
	}
	var log struct{ Entries []auditLine }
	if c.Get(oscar, "/v1/audit?credential=key:"+key).Into(&log); len(log.Entries) != 2 {
		t.Errorf("by credential: %+v", log.Entries)
	}
}
