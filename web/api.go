package web

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
)

// read reads a JSON body strictly: an unknown or ill-typed member is refused by name.
func read(c echo.Context, into any) error {
	if kind := c.Request().Header.Get(echo.HeaderContentType); kind != "" && !isJSON(kind) {
		return errMediaType
	}
	raw, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	if bad := wire.DecodeParams(raw, into); bad != nil {
		return bad
	}
	return nil
}

// param is a part of the path, unescaped. Echo unescapes only some.
func param(c echo.Context, name string) string {
	if c.Request().URL.RawPath == "" {
		return c.Param(name)
	}
	text, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return ""
	}
	return text
}

// isJSON reports whether a media type is JSON's, however it is written and whatever its parameters.
func isJSON(kind string) bool {
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == echo.MIMEApplicationJSON
}

// number reads a query parameter; absent gives def.
func number(c echo.Context, name string, def, lowest, highest int64) (int64, error) {
	text := c.QueryParam(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < lowest || n > highest {
		return 0, fail(http.StatusBadRequest, wire.CodeInvalidParams, name+": want a whole number from "+
			strconv.FormatInt(lowest, 10)+" to "+strconv.FormatInt(highest, 10))
	}
	return n, nil
}

func (s *Server) patient(c echo.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.Request().Context(), patience)
}

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
	t, p := tenantOf(c), principalOf(c)
	return c.JSON(http.StatusOK, sessionBody{
		Tenant: string(t.Slug), TenantName: t.Name, Player: p.Subject, Name: p.Name, Role: p.Role,
		Currency: t.Currency, Exponent: t.Exponent, ExpiresAt: wire.At(p.ExpiresAt),
	})
}

func (s *Server) ticket(c echo.Context) error {
	ticket, until, err := s.tickets.Issue(principalOf(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, struct {
		Ticket    string    `json:"ticket"`
		ExpiresAt wire.Time `json:"expires_at"`
	}{ticket, wire.At(until)})
}

func (s *Server) listRooms(c echo.Context) error {
	t := tenantOf(c)
	out := wire.RoomListResult{Rooms: []wire.RoomInfo{}}
	for _, info := range s.rooms.List(t.ID) {
		if info.Room != rooms.LobbyID {
			out.Rooms = append(out.Rooms, s.roomInfo(t, info))
		}
	}
	return c.JSON(http.StatusOK, out)
}
