package store

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
	"github.com/pitboss-hub/pitboss/store/migrations"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// A server process keeps what it knows of every table that it ever touched. Connections
	// are replaced so that this can not grow with the number of tenants.
	connLifetime       = 15 * time.Minute
	connLifetimeJitter = 3 * time.Minute

	// describeCache is how many statements a connection remembers the types of. The store has
	// some dozens, whatever the number of tenants.
	describeCache = 256
)

// Options says where the database is.
type Options struct {
	// URL of the application's login (see Admin.Migrate).
	URL string
	// ControlURL is where the connections of the control lane go, as the same login: past a pooler
	// that stands between, whose queue they must not wait in. It defaults to URL.
	ControlURL string
	// Box opens what was sealed under the master key.
	Box *seal.Box
	// Log defaults to slog.Default().
	Log *slog.Logger
	// Application is what pg_stat_activity shows, unless a URL says it. Defaults to "pitboss".
	Application string
	// MaxConns defaults to DefaultMaxConns.
	MaxConns int32
}

// Store is the database as the application's login sees it. It may be used by many
// goroutines.
type Store struct {
	pool    *pgxpool.Pool // of tenants' scopes
	control *pgxpool.Pool // of the platform's tables: what is there must not wait for those who wait for a lock
	others  *gate         // of the control lane, for all but leases
	box     *seal.Box
	log     *slog.Logger
	shares  sync.Map // tenant.ID → *share
	tenants *Tenants
	meter   meters
	disk    disk
	history history
	realm   [sha256.Size]byte

	tenantConns int // what one tenant may have in use

	revocations *Revocations
}

// Open connects, checks the schema's version and the master key, and loads the directory of
// tenants. It returns migrations.ErrNewer, ErrOlderSchema, ErrEncoding or seal.ErrMasterKey.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Box == nil {
		return nil, fmt.Errorf("%w: none was given", seal.ErrMasterKey)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.ControlURL == "" {
		o.ControlURL = o.URL
	}
	pool, err := openPool(ctx, o.URL, o.Application, execMode(o.URL), o.MaxConns)
	if err != nil {
		return nil, err
	}
	control, err := openPool(ctx, o.ControlURL, o.Application, execMode(o.ControlURL), controlConns)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("%w (the control lane)", err)
	}
	if mine, its := pool.Config().ConnConfig.User, control.Config().ConnConfig.User; mine != its {
		pool.Close()
		control.Close()
		return nil, fmt.Errorf("store: the control lane's login is %q, and must be %q", its, mine)
	}
	s := &Store{
		pool: pool, control: control, box: o.Box, log: o.Log, meter: newMeters(),
		tenantConns: max(1, int(o.MaxConns)/tenantShare),
	}
	s.others = newGate(controlShare, s.meter.hits.WithLabelValues(limitControlConns))
	s.disk.log, s.disk.gauge = o.Log, s.meter.failed
	s.tenants = &Tenants{s: s}
	s.revocations = &Revocations{s: s, tenants: map[tenant.ID]*revoked{}}
	if err := s.check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := errors.Join(s.settleHistory(ctx), s.readRealm(ctx)); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.tenants.Reload(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.revocations.poll(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// execMode is how statements are sent: prepared once for each connection, unless the URL says
// otherwise (default_query_exec_mode=cache_describe, for a pooler that knows no prepared
// statements). docs/benchmarks/exec-modes.md has the figures.
func execMode(url string) pgx.QueryExecMode {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return pgx.QueryExecModeCacheStatement // openPool says what is wrong
	}
	return c.ConnConfig.DefaultQueryExecMode // pgx's own is CacheStatement
}

func openPool(ctx context.Context, url, application string, mode pgx.QueryExecMode, conns int32) (*pgxpool.Pool, error) {
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

const selectInstance = `
select (select coalesce(max(version), 0) from platform.migration where scope = 'platform'),
       (select coalesce(max(version), 0) from platform.migration where scope = 'tenant'),
       i.master_check, current_setting('server_encoding')
from platform.instance i`

// check refuses a database that this binary or this master key does not fit.
func (s *Store) check(ctx context.Context) error {
	var platform, tenants int
	var sealed []byte
	var encoding string
	err := s.platform(ctx, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, selectInstance).Scan(&platform, &tenants, &sealed, &encoding)
	})
	switch state := sqlState(err); {
	case state == stateNoTable || state == stateNoSchema || state == stateDenied || errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%w (%w)", ErrOlderSchema, err)
	case err != nil:
		return fmt.Errorf("store: read the schema's version: %w", err)
	}
	if err := checkEncoding(encoding); err != nil {
		return err
	}
	if err := migrations.Embedded.Check(platform, tenants); err != nil {
		return err
	}
	if platform < migrations.Embedded.Platform.Last() || tenants < migrations.Embedded.Tenant.Last() {
		return ErrOlderSchema
	}
	return checkMaster(s.box, sealed)
}

func checkMaster(box *seal.Box, sealed []byte) error {
	if sealed == nil {
		return nil
	}
	if _, err := box.Open(tenant.ID{}, purposeCheck, sealed); err != nil {
		return err
	}
	return nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.borrow(ctx, s.pool, nil, func(conn *pgxpool.Conn) error { return conn.Ping(ctx) }); err != nil {
		return fmt.Errorf("store: ping: %w", err)
	}
	return nil
}

// Close waits for what is under way and closes all connections.
func (s *Store) Close() {
	s.pool.Close()
	s.control.Close()
}

// Tenants is the directory of tenants.
func (s *Store) Tenants() *Tenants { return s.tenants }

// Revocations are the tokens that were taken back.
func (s *Store) Revocations() *Revocations { return s.revocations }

// pause waits a random time that grows with the attempt, or until ctx ends.
func pause(ctx context.Context, attempt int, unit time.Duration) error {
	t := time.NewTimer(time.Duration(attempt)*unit/2 + rand.N(time.Duration(attempt)*unit))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
