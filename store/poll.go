package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// pollEvery is how often a node asks whether anything changed.
	pollEvery = 250 * time.Millisecond
	// pollTimeout bounds one such question.
	pollTimeout = 5 * time.Second
)

// poller keeps a copy of platform tables in memory up to date.
type poller struct {
	ask       func(ctx context.Context) error // brings the copy up to date
	failed    string                          // logged when ask fails for the first time
	recovered string                          // logged when it works again; empty: nothing is
}

// poll calls ask every pollEvery until ctx ends, then returns nil.
func (d *DB) poll(ctx context.Context, p poller) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := p.ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			d.log.ErrorContext(ctx, p.failed, "error", err)
		}
		if err == nil && failing && p.recovered != "" {
			d.log.InfoContext(ctx, p.recovered)
		}
		failing = err != nil
	}
}

const selectHorizon = `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

// changes reads the rows that transactions from since.Next on wrote, all of them if the database is of
// another generation than since, and returns the mark from which to go on. A row may be read twice and
// none is missed: what the snapshot's xmin has passed was committed when the rows were read. read
// queues the statement that reads them; it may be called twice, and forgets what it read before.
func (d *DB) changes(ctx context.Context, since rooms.Mark, run func(context.Context, func(*pgxpool.Conn) error) error, read func(q *pgx.Batch, since int64)) (rooms.Mark, error) {
	ask := func(from int64) (next rooms.Mark, err error) {
		q := &pgx.Batch{}
		d.queueGeneration(q, &next.Generation)
		q.Queue(selectHorizon).QueryRow(func(row pgx.Row) error { return row.Scan(&next.Next) })
		read(q, from)
		return next, d.raise(ctx, run(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }))
	}
	next, err := ask(since.Next)
	if err == nil && since.Next > 0 && since.Generation != next.Generation { // what is known is of another history
		next, err = ask(0)
	}
	return next, err
}
