package operator_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// route is a route of the operator's API.
type route struct {
	name   string // as the route table has it
	path   string // "": that of the name
	body   string
	status int // what an operator gets
}

// reads are for everyone of the operator's people.
var reads = []route{
	{name: "GET /v1/games", status: http.StatusOK},
	{name: "GET /v1/connections", status: http.StatusOK},
	{name: "GET /v1/players", status: http.StatusOK},
	{name: "GET /v1/promotions", status: http.StatusOK},
	{name: "GET /v1/audit", status: http.StatusOK},
	{name: "GET /v1/ledger/trial-balance", status: http.StatusOK},
}

// writes returns those that change something, for a room whose round has a stake. Each may be asked
// once; id is a promotion that it publishes.
func writes(room, id string) []route {
	ends := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return []route{
		{"POST /v1/rooms", "", fmt.Sprintf(`{"room":"new-%s","game":"roulette"}`, room), http.StatusCreated},
		{"POST /v1/rooms/:room/void", "/v1/rooms/" + room + "/void", withID(`"reason":"a test"`), http.StatusOK},
		{"POST /v1/rooms/:room/close", "/v1/rooms/" + room + "/close", reason, http.StatusAccepted},
		{"POST /v1/players/:player/credit", "/v1/players/carol/credit", withID(`"amount":100,"reason":"a test"`), http.StatusOK},
		{"POST /v1/players/:player/kick", "/v1/players/mallory/kick", reason, http.StatusOK},
		{"POST /v1/staff/:subject/kick", "/v1/staff/somebody/kick", reason, http.StatusOK},
		{"POST /v1/tokens/revoke", "", `{"jti":"a-token","reason":"a test"}`, http.StatusOK},
		{"POST /v1/promotions", "", fmt.Sprintf(`{"title":"Happy hour","text":"Twice the fun","ends_at":%q,"command_id":%q}`, ends, id), http.StatusCreated},
		{"POST /v1/promotions/:id/withdraw", "/v1/promotions/" + id + "/withdraw", withID(""), http.StatusOK},
	}
}

// ask asks for a route.
func (r route) ask(c *webtest.Casino, token string) webtest.Answer {
	method, path, _ := strings.Cut(r.name, " ")
	if r.path != "" {
		path = r.path
	}
	return c.Do(method, token, path, r.body)
}

func TestEveryRouteIsForTheRolesThatItIsFor(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, service, support := c.Staff()
	player := c.Player("alice", 10_000)
	alice := c.Dial("alice", player)

	known := []string{"GET /v1/session", "POST /v1/tickets", "GET /v1/rooms", "GET /v1/rooms/:room/rounds/:round"} // everybody's
	for _, r := range slices.Concat(reads, writes("", "")) {
		known = append(known, r.name)
	}
	for _, name := range c.Server.Routes() {
		if method, path, _ := strings.Cut(name, " "); strings.HasPrefix(path, "/v1/") && method != http.MethodHead && !slices.Contains(known, name) {
			t.Errorf("%s is not in this test's table", name)
		}
	}

	for _, r := range reads {
		for _, token := range []string{operator, service, support} {
			r.ask(c, token).Want(r.status, "")
		}
		r.ask(c, player).Want(http.StatusForbidden, game.CodeForbidden)
		r.ask(c, "").Want(http.StatusUnauthorized, "token_missing")
	}
	for name, token := range map[string]string{"by-operator": operator, "by-service": service} {
		c.OpenRoom(name, webtest.Slow)
		alice.Join(name)
		alice.Call(wire.MethodRoomCommand, webtest.Command(name, `{"type":"bet","bets":[{"position":"red","amount":100}]}`), nil)
		for _, r := range writes(name, uuid.NewString()) {
			r.ask(c, player).Want(http.StatusForbidden, game.CodeForbidden)
			r.ask(c, support).Want(http.StatusForbidden, game.CodeForbidden)
			r.ask(c, "").Want(http.StatusUnauthorized, "token_missing")
			r.ask(c, token).Want(r.status, "")
		}
	}
}

// What was refused is in no audit log; what was done is, with who did it and why.
func TestWhatAnOperatorChangesIsInTheAuditLogAndWhatIsRefusedIsNot(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, _, support := c.Staff()
	c.Post(support, "/v1/rooms/"+webtest.Table+"/close", reason).Want(http.StatusForbidden, game.CodeForbidden)
	c.Post(operator, "/v1/rooms/nowhere/close", reason).Want(http.StatusNotFound, wire.CodeRoomNotFound)
	c.Post(operator, "/v1/players/alice/credit", withID(`"amount":500,"reason":"welcome"`)).Want(http.StatusOK, "")
	var log struct {
		Entries []struct{ Actor, Action, Target, Reason, Address string }
	}
	c.Get(operator, "/v1/audit").Into(&log)
	found := 0
	for _, e := range log.Entries {
		if e.Actor != string(auth.Operator)+":olivia" {
			continue
		}
		found++
		if e.Target != "alice" || e.Reason != "welcome" || e.Address == "" {
			t.Errorf("the audit log has %+v", e)
		}
	}
	if found != 1 {
		t.Errorf("the audit log has %d lines of olivia, want 1: %+v", found, log.Entries)
	}
}

func TestABodyThatCannotBeReadIsRefusedAndNothingIsDone(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, _, _ := c.Staff()
	for _, r := range writes(webtest.Table, uuid.NewString()) {
		for _, body := range []string{"", "{", "[]", "null x", `{"surprise":1}`, r.body + r.body, `{"reason":1,"title":1,"room":1,"jti":1}`} {
			r := r
			r.body = body
			r.ask(c, operator).Want(http.StatusBadRequest, wire.CodeInvalidParams)
		}
		_, path, _ := strings.Cut(r.name, " ")
		if r.path != "" {
			path = r.path
		}
		c.Do(http.MethodPost, operator, path, r.body, "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType, "unsupported_media_type")
		c.Post(operator, path, `{"reason":"`+strings.Repeat("x", 70<<10)+`"}`).Want(http.StatusRequestEntityTooLarge, wire.CodeInvalidParams)
	}
	var list struct{ Rooms []wire.RoomInfo }
	c.Get(operator, "/v1/rooms").Into(&list)
	if len(list.Rooms) != 1 || list.Rooms[0].Status != "open" {
		t.Errorf("there are the rooms %+v", list.Rooms)
	}
}

func TestAMemberThatIsOutOfBoundsIsRefusedByName(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator, _, _ := c.Staff()
	long := strings.Repeat("x", 501)
	for _, r := range []struct{ path, body, name string }{
		{"/v1/rooms/" + webtest.Table + "/close", `{"reason":" "}`, "reason"},
		{"/v1/rooms/" + webtest.Table + "/close", `{"reason":"` + long + `"}`, "reason"},
		{"/v1/rooms/" + webtest.Table + "/void", `{"reason":"x","command_id":"1"}`, "command_id"},
		{"/v1/players/alice/credit", withID(`"amount":0,"reason":"x"`), "amount"},
		{"/v1/players/alice/credit", withID(`"amount":1,"reason":""`), "reason"},
		{"/v1/players/a%20b/credit", withID(`"amount":1,"reason":"x"`), "player"},
		{"/v1/players/a%20b/kick", reason, "player"},
		{"/v1/staff/a%20b/kick", reason, "subject"},
		{"/v1/tokens/revoke", `{"jti":"","reason":"x"}`, "jti"},
		{"/v1/promotions", `{"title":"x","text":"x","ends_at":"2030-01-01T00:00:00Z","command_id":"{"}`, "command_id"},
	} {
		if a := c.Post(operator, r.path, r.body).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), `"`+r.name+": ") {
			t.Errorf("%s %s: %s", r.path, r.body, a.Body)
		}
	}
	for path, name := range map[string]string{
		"/v1/connections?limit=0": "limit", "/v1/players?limit=x": "limit", "/v1/players?after=%00": "after", "/v1/audit?before=-1": "before", "/v1/audit?limit=501": "limit",
	} {
		if a := c.Get(operator, path).Want(http.StatusBadRequest, wire.CodeInvalidParams); !strings.Contains(string(a.Body), `"`+name+": ") {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}
