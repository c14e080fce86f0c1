package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// purposeSeed is the purpose for which a room's open seed is sealed, before the room's name.
const purposeSeed = "open seed of room "

// indexTimeout bounds a write to platform.room that follows a committed transaction.
const indexTimeout = 5 * time.Second

// Journal keeps rooms' events and money in their tenants' schemas. It may be used by many
// goroutines.
type Journal struct {
	db    *db.DB
	box   *seal.Box
	lanes *db.Lanes[*plan]
}

var _ rooms.Journal = (*Journal)(nil)

// New returns the journal of all rooms of all tenants. box seals the seeds of open rounds.
func New(d *db.DB, box *seal.Box) *Journal {
	j := &Journal{db: d, box: box}
	j.lanes = newLanes(j)
	return j
}

const (
	// claimRoom gives a seed of before there was seed_epoch the epoch in which the room was until now: it was
	// committed to in that epoch or an earlier one.
	claimRoom = `
update room set epoch = greatest(epoch + 1, $4), node = $2, seed_epoch = coalesce(seed_epoch, epoch) where id = $1 and (epoch = $3 or $3 < 0)
returning game, name, settings, status, epoch, seq, snapshot, snapshot_seq, seed_sealed, seed_epoch`

	selectOwner = `select status, node, epoch from room where id = $1`

	selectEvents = `
select seq, epoch, at, type, round, reveals, data from event where room = $1 and seq > $2 order by seq limit $3`

	selectGame = `select game from room where id = $1`

	measureRound = `
select count(*), coalesce(sum(octet_length(data::text)), 0) from (
  select data from event where room = $1 and round = $2 and round > 0 limit $3
) as e`

	selectRound = `
select seq, epoch, at, type, round, reveals, data from event where room = $1 and round = $2 and round > 0 order by seq`

	selectReveal = `
select seq, epoch, at, type, round, reveals, data from event where room = $1 and seq > $2 and reveals order by seq limit 1`

	updateIndex = `
update platform.room set state = case when state = 'open' or $3 = 'closed' then $3 else state end, node = $4, epoch = $5, changed = clock_timestamp(), change = pg_current_xact_id()::text::bigint
where tenant = $1 and room = $2 and epoch < $5`

	closeIndex = `
update platform.room set state = $3, changed = clock_timestamp(), change = pg_current_xact_id()::text::bigint
where tenant = $1 and room = $2 and state not in ($3, 'closed')`
)

// Claim implements rooms.Journal.
func (j *Journal) Claim(ctx context.Context, ref rooms.Ref, node string, seen int64) (rooms.Saved, error) {
	var saved rooms.Saved
	owner, fenced := node, false
	err := j.db.Tenant(ref.Tenant).SettledTx(ctx, func(ctx context.Context, tx pgx.Tx, generation int64) error {
		saved = rooms.Saved{Config: rooms.Config{Room: ref.Room}}
		var sealed []byte
		var seedEpoch int64
		err := tx.QueryRow(ctx, claimRoom, ref.Room, node, seen, placement.FirstEpoch(generation)).Scan(&saved.Game, &saved.Name, (*[]byte)(&saved.Settings), &saved.Status,
			&saved.Epoch, &saved.Seq, (*[]byte)(&saved.Snapshot), &saved.SnapshotSeq, &sealed, &seedEpoch)
		if errors.Is(err, pgx.ErrNoRows) && seen >= 0 {
			fenced = true
			return tx.QueryRow(ctx, selectOwner, ref.Room).Scan(&saved.Status, &owner, &saved.Epoch)
		}
		if err != nil {
			return err
		}
		if sealed != nil {
			saved.SeedEpoch = seedEpoch
			plain, err := j.box.Open(ref.Tenant, purposeSeed+ref.Room, sealed)
			if err != nil {
				return err
			}
			if copy(saved.Seed[:], plain) != len(saved.Seed) {
				return fmt.Errorf("%w: a seed of %d bytes", seal.ErrSealed, len(plain))
			}
		}
		saved.Tail, err = records(ctx, tx, selectEvents, ref.Room, saved.SnapshotSeq, nil)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, db.ErrNoTenant) {
		return rooms.Saved{}, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if err != nil {
		return rooms.Saved{}, fmt.Errorf("store: claim %s: %w", ref, err)
	}
	err = j.index(ctx, updateIndex, ref, string(saved.Status), owner, saved.Epoch)
	switch {
	case fenced:
		return rooms.Saved{}, fmt.Errorf("store: claim %s: %w", ref, rooms.ErrFenced)
	case err != nil: // a room that runs where nobody looks for it could be lost; the next Claim finds that out
		return rooms.Saved{}, fmt.Errorf("store: claim %s: the index: %w", ref, err)
	}
	return saved, nil
}

// index updates platform.room after the tenant's own row was changed. That change stands also if index
// fails: the next Claim repairs the index, even one that fails.
func (j *Journal) index(ctx context.Context, sql string, ref rooms.Ref, args ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
	defer cancel()
	err := j.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, sql, append([]any{ref.Tenant.String(), ref.Room}, args...)...)
		return err
	})
	if err != nil {
		j.db.Log.WarnContext(ctx, "the index of rooms is behind", "tenant", ref.Tenant, "room", ref.Room, "error", err)
	}
	return err
}

// Since implements rooms.Journal.
func (j *Journal) Since(ctx context.Context, ref rooms.Ref, seq int64, limit int) ([]rooms.Record, error) {
	return j.read(ctx, ref, selectEvents, ref.Room, seq, limit)
}

// Round is what the journal has of a round.
type Round struct {
	Game    string         // of the room
	Records []rooms.Record // the round's events, in order; none if there was no such round
	// Reveal is the first event after them that reveals a seed; nil if one of them reveals one, or no
	// event does yet.
	Reveal *rooms.Record
}

// Round returns a round of a room. It returns ErrTooLong, and reads no event, if the round has more events or
// bytes than given. It returns rooms.ErrNotFound if there is no such room or tenant.
func (j *Journal) Round(ctx context.Context, ref rooms.Ref, round int64, events, bytes int) (Round, error) {
	var out Round
	err := j.db.Tenant(ref.Tenant).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var count, size int
		q := &pgx.Batch{}
		q.Queue(selectGame, ref.Room).QueryRow(func(row pgx.Row) error { return row.Scan(&out.Game) })
		q.Queue(measureRound, ref.Room, round, events+1).QueryRow(func(row pgx.Row) error { return row.Scan(&count, &size) })
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		if count > events || size > bytes {
			return fmt.Errorf("%w: %d events of %d bytes, or more", ErrTooLong, count, size)
		}
		if count == 0 {
			return nil
		}
		var err error
		if out.Records, err = records(ctx, tx, selectRound, ref.Room, round); err != nil {
			return err
		}
		if slices.ContainsFunc(out.Records, func(r rooms.Record) bool { return r.Reveals }) {
			return nil
		}
		later, err := records(ctx, tx, selectReveal, ref.Room, out.Records[len(out.Records)-1].Seq)
		if len(later) > 0 {
			out.Reveal = &later[0]
		}
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, db.ErrNoTenant) {
		return Round{}, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if err != nil {
		return Round{}, fmt.Errorf("store: round %d of %s: %w", round, ref, err)
	}
	return out, nil
}

// read returns the events that a query selects.
func (j *Journal) read(ctx context.Context, ref rooms.Ref, sql string, args ...any) ([]rooms.Record, error) {
	var out []rooms.Record
	err := j.db.Tenant(ref.Tenant).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = records(ctx, tx, sql, args...)
		return err
	})
	if errors.Is(err, db.ErrNoTenant) {
		return nil, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if err != nil {
		return nil, fmt.Errorf("store: events of %s: %w", ref, err)
	}
	return out, nil
}

// records returns the events that a query selects in tx.
func records(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]rooms.Record, error) {
	rows, _ := tx.Query(ctx, sql, args...) // its error comes from AppendRows
	return pgx.AppendRows([]rooms.Record(nil), rows, func(row pgx.CollectableRow) (rooms.Record, error) {
		var r rooms.Record
		err := row.Scan(&r.Seq, &r.Epoch, &r.At, &r.Type, &r.Round, &r.Reveals, (*[]byte)(&r.Data))
		r.At = r.At.UTC()
		return r, err
	})
}

// Append implements rooms.Journal. Appends of a tenant's rooms that come while another is
// being written share the next transaction.
//
// The rooms' rows are locked first, by id, then the players' accounts by name, then the tills',
// which only these rooms touch: two transactions of appends, or one and a Credit, cannot wait
// for each other.
func (j *Journal) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	p, err := newPlan(ref, b)
	if err == nil {
		p.move, err = j.move(ref, b)
	}
	var answers []rooms.Answer
	if err == nil {
		answers, err = j.commit(ctx, p)
	} else {
		err = fmt.Errorf("%w: %w", rooms.ErrNotWritten, err)
	}
	var conflict *rooms.Conflict
	switch {
	case errors.As(err, &conflict):
		return nil, conflict
	case errors.Is(err, rooms.ErrNotWritten) && unwritable(err):
		return nil, fmt.Errorf("store: append to %s: %w: %w", ref, rooms.ErrUnwritable, err)
	case err != nil:
		return nil, fmt.Errorf("store: append to %s: %w", ref, err)
	}
	if b.Status != rooms.Open && b.Status != "" {
		_ = j.index(ctx, closeIndex, ref, string(b.Status)) // it is closed all the same
	}
	return answers, nil
}

// move returns how a batch changes its room's row.
func (j *Journal) move(ref rooms.Ref, b rooms.Batch) (m roomMove, err error) {
	m.snapshot = db.JSONText(b.Snapshot)
	if !b.Commit.IsZero() {
		if m.sealed, err = j.box.Seal(ref.Tenant, purposeSeed+ref.Room, b.Commit[:]); err != nil {
			return m, err
		}
		c := b.Commit.Commit()
		m.commitment = c[:]
	}
	m.seed = b.Reveal || m.sealed != nil
	return m, nil
}

// missingAccounts says that money is to go to accounts that are not there yet.
type missingAccounts struct{ tills, players []string }

// Error implements error.
func (m *missingAccounts) Error() string {
	return fmt.Sprintf("accounts are missing (tills: %d, players: %d)", len(m.tills), len(m.players))
}

const insertAccounts = `
insert into account (kind, owner) select u.kind, u.owner from unnest($1::text[], $2::text[]) as u(kind, owner)
order by u.kind, u.owner on conflict do nothing`

// openAccounts adds empty accounts, in a transaction of its own, so that Append can still lock all accounts
// in one order. That happens once for each player.
func openAccounts(ctx context.Context, scope db.Scope, m *missingAccounts) error {
	var kinds, owners []string
	for _, p := range m.players {
		kinds, owners = append(kinds, kindPlayer), append(owners, p)
	}
	for _, room := range m.tills {
		kinds, owners = append(kinds, kindTill), append(owners, room)
	}
	return scope.Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertAccounts, kinds, owners)
		return err
	})
}
