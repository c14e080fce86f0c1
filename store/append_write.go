package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	insertEvents = `
insert into event (room, epoch, seq, at, type, round, data)
select $1, $2, u.seq, u.at, u.type, u.round, u.data::json
from unnest($3::bigint[], $4::timestamptz[], $5::text[], $6::bigint[], $7::text[]) as u(seq, at, type, round, data)`

	insertCommands = `
insert into command (room, player, id, answer)
select $1, u.player, u.id::uuid, u.answer::json
from unnest($2::text[], $3::text[], $4::text[]) as u(player, id, answer)`

	insertTransfers = `
insert into transfer (room, debit, credit, amount, kind, ref, seq, player, command, at)
select $1, u.debit, u.credit, u.amount, u.kind, u.ref, u.seq, u.player, u.command::uuid, u.at
from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::timestamptz[])
  as u(debit, credit, amount, kind, ref, seq, player, command, at)`

	updateAccounts = `
update account a set balance = u.balance, version = u.version
from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as u(id, balance, version) where a.id = u.id`
)

// write writes everything in one round trip: one statement a table, whatever the number of
// rows.
func (p *plan) write(ctx context.Context, tx pgx.Tx) error {
	q := &pgx.Batch{}
	p.queueEvents(q)
	if err := p.queueCommands(q); err != nil {
		return err
	}
	p.queueMoney(q)
	for _, e := range p.b.Entries { // rare: what an operator did
		if e.Audit != nil {
			q.Queue(insertAudit, auditArgs(*e.Audit)...)
		}
	}
	if q.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, q).Close()
}

func (p *plan) queueEvents(q *pgx.Batch) {
	n := int(p.lastSeq - p.b.Seq)
	if n == 0 {
		return
	}
	seqs, rounds := make([]int64, 0, n), make([]int64, 0, n)
	types, data := make([]string, 0, n), make([]*string, 0, n)
	ats := make([]time.Time, 0, n)
	for _, e := range p.b.Entries {
		for _, r := range e.Records {
			seqs, ats, types = append(seqs, r.Seq), append(ats, r.At), append(types, r.Type)
			rounds, data = append(rounds, r.Round), append(data, text(r.Data))
		}
	}
	q.Queue(insertEvents, p.ref.Room, p.b.Epoch, seqs, ats, types, rounds, data)
}

func (p *plan) queueCommands(q *pgx.Batch) error {
	if len(p.keys.ids) == 0 {
		return nil
	}
	answers := make([]string, 0, len(p.keys.ids))
	for i, e := range p.b.Entries {
		if e.Command == nil {
			continue
		}
		answer, err := json.Marshal(p.answers[i])
		if err != nil {
			return fmt.Errorf("encode an answer: %w", err)
		}
		answers = append(answers, string(answer))
	}
	q.Queue(insertCommands, p.ref.Room, p.keys.players, p.keys.ids, answers)
	return nil
}

func (p *plan) queueMoney(q *pgx.Batch) {
	n := len(p.posted)
	if n == 0 {
		return
	}
	debits, credits, amounts, seqs := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	kinds, refs, players := make([]string, n), make([]string, n), make([]string, n)
	commands, ats := make([]*string, n), make([]time.Time, n)
	for i, t := range p.posted {
		debits[i], credits[i], amounts[i], seqs[i] = t.debit.id, t.credit.id, int64(t.Amount), t.seq
		kinds[i], refs[i], players[i] = t.Kind, t.Ref, string(t.Player)
		commands[i], ats[i] = t.command, t.at
	}
	q.Queue(insertTransfers, p.ref.Room, debits, credits, amounts, kinds, refs, seqs, players, commands, ats)

	var ids, balances, versions []int64
	add := func(a *account) {
		if a.changed {
			ids, balances, versions = append(ids, a.id), append(balances, a.balance), append(versions, a.version)
		}
	}
	for _, a := range p.accounts {
		add(a)
	}
	add(p.till)
	q.Queue(updateAccounts, ids, balances, versions).Exec(func(tag pgconn.CommandTag) error {
		if int(tag.RowsAffected()) != len(ids) {
			return fmt.Errorf("%d of %d balances were written", tag.RowsAffected(), len(ids))
		}
		return nil
	})
}

func auditArgs(a rooms.Audit) []any {
	return []any{a.Actor, a.Action, a.Target, a.Reason, text(a.Before), text(a.After), a.Address}
}

func writeAudit(ctx context.Context, tx pgx.Tx, a rooms.Audit) error {
	_, err := tx.Exec(ctx, insertAudit, auditArgs(a)...)
	return err
}
