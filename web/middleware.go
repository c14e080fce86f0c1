package web

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// get adds a route for GET, and for HEAD as RFC 9110 §9.3.2 wants it, for which net/http leaves the
// body out.
func get(on interface {
	Match(methods []string, path string, handler echo.HandlerFunc, m ...echo.MiddlewareFunc) []*echo.Route
}, path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
	on.Match([]string{http.MethodGet, http.MethodHead}, path, h, m...)
}

// headers sets what every answer has unless its handler knows better: an answer is not for a cache,
// and is what it says it is.
func headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// ofHost sets the tenant of a request by its Host, or its folder, from memory.
func (s *Server) ofHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		t, ok := s.routing.tenant(c)
		if !ok {
			return s.routing.unknown(c)
		}
		if err := mayServe(t, s.tenants.Now()); err != nil {
			return closed(c, t, err)
		}
		api.SetTenant(c, t)
		return next(c)
	}
}

// ofPlatform sets the tenant of a request to none, with the zero ID, whose API keys are the platform's.
func ofPlatform(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		api.SetTenant(c, &tenancy.Tenant{})
		return next(c)
	}
}

// bearer sets the principal of a request by the token or API key of its Authorization header, for the tenant of
// the host, or of an API key for the platform. It reads the body only then, whole: what is half sent is not worked on, and not waited
// for when the node ends.
func (s *Server) bearer(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, err := s.verify(c, s.tenants.Now())
		if err != nil {
			return err
		}
		s.giveBack(c, p.Role)
		if t := api.TenantOf(c); !t.ID.IsZero() {
			if err := s.lifecycle.enters(c, t, p.Role); err != nil {
				return err
			}
		}
		if err := whole(c, s.edge.Answer); err != nil {
			return err
		}
		api.SetPrincipal(c, p)
		verified(c.Request().Context())
		return next(c)
	}
}

// verify returns the principal of a request's token or API key, from memory.
func (s *Server) verify(c echo.Context, now time.Time) (auth.Principal, error) {
	t, token := api.TenantOf(c), api.BearerToken(c.Request())
	switch {
	case token == "":
		return auth.Principal{}, auth.ErrMissing
	case !auth.IsAPIKey(token) && !t.ID.IsZero():
		return s.verifier.Verify(t.ID, t.Slug, token, t.FormerSlugs(now)...)
	case !auth.IsAPIKey(token):
		return auth.Principal{}, auth.ErrKeyNeeded
	}
	from, _ := netip.ParseAddr(c.RealIP())
	p, err := auth.VerifyAPIKey(s.tenants, t.ID, t.Slug, token, from, now)
	if err == nil {
		s.store.APIKeys.Used(p.Subject, now)
	}
	return p, err
}

// verifiedSocket notes that the token of a handshake was verified.
func (s *Server) verifiedSocket(c echo.Context, role auth.Role) {
	s.giveBack(c, role)
	verified(c.Request().Context())
}

// whole reads a request's body into memory; its size is bounded by BodyLimit. The handler has the
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

// logPanic logs a panic in a handler.
func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.log.Error("panic in a handler", "path", c.Path(), "error", err, "stack", string(stack))
	return err
}

// logRequest writes a line per request at debug level: route and status, never the
// URL, whose parts may be personal.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		level := slog.LevelDebug
		if s.edge.AccessLog {
			level = slog.LevelInfo
		}
		if ctx := c.Request().Context(); s.log.Enabled(ctx, level) { // no path and no query: a room's, a player's or a token's name may be in them
			s.log.Log(ctx, level, "request", "id", api.RequestID(c), "method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
				"took", time.Since(began), "tenant", api.SlugOf(c), "address", c.RealIP(), "bytes", c.Response().Size)
		}
		return nil
	}
}
