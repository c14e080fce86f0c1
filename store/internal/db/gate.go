package db

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// DefaultMaxConns is how many connections a DB opens at most for tenants' scopes, unless
	// told otherwise.
	DefaultMaxConns = 16
	// controlConns is the number of additional connections for what no tenant may hold up: the node's
	// lease, the index of rooms, the directory of tenants, revocations and tickets.
	controlConns = 6
	// controlShare is how many of those may be in use by others than leases.
	controlShare = 4
	// tenantShare is which part of the connections one tenant may have in use at once, besides those
	// of its appends.
	tenantShare = 5
	// scopeShare is which part of the connections all tenants may have in use, besides those of appends: however
	// much else is asked for, a bet finds a connection.
	scopeShare = 2
	// groupShare is which part of the connections groups of small writes may have in use (BenchmarkAPI).
	groupShare = 4
	// waitersMax is how many may wait at one gate: all players of a large casino come back at once.
	waitersMax = 10_000
	// waitMost is how long each of them waits: less than a request or a new socket does.
	waitMost = 4 * time.Second
	// pauseFactor sets the pause after a list, if other lists wait: so many times as long as the list took. It keeps a
	// tenant that asks for too many from using the database all the time.
	pauseFactor = 7
	// pauseMax bounds that, after a list that took long.
	pauseMax = 100 * time.Millisecond
)

// The names of limits, for metrics.
const (
	limitTenantConns  = "tenant_connections"
	limitScopeConns   = "scope_connections"
	limitControlConns = "control_connections"
)

// gate limits how many connections are in use at once, and how many callers wait for one and how long.
// A nil gate is open.
type gate struct {
	before  *gate // another one, which is entered after this one
	in      chan struct{}
	pauses  bool // whether places stay taken for a while after they are left
	waiting atomic.Int32
	refused func() // counts a caller that was refused
}

func newGate(conns int, refused func(), before *gate) *gate {
	return &gate{before: before, in: make(chan struct{}, conns), refused: refused}
}

// enter waits until a connection may be used. It returns ErrBusy if too many callers wait already, or if
// none leaves in time. Whoever entered has to leave.
func (g *gate) enter(ctx context.Context) error {
	if g == nil {
		return nil
	}
	if err := g.wait(ctx); err != nil {
		return err
	}
	if err := g.before.enter(ctx); err != nil {
		<-g.in
		return err
	}
	return nil
}

func (g *gate) wait(ctx context.Context) error {
	select {
	case g.in <- struct{}{}:
		return nil
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > waitersMax {
		g.refused()
		return ErrBusy
	}
	t := time.NewTimer(waitMost)
	defer t.Stop()
	select {
	case g.in <- struct{}{}:
		return nil
	case <-t.C:
		g.refused()
		return ErrBusy
	case <-ctx.Done():
		return classify(ctx.Err(), false)
	}
}

// leave lets the next caller enter: at once, or after a pause if the gate has them and others wait at it. took is how long
// the connection was used.
func (g *gate) leave(took time.Duration) {
	if g == nil {
		return
	}
	g.before.leave(took)
	if g.pauses && g.waiting.Load() > 0 {
		time.AfterFunc(min(pauseFactor*took, pauseMax), func() { <-g.in })
		return
	}
	<-g.in
}

// borrow runs do with a connection of the pool, behind the gate. Every request to the database passes here,
// so every error is classified here.
func (d *DB) borrow(ctx context.Context, pool *pgxpool.Pool, g *gate, do func(*pgxpool.Conn) error) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	began := time.Now()
	defer func() { g.leave(time.Since(began)) }()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return classify(fmt.Errorf("store: connect: %w", err), true)
	}
	defer conn.Release()
	if err = do(conn); err == nil {
		return nil
	}
	d.disk.failed(err)
	return classify(err, conn.Conn().IsClosed())
}

// alone runs do with a connection of the control lane's login and URL that is in no pool, and closes it. It returns
// ErrPooled if the connection is a pooler's, whose server would keep what do leaves on it.
func (d *DB) alone(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, d.control.Config().ConnConfig)
	if err != nil {
		return classify(fmt.Errorf("store: connect: %w", err), true)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = conn.Close(ctx) // its socket is closed in any case
	}()
	var pid uint32
	err = conn.QueryRow(ctx, `select pg_backend_pid()::int8`).Scan(&pid)
	if err == nil && pid != conn.PgConn().PID() { // a pooler makes up a number of its own
		return ErrPooled
	}
	if err == nil {
		err = do(conn)
	}
	return classify(err, conn.IsClosed())
}

// Platform runs do outside of any tenant's scope, on a connection of the control lane.
func (d *DB) Platform(ctx context.Context, do func(*pgxpool.Conn) error) error {
	return d.borrow(ctx, d.control, d.others, do)
}

// Urgent runs do like Platform, but never waits at the gate. It is for leases, which must be renewed in time.
func (d *DB) Urgent(ctx context.Context, do func(*pgxpool.Conn) error) error {
	return d.borrow(ctx, d.control, nil, do)
}
