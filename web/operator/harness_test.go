package operator_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// withID returns a JSON object with a command_id, new each time, beside the members given.
func withID(members string) string {
	if members != "" {
		members += ","
	}
	return fmt.Sprintf(`{%s"command_id":%q}`, members, uuid.NewString())
}

// reason is a body of nothing but a reason.
const reason = `{"reason":"a test"}`

// route is a route of the operator's API that changes something, and a body that it takes.
type route struct{ name, path, body string } // no path: that of the name

// writes returns those routes, for a room.
func writes(room string) []route {
	id := uuid.NewString()
	return []route{
		{"POST /v1/rooms", "", fmt.Sprintf(`{"room":"new-%s","game":"roulette"}`, room)},
		{"POST /v1/rooms/:room/void", "/v1/rooms/" + room + "/void", withID(`"reason":"a test"`)},
		{"POST /v1/rooms/:room/close", "/v1/rooms/" + room + "/close", reason},
		{"POST /v1/players/:player/credit", "/v1/players/carol/credit", withID(`"amount":100,"reason":"a test"`)},
		{"POST /v1/players/:player/kick", "/v1/players/mallory/kick", reason},
		{"POST /v1/staff/:subject/kick", "/v1/staff/somebody/kick", reason},
		{"POST /v1/tokens/revoke", "", `{"jti":"a-token","reason":"a test"}`},
		{"POST /v1/promotions", "", fmt.Sprintf(`{"title":"Happy hour","text":"Twice the fun","ends_at":"2099-01-01T00:00:00Z","command_id":%q}`, id)},
		{"POST /v1/promotions/:id/withdraw", "/v1/promotions/" + id + "/withdraw", withID("")},
		{"PUT /v1/brand", "", `{"name":"Grand Casino","style":{"radius":4},"reason":"a test"}`},
		{"PUT /v1/brand/logo", "", `{"image":"","reason":"a test"}`},
		{"POST /v1/keys", "", `{"name":"robot","scopes":["rooms:read"],"reason":"a test"}`},
		{"POST /v1/keys/:id/rotate", "/v1/keys/0123456789/rotate", `{"overlap_seconds":60,"reason":"a test"}`},
		{"POST /v1/keys/:id/revoke", "/v1/keys/0123456789/revoke", reason},
		{"POST /v1/credits/:command/reverse", "/v1/credits/" + id + "/reverse", withID(`"reason":"a test"`)},
		{"POST /v1/approvals/:id/approve", "/v1/approvals/" + id + "/approve", reason},
		{"POST /v1/approvals/:id/refuse", "/v1/approvals/" + id + "/refuse", reason},
		{"POST /v1/approvals/:id/withdraw", "/v1/approvals/" + id + "/withdraw", reason},
		{"POST /v1/webhooks", "", `{"url":"https://receiver.example/","reason":"a test"}`},
		{"PUT /v1/webhooks/:id", "/v1/webhooks/" + id, `{"url":"https://receiver.example/","reason":"a test"}`},
		{"DELETE /v1/webhooks/:id", "/v1/webhooks/" + id, reason},
		{"POST /v1/webhooks/:id/rotate", "/v1/webhooks/" + id + "/rotate", reason},
		{"POST /v1/webhooks/:id/test", "/v1/webhooks/" + id + "/test", reason},
		{"POST /v1/webhooks/:id/pause", "/v1/webhooks/" + id + "/pause", reason},
		{"POST /v1/webhooks/:id/resume", "/v1/webhooks/" + id + "/resume", reason},
		{"POST /v1/webhooks/:id/deliveries/:delivery/replay", "/v1/webhooks/" + id + "/deliveries/1/replay", reason},
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
