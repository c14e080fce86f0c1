package operator

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// keyBody is an API key as it is answered with.
type keyBody struct {
	Key        string              `json:"key,omitempty"` // its text, which is shown once
	ID         string              `json:"id"`
	Name       string              `json:"name"`
	State      tenancy.APIKeyState `json:"state"`
	Scopes     []auth.Scope        `json:"scopes"`
	Addresses  []netip.Prefix      `json:"addresses"`
	CreatedAt  wire.Time           `json:"created_at"`
	CreatedBy  string              `json:"created_by"`
	ExpiresAt  wire.Time           `json:"expires_at,omitzero"`
	LastUsedAt wire.Time           `json:"last_used_at,omitzero"`
	RevokedAt  wire.Time           `json:"revoked_at,omitzero"`
	ReplacedBy string              `json:"replaced_by,omitempty"`
	ValidUntil wire.Time           `json:"valid_until,omitzero"`
}

func keyBodyOf(k tenancy.APIKeyInfo) keyBody {
	return keyBody{
		"", k.ID, k.Name, k.State, k.Scopes, k.Addresses, wire.At(k.CreatedAt), k.CreatedBy, wire.At(k.ExpiresAt), wire.At(k.LastUsedAt), wire.At(k.RevokedAt),
		k.ReplacedBy, wire.At(k.ValidUntil),
	}
}

// keyLimits names the limits of an API key's parts.
var keyLimits = map[string]string{"name": api.LimitAPIKeyName, "addresses": api.LimitAPIKeyAddresses, "overlap": api.LimitAPIKeyOverlap}

// Keys answers with the casino's API keys, without their secrets.
func (a *API) Keys(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	list, err := a.store.APIKeys.List(ctx, api.TenantOf(c).ID)
	if err != nil {
		return err
	}
	out := struct {
		Keys []keyBody `json:"keys"`
	}{[]keyBody{}}
	for _, k := range list {
		out.Keys = append(out.Keys, keyBodyOf(k))
	}
	return c.JSON(http.StatusOK, out)
}

// CreateKey makes an API key that may do no more than whoever makes it, and answers with its text.
func (a *API) CreateKey(c echo.Context) error {
	var in struct {
		Name      strict.Line `json:"name"`
		Scopes    []string    `json:"scopes"`
		Addresses []string    `json:"addresses,omitempty"`
		ExpiresAt *time.Time  `json:"expires_at,omitempty"`
		Reason    strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	n := tenancy.NewAPIKey{Name: in.Name, Scopes: in.Scopes, Addresses: in.Addresses}
	if in.ExpiresAt != nil {
		n.ExpiresAt = *in.ExpiresAt
	}
	k, text, err := a.store.APIKeys.Create(ctx, api.TenantOf(c).ID, n, keyChange(c, in.Reason))
	return a.madeKey(c, k, text, err)
}

// RotateKey makes an API key that replaces another, which is valid for a while yet, and answers with its text.
func (a *API) RotateKey(c echo.Context) error {
	var in struct {
		Overlap int64       `json:"overlap_seconds"`
		Reason  strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	overlap := time.Duration(min(max(in.Overlap, -1), int64(2*tenancy.APIKeyOverlapMax/time.Second))) * time.Second
	k, text, err := a.store.APIKeys.Rotate(ctx, api.TenantOf(c).ID, api.Param(c, "id"), overlap, keyChange(c, in.Reason))
	return a.madeKey(c, k, text, err)
}

// RevokeKey ends an API key at once.
func (a *API) RevokeKey(c echo.Context) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	k, err := a.store.APIKeys.Revoke(ctx, api.TenantOf(c).ID, api.Param(c, "id"), keyChange(c, in.Reason))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, keyBodyOf(k))
}

func keyChange(c echo.Context, reason strict.Line) tenancy.APIKeyChange {
	return tenancy.APIKeyChange{Reason: reason, Actor: actorOf(c), Address: c.RealIP(), May: api.PrincipalOf(c).May}
}

// madeKey answers with a new key, and counts a limit that was met.
func (a *API) madeKey(c echo.Context, k tenancy.APIKeyInfo, text auth.APIKeyText, err error) error {
	var refused *tenancy.APIKeyError
	switch {
	case errors.Is(err, tenancy.ErrTooManyAPIKeys):
		a.limits.Hit(api.LimitAPIKeys)
	case errors.As(err, &refused) && refused.Limit:
		a.limits.Hit(keyLimits[refused.Field])
	}
	if err != nil {
		return err
	}
	body := keyBodyOf(k)
	body.Key = text.Reveal()
	return c.JSON(http.StatusCreated, body)
}
