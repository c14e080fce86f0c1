package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func watch(of ...string) map[string]any { return map[string]any{"of": append([]string{}, of...)} }

// changed waits for signals of all these kinds, in whatever frames.
func changed(t *testing.T, s *webtest.Socket, of ...string) {
	t.Helper()
	left := map[string]bool{}
	for _, kind := range of {
		left[kind] = true
	}
	for len(left) > 0 {
		var told wire.StaffChanged
		decode(t, s.Await(wire.PushStaffChanged), &told)
		for _, kind := range told.Of {
			delete(left, kind)
		}
	}
}

// quiet fails the test if the socket was told of a change before its ping was answered.
func quiet(t *testing.T, s *webtest.Socket, who string) {
	t.Helper()
	s.Call(wire.MethodPing, struct{}{}, nil)
	if told := s.Told(wire.PushStaffChanged); len(told) > 0 {
		t.Errorf("%s is told of %s", who, told)
	}
}

func isToldWhatChanges(t *testing.T, c *webtest.Casino) {
	operator, _, support := c.Staff()
	sam, bystander := c.Dial("sam", support), c.Dial("bystander", operator)
	sam.Call(wire.MethodStaffWatch, watch("audit", "money", "approvals", "players"), nil)
	changed(t, sam, "audit", "money", "approvals", "players") // what it watches from now on

	c.Post(operator, "/v1/players/carl/credit", fmt.Sprintf(`{"amount":500,"reason":"a test","command_id":%q}`, uuid.NewString())).Want(http.StatusOK, "")
	changed(t, sam, "audit", "money", "players")

	c.OpenRoom("watched", webtest.Slow)
	dora := c.Dial("dora", c.Player("dora", 1000))
	dora.Join("watched")
	sam.Call(wire.MethodStaffWatch, watch("rooms"), nil)
	changed(t, sam, "rooms")
	dora.Bet("watched", "red", 100)
	changed(t, sam, "rooms")

	sam.Call(wire.MethodStaffWatch, watch("keys"), nil)
	changed(t, sam, "keys")
	c.Post(operator, "/v1/keys", `{"name":"a test","scopes":["rooms:read"],"reason":"a test"}`).Want(http.StatusCreated, "")
	changed(t, sam, "keys")

	sam.Call(wire.MethodStaffWatch, watch("connections"), nil)
	changed(t, sam, "connections")
	c.Dial("emil", c.Token("emil", auth.Player))
	changed(t, sam, "connections")

	quiet(t, bystander, "a socket that watches nothing")
}

func watchesOnlyWhatItMayRead(t *testing.T, c *webtest.Casino) {
	alice := c.Dial("walt", c.Token("walt", auth.Player))
	alice.Refused(game.CodeForbidden, wire.MethodStaffWatch, watch("rooms"))
	operator, _, _ := c.Staff()
	olivia := c.Dial("olivia", operator)
	for _, kind := range []string{"", "Audit", "ledger", "own", strings.Repeat("x", 5000)} {
		olivia.Refused(wire.CodeInvalidParams, wire.MethodStaffWatch, watch("audit", kind))
	}
	for _, params := range []any{struct{}{}, map[string]any{"of": "audit"}, map[string]any{"of": []int{1}}} {
		olivia.Refused(wire.CodeInvalidParams, wire.MethodStaffWatch, params)
	}

	olivia.Call(wire.MethodStaffWatch, watch("keys"), nil)
	changed(t, olivia, "keys")
	olivia.Call(wire.MethodStaffWatch, watch(), nil)
	c.Post(operator, "/v1/keys", `{"name":"a test","scopes":["rooms:read"],"reason":"a test"}`).Want(http.StatusCreated, "")
	quiet(t, olivia, "a socket that watches nothing any more")
}

func TestNoCasinoIsToldOfAnothersChanges(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	other := c.Another("lucky-star")
	operator, _, _ := c.Staff()
	theirs, _, _ := other.Staff()
	olivia, omar := c.Dial("olivia", operator), other.Dial("omar", theirs)
	olivia.Call(wire.MethodStaffWatch, watch("players", "money", "promotions", "audit", "brand", "keys", "webhooks", "approvals"), nil)
	omar.Call(wire.MethodStaffWatch, watch("money"), nil)
	changed(t, olivia, "players", "money", "promotions", "audit", "brand", "keys", "webhooks", "approvals")
	changed(t, omar, "money")
	credit := func(c *webtest.Casino, token string) {
		c.Post(token, "/v1/players/carl/credit", fmt.Sprintf(`{"amount":500,"reason":"a test","command_id":%q}`, uuid.NewString())).Want(http.StatusOK, "")
	}
	for range 3 {
		credit(other, theirs)
		changed(t, omar, "money")
	}
	quiet(t, olivia, "another casino") // the signals of both would have left together
	credit(c, operator)
	changed(t, olivia, "money")
}
