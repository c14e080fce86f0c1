package operator

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
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

// Credit adds to a player's balance, or takes from it.
func (a *API) Credit(c echo.Context) error {
	var in struct {
		Amount    int64       `json:"amount"`
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if in.Amount == 0 {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "amount: want minor units, not zero")
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	id, err := api.CommandID(c, in.CommandID)
	if err != nil {
		return err
	}
	if !auth.ValidSubject(api.Param(c, "player")) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "player: want 1 to 64 printable characters without spaces")
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	player := game.PlayerID(api.Param(c, "player"))
	balance, version, err := a.store.Ledger.Credit(ctx, t.ID, journal.Credit{
		Player: player, Amount: game.Money(in.Amount), Currency: t.Currency, Exponent: t.Exponent, Reason: in.Reason,
		Actor: api.OwnerOf(c), Address: c.RealIP(), CommandID: id,
	})
	if err != nil {
		return err
	}
	a.tellBalance(ctx, t, player, wire.Balance{Balance: int64(balance), Currency: t.Currency, Version: version})
	return c.JSON(http.StatusOK, map[string]int64{"balance": int64(balance), "version": version})
}

// tellBalance shows a player's new balance on its sockets. Losing it only means that
// the player sees it later.
func (a *API) tellBalance(ctx context.Context, t *tenancy.Tenant, player game.PlayerID, b wire.Balance) {
	m := hub.Message{Topic: rooms.PlayerTopic(t.ID, player), Class: hub.ClassResult, Key: "balance", Frame: wire.Push(wire.PushWalletBalance, b)}
	if err := a.hub.Publish(ctx, m); err != nil {
		a.log.Warn("balance not pushed", "tenant", t.ID, "player", player, "error", err)
	}
}
