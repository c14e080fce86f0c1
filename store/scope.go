package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
)

const (
	// maxAttempts bounds how often a transaction is run that the server undid because of
	// another one (deadlock, serialization failure).
	maxAttempts = 5
	// attemptPause is the unit of the random pause between attempts.
	attemptPause = 5 * time.Millisecond
	// rollbackTimeout bounds a rollback, which runs also when the caller's context ended.
	rollbackTimeout = 5 * time.Second
)

// Scope is the database of one tenant. It is a value; copy it freely.
type Scope struct {
	d *DB
	*share
	gate *gate
}

// share is what a tenant has of the DB: the texts that begin its transactions, built once,
// from names that need no quoting and are quoted all the same (the role brings the path along:
// see loginPath), and its gate.
type share struct {
	role, write, read string
	others            *gate // to the connections, for all but appends
}

// Tenant returns the scope of a tenant. It panics on the zero ID.
func (d *DB) Tenant(id tenant.ID) Scope {
	if b, ok := d.shares.Load(id); ok {
		return scopeOf(d, b.(*share))
	}
	set := "; set local role " + quote(id.Role())
	b, _ := d.shares.LoadOrStore(id, &share{
		role:   id.Role(),
		write:  beginWrite + set,
		read:   beginRead + set,
		others: newGate(d.tenantConns, d.meter.hits.WithLabelValues(limitTenantConns)),
	})
	return scopeOf(d, b.(*share))
}

func scopeOf(d *DB, b *share) Scope { return Scope{d, b, b.others} }

// forAppends is the scope for appends, of which groupsAtOnce are under way at most: what else a
// tenant asks for can not keep them waiting.
func (c Scope) forAppends() Scope {
	c.gate = nil
	return c
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// Tx runs fn in a transaction that can see the tenant's tables and nothing else, and
// commits it if fn returns nil. Names in fn's SQL are unqualified, and its SQL is constant.
//
// If the server undid the transaction because of another one, fn is run again: it must set
// its results anew each time. An error of fn is returned as it is, and nothing was
// written. Another error may mean that it is not known whether the transaction was
// committed. ErrNoTenant: there is no such tenant.
func (c Scope) Tx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.run(ctx, c.write, fn)
}

// ReadTx is Tx for reading only: all that fn reads is of one moment.
func (c Scope) ReadTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.run(ctx, c.read, fn)
}

// settledTx is Tx for what must not happen twice in two histories of the database: fn is told the
// generation of the one that the transaction is in. It fails with ErrUnavailable if that was not
// settled yet.
func (c Scope) settledTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx, generation int64) error) error {
	return c.d.raise(ctx, c.run(ctx, beginWrite, func(ctx context.Context, tx pgx.Tx) error {
		generation := int64(-1)
		q := &pgx.Batch{}
		c.d.queueGeneration(q, &generation) // as the login: a tenant's role sees nothing of the platform
		q.Queue(enterScope, c.role)
		err := tx.SendBatch(ctx, q).Close()
		if state := sqlState(err); generation >= 0 && (state == stateNoSuchSetting || state == stateDenied) {
			return fmt.Errorf("%w (%w)", ErrNoTenant, err)
		}
		if err != nil {
			return err
		}
		return fn(ctx, tx, generation)
	}))
}

// loginTx runs fn in a transaction of the application's login, on a connection of the tenant's share. It
// sees the platform's tables; enterScope makes it the tenant's. It is not run again.
func (c Scope) loginTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error { return pgx.BeginFunc(ctx, conn, fn) })
}

func (c Scope) run(ctx context.Context, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.retry(ctx, func() error { return c.once(ctx, begin, fn) })
}

func (c Scope) retry(ctx context.Context, once func() error) error {
	for attempt := 1; ; attempt++ {
		err := once()
		state := sqlState(err)
		if attempt == maxAttempts || (state != stateSerialization && state != stateDeadlock) {
			return err
		}
		if pause(ctx, attempt, attemptPause) != nil {
			return err
		}
	}
}

func (c Scope) once(ctx context.Context, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error { return once(ctx, c.d, conn, begin, fn) })
}

func once(ctx context.Context, d *DB, conn *pgxpool.Conn, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	switch sqlState(err) {
	case stateNoSuchSetting, stateDenied:
		return fmt.Errorf("%w (%w)", ErrNoTenant, err)
	}
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	done := false
	defer func() { // also when fn panics
		if done {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		// A failed rollback leaves a connection that the pool throws away.
		if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			d.log.DebugContext(ctx, "store: rollback failed", "error", err)
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

const (
	beginWrite = `begin`
	beginRead  = `begin isolation level repeatable read read only`
	// enterScope is "set local role" as a constant statement, so that it is described once
	// for all tenants.
	enterScope = `select set_config('role', $1, true)`
)

// twoTrips is Tx in two round trips: begin and first go out together, and so do what second
// queues, once the results of first are in, and commit. If second queues nothing the
// transaction is rolled back, which is no error. start is called anew for each attempt.
func (c Scope) twoTrips(ctx context.Context, start func() (first *pgx.Batch, second func(*pgx.Batch) error)) error {
	return c.retry(ctx, func() error {
		first, second := start()
		return c.trips(ctx, beginWrite, first, second)
	})
}

// trips: a nil second commits with first, in one round trip. An error that is known to have
// come before the commit, or instead of it, is a rooms.ErrNotWritten.
func (c Scope) trips(ctx context.Context, begin string, first *pgx.Batch, second func(*pgx.Batch) error) error {
	sent := false // the commit
	err := c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error {
		return c.tripsOn(ctx, conn, begin, first, second, &sent)
	})
	if err != nil && (!sent || undone(err)) {
		return fmt.Errorf("%w: %w", rooms.ErrNotWritten, err)
	}
	return err
}

func (c Scope) tripsOn(ctx context.Context, conn *pgxpool.Conn, begin string, first *pgx.Batch, second func(*pgx.Batch) error, sent *bool) error {
	done := false
	defer func() { // also when second panics; a connection that is not idle is thrown away
		if done {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, "rollback"); err != nil {
			c.d.log.DebugContext(ctx, "store: rollback failed", "error", err)
		}
	}()
	q := &pgx.Batch{}
	q.Queue(begin)
	q.Queue(enterScope, c.role)
	q.QueuedQueries = append(q.QueuedQueries, first.QueuedQueries...)
	if second == nil {
		*sent = true
		q.Queue("commit")
	}
	results := conn.SendBatch(ctx, q)
	_, err := results.Exec()
	if err == nil {
		_, err = results.Exec()
	}
	switch sqlState(err) {
	case stateNoSuchSetting, stateDenied:
		err = fmt.Errorf("%w (%w)", ErrNoTenant, err)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if err != nil || second == nil {
		done = err == nil
		return err
	}
	q = &pgx.Batch{}
	if err := second(q); err != nil || q.Len() == 0 {
		return err
	}
	q.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("%w: commit: %s", rooms.ErrNotWritten, tag)
		}
		return nil
	})
	*sent = true
	if err := conn.SendBatch(ctx, q).Close(); err != nil {
		return err
	}
	done = true
	return nil
}
