package operator

import (
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Games answers with the games of which rooms can be opened, and the settings of their rooms.
func (a *API) Games(c echo.Context) error {
	type kind struct {
		Name     string         `json:"name"`
		Settings []game.Setting `json:"settings"`
	}
	out := struct {
		Games []kind `json:"games"`
	}{[]kind{}}
	for _, k := range a.rooms.Games() {
		out.Games = append(out.Games, kind{k.Name, append([]game.Setting{}, k.Settings...)})
	}
	return api.AnswerTagged(c, out)
}
