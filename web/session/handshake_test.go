package session_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func isOpenedOnceByATicket(_ *testing.T, c *webtest.Casino) {
	token := c.Player("tina", 100)
	var issued struct{ Ticket string }
	c.Post(token, "/v1/tickets", "").Want(http.StatusCreated, "").Into(&issued)
	c.DialByTicket("tina", issued.Ticket).Await(wire.PushWelcome, `"player":"tina"`)
	c.DialRefused(http.StatusUnauthorized, wire.TicketPrefix+issued.Ticket)
	c.DialRefused(http.StatusUnauthorized, wire.TicketPrefix+"forged")
	c.Post("", "/v1/tickets", "").Want(http.StatusUnauthorized, "token_missing")
}

func isNotOpenedByAStranger(_ *testing.T, c *webtest.Casino) {
	token := wire.BearerPrefix + c.Player("harry", 100)
	c.DialRefused(http.StatusUnauthorized, "something.else")
	c.DialRefused(http.StatusUnauthorized, wire.BearerPrefix+"forged")
	for _, origin := range []string{"https://evil.example", "null", "https://casino-x.localhost.evil.example"} {
		c.DialRefused(http.StatusForbidden, token, "Origin", origin)
	}
	c.Get("", "/ws").Want(http.StatusUnauthorized, "token_missing")
	c.Do(http.MethodGet, c.Token("harry", auth.Player), "/ws", "", "Sec-WebSocket-Protocol", wire.Subprotocol).Want(http.StatusUpgradeRequired, "upgrade_required")
	c.Do(http.MethodHead, "", "/ws", "").Want(http.StatusUpgradeRequired, "")
}

func takesTheSeat(_ *testing.T, c *webtest.Casino) {
	token := c.Player("twice", 100)
	older := c.Dial("older", token)
	older.Await(wire.PushWalletBalance)
	c.Dial("newer", token).Await(wire.PushWalletBalance)
	older.Closed(wire.CloseSuperseded)
}

func findsWhoItIs(t *testing.T, c *webtest.Casino) {
	_, _, support := c.Staff()
	for token, want := range map[string][2]string{c.Player("wendy", 100): {"wendy", "player"}, support: {"sam", "support"}} {
		var who struct {
			Tenant, Player, Role, Currency string
			Exponent                       int
		}
		c.Get(token, "/v1/session").Want(http.StatusOK, "").Into(&who)
		if who.Tenant != "casino-x" || [2]string{who.Player, who.Role} != want || who.Currency != "EUR" || who.Exponent != 2 {
			t.Errorf("the session is %+v, want %v", who, want)
		}
		var list wire.RoomListResult
		c.Get(token, "/v1/rooms").Want(http.StatusOK, "").Into(&list)
		if !slices.ContainsFunc(list.Rooms, func(r wire.RoomInfo) bool { return r.Room == webtest.Table }) {
			t.Errorf("the rooms are %+v", list.Rooms)
		}
	}
	c.Get("", "/v1/session").Want(http.StatusUnauthorized, "token_missing")
	c.Get("forged", "/v1/session").Want(http.StatusUnauthorized, "token_malformed")
}
