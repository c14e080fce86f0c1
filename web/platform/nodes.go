package platform

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

type nodeBody struct {
	Node     string `json:"node"`
	Draining bool   `json:"draining"`
	Rooms    int    `json:"rooms"` // that it has, of all casinos
}

// Nodes answers with the nodes that live, from memory, and with how many rooms wait for one.
func (a *API) Nodes(c echo.Context) error {
	has := map[string]int{}
	total := 0
	nodes := a.o.Rooms.All(func(at rooms.Assignment, _ *rooms.Config) {
		if _, ok := a.running(at.Ref); ok {
			has[at.Node]++
			total++
		}
	})
	out := struct {
		Nodes     []nodeBody `json:"nodes"`
		RoomsLost int        `json:"rooms_without_node"`
	}{[]nodeBody{}, total}
	for _, n := range nodes {
		out.Nodes = append(out.Nodes, nodeBody{n.Name, n.Draining, has[n.Name]})
		out.RoomsLost -= has[n.Name]
	}
	return api.AnswerTagged(c, out)
}

// running returns the casino of a room, and false if nothing runs there: it is archived, or was made ahead.
func (a *API) running(ref rooms.Ref) (*tenancy.Tenant, bool) {
	t, ok := a.o.Store.Tenants.ByID(ref.Tenant)
	return t, ok && t.Status(a.o.Store.Tenants.Now()).Rounds() != tenancy.RoundsNone
}

type roomBody struct {
	ID     string       `json:"id"` // casino-x/roulette-1
	Tenant tenant.Slug  `json:"tenant"`
	Room   string       `json:"room"`
	Name   string       `json:"name"` // "", like the game: not known yet
	Game   string       `json:"game"`
	Status rooms.Status `json:"status"`
	Node   string       `json:"node"` // that has it, or had it until it died
}

// RoomTable is the list of all casinos' rooms.
var RoomTable = list.Table{
	Fields: []list.Field{
		{Name: "id", Sort: true}, {Name: "tenant"}, {Name: "room"}, {Name: "name", Sort: true}, {Name: "game"},
		{Name: "status", Values: []string{string(rooms.Open), string(rooms.Closing)}}, {Name: "node", Sort: true},
	},
	Key: "id", Order: "id",
}

// Rooms answers with the rooms of all casinos where something runs, from memory: their lobbies too.
func (a *API) Rooms(c echo.Context) error {
	return api.AnswerTable(a.o.Lists, c, "rooms", RoomTable, 200, 500, func(_ context.Context, q list.Query) (api.Page[roomBody], error) {
		var all []roomBody
		a.o.Rooms.All(func(at rooms.Assignment, config *rooms.Config) {
			t, ok := a.running(at.Ref)
			if !ok {
				return
			}
			r := roomBody{ID: string(t.Slug) + "/" + at.Ref.Room, Tenant: t.Slug, Room: at.Ref.Room, Status: at.Status, Node: at.Node}
			if config != nil {
				r.Name, r.Game = config.Name, config.Game
			}
			all = append(all, r)
		})
		rows, next := list.Rows(q, all)
		return api.Page[roomBody]{Rows: rows, Next: next}, nil
	})
}

// Fleet answers with the versions of the casinos' tables, and how far the last migration is.
func (a *API) Fleet(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	s, err := a.o.Store.Tenants.FleetStatus(ctx)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s)
}

// Plans answers with the plans that casinos can have.
func (a *API) Plans(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	plans, err := a.o.Store.Tenants.Plans(ctx)
	if err != nil {
		return err
	}
	return api.AnswerTagged(c, map[string]any{"plans": plans})
}
