package operator

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// gamesMax is how many games there are at most.
const gamesMax = 1000

// GameTable is the list of Games.
var GameTable = list.Table{Fields: []list.Field{{Name: "name", Sort: true}}, Key: "name", Order: "name"}

// gameBody is a game.
type gameBody struct {
	Name     string         `json:"name"`
	Settings []game.Setting `json:"settings"`
}

// Games answers with the games of which rooms can be opened, and the settings of their rooms.
func (a *API) Games(c echo.Context) error {
	return api.AnswerRows(a.lists, c, "games", GameTable, gamesMax, func(context.Context) (rows []gameBody, err error) {
		t := api.TenantOf(c)
		for _, k := range a.rooms.Games() {
			if !t.Deals(k.Name) {
				continue
			}
			rows = append(rows, gameBody{k.Name, append([]game.Setting{}, k.Settings...)})
		}
		return rows, nil
	})
}
