package operator

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// PlayerRounds answers with a page of the rounds in which a player had money, as the player gets it.
func (a *API) PlayerRounds(c echo.Context) error { return ofPlayer(c, a.history.ServeRounds) }

// PlayerTransactions answers with a page of what a player got and gave, as the player gets it.
func (a *API) PlayerTransactions(c echo.Context) error {
	return ofPlayer(c, a.history.ServeTransactions)
}

func ofPlayer(c echo.Context, serve func(echo.Context, game.PlayerID) error) error {
	player := api.Param(c, "player")
	if !auth.ValidSubject(player) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "player: want 1 to 64 printable characters without spaces")
	}
	return serve(c, game.PlayerID(player))
}
