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
select u.actor, u.action, u.target, u.reason, u.before::json, u.after::json, u.address, u.credential, u.request
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  as u(actor, action, target, reason, before, after, address, credential, request)`

// WriteAudit adds a line to the audit log of the tenant whose transaction tx is.
func WriteAudit(ctx context.Context, tx pgx.Tx, a rooms.Audit) error {
	_, err := tx.Exec(ctx, insertAudit, auditArgs(a)...)
	return err
}

// QueueAudit queues one statement that adds lines to the audit log, in their order.
func QueueAudit(q *pgx.Batch, lines ...rooms.Audit) {
	if len(lines) > 0 {
		q.Queue(insertAudit, auditArgs(lines...)...)
	}
}

func auditArgs(lines ...rooms.Audit) []any {
	n := len(lines)
	var texts [7][]string
	for i := range texts {
		texts[i] = make([]string, n)
	}
	before, after := make([]*string, n), make([]*string, n)
	for i, a := range lines {
		for k, text := range [...]string{a.Actor, a.Action, a.Target, a.Reason, a.Address, a.Credential, a.Request} {
			texts[k][i] = text
		}
		before[i], after[i] = JSONText(a.Before), JSONText(a.After)
	}
	return []any{texts[0], texts[1], texts[2], texts[3], before, after, texts[4], texts[5], texts[6]}
}

// JSONText returns j as a parameter of a statement, which is null if j is nil.
func JSONText(j json.RawMessage) *string {
	if j == nil {
		return nil
	}
	s := string(j)
	return &s
}
