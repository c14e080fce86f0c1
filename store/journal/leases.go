package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

// Leases stores the leases of nodes, and the assignments of all tenants' rooms, in the platform's schema.
// It may be used by many goroutines.
type Leases struct{ db *db.DB }

var _ placement.Leases = (*Leases)(nil)

// NewLeases returns the leases of all nodes on this database.
func NewLeases(d *db.DB) *Leases { return &Leases{d} }

// renewLease gives none to a node that cannot serve the database. It sees what was committed while it waited for
// the table, which tenancy.Admin locks before it applies what older nodes cannot live with.
var renewLease = `
insert into platform.node as n (node, incarnation, expires, draining, platform_version, tenant_version, versions_by)
select $1::text, $2::uuid, clock_timestamp() + $3::interval, $4::boolean, $7::int, $8::int, $2::uuid where not ` + migrations.NotServed(7) + `
on conflict (node) do update set
  platform_version = excluded.platform_version, tenant_version = excluded.tenant_version, versions_by = excluded.versions_by,
  expired = case when n.incarnation = excluded.incarnation then n.expires end,
  started = case when n.incarnation = excluded.incarnation then n.started else clock_timestamp() end,
  incarnation = excluded.incarnation, expires = excluded.expires, draining = excluded.draining
where n.incarnation = excluded.incarnation or $5 or $6 <> (select generation from platform.instance)
returning n.expired is null or n.expired < clock_timestamp()`

var selectNotServed = `select ` + migrations.NotServed(1)

const (
	releaseLease = `delete from platform.node where node = $1 and incarnation = $2`

	// selectNodes leaves dead nodes out: their rooms are orphans with or without them.
	selectNodes = `select node, draining from platform.node where expires > clock_timestamp() order by node`

	selectPlaces = `
select tenant, room, state, reason, node, epoch from platform.room
where change >= $1 and ($1 > 0 or state <> 'closed')`

	handOver = `
update platform.room set node = $4, change = pg_current_xact_id()::text::bigint
where tenant = $1 and room = $2 and epoch = $3 and state <> 'closed'`

	announceProcess = `
with old as (delete from platform.process where announced < clock_timestamp() - interval '1 hour' and incarnation <> $2)
insert into platform.process (node, incarnation) values ($1, $2)
on conflict (incarnation) do update set announced = clock_timestamp()`

	selectProcesses = `
select incarnation::text from platform.node where expires > clock_timestamp() - $1::interval
union
select incarnation::text from platform.process where announced > clock_timestamp() - $1::interval`

	selectConfigs = `select id, game, name, settings from room where status <> 'closed'`
)

// Renew implements placement.Leases.
//
//pitboss:sql the condition is a constant of the migrations, of the numbers of two parameters
func (l *Leases) Renew(ctx context.Context, n placement.Lease, ttl time.Duration) (generation int64, fresh bool, err error) {
	var found []bool
	var newer bool
	platform, tenants := migrations.Embedded.Platform.Last(), migrations.Embedded.Tenant.Last()
	q := &pgx.Batch{}
	l.db.QueueGeneration(q, &generation)
	q.Queue(renewLease, n.Node, n.Incarnation, ttl, n.Draining, n.Starting, n.Generation, platform, tenants).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowTo[bool])
		return err
	})
	q.Queue(selectNotServed, platform, tenants).QueryRow(func(row pgx.Row) error { return row.Scan(&newer) })
	err = l.db.Raise(ctx, l.db.Urgent(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }))
	if err == nil && newer {
		err = migrations.ErrNewer
	}
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("store: renew the lease of %s: %w", n.Node, err)
	case len(found) == 0:
		return 0, false, fmt.Errorf("%w: %s", placement.ErrReplaced, n.Node)
	}
	return generation, found[0] || generation != n.Generation, nil
}

// Release implements placement.Leases.
func (l *Leases) Release(ctx context.Context, n placement.Lease) error {
	err := l.db.Urgent(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, releaseLease, n.Node, n.Incarnation)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: release the lease of %s: %w", n.Node, err)
	}
	return nil
}

// Assignments implements placement.Leases.
func (l *Leases) Assignments(ctx context.Context, since placement.Mark) (placement.Changes, error) {
	var f placement.Changes
	mark, err := l.db.Changes(ctx, since, l.db.Urgent, func(q *pgx.Batch, since int64) {
		f = placement.Changes{}
		var node placement.Node
		q.Queue(selectNodes).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&node.Name, &node.Draining}, func() error {
				f.Nodes = append(f.Nodes, node)
				return nil
			})
			return err
		})
		var name string
		var p placement.Assignment
		q.Queue(selectPlaces, since).Query(func(rows pgx.Rows) error {
			scans := []any{&name, &p.Ref.Room, (*string)(&p.Status), &p.Reason, &p.Node, &p.Epoch}
			_, err := pgx.ForEachRow(rows, scans, func() (err error) {
				if p.Ref.Tenant, err = tenant.Parse(name); err == nil { // else its tenant is out of order, and says so
					f.Assignments = append(f.Assignments, p)
				}
				return nil
			})
			return err
		})
	})
	f.Mark = mark
	if err != nil {
		return f, fmt.Errorf("store: look at the index: %w", err)
	}
	return f, nil
}

// HandOver implements placement.Leases.
func (l *Leases) HandOver(ctx context.Context, ref rooms.Ref, epoch int64, to string) error {
	err := l.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, handOver, ref.Tenant.String(), ref.Room, epoch, to)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: hand %s over to %s: %w", ref, to, err)
	}
	return nil
}

// Configs implements placement.Leases.
func (l *Leases) Configs(ctx context.Context, id tenant.ID) ([]rooms.Config, error) {
	var out []rooms.Config
	err := l.db.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, selectConfigs) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c rooms.Config, err error) {
			err = row.Scan(&c.Room, &c.Game, &c.Name, (*[]byte)(&c.Settings))
			return c, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: configurations of rooms: %w", err)
	}
	return out, nil
}

// listedFor is how long a process is listed after its lease has ended, or after it was announced.
const listedFor = time.Minute

// Announce lists a process among those of Processes for a minute, before it has a lease.
func (l *Leases) Announce(ctx context.Context, node, incarnation string) error {
	err := l.db.Urgent(ctx, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, announceProcess, node, incarnation)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: announce %s: %w", node, err)
	}
	return nil
}

// Processes returns the incarnations of all nodes that live or are starting, or lived a moment ago.
func (l *Leases) Processes(ctx context.Context) (out [][16]byte, err error) {
	err = l.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, selectProcesses, listedFor) // its error comes from CollectRows
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([16]byte, error) {
			var text string
			if err := row.Scan(&text); err != nil {
				return [16]byte{}, err
			}
			return uuid.Parse(text)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store: processes: %w", err)
	}
	return out, nil
}
