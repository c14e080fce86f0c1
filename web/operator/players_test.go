package operator_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func creditsOnce(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	clara := c.Dial("clara", c.Player("clara", 1000))
	body := withID(`"amount":250,"reason":"a test"`)
	for range 2 { // sent again, it is done once
		var after struct{ Balance int64 }
		if c.Post(operator, "/v1/players/clara/credit", body).Want(http.StatusOK, "").Into(&after); after.Balance != 1250 {
			t.Errorf("the balance is %d", after.Balance)
		}
	}
	clara.Await(wire.PushWalletBalance, `"balance":1250`)
	c.Post(operator, "/v1/players/clara/credit", withID(`"amount":-1251,"reason":"too much"`)).Want(http.StatusConflict, game.CodeInsufficientFunds)
	c.Post(operator, "/v1/players/clara/credit", withID(`"amount":9000000000000000,"reason":"too much"`)).Want(http.StatusBadRequest, wire.CodeInvalidParams)
	c.Post(operator, "/v1/players/somebody-else/credit", body).Want(http.StatusConflict, wire.CodeCommandReused)
	c.Post(operator, "/v1/players/clara/credit", withID(`"amount":-1250,"reason":"all of it"`)).Want(http.StatusOK, "")
	clara.Await(wire.PushWalletBalance, `"balance":0`)
}

func playersInPages(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	c.Dial("page-2", c.Player("page-2", 22)).Await(wire.PushWalletBalance)
	c.Player("page-1", 11)
	c.Player("page-3", 33)
	type page struct {
		Players []struct {
			Player  string
			Balance int64
			Online  bool
		}
		Next     string
		Complete bool
	}
	var first, second page
	c.Get(operator, "/v1/players?player.prefix=page-&limit=2").Into(&first)
	if len(first.Players) != 2 || first.Players[0].Player != "page-1" || first.Players[0].Online || first.Players[0].Balance != 11 ||
		first.Players[1].Player != "page-2" || !first.Players[1].Online || first.Next == "" || !first.Complete {
		t.Errorf("the first page is %+v", first)
	}
	c.Get(operator, "/v1/players?player.prefix=page-&limit=1&cursor="+first.Next).Into(&second)
	if len(second.Players) != 1 || second.Players[0].Player != "page-3" {
		t.Errorf("the second page is %+v", second)
	}
}

func connections(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	conny := c.Dial("conny", c.Player("conny", 100))
	conny.Join(webtest.Table)
	type connection struct {
		Node, Player, Role, Address string
		Rooms                       []string
	}
	var list struct {
		Connections []connection
		Total       int
		Complete    bool
	}
	c.Get(operator, "/v1/connections").Into(&list)
	i := slices.IndexFunc(list.Connections, func(x connection) bool { return x.Player == "conny" })
	if i < 0 || !list.Complete || list.Total < 1 {
		t.Fatalf("the connections are %+v", list)
	}
	if x := list.Connections[i]; x.Role != "player" || x.Address != "127.0.0.1" || x.Node == "" || !slices.Equal(x.Rooms, []string{webtest.Table}) {
		t.Errorf("the connection is %+v", x)
	}
}

func revocations(t *testing.T, c *webtest.Casino) {
	operator, _, _ := c.Staff()
	kicked, staff := c.Player("kim", 100), c.Token("stan", auth.Support)
	jti := uuid.NewString()
	revoked := c.Mint(auth.Principal{Subject: "rob", Role: auth.Player, TokenID: jti, ExpiresAt: time.Now().Add(time.Hour)})
	kim, stan, rob := c.Dial("kim", kicked), c.Dial("stan", staff), c.Dial("rob", revoked)
	for _, s := range []*webtest.Socket{kim, stan, rob} {
		s.Await(wire.PushWelcome)
	}
	c.Post(operator, "/v1/players/kim/kick", reason).Want(http.StatusOK, "")
	c.Post(operator, "/v1/staff/stan/kick", reason).Want(http.StatusOK, "")
	c.Post(operator, "/v1/tokens/revoke", `{"jti":"`+jti+`","reason":"a test"}`).Want(http.StatusOK, "")
	for _, s := range []*webtest.Socket{kim, stan, rob} {
		s.Closed(wire.CloseRevoked)
	}
	for _, token := range []string{kicked, staff, revoked} {
		c.Get(token, "/v1/session").Want(http.StatusUnauthorized, "token_revoked")
		c.DialRefused(http.StatusUnauthorized, wire.BearerPrefix+token)
	}
}
