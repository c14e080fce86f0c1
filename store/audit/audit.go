// Package audit reads and writes the audit log of each tenant.
//
// What always holds:
//
//   - What changes something writes its line in the transaction of the change, by the shared base
//     (store/internal/db). Write is for what changes nothing in the database.
//   - A line can be added and read, and never changed: the tenant's role has no right to.
//   - A reason is one line of 1 to ReasonMax characters, whoever gives it.
package audit

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Log is the audit log of every tenant. Lines can be added and read, and never changed.
type Log struct{ db *db.DB }

// New returns the audit log.
func New(d *db.DB) *Log { return &Log{d} }

// ReasonMax is the largest number of characters in a reason.
const ReasonMax = db.ReasonMax

// Line is one line of the audit log.
type Line struct {
	ID int64     `json:"id"` // rises; not gapless
	At time.Time `json:"at"`
	rooms.Audit
}

// Write adds a line in a transaction of its own. It returns store.ErrNoTenant.
func (l *Log) Write(ctx context.Context, id tenant.ID, a rooms.Audit) error {
	err := l.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return db.WriteAudit(ctx, tx, a) })
	if err != nil {
		return fmt.Errorf("store: audit %s: %w", a.Action, err)
	}
	return nil
}

const selectAudit = `
select id, at, actor, action, target, reason, before, after, address
from audit_log where id < $1 order by id desc limit $2`

// Lines returns at most limit lines that come before the one with the ID before, the newest first;
// 0 means the end of the log. It returns store.ErrNoTenant.
func (l *Log) Lines(ctx context.Context, id tenant.ID, before int64, limit int) ([]Line, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var out []Line
	err := l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, selectAudit, before, limit) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Line, err error) {
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
