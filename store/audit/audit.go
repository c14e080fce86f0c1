// Package audit reads and writes the audit log of each tenant, and reads the platform's.
//
// What always holds:
//
//   - What changes something writes its line in the transaction of the change, by the shared base
//     (store/internal/db). Write is for what changes nothing in the database.
//   - A line can be added and read, and never changed: the tenant's role has no right to. The platform's log is
//     written by the owner's login, and read by the application's.
//   - A reason is one line of 1 to ReasonMax characters, whoever gives it.
package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
)

// Log is the audit log of every tenant, and of the platform. Lines can be added and read, and never changed.
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

// Lines is the list of a tenant's lines, for List.
var Lines = linesOf("audit_log", true)

// PlatformLines is the list of the platform's lines, for ListPlatform.
var PlatformLines = linesOf("platform.audit_log", false)

// linesOf returns the list of a log's lines. A tenant's has indexes by credential and by request.
func linesOf(log string, tenants bool) list.Table {
	return list.Table{
		Select: `select id, at, actor, action, target, reason, before, after, address, credential, request from ` + log,
		Fields: []list.Field{
			{Name: "id", Type: list.Number, Sort: true, Indexed: true}, {Name: "at", Type: list.Time}, {Name: "actor"}, {Name: "action"}, {Name: "target"},
			{Name: "address"}, {Name: "credential", Indexed: tenants}, {Name: "request", Indexed: tenants},
		},
		Key: "id", Order: "-id",
	}
}

// List returns a page of a tenant's log, and the cursor of the next one. It returns store.ErrNoTenant.
func (l *Log) List(ctx context.Context, id tenant.ID, q list.Query) (page []Line, next string, err error) {
	page, next, err = db.List(ctx, l.db, id, Lines, q, scan, key)
	if err != nil {
		return nil, "", fmt.Errorf("store: audit log: %w", err)
	}
	return page, next, nil
}

// ListPlatform returns a page of the platform's log, which has what was done to the platform's own API keys, and the
// cursor of the next one.
func (l *Log) ListPlatform(ctx context.Context, q list.Query) (page []Line, next string, err error) {
	page, next, err = db.ListPlatform(ctx, l.db, PlatformLines, q, scan, key)
	if err != nil {
		return nil, "", fmt.Errorf("store: the platform's audit log: %w", err)
	}
	return page, next, nil
}

func scan(row pgx.CollectableRow) (l Line, err error) {
	err = row.Scan(&l.ID, &l.At, &l.Actor, &l.Action, &l.Target, &l.Reason, (*[]byte)(&l.Before), (*[]byte)(&l.After), &l.Address, &l.Credential, &l.Request)
	l.At = l.At.UTC()
	return l, err
}

func key(l Line, _ string) any { return l.ID }
