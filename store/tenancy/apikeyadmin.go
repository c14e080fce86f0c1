package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Platform stands for the platform itself where API keys are a tenant's or the platform's. No tenant has the slug.
const Platform tenant.Slug = "*"

// CreateAPIKey makes a key of a tenant's, or of the platform's if slug is Platform, with an audit line, and returns
// its text, which nothing does again. It returns the errors of APIKeys.Create,
// or ErrStatus.
func (a *Admin) CreateAPIKey(ctx context.Context, slug tenant.Slug, n NewAPIKey, reason strict.Line) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, text, err = t.create(ctx, n); return err })
	return k, text, err
}

// RotateAPIKey makes a key that replaces another, as APIKeys.Rotate does.
func (a *Admin) RotateAPIKey(ctx context.Context, slug tenant.Slug, key string, overlap time.Duration, reason strict.Line) (k APIKeyInfo, text auth.APIKeyText, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, text, err = t.rotate(ctx, key, overlap); return err })
	return k, text, err
}

// RevokeAPIKey ends a key at once, as APIKeys.Revoke does.
func (a *Admin) RevokeAPIKey(ctx context.Context, slug tenant.Slug, key string, reason strict.Line) (k APIKeyInfo, err error) {
	err = a.changeAPIKey(ctx, slug, reason, func(t *apiKeyTx) error { k, err = t.revoke(ctx, key); return err })
	return k, err
}

// ListAPIKeys returns the keys of a tenant, or of the platform if slug is Platform, as APIKeys.List does.
func (a *Admin) ListAPIKeys(ctx context.Context, slug tenant.Slug) (list []APIKeyInfo, err error) {
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		owner, _, err := ownerOf(ctx, tx, slug)
		if err != nil {
			return err
		}
		list, err = readAPIKeys(ctx, tx, owner)
		return err
	})
	return list, err
}

// changeAPIKey runs change and adds its audit line, in one transaction: to the tenant's audit log, or to the
// platform's.
//
//pitboss:sql the number is a constant
func (a *Admin) changeAPIKey(ctx context.Context, slug tenant.Slug, reason strict.Line, change func(*apiKeyTx) error) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := a.ready(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local lock_timeout = %d`, appLockTimeout.Milliseconds())); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `select from platform.tenant where slug = $1 for no key update`, string(slug)); err != nil { // its status stays
			return err
		}
		owner, set, err := ownerOf(ctx, tx, slug)
		if err == nil {
			err = set.open(slug)
		}
		if err != nil {
			return err
		}
		t := &apiKeyTx{Tx: tx, owner: owner, by: APIKeyChange{Actor: a.actor(), Reason: reason}}
		if err := change(t); err != nil {
			return err
		}
		if err := a.applied(ctx, tx); err != nil {
			return err
		}
		if owner.IsZero() {
			return a.writePlatformAudit(ctx, tx, t.line)
		}
		return a.inSchema(ctx, tx, owner, func() error { return db.WriteAudit(ctx, tx, t.line) })
	})
	if db.SQLState(err) == db.StateLockTimeout {
		return fmt.Errorf("%w: somebody else holds what is to be changed: %w", db.ErrUnavailable, err)
	}
	return err
}

// ownerOf returns the owner of API keys, and the status to which it is set: a tenant, or zero if slug is Platform.
func ownerOf(ctx context.Context, tx pgx.Tx, slug tenant.Slug) (id tenant.ID, set Status, err error) {
	if slug == Platform {
		return id, Active, nil
	}
	id, err = scanID(tx.QueryRow(ctx, `select id, status from platform.tenant where slug = $1 and slug <> id`, string(slug)), &set)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	}
	return id, set, err
}
