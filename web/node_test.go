package web_test

import (
	"net/http"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// TestANode shares one node between tests, one after the other.
func TestANode(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *webtest.Casino)
	}{
		{"SaysOfEveryAnswerHowItIsKept", answersSayHowTheyAreKept},
		{"KeepsCasinosApart", casinosAreApart},
		{"ClosesTheSocketsThatMayNotBeHereAndNoOthers", socketsThatMayNotBeHere},
		{"LetsNoSocketInWhileItDrains", drains},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c.In(t)) })
	}
}

// casinosAreApart holds that another casino's tokens, tickets, pages and rooms open nothing.
func casinosAreApart(t *testing.T, c *webtest.Casino) {
	other := c.Another("lucky-star")
	other.OpenRoom("only-there", webtest.Slow)
	player, operator := other.Player("mallory", 100), other.Token("mallory", auth.Operator)
	own := c.Player("alice", 100)

	c.Get(player, "/v1/session").Want(http.StatusUnauthorized, "token_kid")
	c.Get(operator, "/v1/players").Want(http.StatusUnauthorized, "token_kid")
	c.DialRefused(http.StatusUnauthorized, wire.BearerPrefix+player)
	c.DialRefused(http.StatusForbidden, wire.BearerPrefix+own, "Origin", "http://lucky-star.localhost")
	var issued struct{ Ticket string }
	other.Post(player, "/v1/tickets", "").Into(&issued)
	c.DialRefused(http.StatusUnauthorized, wire.TicketPrefix+issued.Ticket)

	alice := c.Dial("alice", own)
	for _, room := range []string{"only-there", other.Tenant.ID.String() + "/only-there", "../only-there"} {
		alice.Refused(wire.CodeRoomNotFound, wire.MethodRoomJoin, map[string]any{"room": room})
	}
	c.Get("", "/v1/rooms/only-there/rounds/1").Want(http.StatusNotFound, wire.CodeRoomNotFound)
	c.Post(c.Token("olivia", auth.Operator), "/v1/rooms/only-there/close", `{"reason":"a test"}`).Want(http.StatusNotFound, wire.CodeRoomNotFound)

	// No header names a tenant.
	var who struct{ Tenant string }
	c.Do(http.MethodGet, own, "/v1/session", "", "X-Tenant", "lucky-star", "X-Forwarded-Host", "lucky-star.localhost").Into(&who)
	if who.Tenant != "casino-x" {
		t.Errorf("a header moved the tenant: %+v", who)
	}
	c.At("nobody.localhost").Get(own, "/v1/session").Want(http.StatusNotFound, "unknown_host")
}

// answersSayHowTheyAreKept holds that GET and HEAD agree, and that every answer has its headers.
func answersSayHowTheyAreKept(t *testing.T, c *webtest.Casino) {
	operator := c.Token("olivia", auth.Operator)
	for path, status := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/": 302, "/play": 200, "/console": 200, "/verify": 200, "/v1/session": 200, "/v1/rooms": 200,
		"/v1/games": 200, "/v1/players": 200, "/nowhere": 404, "/assets/none.js": 404, "/v1/rooms/nowhere/rounds/1": 404, "/v1/audit?limit=x": 400,
	} {
		get, head := c.Get(operator, path), c.Do(http.MethodHead, operator, path, "")
		if get.Status != status || head.Status != status || len(head.Body) != 0 {
			t.Errorf("%s: GET %d, HEAD %d, want %d", path, get.Status, head.Status, status)
		}
		for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options"} {
			if g, h := get.Header.Get(name), head.Header.Get(name); g != h || name != "Content-Type" && g == "" {
				t.Errorf("%s: %s is %q, and %q by HEAD", path, name, g, h)
			}
		}
	}
	for _, round := range []string{"0", "-1", "x", "9"} {
		c.Get("", "/v1/rooms/"+webtest.Table+"/rounds/"+round).Want(http.StatusNotFound, "not_found")
	}
	page := c.Get("", "/play")
	if policy := page.Header.Get("Content-Security-Policy"); policy == "" || page.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("a page comes with %v", page.Header)
	}
}

// drains has the node let no new socket in, and serve those that it has. It is the last test of a node.
func drains(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	alice := c.Dial("alice", token)
	alice.Await(wire.PushWalletBalance)
	c.Get("", "/readyz").Want(http.StatusOK, "")
	c.Server.Drain()
	if ready := c.Get("", "/readyz"); ready.Status != http.StatusServiceUnavailable || string(ready.Body) != "draining\n" {
		t.Errorf("readiness is %d %q", ready.Status, ready.Body)
	}
	c.Get("", "/healthz").Want(http.StatusOK, "")
	c.DialRefused(http.StatusServiceUnavailable, wire.BearerPrefix+c.Player("bob", 100))
	alice.Call(wire.MethodPing, struct{}{}, nil)
	c.Get(token, "/v1/session").Want(http.StatusOK, "")
}
