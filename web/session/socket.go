package session

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Socket upgrades a request to a socket. Who it is was settled before the upgrade; afterwards the
// tenant and the player are the socket's, and no message can change them.
func (s *Service) Socket(c echo.Context) error {
	t, r := api.TenantOf(c), c.Request()
	if r.Method != http.MethodGet {
		return api.ErrUpgrade // HEAD, of what is no document
	}
	if s.draining() {
		return api.ErrDraining
	}
	host, origin, err := s.cameBy(c)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	who, use, err := s.principal(t, r)
	if err != nil {
		return err
	}
	if err := s.enters(c, t, who.Role); err != nil {
		return err
	}
	var admit func() (refused bool, err error)
	if use == nil {
		s.verified(c, who.Role)
	} else {
		admit = func() (refused bool, err error) { // a ticket that a limit refuses can be used again
			if err := s.use(ctx, t, use); err != nil {
				return api.IsAuth(err), err
			}
			s.verified(c, who.Role)
			return false, nil
		}
	}
	id := hub.Identity{
		Tenant: t.ID, Slug: string(t.Slug), Player: who.Subject, Name: who.Name, Role: string(who.Role),
		Address: c.RealIP(), Host: host, Origin: origin, Token: tokenOf(who),
	}
	return s.hub.Accept(c.Response(), r, id, admit, func(conn *hub.Conn) hub.Handler {
		sess := &session{service: s, tenant: t, who: who, shown: s.shownName(t.ID, who), conn: conn, joined: map[string]tenantRoom{}}
		sess.begin()
		return sess
	})
}

// principal returns who opens a socket, by header or by the second subprotocol, and what uses the ticket if it is by one, else
// nil.
func (s *Service) principal(t *tenancy.Tenant, r *http.Request) (who auth.Principal, use func(context.Context) error, err error) {
	verify := func(token string) (auth.Principal, func(context.Context) error, error) {
		who, err := s.verifier.Verify(t.ID, t.Slug, token, t.FormerSlugs(s.tenants.Now())...)
		return who, nil, err
	}
	if token := api.BearerToken(r); token != "" {
		return verify(token)
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, offered := range strings.Split(line, ",") {
			offered = strings.TrimSpace(offered)
			if token, ok := strings.CutPrefix(offered, wire.BearerPrefix); ok {
				return verify(token)
			}
			if ticket, ok := strings.CutPrefix(offered, wire.TicketPrefix); ok {
				return s.tickets.Open(t.ID, ticket)
			}
		}
	}
	return auth.Principal{}, nil, auth.ErrMissing
}

// use uses a ticket.
func (s *Service) use(ctx context.Context, t *tenancy.Tenant, ticket func(context.Context) error) error {
	err := ticket(ctx)
	if err != nil && !api.IsAuth(err) {
		s.seldom.Log(slog.LevelWarn, "a ticket could not be used", "tenant", t.ID, "error", err)
		err = api.ErrUnavailable
	}
	return err
}

// tokenOf returns the token by which somebody is here, as the socket keeps it.
func tokenOf(who auth.Principal) hub.Token {
	return hub.Token{ID: who.TokenID, Key: who.Key, IssuedAt: who.IssuedAt, ExpiresAt: who.ExpiresAt}
}
