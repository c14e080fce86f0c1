package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
)

// AuditLog is the audit log of every tenant. Lines can be added and read, and never changed.
type AuditLog struct{ db *DB }

// NewAuditLog returns the audit log.
func NewAuditLog(d *DB) *AuditLog { return &AuditLog{d} }

// AuditLine is a line of the audit log as it is kept.
type AuditLine struct {
	ID int64     `json:"id"` // rises; not gapless
	At time.Time `json:"at"`
	rooms.Audit
}

// Write adds a line by itself. What has an effect of its own writes its line in the
// effect's transaction instead. It returns ErrNoTenant.
func (l *AuditLog) Write(ctx context.Context, id tenant.ID, a rooms.Audit) error {
	err := l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return writeAudit(ctx, tx, a) })
	if err != nil {
		return fmt.Errorf("store: audit %s: %w", a.Action, err)
	}
	return nil
}

const selectAudit = `
select id, at, actor, action, target, reason, before, after, address
from audit_log where id < $1 order by id desc limit $2`

// Lines returns at most limit lines before one, the newest first; before 0 is the end.
// It returns ErrNoTenant.
func (l *AuditLog) Lines(ctx context.Context, id tenant.ID, before int64, limit int) ([]AuditLine, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var out []AuditLine
	err := l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
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
