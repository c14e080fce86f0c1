package operator

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// playerBody is a player and what it has.
type playerBody struct {
	Player    string    `json:"player"`
	Balance   int64     `json:"balance"`
	Online    bool      `json:"online"`
	CreatedAt wire.Time `json:"created_at"`
}

// Players answers with a page of the players, their balances, and who of them has a socket on any node.
func (a *API) Players(c echo.Context) error {
	limit, err := api.Number(c, "limit", 100, 1, 1000)
	if err != nil {
		return err
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	after := c.QueryParam("after")
	if after != "" && !auth.ValidSubject(after) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "after: want a player's id")
	}
	list, err := a.store.Ledger.Players(ctx, t.ID, game.PlayerID(after), int(limit))
	if err != nil {
		return err
	}
	q := nodeQuestion{Tenant: t.ID}
	for _, p := range list {
		q.Players = append(q.Players, string(p.Player))
	}
	answers, complete := askNodes(ctx, a, callOnline, q, a.onlineHere)
	online := map[string]bool{}
	for _, some := range answers {
		for _, p := range some {
			online[p] = true
		}
	}
	out := struct {
		Players  []playerBody `json:"players"`
		Next     string       `json:"next,omitempty"`
		Complete bool         `json:"complete"` // all nodes said who is online
	}{Players: []playerBody{}, Complete: complete}
	for _, p := range list {
		out.Players = append(out.Players, playerBody{string(p.Player), int64(p.Balance), online[string(p.Player)], wire.At(p.CreatedAt)})
	}
	if len(list) == int(limit) {
		out.Next = string(list[len(list)-1].Player)
	}
	return c.JSON(http.StatusOK, out)
}

// tellBalance shows a player's new balance on its sockets. Losing it only means that
// the player sees it later.
func (a *API) tellBalance(ctx context.Context, t *tenancy.Tenant, player game.PlayerID, b wire.Balance) {
	m := hub.Message{Topic: rooms.PlayerTopic(t.ID, player), Class: hub.ClassResult, Key: "balance", Frame: wire.Push(wire.PushWalletBalance, b)}
	if err := a.hub.Publish(ctx, m); err != nil {
		a.log.Warn("balance not pushed", "tenant", t.ID, "player", player, "error", err)
	}
}
