package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// MaxAttempts bounds how often a transaction is run that the server undid because of
	// another one (deadlock, serialization failure), or because a statement was prepared before its
	// tables were changed, or in the scope of a tenant whose tables are of another version.
	MaxAttempts = 5
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

// share holds what all scopes of a tenant have in common: its gate, and the statements that begin its
// transactions. They set the role; the login's search_path leads from there to the tenant's schema.
type share struct {
	role, write, read string
	others            *gate // for all but appends
	groups            *gate // for groups, within others
	lists             *gate // for lists, within others
	conns             int   // of others
}

// Tenant returns the scope of a tenant. It panics on the zero ID.
func (d *DB) Tenant(id tenant.ID) Scope {
	if b, ok := d.shares.Load(id); ok {
		return scopeOf(d, b.(*share))
	}
	b, _ := d.shares.LoadOrStore(id, d.newShare(id, d.tenantConns))
	return scopeOf(d, b.(*share))
}

func (d *DB) newShare(id tenant.ID, conns int) *share {
	set := "; set local role " + Quote(id.Role())
	others := newGate(conns, func() { d.Hit(id, limitTenantConns) }, d.scopes)
	return &share{
		role:   id.Role(),
		write:  beginWrite + set,
		read:   beginRead + set,
		others: others,
		groups: &gate{before: d.groups, in: others.in, refused: others.refused},
		lists:  &gate{before: d.scopes, in: others.in, refused: others.refused, pauses: true},
		conns:  conns,
	}
}

// LimitTenant sets how many connections a tenant may have in use at once here, besides those of its appends: conns, or as
// many as every tenant may if that is fewer or conns is 0. What is under way keeps the connections that it has, or waits for,
// by the limit before. The last call counts, so calls must come in the order of what they follow.
func (d *DB) LimitTenant(id tenant.ID, conns int64) {
	own := d.tenantConns
	if conns > 0 {
		own = int(min(int64(own), conns))
	}
	b, ok := d.shares.Load(id)
	if !ok && own == d.tenantConns || ok && b.(*share).conns == own {
		return
	}
	d.shares.Store(id, d.newShare(id, own))
}

// Conns returns how many connections the tenant may have in use at once here. It is for tests.
func (c Scope) Conns() int { return c.conns }

func scopeOf(d *DB, b *share) Scope { return Scope{d, b, b.others} }

// ForAppends returns the scope without its gate. It is for appends, whose number is limited by the
// journal: other requests of the tenant must not keep them waiting.
func (c Scope) ForAppends() Scope {
	c.gate = nil
	return c
}

// ForGroups returns the scope for groups of small writes of Lanes, of which a node has a few under way: more would make
// bets wait for processors, and groups no larger. One that waits for its tenant's share is none of them.
func (c Scope) ForGroups() Scope {
	c.gate = c.groups
	return c
}

// ForLists returns the scope for what reads many rows. While others of the tenant wait to do the same, each is followed by
// a pause, in which the database is there for other tenants.
func (c Scope) ForLists() Scope {
	c.gate = c.lists
	return c
}

// Quote returns a name as an SQL identifier.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// Tx runs fn in a transaction that can see the tenant's tables and nothing else, and
// commits it if fn returns nil. Names in fn's SQL are unqualified, and its SQL is constant.
//
// If the server undid the transaction because of another one, or of a prepared statement that is older
// than the tables, fn is run again: it must set its results anew each time. An error of fn is returned as
// it is, and nothing was written. Another error may mean that it is not known whether the transaction was
// committed. It returns ErrNoTenant if there is no such tenant.
//
//pitboss:sql the role is a tenant.ID, quoted
func (c Scope) Tx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.run(ctx, c.write, fn)
}

// ReadTx runs fn as Tx does, for reading only: all that fn reads is of one moment.
//
//pitboss:sql the role is a tenant.ID, quoted
func (c Scope) ReadTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.run(ctx, c.read, fn)
}

// OwnTx runs fn as Tx does, or as ReadTx does unless it may write, on a connection of its own, past any pooler, which is
// closed afterwards: it is for SQL that is not the program's, and may leave on a connection what outlives a transaction.
// It returns ErrPooled if the control lane's URL leads to a pooler.
//
//pitboss:sql the role is a tenant.ID, quoted
func (c Scope) OwnTx(ctx context.Context, write bool, fn func(ctx context.Context, tx pgx.Tx) error) error {
	begin := c.read
	if write {
		begin = c.write
	}
	return c.retry(ctx, func() error {
		return c.d.alone(ctx, func(conn *pgx.Conn) error { return once(ctx, c.d, conn, begin, fn) })
	})
}

// SettledTx runs fn as Tx does, and passes it the generation of the database's history. It is for what
// must not happen again if the database goes back. It returns ErrUnavailable if the generation is not
// settled yet.
func (c Scope) SettledTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx, generation int64) error) error {
	return c.d.Raise(ctx, c.run(ctx, beginWrite, func(ctx context.Context, tx pgx.Tx) error {
		generation := int64(-1)
		q := &pgx.Batch{}
		c.d.QueueGeneration(q, &generation) // as the login: a tenant's role sees nothing of the platform
		q.Queue(EnterScope, c.role)
		err := tx.SendBatch(ctx, q).Close()
		if state := SQLState(err); generation >= 0 && (state == StateNoSuchSetting || state == StateDenied) {
			return fmt.Errorf("%w (%w)", ErrNoTenant, err)
		}
		if err != nil {
			return err
		}
		return fn(ctx, tx, generation)
	}))
}

// LoginTx runs fn in a transaction of the application's login, on a connection of the tenant's share. It
// sees the platform's tables until it executes EnterScope, with the tenant's role, and the tenant's from then
// on. fn is run once.
func (c Scope) LoginTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error { return pgx.BeginFunc(ctx, conn, fn) })
}

// EnteredTx runs before and then fn in one transaction, as Tx does: before is the application's login, which sees the
// platform's tables, and fn sees the tenant's.
//
//pitboss:sql the role is a tenant.ID, quoted
func (c Scope) EnteredTx(ctx context.Context, before, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.run(ctx, beginWrite, func(ctx context.Context, tx pgx.Tx) error {
		if err := before(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, EnterScope, c.role); err != nil {
			if state := SQLState(err); state == StateNoSuchSetting || state == StateDenied {
				return fmt.Errorf("%w (%w)", ErrNoTenant, err)
			}
			return err
		}
		return fn(ctx, tx)
	})
}

// PlatformTx runs fn once, in a transaction of the application's login, on no tenant's share.
func (d *DB) PlatformTx(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return d.borrow(ctx, d.pool, nil, func(conn *pgxpool.Conn) error { return once(ctx, d, conn, beginWrite, fn) })
}

func (c Scope) run(ctx context.Context, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.retry(ctx, func() error { return c.once(ctx, begin, fn) })
}

func (c Scope) retry(ctx context.Context, once func() error) error {
	for attempt := 1; ; attempt++ {
		err := once()
		state := SQLState(err)
		again := state == stateSerialization || state == stateDeadlock || state == stateStalePlan
		if attempt == MaxAttempts || !again {
			return err
		}
		if Pause(ctx, attempt, attemptPause) != nil {
			return err
		}
	}
}

func (c Scope) once(ctx context.Context, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	return c.d.borrow(ctx, c.d.pool, c.gate, func(conn *pgxpool.Conn) error { return once(ctx, c.d, conn, begin, fn) })
}

// beginner is a connection, of a pool or not.
type beginner interface {
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}

func once(ctx context.Context, d *DB, conn beginner, begin string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	switch SQLState(err) {
	case StateNoSuchSetting, StateDenied:
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
			d.Log.DebugContext(ctx, "store: rollback failed", "error", err)
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
	// EnterScope sets the role of a transaction, which is its parameter. It is a constant statement, so
	// that it is described once for all tenants.
	EnterScope = `select set_config('role', $1, true)`
	// enterLazily is EnterScope for a transaction whose commit does not wait for the disk, nor for a standby.
	enterLazily = `select set_config('synchronous_commit', 'off', true), set_config('role', $1, true)`
)
