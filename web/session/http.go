package session

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// sessionBody is a token's bearer.
type sessionBody struct {
	Tenant     string    `json:"tenant"`
	TenantName string    `json:"tenant_name"`
	Player     string    `json:"player"`
	Name       string    `json:"name"`
	Role       auth.Role `json:"role"`
	Currency   string    `json:"currency"`
	Exponent   int       `json:"exponent"`
	ExpiresAt  wire.Time `json:"expires_at,omitzero"`
	// Maintenance is there while the tenant is in maintenance, which players do not see here: they are refused.
	Maintenance *maintenanceBody `json:"maintenance,omitempty"`
	// LimitReached is the limit of the tenant's plan with which a socket of the player would be refused now,
	// unless there is one on another node; nil if none would.
	LimitReached *wire.ErrorParams `json:"limit_reached,omitempty"`
}

// maintenanceBody says when a tenant's maintenance is likely to be over, if that is known.
type maintenanceBody struct {
	BackAt wire.Time `json:"back_at,omitzero"`
}

// Session answers with who the token's bearer is: a page whose socket was refused asks here why.
func (s *Service) Session(c echo.Context) error {
	t, p := api.TenantOf(c), api.PrincipalOf(c)
	body := sessionBody{
		Tenant: string(t.Slug), TenantName: t.DisplayName(), Player: p.Subject, Name: p.Name, Role: p.Role,
		Currency: t.Currency, Exponent: t.Exponent, ExpiresAt: wire.At(p.ExpiresAt),
	}
	if t.Status(s.tenants.Now()) == tenancy.Maintenance {
		body.Maintenance = &maintenanceBody{wire.At(t.BackAt)}
	}
	if p.Role == auth.Player {
		body.LimitReached = s.hub.PlanMet(t.ID, p.Subject)
	}
	return c.JSON(http.StatusOK, body)
}

// Ticket answers with a ticket, by which a page opens a socket without showing its token.
func (s *Service) Ticket(c echo.Context) error {
	ticket, until, err := s.tickets.Issue(api.PrincipalOf(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, struct {
		Ticket    string    `json:"ticket"`
		ExpiresAt wire.Time `json:"expires_at"`
	}{ticket, wire.At(until)})
}

// Rounds answers a player with a page of the rounds in which he had money.
func (s *Service) Rounds(c echo.Context) error {
	return s.history.ServeRounds(c, game.PlayerID(api.PrincipalOf(c).Subject))
}

// Transactions answers a player with a page of what he got and gave.
func (s *Service) Transactions(c echo.Context) error {
	return s.history.ServeTransactions(c, game.PlayerID(api.PrincipalOf(c).Subject))
}

// RoomTable is the list of ListRooms.
var RoomTable = list.Table{
	Fields: []list.Field{
		{Name: "room", Sort: true}, {Name: "game", Sort: true}, {Name: "name", Sort: true},
		{Name: "status", Values: []string{string(rooms.Open), string(rooms.Closing)}, Sort: true}, {Name: "players", Type: list.Number, Sort: true},
	},
	Key: "room", Order: "room",
}

// ListRooms answers with the rooms of the tenant, the lobby aside.
func (s *Service) ListRooms(c echo.Context) error {
	return api.AnswerRows(s.lists, c, "rooms", RoomTable, rooms.RoomsMax, func(context.Context) (rows []wire.RoomInfo, err error) {
		t := api.TenantOf(c)
		list := s.rooms.List(t.ID) // with the tables at rest, for staff
		if api.PrincipalOf(c).Role == auth.Player {
			list = s.tablesOf(t)
		}
		for _, info := range list {
			if info.Room != rooms.LobbyID {
				rows = append(rows, s.RoomInfo(t, info))
			}
		}
		return rows, nil
	})
}

// RoomInfo returns a room as the lobby shows it.
func (s *Service) RoomInfo(t *tenancy.Tenant, info rooms.Info) wire.RoomInfo {
	return wire.RoomInfo{Room: info.Room, Game: info.Game, Name: info.Name, Status: string(info.Status), Settings: info.Settings, Players: s.presence.Players(t.ID, info.Room)}
}
