package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
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
	s *Store
	begins
}

// begins holds the texts that begin a tenant's transactions: built once, from names that
// need no quoting and are quoted all the same.
type begins struct{ write, read string }

// Tenant returns the scope of a tenant. It panics on the zero ID.
func (s *Store) Tenant(id tenant.ID) Scope {
	if b, ok := s.begins.Load(id); ok {
		return Scope{s, b.(begins)}
	}
	set := "; set local role " + quote(id.Role()) + "; set local search_path = " + quote(id.Schema()) + ", pg_temp"
	b := begins{
		write: "begin" + set,
		read:  "begin isolation level repeatable read read only" + set,
	}
	s.begins.Store(id, b)
	return Scope{s, b}
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

func (c Scope) run(ctx context.Context, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, begin, fn)
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
	tx, err := c.s.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
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
			c.s.log.DebugContext(ctx, "store: rollback failed", "error", err)
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
