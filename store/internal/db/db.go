package db

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

const (
	// connLifetime is how long a connection is used. A server process remembers every table that it ever
	// touched; this must not grow with the number of tenants.
	connLifetime       = 15 * time.Minute
	connLifetimeJitter = 3 * time.Minute

	// describeCache is how many statements a connection remembers the types of. The store has
	// some dozens, whatever the number of tenants.
	describeCache = 256
)

// Options says where the database is.
type Options struct {
	URL         string       // of the application's login
	ControlURL  string       // of the control lane; defaults to URL
	Log         *slog.Logger // defaults to slog.Default()
	Application string       // shown by pg_stat_activity, unless a URL says it; defaults to "pitboss"
	MaxConns    int32        // defaults to DefaultMaxConns
}

// DB is the database as the application's login sees it. It may be used by many goroutines.
type DB struct {
	Log  *slog.Logger
	Hits tenant.Hits // the limits that tenants met, of all parts of the node

	pool    *pgxpool.Pool // of tenants' scopes
	control *pgxpool.Pool // of the platform's tables, which must not wait for callers who wait for a tenant's lock
	others  *gate         // of the control lane, for all but leases
	scopes  *gate         // of tenants' scopes, for all but appends
	shares  sync.Map      // tenant.ID → *share
	groups  *gate         // of groups of small writes, but for bets
	meter   meters
	disk    disk
	history history
	realm   [sha256.Size]byte

	tenantConns int // what one tenant may have in use
}

// Open connects to the database, by a pool for tenants' scopes and one for the control lane. Settle has
// to be called before anything is asked that depends on the database's history. It returns ErrExecMode.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.ControlURL == "" {
		o.ControlURL = o.URL
	}
	pool, err := openPool(ctx, o.URL, o.Application, o.MaxConns)
	if err != nil {
		return nil, err
	}
	control, err := openPool(ctx, o.ControlURL, o.Application, controlConns)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("%w (the control lane)", err)
	}
	if login, controlLogin := pool.Config().ConnConfig.User, control.Config().ConnConfig.User; login != controlLogin {
		pool.Close()
		control.Close()
		return nil, fmt.Errorf("store: the control lane's login is %q, and must be %q", controlLogin, login)
	}
	d := &DB{Log: o.Log, pool: pool, control: control, meter: newMeters(), tenantConns: max(1, int(o.MaxConns)/tenantShare)}
	d.others = newGate(controlShare, d.meter.hits.WithLabelValues(limitControlConns).Inc, nil)
	d.scopes = newGate(max(1, int(o.MaxConns)/scopeShare), d.meter.hits.WithLabelValues(limitScopeConns).Inc, nil)
	d.groups = newGate(max(1, int(o.MaxConns)/groupShare), d.meter.hits.WithLabelValues(limitScopeConns).Inc, d.scopes)
	d.disk.log, d.disk.gauge = o.Log, d.meter.failed
	return d, nil
}

// Settle finds out which database this is, and in which generation of its history.
func (d *DB) Settle(ctx context.Context) error {
	return errors.Join(d.settleHistory(ctx), d.readRealm(ctx))
}

// openPool opens a pool of the application's login, which sends statements as the URL says: prepared once for
// each connection, unless it says otherwise (default_query_exec_mode=cache_describe, for a pooler that knows no
// prepared statements). docs/benchmarks/exec-modes.md has the figures. It returns ErrExecMode.
func openPool(ctx context.Context, url, application string, conns int32) (*pgxpool.Pool, error) {
	mode := pgx.QueryExecModeCacheStatement
	if c, err := pgxpool.ParseConfig(url); err == nil { // else OpenPool reports the error
		mode = c.ConnConfig.DefaultQueryExecMode // pgx's own is CacheStatement
	}
	if mode == pgx.QueryExecModeDescribeExec {
		return nil, ErrExecMode
	}
	return OpenPool(ctx, url, application, mode, conns)
}

// OpenPool connects as the login that a URL names, and returns when the database has answered.
func OpenPool(ctx context.Context, url, application string, mode pgx.QueryExecMode, conns int32) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store: database URL: %w", err)
	}
	if params := c.ConnConfig.RuntimeParams; params["application_name"] == "" {
		params["application_name"] = cmp.Or(application, "pitboss")
	}
	c.ConnConfig.DefaultQueryExecMode = mode
	c.ConnConfig.DescriptionCacheCapacity = describeCache
	c.MaxConns = conns
	c.MaxConnLifetime = connLifetime
	c.MaxConnLifetimeJitter = connLifetimeJitter
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	return pool, nil
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.borrow(ctx, d.pool, nil, func(conn *pgxpool.Conn) error { return conn.Ping(ctx) }); err != nil {
		return fmt.Errorf("store: ping: %w", err)
	}
	return nil
}

// Close waits for what is under way and closes all connections.
func (d *DB) Close() {
	d.pool.Close()
	d.control.Close()
}

// Pause waits a random time that grows with the attempt, or until ctx ends.
func Pause(ctx context.Context, attempt int, unit time.Duration) error {
	t := time.NewTimer(time.Duration(attempt)*unit/2 + rand.N(time.Duration(attempt)*unit))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
