package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// outOfOrderAgain is when the sockets of a tenant that is out of order are told to come back.
	outOfOrderAgain = 30 * time.Second
	// changedAgain is when sockets come back that were closed since their tenant is another: all
	// nodes know it by then.
	changedAgain = time.Second
)

// ofHost decides the tenant of a request by its Host, from memory.
func (s *Server) ofHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		t, ok := s.tenants.Lookup(c.Request().Host)
		if !ok {
			return api.ErrUnknownHost
		}
		if err := mayServe(t, time.Now()); err != nil {
			return err
		}
		api.SetTenant(c, t)
		return next(c)
	}
}

// mayServe is nil while the tenant's players and operators may come in.
func mayServe(t *tenancy.Tenant, now time.Time) error {
	switch status := t.Status(now); {
	case status.Served():
		return nil
	case status == tenancy.OutOfOrder:
		return api.ErrOutOfOrder
	case status == tenancy.Unpaid:
		return api.ErrUnpaid
	}
	return api.ErrSuspended
}

// shutBecause returns with which code, and when to come back, the sockets of a tenant are closed
// that cannot be served: one that is out of order is mended, the others are shut.
func shutBecause(err error) (code wire.CloseCode, again time.Duration) {
	if errors.Is(err, api.ErrOutOfOrder) {
		return wire.CloseOverloaded, outOfOrderAgain
	}
	return wire.CloseSuspended, 0
}

// enforce closes the sockets of tenants that may not be served now.
func (s *Server) enforce(tenants []*tenancy.Tenant, now time.Time) {
	shut, broken := map[tenant.ID]bool{}, map[tenant.ID]bool{}
	for _, t := range tenants {
		switch err := mayServe(t, now); {
		case errors.Is(err, api.ErrOutOfOrder):
			broken[t.ID] = true
		case err != nil:
			shut[t.ID] = true
		}
	}
	for _, c := range []struct {
		ids map[tenant.ID]bool
		why error
	}{{shut, api.ErrSuspended}, {broken, api.ErrOutOfOrder}} {
		if len(c.ids) > 0 {
			code, again := shutBecause(c.why)
			s.hub.CloseWhere(func(id hub.Identity) bool { return c.ids[id.Tenant] }, code, again)
		}
	}
}

// closeChanged closes the sockets that were told another currency than their tenant has now, or
// that came by a domain that it has no more.
func (s *Server) closeChanged(old, now *tenancy.Tenant) {
	money := !old.SameMoney(now)
	if !money && slices.Equal(old.Domains, now.Domains) {
		return
	}
	s.hub.CloseWhere(func(id hub.Identity) bool {
		return id.Tenant == now.ID && (money || !cameBy(now, id))
	}, wire.CloseOverloaded, changedAgain)
}

// cameBy reports whether a socket came by what are domains of the tenant.
func cameBy(t *tenancy.Tenant, id hub.Identity) bool {
	return slices.Contains(t.Domains, id.Host) && (id.Origin == "" || slices.Contains(t.Domains, id.Origin))
}

// bearer believes the token of the Authorization header, for the tenant of the host. It reads the
// body only then, whole: what is half sent is not worked on, and not waited for when the node ends.
func (s *Server) bearer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		t := api.TenantOf(c)
		p, err := s.verifier.Verify(t.ID, t.Slug, api.BearerToken(c.Request()))
		if err != nil {
			return err
		}
		s.giveBack(c, p.Role)
		if err := whole(c, s.edge.Answer); err != nil {
			return err
		}
		api.SetPrincipal(c, p)
		verified(c.Request().Context())
		return next(c)
	}
}

// whole reads a request's body into memory; what bounds its size is BodyLimit. The handler has the
// time that an answer has: net/http would end it when the time for reading ends.
func whole(c echo.Context, answer time.Duration) error {
	r := c.Request()
	body, err := io.ReadAll(r.Body)
	var known *echo.HTTPError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return api.ErrRequestTimeout
	case err != nil:
		return api.ErrHalfBody
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// It fails only where there is no connection to set it of.
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(answer))
	return nil
}

// roles lets only principals of these roles pass.
func roles(allowed ...auth.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !slices.Contains(allowed, api.PrincipalOf(c).Role) {
				return api.ErrRole
			}
			return next(c)
		}
	}
}

// socketPrincipal finds who opens a socket: by header, or by the second subprotocol.
func (s *Server) socketPrincipal(ctx context.Context, t *tenancy.Tenant, r *http.Request) (auth.Principal, error) {
	if token := api.BearerToken(r); token != "" {
		return s.verifier.Verify(t.ID, t.Slug, token)
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for _, offered := range strings.Split(line, ",") {
			offered = strings.TrimSpace(offered)
			if token, ok := strings.CutPrefix(offered, wire.BearerPrefix); ok {
				return s.verifier.Verify(t.ID, t.Slug, token)
			}
			if ticket, ok := strings.CutPrefix(offered, wire.TicketPrefix); ok {
				return s.redeem(ctx, t, ticket)
			}
		}
	}
	return auth.Principal{}, auth.ErrMissing
}

func (s *Server) redeem(ctx context.Context, t *tenancy.Tenant, ticket string) (auth.Principal, error) {
	who, err := s.tickets.Redeem(ctx, t.ID, ticket)
	if err != nil && !api.IsAuth(err) {
		s.seldom.Log(slog.LevelWarn, "a ticket could not be used", "tenant", t.ID, "error", err)
		err = api.ErrUnavailable
	}
	return who, err
}

// checkOrigin lets a browser's page connect only if it was served from one of the
// tenant's own domains (RFC 6455 §10.2), which it returns. Programs send no Origin.
func (s *Server) checkOrigin(t *tenancy.Tenant, r *http.Request) (domain string, err error) {
	origin := r.Header.Get(echo.HeaderOrigin)
	if origin == "" {
		return "", nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return "", api.ErrOrigin
	}
	if from, ok := s.tenants.Lookup(u.Host); !ok || from.ID != t.ID {
		return "", api.ErrOrigin
	}
	return domainOf(t, u.Host), nil
}

// domainOf is the domain of a tenant that a host names: the directory's text, which all sockets
// share.
func domainOf(t *tenancy.Tenant, host string) string {
	name, err := tenancy.NormalizeHost(host)
	if err != nil {
		return ""
	}
	if i := slices.Index(t.Domains, name); i >= 0 {
		return t.Domains[i]
	}
	return name
}
