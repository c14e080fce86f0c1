package db

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
)

// ReasonMax is the largest number of characters in a reason.
const ReasonMax = 500

// CheckReason returns ErrInvalid unless reason is one line of 1 to ReasonMax characters.
func CheckReason(reason strict.Line) error {
	if !strict.Trim(&reason, 1, ReasonMax) || strict.CheckLine(string(reason)) != nil {
		return fmt.Errorf("%w: a reason has 1 to %d characters, in one line", ErrInvalid, ReasonMax)
	}
	return nil
}

const insertAudit = `
insert into audit_log (actor, action, target, reason, before, after, address, credential, request)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// WriteAudit adds a line to the audit log of the tenant whose transaction tx is.
func WriteAudit(ctx context.Context, tx pgx.Tx, a rooms.Audit) error {
	_, err := tx.Exec(ctx, insertAudit, auditArgs(a)...)
	return err
}

// QueueAudit queues the statement of WriteAudit.
func QueueAudit(q *pgx.Batch, a rooms.Audit) { q.Queue(insertAudit, auditArgs(a)...) }

func auditArgs(a rooms.Audit) []any {
	return []any{a.Actor, a.Action, a.Target, a.Reason, JSONText(a.Before), JSONText(a.After), a.Address, a.Credential, a.Request}
}

// JSONText returns j as a parameter of a statement, which is null if j is nil.
func JSONText(j json.RawMessage) *string {
	if j == nil {
		return nil
	}
	s := string(j)
	return &s
}
