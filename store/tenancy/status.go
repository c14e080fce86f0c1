package tenancy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	selectLife = `select status, on_trial, case when isfinite(paid_until) then paid_until end, suspended_for, back_at from platform.tenant where id = $1`

	updateStatus = `update platform.tenant set status = $2, suspended_for = $3, back_at = $4, changed_at = clock_timestamp() where id = $1`

	// insertSlug fails if the slug was ever given.
	insertSlug = `insert into platform.slug (slug, tenant) values ($1, $2)`
	// retireSlug makes a tenant's slug a former one.
	retireSlug = `update platform.slug set until = clock_timestamp() + $2::interval where tenant = $1 and until is null`
	// keepSlug makes a former slug of a tenant its slug again.
	keepSlug   = `update platform.slug set until = null where slug = $1 and tenant = $2`
	renameSlug = `update platform.tenant set slug = $2 where id = $1`
)

// statusLine is a tenant's status as audit lines show it.
type statusLine struct {
	Status Status     `json:"status"`
	Reason string     `json:"status_reason,omitempty"`
	BackAt *time.Time `json:"back_at,omitempty"`
}

// slugLine is a tenant's slug as audit lines show it, whose target is its ID.
type slugLine struct {
	Slug tenant.Slug `json:"slug"`
}

// Suspend lets nobody in at a tenant, with a reason for the platform's people: every node refuses it within a second, and
// its rounds end and are paid. Suspending again replaces the reason. It returns store.ErrNoTenant, store.ErrInvalid or
// ErrStatus.
func (a *Admin) Suspend(ctx context.Context, slug tenant.Slug, reason strict.Line) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	return a.setStatus(ctx, slug, Suspend, Suspended, reason, time.Time{})
}

// maintenanceMax bounds how far ahead players are told to come back.
const maintenanceMax = 30 * 24 * time.Hour

// Maintain lets no player in at a tenant until Resume: they are told to come back at a time, which may be zero, and its
// rounds end and are paid. It returns store.ErrNoTenant, store.ErrInvalid, ErrStatus or ErrOlderNode.
func (a *Admin) Maintain(ctx context.Context, slug tenant.Slug, back time.Time, reason strict.Line) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	if !back.IsZero() && !back.After(time.Now()) {
		return fmt.Errorf("%w: the end of the maintenance has passed already", db.ErrInvalid)
	}
	if back.After(time.Now().Add(maintenanceMax)) {
		return fmt.Errorf("%w: players are told to come back within %d days, or no time", db.ErrInvalid, maintenanceMax/(24*time.Hour))
	}
	return a.setStatus(ctx, slug, Maintain, Maintenance, reason, back)
}

// Resume ends a suspension, a maintenance or an archive: the tenant is what the calendar says, and its tables deal again.
// It returns store.ErrNoTenant or ErrStatus.
func (a *Admin) Resume(ctx context.Context, slug tenant.Slug) error {
	return a.setStatus(ctx, slug, Resume, Active, "", time.Time{})
}

// setStatus does an action to a tenant.
func (a *Admin) setStatus(ctx context.Context, slug tenant.Slug, action Action, to Status, reason strict.Line, back time.Time) error {
	err := a.changeTenant(ctx, slug, "tenant."+string(action), "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		was, at, err := readStatus(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		if err := at.may(action); err != nil {
			return nil, nil, err
		}
		if to == Maintenance {
			if err := checkNodes(ctx, tx); err != nil {
				return nil, nil, err
			}
		}
		if was.Status == Archived {
			if err := a.unarchive(ctx, tx, id); err != nil {
				return nil, nil, err
			}
		}
		is := statusLine{to, string(reason), orNull(back.UTC())}
		_, err = tx.Exec(ctx, updateStatus, id.String(), string(is.Status), is.Reason, is.BackAt)
		return was, is, err
	})
	if err != nil {
		return fmt.Errorf("store: %s %s: %w", action, slug, err)
	}
	return nil
}

// statusesStep is the platform's step that brought the statuses beside active and suspended. A node that is older takes a
// tenant for active unless it is suspended.
const statusesStep = 15

// checkNodes returns ErrOlderNode if a node serves that does not know all statuses.
func checkNodes(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, `select node from platform.node where expires > clock_timestamp() and coalesce(case when versions_by = incarnation then platform_version end, 0) < $1 order by node limit 10`, statusesStep)
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(nodes) > 0 {
		err = fmt.Errorf("%w, and know no status but active and suspended: %s: update them before", ErrOlderNode, strings.Join(nodes, ", "))
	}
	return err
}

// readStatus returns what is stored of a tenant's status, and its status now.
func readStatus(ctx context.Context, tx pgx.Tx, id tenant.ID) (was statusLine, now Status, err error) {
	var l life
	var paid *time.Time
	err = tx.QueryRow(ctx, selectLife, id.String()).Scan(&l.set, &l.onTrial, &paid, &was.Reason, &was.BackAt)
	if paid != nil {
		l.paidUntil = *paid
	}
	was.Status = l.set
	return was, l.at(time.Now()), err
}

// Rename gives a tenant another slug. Tokens may name the former one for as long as one that was made before can be good;
// no other tenant ever gets it. It returns store.ErrNoTenant, store.ErrInvalid, tenant.ErrSlug, ErrSlugTaken or ErrStatus.
func (a *Admin) Rename(ctx context.Context, slug, to tenant.Slug, reason strict.Line) (Tenant, error) {
	if err := db.CheckReason(reason); err != nil {
		return Tenant{}, err
	}
	if _, err := tenant.ParseSlug(string(to)); err != nil {
		return Tenant{}, err
	}
	if slug == to {
		return a.Tenant(ctx, slug) // as after a rename whose answer was lost
	}
	err := a.changeIf(ctx, Status.changeable, slug, "tenant.rename", "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		if _, err := tx.Exec(ctx, retireSlug, id.String(), auth.TokenLifeMax+auth.Leeway); err != nil {
			return nil, nil, err
		}
		a.at("retired")
		again, err := tx.Exec(ctx, keepSlug, string(to), id.String())
		if err != nil {
			return nil, nil, err
		}
		if again.RowsAffected() == 0 {
			if _, err := tx.Exec(ctx, insertSlug, string(to), id.String()); err != nil {
				return nil, nil, err
			}
		}
		_, err = tx.Exec(ctx, renameSlug, id.String(), string(to))
		a.at("renamed")
		return slugLine{slug}, slugLine{to}, err
	})
	if db.Violates(err, "slug_name") {
		return Tenant{}, fmt.Errorf("%w: %s", ErrSlugTaken, to)
	}
	if err != nil {
		return Tenant{}, fmt.Errorf("store: rename %s: %w", slug, err)
	}
	return a.Tenant(ctx, to)
}
