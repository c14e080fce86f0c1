package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// history holds what this node has seen of the database's history.
type history struct {
	mu         sync.Mutex // guards what follows
	generation int64
	seen       int64 // how many bytes of WAL the database had kept in this generation, at least

	clock atomic.Pointer[reading]
	name  atomic.Pointer[string]
}

// reading holds the time by the database's clock, and the monotonic time of this node when it was read.
type reading struct{ said, at time.Time }

// Clock returns the time by the database's clock, as it was read last, some hundred milliseconds ago or
// since the database is away.
func (d *DB) Clock() time.Time {
	r := d.history.clock.Load()
	return r.said.Add(time.Since(r.at))
}

// point returns the generation and the amount of WAL that the database must have at least.
func (h *history) point() (generation, seen int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.generation, h.seen
}

// note records the generation and the amount of WAL that the database has, and when its server started.
func (h *history) note(generation, seen int64, started time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation < h.generation {
		return
	}
	if generation > h.generation {
		h.generation, h.seen = generation, seen
	} else {
		h.seen = max(h.seen, seen)
	}
	name := fmt.Sprint(generation, ".", started.UnixMicro())
	h.name.Store(&name)
}

// History names the history of the database that this node saw last: its generation, and when its server
// started. What was read under one name may be remembered under it, also by other processes and after this one
// ended. Whatever takes the database back gives it another name, also if no node ran meanwhile that could have
// raised the generation: files are replaced, and replicas promoted, under a server that starts or is another one.
func (d *DB) History() string { return *d.history.name.Load() }

const (
	selectGeneration = `select platform.generation($1, $2), platform.written(), clock_timestamp(), pg_postmaster_start_time()`

	raiseGeneration = `
update platform.instance
set generation = greatest(generation, $1) + case when history = '' then 0 else 1 end, history = platform.history()
where history <> platform.history() or generation < $1 or generation = $1 and platform.written() < $2
returning generation`

	selectRealm = `
select i.deployment::text, c.system_identifier, d.oid::bigint
from platform.instance i, pg_control_system() c, pg_database d where d.datname = current_database()`
)

// QueueGeneration makes q fail unless the database has the history that this node has seen, or a
// later one whose generation was raised; then it sets *generation. If it fails, all that q returned has to
// be discarded.
func (d *DB) QueueGeneration(q *pgx.Batch, generation *int64) {
	known, seen := d.history.point()
	q.Queue(selectGeneration, known, seen).QueryRow(func(row pgx.Row) error {
		var written int64
		var said, started time.Time
		if err := row.Scan(generation, &written, &said, &started); err != nil {
			return err
		}
		d.history.clock.Store(&reading{said, time.Now()})
		d.history.note(*generation, written, started)
		return nil
	})
}

// Raise gives the database a generation that was never used if err says that the database has gone back.
// It returns err all the same: the caller has to ask again.
func (d *DB) Raise(ctx context.Context, err error) error {
	if SQLState(err) != stateWentBack {
		return err
	}
	known, seen := d.history.point()
	var generation int64
	raised := d.Platform(ctx, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, raiseGeneration, known, seen).Scan(&generation)
	})
	switch {
	case errors.Is(raised, pgx.ErrNoRows): // another node was quicker
		return err
	case raised != nil:
		return errors.Join(err, fmt.Errorf("store: raise the generation: %w", raised))
	}
	if generation > 0 {
		d.Log.WarnContext(ctx, "the database has gone back, or is another: rooms, tenants and revocations are read anew", "generation", generation)
	}
	return err
}

// settleHistory raises the generation until the database has a history whose generation is known.
func (d *DB) settleHistory(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		var generation int64
		q := &pgx.Batch{}
		d.QueueGeneration(q, &generation)
		err := d.Raise(ctx, d.Platform(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }))
		if SQLState(err) != stateWentBack || attempt == MaxAttempts {
			return err
		}
	}
}

// Realm returns the identity of the database. Two nodes have the same realm if they share their rooms and
// their money. A copy of the database has another realm, unless the server's files were copied. It stays
// the same when a replica takes over.
func (d *DB) Realm() [sha256.Size]byte { return d.realm }

// readRealm reads the identity of the database.
func (d *DB) readRealm(ctx context.Context) error {
	var deployment string
	var system, database int64
	err := d.Platform(ctx, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, selectRealm).Scan(&deployment, &system, &database)
	})
	if err != nil {
		return fmt.Errorf("store: read what the database is: %w", err)
	}
	d.realm = sha256.Sum256(fmt.Appendf(nil, "pitboss realm %s %d %d", deployment, system, database))
	return nil
}
