package operator

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// RevokeToken takes a token back by its id, until it has ended.
func (a *API) RevokeToken(c echo.Context) error {
	var in struct {
		JTI    string      `json:"jti"`
		Reason strict.Line `json:"reason"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	if !auth.ValidTokenID(in.JTI) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "jti: want 1 to 200 printable bytes")
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	err := a.store.Revocations.RevokeToken(ctx, api.TenantOf(c).ID, in.JTI, access.Revoke{Reason: in.Reason, Actor: api.OwnerOf(c), Origin: api.OriginOf(c)})
	return a.revoked(c, err)
}

// Kick takes back every token of a player that was issued until now.
func (a *API) Kick(c echo.Context) error {
	return a.kickOne(c, "player", func(ctx context.Context, id tenant.ID, subject string, by access.Revoke) error {
		return a.store.Revocations.Kick(ctx, id, game.PlayerID(subject), by)
	})
}

// KickStaff takes back every token of one of the staff that was issued until now.
func (a *API) KickStaff(c echo.Context) error {
	return a.kickOne(c, "subject", a.store.Revocations.KickStaff)
}

// kickOne kicks whom the path's parameter names.
func (a *API) kickOne(c echo.Context, name string, kick func(context.Context, tenant.ID, string, access.Revoke) error) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	subject := api.Param(c, name)
	if !auth.ValidSubject(subject) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, name+": want 1 to 64 printable characters without spaces")
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	return a.revoked(c, kick(ctx, api.TenantOf(c).ID, subject, access.Revoke{Reason: in.Reason, Actor: api.OwnerOf(c), Origin: api.OriginOf(c)}))
}

// revoked answers a revocation, and counts one that was beyond the limit.
func (a *API) revoked(c echo.Context, err error) error {
	if errors.Is(err, access.ErrTooManyRevocations) {
		a.limits.Hit(api.TenantOf(c).ID, api.LimitRevocations)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct{}{})
}
