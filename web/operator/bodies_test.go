package operator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// bodiesThatCannotBeRead holds that such a body is refused and nothing is done.
func bodiesThatCannotBeRead(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	for _, r := range writes(webtest.Table) {
		for _, body := range []string{"", "{", "[]", "null x", `{"surprise":1}`, r.body + r.body, `{"reason":1,"title":1,"room":1,"jti":1}`} {
			bad := r
			bad.body = body
			if a := bad.ask(c, operator).Want(http.StatusBadRequest, wire.CodeInvalidParams); strings.Contains(string(a.Body), `"params`) || !strings.Contains(string(a.Body), `"body`) {
				t.Errorf("%s with %s is answered %s", r.name, body, a.Body)
			}
		}
		method, path, _ := strings.Cut(r.name, " ")
		if r.path != "" {
			path = r.path
		}
		c.Do(method, operator, path, r.body, "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType, "unsupported_media_type")
		c.Do(method, operator, path, `{"reason":"`+strings.Repeat("x", 100<<10)+`"}`, "Expect", "100-continue").Want(http.StatusRequestEntityTooLarge, wire.CodeInvalidParams)
	}
	var list struct{ Rooms []wire.RoomInfo }
	c.Get(operator, "/v1/rooms").Into(&list)
	if !slices.ContainsFunc(list.Rooms, func(r wire.RoomInfo) bool { return r.Room == webtest.Table && r.Status == "open" }) {
		t.Errorf("there are the rooms %+v", list.Rooms)
	}
}

// membersOutOfBounds holds that they are refused by their names.
func membersOutOfBounds(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	long := strings.Repeat("x", 501)
	for _, r := range []struct{ path, body, name string }{
		{"/v1/rooms/" + webtest.Table + "/close", `{"reason":" "}`, "reason"},
		{"/v1/rooms/" + webtest.Table + "/close", `{"reason":"` + long + `"}`, "reason"},
		{"/v1/rooms/" + webtest.Table + "/void", `{"reason":"x","command_id":"1"}`, "command_id"},
		{"/v1/players/alice/credit", withID(`"amount":0,"reason":"x"`), "amount"},
		{"/v1/players/alice/credit", withID(`"amount":1,"reason":""`), "reason"},
		{"/v1/players/a%20b/credit", withID(`"amount":1,"reason":"x"`), "player"},
		{"/v1/players/alice/credit?create=2", withID(`"amount":1,"reason":"x"`), "create"},
		{"/v1/players/alice/credit?dry_run=x", withID(`"amount":1,"reason":"x"`), "dry_run"},
		{"/v1/credits/" + uuid.NewString() + "/reverse", withID(`"reason":" "`), "reason"},
		{"/v1/credits/" + uuid.NewString() + "/reverse", `{"reason":"x","command_id":""}`, "command_id"},
		{"/v1/approvals/" + uuid.NewString() + "/refuse", `{"reason":""}`, "reason"},
		{"/v1/players/a%20b/kick", reason, "player"},
		{"/v1/staff/a%20b/kick", reason, "subject"},
		{"/v1/tokens/revoke", `{"jti":"","reason":"x"}`, "jti"},
		{"/v1/webhooks", `{"url":"receiver.example","reason":"x"}`, "url"},
		{"/v1/webhooks", `{"url":"https://receiver.example/` + strings.Repeat("x", 2048) + `","reason":"x"}`, "url"},
		{"/v1/webhooks", `{"url":"https://receiver.example/","types":["bet.placed"],"reason":"x"}`, "types"},
		{"/v1/webhooks", `{"url":"https://receiver.example/","description":"` + long + `","reason":"x"}`, "description"},
		{"/v1/webhooks", `{"url":"https://receiver.example/","reason":""}`, "reason"},
		{"/v1/promotions", `{"title":"x","text":"x","ends_at":"2030-01-01T00:00:00Z","command_id":"{"}`, "command_id"},
	} {
		if a := c.Post(operator, r.path, r.body).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), `"`+r.name+": ") {
			t.Errorf("%s %s: %s", r.path, r.body, a.Body)
		}
	}
	for path, name := range map[string]string{
		"/v1/connections?limit=0": "limit", "/v1/players?limit=x": "limit", "/v1/players?player=%00": "player", "/v1/players?after=x": "after", "/v1/players?cursor=x": "cursor", "/v1/players?sort=online": "sort", "/v1/audit?id.lt=x": "id.lt", "/v1/audit?limit=501": "limit",
		"/v1/approvals?state=new": "state", "/v1/approvals?cursor=x": "cursor", "/v1/approvals?limit=501": "limit", "/v1/approvals?state=": "state", "/v1/approvals?sort=asked_at": "sort", "/v1/games?name.gte=x": "name.gte",
		"/v1/rooms?status=closed": "status", "/v1/rooms?cursor=x": "cursor", "/v1/rooms?limit=5001": "limit", "/v1/keys?sort=expires_at": "sort", "/v1/webhooks?secret=x": "secret", "/v1/promotions?ends_at.lt=x": "ends_at.lt",
		"/v1/connections?since=x":  "since",
		"/v1/players/a%20b/rounds": "player", "/v1/players/alice/rounds?limit=51": "limit", "/v1/players/alice/transactions?cursor=7": "cursor", "/v1/players/alice/rounds?cursor=7.5": "cursor",
	} {
		if a := c.Get(operator, path).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), `"`+name+": ") {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}
