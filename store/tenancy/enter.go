package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// EntryLife bounds how long a token of Enter is good.
const EntryLife = time.Hour

// ErrNoSecret means that a tenant has no secret of ours with which a token could be signed.
var ErrNoSecret = errors.New("store: the tenant's tokens come from its own server alone")

// Entry describes a token that lets somebody of the platform's into a tenant, without the token.
type Entry struct {
	TokenID   string    `json:"jti"` // by which it is revoked
	Subject   string    `json:"subject"`
	Role      auth.Role `json:"role"`
	ExpiresAt time.Time `json:"expires_at"`
}

// newestSecret is that with which a tenant's tokens are signed.
const newestSecret = `
select kid, secret from platform.tenant_key where tenant = $1 and alg = 'HS256' and state = 'active' order by created_at desc, kid limit 1`

// Enter signs a token by which whoever asks is one of a tenant's staff for EntryLife: an operator, or support, who changes
// nothing. Its subject follows from the actor, so that nobody is a second person to himself. The tenant's audit log
// and the platform's have a line. It returns ErrNoSecret, ErrStatus if the tenant lets no staff in, store.ErrNoTenant or
// store.ErrInvalid.
func (a *Admin) Enter(ctx context.Context, slug tenant.Slug, role auth.Role, reason strict.Line) (e Entry, token string, err error) {
	if role != auth.Operator && role != auth.Support {
		return e, "", fmt.Errorf("%w: role: want %s or %s", db.ErrInvalid, auth.Operator, auth.Support)
	}
	if err := db.CheckReason(reason); err != nil {
		return e, "", err
	}
	e = Entry{TokenID: uuid.NewString(), Subject: "platform:" + strings.TrimPrefix(a.actor(), "key:"), Role: role, ExpiresAt: time.Now().Add(EntryLife).UTC().Truncate(time.Second)}
	err = a.changeIf(ctx, Status.open, slug, "tenant.enter", "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		_, now, err := readStatus(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		if !now.LetsIn(role) {
			return nil, nil, fmt.Errorf("%w: it is %s, and lets no staff in", ErrStatus, now)
		}
		key := auth.Key{Alg: auth.HS256}
		var sealed []byte
		if err := tx.QueryRow(ctx, newestSecret, id.String()).Scan(&key.ID, &sealed); errors.Is(err, pgx.ErrNoRows) {
			return nil, nil, ErrNoSecret
		} else if err != nil {
			return nil, nil, err
		}
		if key.Secret, err = a.box.Open(id, purposeSigningKey+key.ID, sealed); err != nil {
			return nil, nil, err
		}
		token, err = auth.Mint(key, auth.Principal{Tenant: id, Slug: slug, Subject: e.Subject, Role: role, TokenID: e.TokenID, ExpiresAt: e.ExpiresAt})
		return nil, e, err
	})
	return e, token, err
}
