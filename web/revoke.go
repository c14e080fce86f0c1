package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// tokenOf is the token that made who a principal, as its socket keeps it.
func tokenOf(who auth.Principal) hub.Token {
	return hub.Token{ID: who.TokenID, Key: who.Key, IssuedAt: who.IssuedAt, ExpiresAt: who.ExpiresAt}
}

// CloseRevoked closes this node's sockets of these tenants whose tokens, or the keys of whose tokens,
// were taken back. Who
// comes, or renews, at this very moment looks for itself (session.begin and renew).
func (s *Server) CloseRevoked(tenants []tenant.ID) {
	touched := map[tenant.ID]bool{}
	for _, id := range tenants {
		touched[id] = true
	}
	s.hub.CloseWhere(func(id hub.Identity) bool {
		return touched[id.Tenant] && s.verifier.Revoked(auth.Principal{
			Tenant: id.Tenant, Subject: id.Player, Role: auth.Role(id.Role), TokenID: id.Token.ID, Key: id.Token.Key, IssuedAt: id.Token.IssuedAt,
		})
	}, wire.CloseRevoked, 0)
}

func (s *Server) revokeToken(c echo.Context) error {
	var in struct {
		JTI    string      `json:"jti"`
		Reason strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	if !auth.ValidTokenID(in.JTI) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "jti: want 1 to 200 printable bytes")
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	err := s.store.Revocations.RevokeToken(ctx, api.TenantOf(c).ID, in.JTI, access.Revoke{Reason: in.Reason, Actor: actorOf(c), Address: c.RealIP()})
	return s.revoked(c, err)
}

func (s *Server) kick(c echo.Context) error {
	return s.kickOne(c, "player", func(ctx context.Context, id tenant.ID, subject string, by access.Revoke) error {
		return s.store.Revocations.Kick(ctx, id, game.PlayerID(subject), by)
	})
}

func (s *Server) kickStaff(c echo.Context) error {
	return s.kickOne(c, "subject", s.store.Revocations.KickStaff)
}

// kickOne kicks whom the path's parameter names.
func (s *Server) kickOne(c echo.Context, name string, kick func(context.Context, tenant.ID, string, access.Revoke) error) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	subject := api.Param(c, name)
	if !auth.ValidSubject(subject) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, name+": want 1 to 64 printable characters without spaces")
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	return s.revoked(c, kick(ctx, api.TenantOf(c).ID, subject, access.Revoke{Reason: in.Reason, Actor: actorOf(c), Address: c.RealIP()}))
}

func (s *Server) revoked(c echo.Context, err error) error {
	if errors.Is(err, access.ErrTooManyRevocations) {
		s.limits.Hit(api.LimitRevocations)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}
