package db

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// pollEvery is how often a node polls for changes.
	pollEvery = 250 * time.Millisecond
	// PollTimeout bounds one poll.
	PollTimeout = 5 * time.Second
)

// Poller keeps a copy of platform tables in memory up to date.
type Poller struct {
	Ask       func(ctx context.Context) error // brings the copy up to date
	Failed    string                          // logged when Ask fails for the first time
	Recovered string                          // logged when it works again; empty: not logged
}

// Poll calls p.Ask every pollEvery until ctx ends, then returns nil.
func (d *DB) Poll(ctx context.Context, p Poller) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := p.Ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			d.Log.ErrorContext(ctx, p.Failed, "error", err)
		}
		if err == nil && failing && p.Recovered != "" {
			d.Log.InfoContext(ctx, p.Recovered)
		}
		failing = err != nil
	}
}

// selectHorizon returns the number of the oldest transaction that is still under way.
const selectHorizon = `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

// Changes reads the rows that were written by transactions from since.Next on, or all rows if the database
// is of another generation than since. It returns the mark from which to go on.
//
// read queues the statements that read the rows of the transactions from a number on. It may be called
// twice, and has to discard what was read before. A row may be read twice and none is missed: every
// transaction below the snapshot's xmin had ended when the rows were read. run is Platform or Urgent.
func (d *DB) Changes(ctx context.Context, since placement.Mark, run func(context.Context, func(*pgxpool.Conn) error) error, read func(q *pgx.Batch, since int64)) (placement.Mark, error) {
	ask := func(from int64) (next placement.Mark, err error) {
		q := &pgx.Batch{}
		d.QueueGeneration(q, &next.Generation)
		q.Queue(selectHorizon).QueryRow(func(row pgx.Row) error { return row.Scan(&next.Next) })
		read(q, from)
		return next, d.Raise(ctx, run(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }))
	}
	next, err := ask(since.Next)
	if err == nil && since.Next > 0 && since.Generation != next.Generation { // what is known is of another history
		next, err = ask(0)
	}
	return next, err
}
