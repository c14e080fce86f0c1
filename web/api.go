package web

import (
	"context"
	"io"
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

func isJSON(kind string) bool {
	return len(kind) >= len(echo.MIMEApplicationJSON) && kind[:len(echo.MIMEApplicationJSON)] == echo.MIMEApplicationJSON
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

// round is a round as everyone may see it, for /verify: no token, since a proof that
// only its player can see proves little.
func (s *Server) round(c echo.Context) error {
	t := tenantOf(c)
	ref, err := rooms.NewRef(t.ID, param(c, "room"))
	if err != nil {
		return rooms.ErrNotFound
	}
	n, err := strconv.ParseInt(param(c, "round"), 10, 64)
	if err != nil || n < 1 {
		return errNotFound
	}
	ctx, cancel := s.patient(c)
	defer cancel()
	// Strangers may ask; they must not keep players' bets from the database.
	select {
	case s.lookups <- struct{}{}:
		defer func() { <-s.lookups }()
	default:
		s.hit(limitRoundLookups)
		return errManyLookups
	}
	config, err := s.store.Room(ctx, ref)
	if err != nil {
		return err
	}
	records, err := s.store.Round(ctx, ref, n)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errNotFound
	}
	body := struct {
		Room   string           `json:"room"`
		Game   string           `json:"game"`
		Round  int64            `json:"round"`
		Events []wire.RoomEvent `json:"events"`
	}{ref.Room, config.Game, n, nil}
	for _, rec := range records {
		ev, err := s.rooms.Public(config.Game, ref.Room, rec, "")
		if err != nil {
			return err
		}
		body.Events = append(body.Events, ev)
	}
	if last := body.Events[len(body.Events)-1].Type; last == "round.settled" || last == "round.voided" {
		c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return c.JSON(http.StatusOK, body)
}
