package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
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
		{"SendsPagesCompressedToThoseWhoAskForIt", pagesComeCompressed},
		{"SendsAPageUnderEachOfItsAddresses", deepPagesSayWhereTheyAre},
		{"GivesABrandToItsOwnCasinoOnly", aBrandIsItsTenantsOnly},
		{"KeepsCasinosApart", casinosAreApart},
		{"TellsWhenARoundCanBeProven", roundsAreProven},
		{"ClosesTheSocketsThatMayNotBeHereAndNoOthers", socketsThatMayNotBeHere},
		{"LetsNoSocketInWhileItDrains", drains},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c.In(t)) })
	}
}

// roundsAreProven holds that a round whose seed serves later rounds too is proven by the event of the later round
// that reveals it, and may be kept for good from then on.
func roundsAreProven(t *testing.T, c *webtest.Casino) {
	seed := game.Seed{1}
	seq := 100_000
	write := func(round int, typ string, reveals bool, data string) {
		t.Helper()
		err := storetest.Exec(t, c.Store, c.Tenant.ID, `insert into event (room, seq, epoch, at, type, round, reveals, data) values ($1, $2, 1, now(), $3, $4, $5, $6)`,
			webtest.Table, seq, typ, round, reveals, data)
		if err != nil {
			t.Fatal(err)
		}
		seq++
	}
	hands := []string{
		fmt.Sprintf(`{"round":1001,"commitment":%q}`, seed.Commit()),
		fmt.Sprintf(`{"round":1002,"commitment":%q,"since":1001}`, seed.Commit()),
	}
	for i, opened := range hands {
		write(1001+i, "round.opened", false, opened)
		write(1001+i, "round.settled", false, fmt.Sprintf(`{"round":%d,"next_at":"2026-01-02T03:04:05.000Z"}`, 1001+i))
	}
	const kept = "public, max-age=31536000, immutable"
	look := func(round int) (webtest.Answer, roundAnswer) {
		t.Helper()
		answer := c.Get("", fmt.Sprintf("/v1/rooms/%s/rounds/%d", webtest.Table, round)).Want(http.StatusOK, "")
		var body roundAnswer
		answer.Into(&body)
		return answer, body
	}
	for _, round := range []int{1001, 1002} {
		if answer, body := look(round); body.Proof != "pending" || body.RevealedBy != nil || answer.Header.Get("Cache-Control") == kept {
			t.Errorf("round %d, whose seed is secret: %s, %v", round, answer.Body, answer.Header)
		}
	}
	write(1002, "seed.revealed", true, fmt.Sprintf(`{"round":1002,"since":1001,"commitment":%q,"seed":%q}`, seed.Commit(), seed.Hex()))
	storetest.Eventually(t, "the first round is proven by the second", func() bool {
		answer, body := look(1001)
		by := body.RevealedBy
		return body.Proof == "ready" && by != nil && by.Type == "seed.revealed" && strings.Contains(string(by.Data), seed.Hex()) && answer.Header.Get("Cache-Control") == kept
	})
	storetest.Eventually(t, "the second round is proven by itself", func() bool {
		answer, body := look(1002)
		return body.Proof == "ready" && body.RevealedBy == nil && len(body.Events) == 3 && answer.Header.Get("Cache-Control") == kept
	})
}

// roundAnswer is what a look-up of a round says of its proof.
type roundAnswer struct {
	Events     []wire.RoomEvent
	Proof      string
	RevealedBy *wire.RoomEvent `json:"revealed_by"`
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
		"/healthz": 200, "/readyz": 200, "/": 302, "/play": 200, "/play/t/r-1": 200, "/console": 200, "/console/players": 200, "/console/players/a%2Fb": 200, "/verify": 200, "/api": 200, "/v1/openapi.json": 200, "/v1/session": 200, "/v1/rooms": 200,
		"/v1/games": 200, "/v1/players": 200, "/v1/players/alice/rounds": 200, "/v1/players/alice/transactions": 200, "/v1/session/rounds": 403, "/nowhere": 404, "/assets/none.js": 404, "/v1/rooms/nowhere/rounds/1": 404, "/v1/audit?limit=x": 400,
		"/brand.css": 200, "/brand/logo": 404, "/v1/brand": 200,
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
