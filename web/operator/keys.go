package operator

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// newKey is an API key and its text, which is shown once.
type newKey struct {
	Key    string `json:"key,omitempty"`
	Detail string `json:"detail,omitempty"` // why there is no Key
	tenancy.APIKeyInfo
}

// keyNotKept is the Detail of a key that is answered with again.
const keyNotKept = "The key's text was in the first answer and is not kept. If it is lost, rotate this key."

// keyLimits names the limits of an API key's parts.
var keyLimits = map[string]string{"name": api.LimitAPIKeyName, "addresses": api.LimitAPIKeyAddresses, "overlap": api.LimitAPIKeyOverlap}

// KeyTable is the list of Keys.
var KeyTable = list.Table{
	Fields: []list.Field{
		{Name: "id", Sort: true}, {Name: "name", Sort: true},
		{Name: "state", Values: []string{string(tenancy.APIKeyActive), string(tenancy.APIKeyReplaced), string(tenancy.APIKeyExpired), string(tenancy.APIKeyRevoked)}, Sort: true},
		{Name: "created_at", Type: list.Time, Sort: true}, {Name: "created_by", Sort: true}, {Name: "expires_at", Type: list.Time}, {Name: "last_used_at", Type: list.Time},
		{Name: "revoked_at", Type: list.Time}, {Name: "valid_until", Type: list.Time},
	},
	Key: "id", Order: "-created_at",
}

// Keys answers with the casino's API keys, without their secrets, the newest first.
func (a *API) Keys(c echo.Context) error {
	return api.AnswerRows(a.lists, c, "keys", KeyTable, tenancy.APIKeysMax, func(ctx context.Context) ([]tenancy.APIKeyInfo, error) {
		return a.store.APIKeys.List(ctx, api.TenantOf(c).ID)
	})
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
	if err := readReasoned(c, &in, &in.Reason); err != nil {
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
	if err := readReasoned(c, &in, &in.Reason); err != nil {
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
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	k, err := a.store.APIKeys.Revoke(ctx, api.TenantOf(c).ID, api.Param(c, "id"), keyChange(c, in.Reason))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, k)
}

func keyChange(c echo.Context, reason strict.Line) tenancy.APIKeyChange {
	return tenancy.APIKeyChange{Reason: reason, Actor: api.OwnerOf(c), Origin: api.OriginOf(c), May: api.PrincipalOf(c).May}
}

// madeKey answers with a new key, and counts a limit that was met.
func (a *API) madeKey(c echo.Context, k tenancy.APIKeyInfo, text auth.APIKeyText, err error) error {
	var refused *tenancy.APIKeyError
	switch {
	case errors.Is(err, tenancy.ErrTooManyAPIKeys):
		a.limits.Hit(api.TenantOf(c).ID, api.LimitAPIKeys)
	case errors.As(err, &refused) && refused.Limit:
		a.limits.Hit(api.TenantOf(c).ID, keyLimits[refused.Field])
	}
	if err != nil {
		return err
	}
	return api.ShowOnce(c, http.StatusCreated, newKey{Key: text.Reveal(), APIKeyInfo: k}, newKey{Detail: keyNotKept, APIKeyInfo: k})
}
