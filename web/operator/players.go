package operator

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
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

// Players answers with the players, their balances, and who of them has a socket on any node.
func (a *API) Players(c echo.Context) error {
	t := api.TenantOf(c)
	return api.AnswerTable(a.lists, c, "players", journal.Players, 100, 1000, func(ctx context.Context, q list.Query) (api.Page[playerBody], error) {
		page, next, err := a.store.Ledger.ListPlayers(ctx, t.ID, q)
		if err != nil {
			return api.Page[playerBody]{}, err
		}
		ask := nodeQuestion{Tenant: t.ID}
		for _, p := range page {
			ask.Players = append(ask.Players, string(p.Player))
		}
		answers, complete := askNodes(ctx, a, callOnline, ask, a.onlineHere)
		online := map[string]bool{}
		for _, some := range answers {
			for _, p := range some {
				online[p] = true
			}
		}
		out := api.Page[playerBody]{Next: next, With: map[string]any{"complete": complete}} // all nodes said who is online
		for _, p := range page {
			out.Rows = append(out.Rows, playerBody{string(p.Player), int64(p.Balance), online[string(p.Player)], wire.At(p.CreatedAt)})
		}
		return out, nil
	})
}

// tellBalance shows a player's new balance on its sockets. Losing it only means that
// the player sees it later.
func (a *API) tellBalance(ctx context.Context, t *tenancy.Tenant, player game.PlayerID, b wire.Balance) {
	m := hub.Message{Topic: rooms.PlayerTopic(t.ID, player), Class: hub.ClassResult, Key: "balance", Frame: wire.Push(wire.PushWalletBalance, b)}
	if err := a.hub.Publish(ctx, m); err != nil {
		a.log.Warn("balance not pushed", "tenant", t.ID, "player", player, "error", err)
	}
}
