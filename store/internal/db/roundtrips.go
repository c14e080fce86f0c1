package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/rooms"
)

// TwoTrips runs a transaction in two round trips: begin and first are sent together and, when the results
// of first are in, what second queues and commit. If second queues nothing the transaction is rolled back,
// which is no error. start is called anew for each attempt. An error that is known to have come before the
// commit, or instead of it, is a rooms.ErrNotWritten.
func (c Scope) TwoTrips(ctx context.Context, start func() (first *pgx.Batch, second func(*pgx.Batch) error)) error {
	apart := false
	return c.retry(ctx, func() error {
		first, second := start()
		err := c.trips(ctx, EnterScope, apart, first, second)
		apart = apart || SQLState(err) == stateStalePlan
		return err
	})
}

// LazyTrip runs a transaction in one round trip, and does not wait until it is on disk. A database that crashes
// within the next moments may lose it, and then has lost all that was written after it: what is written and waited
// for once it has returned is only ever there together with it. all is called anew for each attempt.
func (c Scope) LazyTrip(ctx context.Context, all func() *pgx.Batch) error {
	apart := false
	return c.retry(ctx, func() error {
		err := c.trips(ctx, enterLazily, apart, all(), nil)
		apart = apart || SQLState(err) == stateStalePlan
		return err
	})
}

// trips runs one attempt of TwoTrips. If second is nil, commit is sent with first, in one round trip. If apart, what
// begins the transaction is sent ahead: what is sent with it is prepared before it is executed, for the tables of the
// template, and those of a tenant may be of another version.
func (c Scope) trips(ctx context.Context, enter string, apart bool, first *pgx.Batch, second func(*pgx.Batch) error) error {
	sent := false // the commit
	err := c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error {
		return c.tripsOn(ctx, conn, enter, apart, first, second, &sent)
	})
	if err != nil && (!sent || undone(err)) {
		return fmt.Errorf("%w: %w", rooms.ErrNotWritten, err)
	}
	return err
}

func (c Scope) tripsOn(ctx context.Context, conn *pgxpool.Conn, enter string, apart bool, first *pgx.Batch, second func(*pgx.Batch) error, sent *bool) error {
	done := false
	defer func() { // also when second panics; a connection that is not idle is thrown away
		if done {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, "rollback"); err != nil {
			c.d.Log.DebugContext(ctx, "store: rollback failed", "error", err)
		}
	}()
	q := &pgx.Batch{}
	q.Queue(beginWrite)
	q.Queue(enter, c.role)
	if apart {
		if err := begun(conn.SendBatch(ctx, q)); err != nil {
			return err
		}
		q = &pgx.Batch{}
	}
	q.QueuedQueries = append(q.QueuedQueries, first.QueuedQueries...)
	if second == nil {
		*sent = true
		q.Queue("commit").Exec(committed)
	}
	results := conn.SendBatch(ctx, q)
	var err error
	if apart {
		err = results.Close()
	} else {
		err = begun(results)
	}
	if err != nil || second == nil {
		done = err == nil
		return err
	}
	q = &pgx.Batch{}
	if err := second(q); err != nil || q.Len() == 0 {
		return err
	}
	q.Queue("commit").Exec(committed)
	*sent = true
	if err := conn.SendBatch(ctx, q).Close(); err != nil {
		return err
	}
	done = true
	return nil
}

// begun reads the results of what begins a transaction, and of all that was sent with it. It returns ErrNoTenant if there
// is no such role.
func begun(results pgx.BatchResults) error {
	_, err := results.Exec()
	if err == nil {
		_, err = results.Exec()
	}
	switch SQLState(err) {
	case StateNoSuchSetting, StateDenied:
		err = fmt.Errorf("%w (%w)", ErrNoTenant, err)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return err
}

// committed fails if the server answered a commit with a rollback.
func committed(tag pgconn.CommandTag) error {
	if tag.String() != "COMMIT" {
		return fmt.Errorf("%w: commit: %s", rooms.ErrNotWritten, tag)
	}
	return nil
}
