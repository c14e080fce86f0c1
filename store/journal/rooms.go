package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// Rooms lists, opens and closes tenants' rooms. It may be used by many goroutines.
type Rooms struct{ db *db.DB }

// NewRooms returns the rooms of all tenants.
func NewRooms(d *db.DB) *Rooms { return &Rooms{d} }

// RoomInfo describes a room without its journal.
type RoomInfo struct {
	rooms.Config
	Status     rooms.Status
	Epoch, Seq int64
	Node       string // the last owner
	CreatedAt  time.Time
}

const (
	selectRooms = `select id, game, name, settings, status, epoch, seq, node, created_at from room order by created_at, id`
	selectRoom  = `select id, game, name, settings, status, epoch, seq, node, created_at from room where id = $1`
)

// List returns all rooms of a tenant, also closed ones, the oldest first. It returns
// store.ErrNoTenant.
func (r *Rooms) List(ctx context.Context, id tenant.ID) ([]RoomInfo, error) {
	return r.list(ctx, id, selectRooms)
}

// Get returns one room, or rooms.ErrNotFound.
func (r *Rooms) Get(ctx context.Context, ref rooms.Ref) (RoomInfo, error) {
	list, err := r.list(ctx, ref.Tenant, selectRoom, ref.Room)
	if err != nil {
		return RoomInfo{}, err
	}
	if len(list) == 0 {
		return RoomInfo{}, fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	}
	return list[0], nil
}

// list returns the rooms that a query selects.
func (r *Rooms) list(ctx context.Context, id tenant.ID, sql string, args ...any) ([]RoomInfo, error) {
	var out []RoomInfo
	err := r.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, sql, args...) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RoomInfo, err error) {
			err = row.Scan(&r.Room, &r.Game, &r.Name, (*[]byte)(&r.Settings), (*string)(&r.Status), &r.Epoch, &r.Seq, &r.Node, &r.CreatedAt)
			r.CreatedAt = r.CreatedAt.UTC()
			return r, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: rooms: %w", err)
	}
	return out, nil
}

// Open opens a new room, with an audit line. The settings must be what the game accepts. It
// returns rooms.ErrExists, rooms.ErrRoomID, rooms.ErrTooManyRooms, a rooms.PlanError or store.ErrNoTenant.
func (r *Rooms) Open(ctx context.Context, id tenant.ID, c rooms.Config, actor string, from rooms.Origin) error {
	ref, err := rooms.NewRef(id, c.Room)
	if err != nil {
		return err
	}
	if c.Settings == nil {
		c.Settings = json.RawMessage("{}")
	}
	// The room and its place in the index are written together, so that neither is ever there without the other.
	var most planned
	err = r.db.Tenant(id).EnteredTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		most, err = reserve(ctx, tx, ref)
		return err
	}, func(ctx context.Context, tx pgx.Tx) error {
		if err := most.allow(ctx, tx, ref); err != nil {
			return err
		}
		q := &pgx.Batch{}
		q.Queue(db.InsertRoom, c.Room, c.Game, c.Name, string(c.Settings))
		q.Queue(insertAccounts, []string{kindTill}, []string{c.Room})
		db.QueueAudit(q, rooms.Audit{
			Actor: actor, Action: "room.open", Target: c.Room, After: c.Settings, Origin: from,
		})
		err := db.QueueFacts(q, db.Fact{Type: db.FactRoomOpened, Data: map[string]any{
			"room": c.Room, "game": c.Game, "name": c.Name, "settings": c.Settings, "actor": actor,
		}})
		if err != nil {
			return err
		}
		return tx.SendBatch(ctx, q).Close()
	})
	var full *rooms.PlanError
	switch {
	case errors.As(err, &full):
		r.db.Hit(ref.Tenant, full.Limit)
		return err
	case errors.Is(err, rooms.ErrTooManyRooms):
		r.db.Hit(ref.Tenant, limitRooms)
		return err
	case errors.Is(err, rooms.ErrExists):
		return err
	case db.Violates(err, "room_pkey"): // a node of an earlier version opened it, which does not wait for this lock
		return fmt.Errorf("%w: %s", rooms.ErrExists, ref)
	case err != nil:
		return fmt.Errorf("store: open %s: %w", ref, err)
	}
	return nil
}

// limitRooms is the name of the limit of a tenant's rooms, for the metric.
const limitRooms = "rooms"

const (
	// lockIndex has a tenant's rooms open one after the other, so that they are counted. The number is this lock's own.
	lockIndex = `select pg_advisory_xact_lock(7711, hashtext($1))`

	// selectPlanned reads what a tenant's plan allows, and what of its storage is used.
	selectPlanned = `
select coalesce(p.rooms, 0), coalesce(p.storage_bytes, 0), coalesce(s.bytes, 0)
from platform.tenant t left join platform.plan p on p.name = t.plan left join platform.storage s on s.tenant = t.id
where t.id = $1`

	// selectOpen counts a tenant's tables that are not closed, and tells whether there is, or was, one of an ID.
	selectOpen = `select (select count(*) from room where status <> 'closed' and id <> $2), exists (select from room where id = $1)`
)

// planned holds what a tenant's plan says of its rooms and storage. 0 is no limit.
type planned struct{ rooms, storage, used int64 }

// reserve adds an open room to the index and returns what the tenant's plan says. No other room of the tenant is opened
// until the transaction ends. It returns store.ErrNoTenant.
func reserve(ctx context.Context, tx pgx.Tx, ref rooms.Ref) (p planned, err error) {
	id := ref.Tenant.String()
	if _, err := tx.Exec(ctx, lockIndex, id); err != nil {
		return p, err
	}
	err = tx.QueryRow(ctx, selectPlanned, id).Scan(&p.rooms, &p.storage, &p.used)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, fmt.Errorf("%w: %s", db.ErrNoTenant, ref.Tenant)
	}
	if err == nil {
		_, err = tx.Exec(ctx, db.InsertIndex, id, ref.Room)
	}
	return p, err
}

// allow returns nil if the plan allows the tenant one more room: counted are the tenant's own rooms, and not what the index
// has. It returns rooms.ErrExists, a rooms.PlanError or rooms.ErrTooManyRooms.
func (p planned) allow(ctx context.Context, tx pgx.Tx, ref rooms.Ref) error {
	var open int64
	var there bool
	if err := tx.QueryRow(ctx, selectOpen, ref.Room, rooms.LobbyID).Scan(&open, &there); err != nil {
		return err
	}
	switch {
	case there:
		return fmt.Errorf("%w: %s", rooms.ErrExists, ref)
	case p.rooms > 0 && open >= p.rooms:
		return &rooms.PlanError{Limit: limitRooms, Value: p.rooms}
	case open >= rooms.RoomsMax:
		return fmt.Errorf("%w: %d", rooms.ErrTooManyRooms, open)
	case p.storage > 0 && p.used >= p.storage:
		return &rooms.PlanError{Limit: rooms.LimitStorage, Value: p.storage}
	}
	return nil
}

const markClosing = `update room set status = 'closing' where id = $1 and status = 'open'`

// Close asks a room's owner to end the current round and close: it marks the room, with an audit line, and
// the owner sees that in Leases.Assignments. Asking again changes nothing. It returns rooms.ErrNotFound or
// store.ErrInvalid.
func (r *Rooms) Close(ctx context.Context, ref rooms.Ref, actor string, reason strict.Line, from rooms.Origin) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	err := r.db.Tenant(ref.Tenant).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, markClosing, ref.Room)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return tx.QueryRow(ctx, `select from room where id = $1`, ref.Room).Scan()
		}
		q := &pgx.Batch{}
		db.QueueAudit(q, rooms.Audit{
			Actor: actor, Action: "room.close", Target: ref.Room, Reason: string(reason), Origin: from,
		})
		err = db.QueueFacts(q, db.Fact{Type: db.FactRoomClosing, Data: map[string]any{"room": ref.Room, "reason": reason, "actor": actor}})
		if err != nil {
			return err
		}
		return tx.SendBatch(ctx, q).Close()
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows) || errors.Is(err, db.ErrNoTenant):
		return fmt.Errorf("%w: %s", rooms.ErrNotFound, ref)
	case err != nil:
		return fmt.Errorf("store: close %s: %w", ref, err)
	}
	err = r.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, askIndex, ref.Tenant.String(), ref.Room, string(reason))
		return err
	})
	if err != nil {
		return fmt.Errorf("store: close %s: it is marked, but its owner may not see it; ask again: %w", ref, err)
	}
	return nil
}

// askIndex marks a room as closing, unless it is closed already.
const askIndex = `
update platform.room set state = 'closing', reason = $3, changed = clock_timestamp(), change = pg_current_xact_id()::text::bigint
where tenant = $1 and room = $2 and state = 'open'`
