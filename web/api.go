package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

type sessionBody struct {
	Tenant     string    `json:"tenant"`
	TenantName string    `json:"tenant_name"`
	Player     string    `json:"player"`
	Name       string    `json:"name"`
	Role       auth.Role `json:"role"`
	Currency   string    `json:"currency"`
	Exponent   int       `json:"exponent"`
	ExpiresAt  wire.Time `json:"expires_at"`
}

// session says who the token's bearer is: a page whose socket was refused asks here
// why.
func (s *Server) session(c echo.Context) error {
	t, p := api.TenantOf(c), api.PrincipalOf(c)
	return c.JSON(http.StatusOK, sessionBody{
		Tenant: string(t.Slug), TenantName: t.Name, Player: p.Subject, Name: p.Name, Role: p.Role,
		Currency: t.Currency, Exponent: t.Exponent, ExpiresAt: wire.At(p.ExpiresAt),
	})
}

func (s *Server) ticket(c echo.Context) error {
	ticket, until, err := s.tickets.Issue(api.PrincipalOf(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, struct {
		Ticket    string    `json:"ticket"`
		ExpiresAt wire.Time `json:"expires_at"`
	}{ticket, wire.At(until)})
}

func (s *Server) listRooms(c echo.Context) error {
	t := api.TenantOf(c)
	out := wire.RoomListResult{Rooms: []wire.RoomInfo{}}
	for _, info := range s.rooms.List(t.ID) {
		if info.Room != rooms.LobbyID {
			out.Rooms = append(out.Rooms, s.roomInfo(t, info))
		}
	}
	return c.JSON(http.StatusOK, out)
}
