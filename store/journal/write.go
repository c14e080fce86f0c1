package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// moveRooms advances the rooms that are at the position that their writers know, and returns them. A
	// room that is closing stays so, whatever the status of a writer that does not know it yet.
	moveRooms = `
update room r set
  seq = u.seq,
  status = case when u.status = '' or r.status = 'closed' or (r.status = 'closing' and u.status = 'open') then r.status else u.status end,
  snapshot = coalesce(u.snapshot::json, r.snapshot),
  snapshot_seq = case when u.snapshot is null then r.snapshot_seq else u.seq end,
  seed_sealed = case when u.seed then u.sealed else r.seed_sealed end,
  seed_commitment = case when u.seed then u.commitment else r.seed_commitment end,
  seed_epoch = case when u.seed then u.epoch else r.seed_epoch end
from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::boolean[], $6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[])
  as u(id, seq, status, snapshot, seed, sealed, commitment, epoch, was)
where r.id = u.id and r.epoch = u.epoch and r.seq = u.was
returning r.id`

	insertEvents = `
insert into event (room, epoch, seq, at, type, round, reveals, data)
select u.room, u.epoch, u.seq, u.at, u.type, u.round, u.reveals, u.data::json
from unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bigint[], $7::boolean[], $8::text[])
  as u(room, epoch, seq, at, type, round, reveals, data)`

	// insertCommands and insertRefusals also look for the id in the other table: if it is there the
	// answer is null, which the table refuses. (A statement of its own for that costs every bet more;
	// "offset 0" keeps the planner from reading the whole of the other table.)
	insertCommands = `
insert into command (room, player, id, body, answer)
select u.room, u.player, u.id::uuid, u.body,
  case when not exists (select from refusal x where x.player = u.player and x.id = u.id::uuid offset 0) then u.answer::json end
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) as u(room, player, id, body, answer)`

	insertRefusals = `
insert into refusal (room, player, id, body, answer)
select u.room, u.player, u.id::uuid, u.body,
  case when not exists (select from command x where x.player = u.player and x.id = u.id::uuid offset 0) then u.answer::json end
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) as u(room, player, id, body, answer)`

	insertTransfers = `
insert into transfer (room, debit, credit, amount, kind, ref, seq, player, command, at)
select u.room, u.debit, u.credit, u.amount, u.kind, u.ref, u.seq, u.player, u.command::uuid, u.at
from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::timestamptz[])
  as u(room, debit, credit, amount, kind, ref, seq, player, command, at)`

	updateAccounts = `
update account a set balance = u.balance, version = u.version
from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as u(id, balance, version) where a.id = u.id`
)

// roomMove describes how an append changes its room's row.
type roomMove struct {
	snapshot           *string
	seed               bool // the open seed is replaced, or dropped
	sealed, commitment []byte
}

// write queues everything that the plans write: one statement a table, whatever the number of
// rooms and rows. It queues nothing if no plan can be written.
func (g *group) write(q *pgx.Batch) error {
	plans, err := g.compute()
	if err != nil || len(plans) == 0 {
		return err
	}
	queueRooms(q, plans).Exec(all(len(plans), "rooms"))
	g.queueAccounts(q)
	return g.queueRest(q, plans)
}

// queueRest queues the rows that are added: events, commands, transfers, audit lines and facts.
func (g *group) queueRest(q *pgx.Batch, plans []*plan) error {
	queueEvents(q, plans)
	if err := queueCommands(q, plans); err != nil {
		return err
	}
	queueTransfers(q, plans)
	for _, p := range plans {
		for _, e := range p.b.Entries { // rare: what an operator did
			if e.Audit != nil {
				db.QueueAudit(q, *e.Audit)
			}
		}
	}
	return queueFacts(q, plans)
}

func queueRooms(q *pgx.Batch, plans []*plan) *pgx.QueuedQuery {
	n := len(plans)
	ids, seqs, statuses, snapshots := make([]string, n), make([]int64, n), make([]string, n), make([]*string, n)
	seeds, sealed, commitments := make([]bool, n), make([][]byte, n), make([][]byte, n)
	epochs, known := make([]int64, n), make([]int64, n)
	for i, p := range plans {
		epochs[i], known[i] = p.b.Epoch, p.b.Seq
		ids[i], seqs[i], statuses[i], snapshots[i] = p.ref.Room, p.lastSeq, string(p.b.Status), p.move.snapshot
		seeds[i], sealed[i], commitments[i] = p.move.seed, p.move.sealed, p.move.commitment
	}
	return q.Queue(moveRooms, ids, seqs, statuses, snapshots, seeds, sealed, commitments, epochs, known)
}

// all returns a check that fails unless a statement changed n rows.
func all(n int, what string) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if int(tag.RowsAffected()) != n {
			return fmt.Errorf("%d of %d %s were written", tag.RowsAffected(), n, what)
		}
		return nil
	}
}

func queueEvents(q *pgx.Batch, plans []*plan) {
	n := 0
	for _, p := range plans {
		n += int(p.lastSeq - p.b.Seq)
	}
	ids, types := make([]string, 0, n), make([]string, 0, n)
	epochs, seqs, rounds := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
	ats, reveals, data := make([]time.Time, 0, n), make([]bool, 0, n), make([]*string, 0, n)
	for _, p := range plans {
		for _, e := range p.b.Entries {
			for _, r := range e.Records {
				ids, epochs, seqs = append(ids, p.ref.Room), append(epochs, p.b.Epoch), append(seqs, r.Seq)
				ats, types = append(ats, r.At), append(types, r.Type)
				rounds, reveals, data = append(rounds, r.Round), append(reveals, r.Reveals), append(data, db.JSONText(r.Data))
			}
		}
	}
	if len(ids) > 0 {
		q.Queue(insertEvents, ids, epochs, seqs, ats, types, rounds, reveals, data)
	}
}

// answers holds commands and their answers, as parameters of statements.
type answers struct {
	keys
	rooms, texts []string
	digests      []int64
}

// queueCommands queues the answers, of accepted and of refused commands.
func queueCommands(q *pgx.Batch, plans []*plan) error {
	var accepted, refused answers
	for _, p := range plans {
		accepted.join(p.keys.accepted)
		refused.join(p.keys.refused)
		for i, e := range p.b.Entries {
			if e.Command == nil {
				continue
			}
			to := &accepted
			if e.Refusal != nil {
				to = &refused
			}
			text, err := json.Marshal(p.answers[i])
			if err != nil {
				return fmt.Errorf("encode an answer: %w", err)
			}
			to.rooms, to.digests, to.texts = append(to.rooms, p.ref.Room), append(to.digests, e.Digest), append(to.texts, string(text))
		}
	}
	accepted.queue(q, insertCommands)
	refused.queue(q, insertRefusals)
	return nil
}

func (a *answers) queue(q *pgx.Batch, sql string) {
	if len(a.ids) > 0 {
		q.Queue(sql, a.rooms, a.players, a.ids, a.digests, a.texts)
	}
}

func queueTransfers(q *pgx.Batch, plans []*plan) {
	n := 0
	for _, p := range plans {
		n += len(p.posted)
	}
	roomIDs, kinds, refs, players := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	debits, credits, amounts, seqs := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
	commands, ats := make([]*string, 0, n), make([]time.Time, 0, n)
	for _, p := range plans {
		for _, t := range p.posted {
			roomIDs, debits, credits = append(roomIDs, p.ref.Room), append(debits, t.debit.id), append(credits, t.credit.id)
			amounts, seqs = append(amounts, int64(t.Amount)), append(seqs, t.seq)
			kinds, refs, players = append(kinds, t.Kind), append(refs, t.Ref), append(players, string(t.Player))
			commands, ats = append(commands, t.command), append(ats, t.at)
		}
	}
	if len(roomIDs) > 0 {
		q.Queue(insertTransfers, roomIDs, debits, credits, amounts, kinds, refs, seqs, players, commands, ats)
	}
}

func (g *group) queueAccounts(q *pgx.Batch) {
	var ids, balances, versions []int64
	add := func(a *account) {
		if a.changed {
			ids, balances, versions = append(ids, a.id), append(balances, a.balance), append(versions, a.version)
		}
	}
	for _, a := range g.accounts {
		add(a)
	}
	for _, a := range g.tills {
		add(a)
	}
	if len(ids) > 0 {
		q.Queue(updateAccounts, ids, balances, versions).Exec(all(len(ids), "balances"))
	}
}
