package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// indexTimeout bounds a write to platform.room that follows a committed transaction.
const indexTimeout = 5 * time.Second

// Journal keeps rooms' events and money in their tenants' schemas. It may be used by many
// goroutines.
type Journal struct{ s *Store }

var _ rooms.Journal = (*Journal)(nil)

// NewJournal returns the journal of all rooms of all tenants.
func NewJournal(s *Store) *Journal { return &Journal{s} }

const (
	claimRoom = `
update room set epoch = epoch + 1, node = $2 where id = $1
returning game, name, settings, status, epoch, seq, snapshot, snapshot_seq, seed_sealed`

	selectEvents = `
select seq, epoch, at, type, round, data from event where room = $1 and seq > $2 order by seq limit $3`

	selectRound = `
select seq, epoch, at, type, round, data from event where room = $1 and round = $2 and round > 0 order by seq`

	updateIndex = `
update platform.room set state = $3, node = $4, changed = clock_timestamp()
where tenant = $1 and room = $2 and (state, node) is distinct from ($3, $4)`

	closeIndex = `
update platform.room set state = $3, changed = clock_timestamp()
where tenant = $1 and room = $2 and state <> $3`
)

// Claim implements rooms.Journal.
func (j *Journal) Claim(ctx context.Context, ref rooms.Ref, node string) (rooms.Saved, error) {
	var saved rooms.Saved
	err := j.s.Tenant(ref.Tenant).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		saved = rooms.Saved{Config: rooms.Config{Room: ref.Room}}
		var sealed []byte
		err := tx.QueryRow(ctx, claimRoom, ref.Room, node).Scan(&saved.Game, &saved.Name, (*[]byte)(&saved.Settings), &saved.Status,
			&saved.Epoch, &saved.Seq, (*[]byte)(&saved.Snapshot), &saved.SnapshotSeq, &sealed)
		if err != nil {
			return err
		}
		if sealed != nil {
			plain, err := j.s.box.Open(ref.Tenant, purposeSeed+ref.Room, sealed)
			if err != nil {
				return err
			}
			if copy(saved.Seed[:], plain) != len(saved.Seed) {
				return fmt.Errorf("%w: a seed of %d bytes", ErrSealed, len(plain))
			}
		}
		saved.Tail, err = records(ctx, tx, selectEvents, ref.Room, saved.SnapshotSeq, nil)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, ErrNoTenant) {
		return rooms.Saved{}, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if err != nil {
		return rooms.Saved{}, fmt.Errorf("store: claim %s: %w", ref, err)
	}
	j.s.index(ctx, updateIndex, ref, string(saved.Status), node)
	return saved, nil
}

// index changes platform.room after the tenant's own row changed. The change stands whether
// this works or not: the next Claim repairs the index.
func (s *Store) index(ctx context.Context, sql string, ref rooms.Ref, args ...any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexTimeout)
	defer cancel()
	if _, err := s.pool.Exec(ctx, sql, append([]any{ref.Tenant.String(), ref.Room}, args...)...); err != nil {
		s.log.WarnContext(ctx, "the index of rooms is behind", "tenant", ref.Tenant.String(), "room", ref.Room, "error", err)
	}
}

// Since implements rooms.Journal.
func (j *Journal) Since(ctx context.Context, ref rooms.Ref, seq int64, limit int) ([]rooms.Record, error) {
	return j.s.read(ctx, ref, selectEvents, ref.Room, seq, limit)
}

// Round returns the events of one round of a room, in order; none if there was no such
// round. It returns rooms.ErrNotFound if there is no such tenant.
func (s *Store) Round(ctx context.Context, ref rooms.Ref, round int64) ([]rooms.Record, error) {
	return s.read(ctx, ref, selectRound, ref.Room, round)
}

func (s *Store) read(ctx context.Context, ref rooms.Ref, sql string, args ...any) ([]rooms.Record, error) {
	var out []rooms.Record
	err := s.Tenant(ref.Tenant).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		out, err = records(ctx, tx, sql, args...)
		return err
	})
	if errors.Is(err, ErrNoTenant) {
		return nil, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	if err != nil {
		return nil, fmt.Errorf("store: events of %s: %w", ref, err)
	}
	return out, nil
}

func records(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]rooms.Record, error) {
	rows, _ := tx.Query(ctx, sql, args...) // its error comes from AppendRows
	return pgx.AppendRows([]rooms.Record(nil), rows, func(row pgx.CollectableRow) (rooms.Record, error) {
		var r rooms.Record
		err := row.Scan(&r.Seq, &r.Epoch, &r.At, &r.Type, &r.Round, (*[]byte)(&r.Data))
		r.At = r.At.UTC()
		return r, err
	})
}

// Append implements rooms.Journal.
//
// The room's row is locked first, then the players' accounts by name, then the till's, which
// only this room touches: two rooms, or a room and a Credit, can not wait for each other.
func (j *Journal) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	p, err := newPlan(ref, b)
	if err != nil {
		return nil, fmt.Errorf("store: append to %s: %w", ref, err)
	}
	fence, err := j.fence(ref, b, p.lastSeq)
	if err != nil {
		return nil, fmt.Errorf("store: append to %s: %w", ref, err)
	}
	for attempt := 1; ; attempt++ {
		err = j.s.Tenant(ref.Tenant).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if err := p.load(ctx, tx, fence); err != nil {
				return err
			}
			if conflict := p.compute(); conflict != nil {
				return conflict
			}
			return p.write(ctx, tx)
		})
		var missing *missingAccounts
		switch {
		case errors.As(err, &missing) && attempt < maxAttempts:
			if err := j.s.openAccounts(ctx, ref, missing); err != nil {
				return nil, fmt.Errorf("store: append to %s: %w", ref, err)
			}
			continue
		case violates(err, "command_once") && attempt < maxAttempts:
			continue // another room answered the same id meanwhile: now it is seen
		}
		break
	}
	var conflict *rooms.Conflict
	switch {
	case errors.As(err, &conflict):
		return nil, conflict
	case err != nil:
		return nil, fmt.Errorf("store: append to %s: %w", ref, err)
	}
	if b.Status != rooms.Open && b.Status != "" {
		j.s.index(ctx, closeIndex, ref, string(b.Status))
	}
	return p.answers, nil
}

// fenceRoom moves the room on if it is where the writer believes. A room that was told to
// close stays told, whatever a writer who has not heard it yet says.
const fenceRoom = `
update room set
  seq = $4,
  status = case when $5 = '' or status = 'closed' or (status = 'closing' and $5 = 'open') then status else $5 end,
  snapshot = coalesce($6, snapshot),
  snapshot_seq = case when $6::json is null then snapshot_seq else $4 end,
  seed_sealed = case when $7 then $8 else seed_sealed end,
  seed_commitment = case when $7 then $9 else seed_commitment end
where id = $1 and epoch = $2 and seq = $3`

// fence returns the arguments of fenceRoom.
func (j *Journal) fence(ref rooms.Ref, b rooms.Batch, lastSeq int64) ([]any, error) {
	var sealed, commitment []byte
	if !b.Commit.IsZero() {
		var err error
		if sealed, err = j.s.box.Seal(ref.Tenant, purposeSeed+ref.Room, b.Commit[:]); err != nil {
			return nil, err
		}
		c := b.Commit.Commit()
		commitment = c[:]
	}
	return []any{ref.Room, b.Epoch, b.Seq, lastSeq, string(b.Status), text(b.Snapshot),
		b.Reveal || sealed != nil, sealed, commitment}, nil
}

// text is JSON for SQL, whose nil is null.
func text(j json.RawMessage) *string {
	if j == nil {
		return nil
	}
	s := string(j)
	return &s
}

// missingAccounts says that money is to go to accounts that are not there yet.
type missingAccounts struct {
	till    bool
	players []game.PlayerID
}

// Error implements error.
func (m *missingAccounts) Error() string {
	return fmt.Sprintf("accounts are missing (till: %t, players: %d)", m.till, len(m.players))
}

const insertAccounts = `
insert into account (kind, owner) select u.kind, u.owner from unnest($1::text[], $2::text[]) as u(kind, owner)
order by u.kind, u.owner on conflict do nothing`

// openAccounts makes empty accounts, in a transaction of its own so that Append can still
// lock all accounts in one order. That happens once in a player's life.
func (s *Store) openAccounts(ctx context.Context, ref rooms.Ref, m *missingAccounts) error {
	var kinds, owners []string
	for _, p := range m.players {
		kinds, owners = append(kinds, kindPlayer), append(owners, string(p))
	}
	if m.till {
		kinds, owners = append(kinds, kindTill), append(owners, ref.Room)
	}
	return s.Tenant(ref.Tenant).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertAccounts, kinds, owners)
		return err
	})
}
