package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// asOwner runs SQL with the owner's login.
func (f *casino) asOwner(sql string) {
	f.t.Helper()
	storetest.Super(f.t, storetest.Database{SuperURL: f.adminURL}, sql)
}

func TestACasinoWhoseKeyCannotBeReadIsRefusedByItselfUntilItIsMended(t *testing.T) {
	x := newCasino(t)
	y := x.addTenant("broken")
	x.startNode()
	token, others := y.token("alice"), x.token("bob")
	c := y.dial(soon(t), token, nil)
	flip := func(f *casino) {
		f.asOwner(`update platform.tenant_key set secret = set_byte(secret, 30, get_byte(secret, 30) # 1) where tenant = '` + f.tenant.ID.String() + `'`)
	}
	flip(y)
	y.asOwner(`update platform.instance set directory_version = directory_version + 1`)

	if code := c.closedWith(t); code != websocket.StatusCode(wire.CloseOverloaded.Code) {
		t.Errorf("its sockets are closed with %d", code)
	}
	for _, path := range []string{"/v1/session", "/play"} {
		if status, code, body := y.do("GET", path, token, ""); status != http.StatusServiceUnavailable || code != "tenant_out_of_order" || strings.Contains(string(body), "sealed") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, code := y.upgrade(token); status != http.StatusServiceUnavailable || code != "tenant_out_of_order" {
		t.Errorf("a socket: %d %s", status, code)
	}
	if status, _, body := x.do("GET", "/v1/session", others, ""); status != http.StatusOK {
		t.Errorf("the other casino: %d %s", status, body)
	}
	if status, _, body := x.do("GET", "/readyz", "", ""); status != http.StatusOK {
		t.Errorf("readiness: %d %s", status, body)
	}

	if out := x.mustCLI("tenant", "list"); !strings.Contains(out, "broken is out of order: its key") || !strings.Contains(out, x.slug) {
		t.Error(out)
	}
	var list []tenantInfo
	if err := json.Unmarshal([]byte(x.mustCLI("tenant", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		if broken := info.Status == "out_of_order" && info.Broken != ""; broken != (info.Slug == "broken") {
			t.Errorf("%+v", info)
		}
	}
	for _, args := range [][]string{{"room", "list", "--tenant", x.slug}, {"token", "--tenant", x.slug, "--subject", "carol"}, {"tenant", "show", "broken"}, {"node", "list"}} {
		x.mustCLI(args...)
	}
	if _, err := x.cli("token", "--tenant", "broken", "--subject", "carol"); err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("a token of the broken one: %v", err)
	}

	flip(x)
	y.asOwner(`update platform.instance set directory_version = directory_version + 1`)
	eventually(t, "a node that can serve no casino is not ready and says why", func() bool {
		status, _, body := x.do("GET", "/readyz", "", "")
		return status == http.StatusServiceUnavailable && strings.Contains(string(body), "all casinos are out of order")
	})
	flip(x)
	flip(y)
	eventually(t, "the mended casino is served again", func() bool {
		status, _, _ := y.do("GET", "/v1/session", token, "")
		return status == http.StatusOK
	})
}

func TestARoomWhoseSettingsCannotBeReadIsClosedToPlayersByItself(t *testing.T) {
	x := newCasino(t)
	x.openRoom("bad", `{"min_bet": 100}`)
	x.openRoom("good", `{"min_bet": 100}`)
	x.asOwner(`update ` + x.tenant.ID.Schema() + `.room set settings = '{"min_bet": "x"}' where id = 'bad'`)
	x.startNode()
	c := x.dial(soon(t), x.token("alice"), nil)
	eventually(t, "the other room is joined", func() bool {
		return c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "good"}, nil) == nil
	})
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "bad"}, nil); err == nil {
		t.Error("the room without settings is joined")
	}
	if status, _, body := x.do("GET", "/readyz", "", ""); status != http.StatusOK {
		t.Errorf("readiness: %d %s", status, body)
	}
}
