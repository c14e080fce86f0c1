package operator_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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
	{name: "GET /v1/players/:player/rounds", path: "/v1/players/alice/rounds", status: http.StatusOK},
	{name: "GET /v1/players/:player/transactions", path: "/v1/players/alice/transactions", status: http.StatusOK},
	{name: "GET /v1/promotions", status: http.StatusOK},
	{name: "GET /v1/audit", status: http.StatusOK},
	{name: "GET /v1/ledger/trial-balance", status: http.StatusOK},
	{name: "GET /v1/ledger/postings", status: http.StatusOK},
	{name: "GET /v1/brand", status: http.StatusOK},
	{name: "GET /v1/webhooks", status: http.StatusOK},
	{name: "GET /v1/approvals", status: http.StatusOK},
}

// hookReads are those of an endpoint of webhooks.
func hookReads(hook string) []route {
	return []route{
		{name: "GET /v1/webhooks/:id", path: "/v1/webhooks/" + hook, status: http.StatusOK},
		{name: "GET /v1/webhooks/:id/deliveries", path: "/v1/webhooks/" + hook + "/deliveries", status: http.StatusOK},
	}
}

// ofApprovals are asked for by answersAreForTheirRoles: what they answer depends on who asked for what.
var ofApprovals = []string{
	"GET /v1/approvals/:id", "POST /v1/approvals/:id/approve", "POST /v1/approvals/:id/refuse", "POST /v1/approvals/:id/withdraw",
	"POST /v1/credits/:command/reverse",
}

// writes returns those that change something, for a room whose round has a stake. Each may be asked
// once; id is a promotion that it publishes, and hook an endpoint of webhooks.
func writes(room, id, hook string) []route {
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
		{"PUT /v1/brand", "", `{"name":"Grand Casino","style":{"radius":4},"reason":"a test"}`, http.StatusOK},
		{"PUT /v1/brand/logo", "", `{"image":"","reason":"a test"}`, http.StatusOK},
		{"POST /v1/webhooks", "", `{"url":"https://receiver.example/","reason":"a test"}`, http.StatusCreated},
		{"PUT /v1/webhooks/:id", "/v1/webhooks/" + hook, `{"url":"https://receiver.example/2","reason":"a test"}`, http.StatusOK},
		{"POST /v1/webhooks/:id/rotate", "/v1/webhooks/" + hook + "/rotate", reason, http.StatusOK},
		{"POST /v1/webhooks/:id/test", "/v1/webhooks/" + hook + "/test", reason, http.StatusAccepted},
		{"POST /v1/webhooks/:id/pause", "/v1/webhooks/" + hook + "/pause", reason, http.StatusOK},
		{"POST /v1/webhooks/:id/resume", "/v1/webhooks/" + hook + "/resume", reason, http.StatusOK},
		{"POST /v1/webhooks/:id/deliveries/:delivery/replay", "/v1/webhooks/" + hook + "/deliveries/1/replay", reason, http.StatusAccepted},
		{"DELETE /v1/webhooks/:id", "/v1/webhooks/" + hook, reason, http.StatusOK},
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

// routesAreForTheirRoles asks for every route with the token of each role and with none.
func routesAreForTheirRoles(t *testing.T, c *webtest.Casino) {
	operator, service, support := c.Staff()
	player := c.Player("alice", 10_000)
	alice := c.Dial("alice", player)

	known := []string{"GET /v1/session", "POST /v1/tickets", "GET /v1/rooms", "GET /v1/rooms/:room/rounds/:round", "GET /v1/session/rounds", "GET /v1/session/transactions"} // players' and everybody's
	known = append(known, ofApprovals...)
	for _, r := range slices.Concat(reads, hookReads(""), writes("", "", "")) {
		known = append(known, r.name)
	}
	for _, name := range c.Server.Routes() {
		if method, path, _ := strings.Cut(name, " "); strings.HasPrefix(path, "/v1/") && method != http.MethodHead && !slices.Contains(known, name) {
			t.Errorf("%s is not in this test's table", name)
		}
	}

	seen, _ := endpointTold(t, c)
	for _, r := range slices.Concat(reads, hookReads(seen)) {
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
		hook, delivery := endpointTold(t, c)
		for _, r := range writes(name, uuid.NewString(), hook) {
			r.path = strings.Replace(r.path, "/deliveries/1/", "/deliveries/"+delivery+"/", 1)
			r.ask(c, player).Want(http.StatusForbidden, game.CodeForbidden)
			r.ask(c, support).Want(http.StatusForbidden, game.CodeForbidden)
			r.ask(c, "").Want(http.StatusUnauthorized, "token_missing")
			r.ask(c, token).Want(r.status, "")
		}
	}
}
