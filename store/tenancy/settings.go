package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Settings are changes of a tenant. What is nil stays as it is.
type Settings struct {
	Name           *strict.Line
	OnTrial        *bool
	PaidUntil      *time.Time
	NoEnd          bool // it is served without end
	FrameAncestors *[]string
	Currency       *string // ISO 4217; only before money was moved
	// CreditApprovalAbove is the amount, in minor units, above which a credit needs a second person; NoApproval: none does.
	CreditApprovalAbove *int64
	// Plan and Jurisdiction are names; "" and "none": none.
	Plan, Jurisdiction *string
}

// NoApproval is the CreditApprovalAbove of a tenant none of whose credits needs a second person.
const NoApproval = -1

// tenantSettings holds a tenant's settings as audit lines show them.
type tenantSettings struct {
	Name           string     `json:"name"`
	OnTrial        bool       `json:"on_trial"`
	PaidUntil      *time.Time `json:"paid_until"` // null: no end
	FrameAncestors []string   `json:"frame_ancestors"`
	Currency       string     `json:"currency"`
	Exponent       int        `json:"exponent"`

	CreditApprovalAbove *int64 `json:"credit_approval_above"` // null: none

	Plan         *string `json:"plan"`         // null: none
	Jurisdiction *string `json:"jurisdiction"` // null: none
}

const (
	selectSettings = `
select id, name, on_trial, case when isfinite(paid_until) then paid_until end, array_remove(frame_ancestors, null), currency, exponent, credit_approval_above, plan, jurisdiction, status
from platform.tenant where slug = $1 for update`

	updateSettings = `
update platform.tenant set name = $2, on_trial = $3, paid_until = $4, frame_ancestors = $5, currency = $6, exponent = $7, credit_approval_above = $8,
  plan = $9, jurisdiction = $10
where id = $1`

	// selectMoney waits for the credits under way, which lock the house's account until they are
	// committed, and keeps later ones from reading the currency (journal.Ledger.Credit reads it under that
	// lock). There can be no stake before the first credit.
	selectMoney = `select 1 from account where kind = 'house' for update`
	anyMoney    = `select exists (select from transfer)`
)

// SetTenant changes settings of a tenant, with an audit line, and returns the tenant as it is then;
// every node has them within a second. It returns store.ErrNoTenant, ErrTenant, ErrNoPlan, ErrNoJurisdiction, store.ErrInvalid, ErrStatus or, for another
// currency after money was moved, ErrStaked.
func (a *Admin) SetTenant(ctx context.Context, slug tenant.Slug, to Settings, reason strict.Line) (Tenant, error) {
	if err := db.CheckReason(reason); err != nil {
		return Tenant{}, err
	}
	if to == (Settings{}) {
		return Tenant{}, fmt.Errorf("%w: there is nothing to set", db.ErrInvalid)
	}
	err := a.changeIf(ctx, Status.changeable, slug, "tenant.set", "", reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		var old tenantSettings
		var stored string
		var set Status
		err = tx.QueryRow(ctx, selectSettings, string(slug)).Scan(&stored, &old.Name, &old.OnTrial, &old.PaidUntil, &old.FrameAncestors, &old.Currency, &old.Exponent, &old.CreditApprovalAbove,
			&old.Plan, &old.Jurisdiction, &set)
		if err != nil {
			return nil, nil, err
		}
		next, err := to.apply(old)
		if err != nil {
			return nil, nil, err
		}
		if set != Provisioning && (next.Currency != old.Currency || next.Exponent != old.Exponent) {
			if err := a.checkUnused(ctx, tx, id); err != nil {
				return nil, nil, err
			}
		}
		_, err = tx.Exec(ctx, updateSettings, stored, next.Name, next.OnTrial, next.PaidUntil, next.FrameAncestors, next.Currency, next.Exponent, next.CreditApprovalAbove,
			next.Plan, next.Jurisdiction)
		return old, next, err
	})
	switch {
	case db.Violates(err, "tenant_plan"):
		return Tenant{}, fmt.Errorf("%w: %s", ErrNoPlan, *to.Plan)
	case db.Violates(err, "tenant_jurisdiction"):
		return Tenant{}, fmt.Errorf("%w: %s", ErrNoJurisdiction, *to.Jurisdiction)
	case err != nil:
		return Tenant{}, fmt.Errorf("store: set %s: %w", slug, err)
	}
	return a.Tenant(ctx, slug)
}

// apply returns t with the changes applied.
func (s Settings) apply(t tenantSettings) (tenantSettings, error) {
	if s.Name != nil {
		name := *s.Name
		if err := checkName(&name); err != nil {
			return t, err
		}
		t.Name = string(name)
	}
	if s.OnTrial != nil {
		t.OnTrial = *s.OnTrial
	}
	if s.PaidUntil != nil && s.NoEnd {
		return t, fmt.Errorf("%w: it is either paid until a time or served without end", ErrTenant)
	}
	if err := checkPaid(s.PaidUntil); err != nil {
		return t, err
	}
	if s.PaidUntil != nil {
		t.PaidUntil = orNull(s.PaidUntil.UTC())
	}
	if s.NoEnd {
		t.PaidUntil = nil
	}
	if s.FrameAncestors != nil {
		if err := checkAncestors(*s.FrameAncestors); err != nil {
			return t, err
		}
		t.FrameAncestors = append([]string{}, *s.FrameAncestors...)
	}
	if s.Currency != nil {
		digits, err := currencyDigits(*s.Currency)
		if err != nil {
			return t, err
		}
		t.Currency, t.Exponent = *s.Currency, digits
	}
	if s.Plan != nil {
		t.Plan = orNone(*s.Plan)
	}
	if s.Jurisdiction != nil {
		t.Jurisdiction = orNone(*s.Jurisdiction)
	}
	if above := s.CreditApprovalAbove; above != nil {
		switch {
		case *above == NoApproval:
			t.CreditApprovalAbove = nil
		case *above < 0:
			return t, fmt.Errorf("%w: credit_approval_above is %d: it is an amount in minor units, or %d for none", ErrTenant, *above, NoApproval)
		default:
			t.CreditApprovalAbove = above
		}
	}
	return t, nil
}

// checkUnused returns ErrStaked if money was ever moved at a tenant. Until tx ends none can be.
func (a *Admin) checkUnused(ctx context.Context, tx pgx.Tx, id tenant.ID) error {
	return a.inSchema(ctx, tx, id, func() error {
		var used bool
		if _, err := tx.Exec(ctx, selectMoney); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, anyMoney).Scan(&used); err != nil {
			return err
		}
		if used {
			return ErrStaked
		}
		return nil
	})
}

// changeIf does as changeTenant, if may returns nil for the status to which the tenant is set.
func (a *Admin) changeIf(ctx context.Context, may func(Status, tenant.Slug) error, slug tenant.Slug, action, target string, reason strict.Line, change func(tx pgx.Tx, id tenant.ID) (before, after any, err error)) error {
	return a.changeTenant(ctx, slug, action, target, reason, func(tx pgx.Tx, id tenant.ID) (before, after any, err error) {
		var set Status
		if err := tx.QueryRow(ctx, `select status from platform.tenant where id = $1`, id.String()).Scan(&set); err != nil {
			return nil, nil, err
		}
		if err := may(set, slug); err != nil {
			return nil, nil, err
		}
		return change(tx, id)
	})
}

// changeTenant runs change in a transaction, adds an audit line with what it returns, and raises the
// version of the directory, so that all nodes read the change. An empty target means the tenant. The
// tenant's row is locked: changes of a tenant come one after the other.
//
//pitboss:sql the number is a constant
func (a *Admin) changeTenant(ctx context.Context, slug tenant.Slug, action, target string, reason strict.Line, change func(tx pgx.Tx, id tenant.ID) (before, after any, err error)) error {
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := a.ready(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`set local lock_timeout = %d`, appLockTimeout.Milliseconds())); err != nil {
			return err
		}
		var name string
		var status Status
		if err := tx.QueryRow(ctx, `select id, status from platform.tenant where slug = $1 and slug <> id for update`, string(slug)).Scan(&name, &status); err != nil {
			return err
		}
		if status == Purged {
			return status.changeable(slug)
		}
		id, err := tenant.Parse(name)
		if err != nil {
			return err
		}
		before, after, err := change(tx, id)
		if err != nil {
			return err
		}
		if target == "" {
			target = name
		}
		line := a.line(action, target, reason)
		if line.Before, err = jsonOf(before); err != nil {
			return err
		}
		if line.After, err = jsonOf(after); err != nil {
			return err
		}
		switch status {
		case Provisioning, Archived: // its own log is not there, or is part of its archive
			err = a.writePlatformAudit(ctx, tx, line)
		default:
			err = a.writeAudit(ctx, tx, id, line)
		}
		if err != nil {
			return err
		}
		if err := a.applied(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, bumpTenant, name)
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w: %s", db.ErrNoTenant, slug)
	case db.SQLState(err) == db.StateLockTimeout:
		return fmt.Errorf("%w: somebody else holds what is to be changed: %w", db.ErrUnavailable, err)
	}
	return err
}

// line returns an audit line of what somebody does by a.
func (a *Admin) line(action, target string, reason strict.Line) rooms.Audit {
	return rooms.Audit{Actor: a.actor(), Action: action, Target: target, Reason: string(reason), Origin: a.Origin}
}

// writeAudit adds a line to a tenant's audit log, and to the platform's if its action is one of those on a whole tenant:
// they outlive its schema.
func (a *Admin) writeAudit(ctx context.Context, tx pgx.Tx, id tenant.ID, line rooms.Audit) error {
	if strings.HasPrefix(line.Action, "tenant.") {
		if err := a.writePlatformAudit(ctx, tx, line); err != nil {
			return err
		}
	}
	return a.inSchema(ctx, tx, id, func() error { return db.WriteAudit(ctx, tx, line) })
}

// writePlatformAudit adds a line to the platform's audit log.
func (a *Admin) writePlatformAudit(ctx context.Context, tx pgx.Tx, line rooms.Audit) error {
	if _, err := tx.Exec(ctx, `set local search_path = platform, pg_temp`); err != nil {
		return err
	}
	if err := db.WriteAudit(ctx, tx, line); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `set local search_path = pg_catalog, pg_temp`)
	return err
}

// jsonOf returns v as JSON; nil if v is nil.
func jsonOf(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}
