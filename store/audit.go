package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

// AuditLine is a line of the audit log as it is kept.
type AuditLine struct {
	ID int64     `json:"id"` // rises; not gapless
	At time.Time `json:"at"`
	rooms.Audit
}

// ReasonMax is how many characters a reason has at most.
const ReasonMax = 500

// checkReason returns ErrInvalid if what was done may not be done for this reason.
func checkReason(reason strict.Line) error {
	if !strict.Trim(&reason, 1, ReasonMax) || strict.CheckLine(string(reason)) != nil {
		return fmt.Errorf("%w: a reason has 1 to %d characters, in one line", ErrInvalid, ReasonMax)
	}
	return nil
}

// WriteAudit adds a line by itself. What has an effect of its own writes its line in the
// effect's transaction instead. It returns ErrNoTenant.
func (s *Store) WriteAudit(ctx context.Context, id tenant.ID, a rooms.Audit) error {
	err := s.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return writeAudit(ctx, tx, a) })
	if err != nil {
		return fmt.Errorf("store: audit %s: %w", a.Action, err)
	}
	return nil
}

const selectAudit = `
select id, at, actor, action, target, reason, before, after, address
from audit_log where id < $1 order by id desc limit $2`

// AuditLog returns at most limit lines before one, the newest first; before 0 is the end.
// It returns ErrNoTenant.
func (s *Store) AuditLog(ctx context.Context, id tenant.ID, before int64, limit int) ([]AuditLine, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var out []AuditLine
	err := s.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, selectAudit, before, limit) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l AuditLine, err error) {
			err = row.Scan(&l.ID, &l.At, &l.Actor, &l.Action, &l.Target, &l.Reason,
				(*[]byte)(&l.Before), (*[]byte)(&l.After), &l.Address)
			l.At = l.At.UTC()
			return l, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: audit log: %w", err)
	}
	return out, nil
}
