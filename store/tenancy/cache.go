package tenancy

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// FlushCache begins a new epoch of what is cached of a tenant: within a second no node that has the database
// finds anything of before, in its memory or in Redis. It returns store.ErrNoTenant, store.ErrInvalid or ErrStatus.
func (a *Admin) FlushCache(ctx context.Context, slug tenant.Slug, reason strict.Line) (Tenant, error) {
	if err := db.CheckReason(reason); err != nil {
		return Tenant{}, err
	}
	err := a.changeIf(ctx, Status.open, slug, "cache.flush", "", reason, func(pgx.Tx, tenant.ID) (before, after any, err error) { return nil, nil, nil })
	if err != nil {
		return Tenant{}, err
	}
	return a.Tenant(ctx, slug)
}
