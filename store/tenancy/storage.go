package tenancy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// storageEvery paces how often a node looks how large schemas are.
	storageEvery = 10 * time.Second
	// measureEvery paces how often a schema is measured, by whichever node is first.
	measureEvery = time.Minute
	// measureWithin bounds how long a schema is measured: the server gives up before, by the login's statement_timeout.
	measureWithin = 10 * time.Second
	// storageWarnPercent is the part of its storage from which on a tenant is warned of.
	storageWarnPercent = 90
)

const (
	selectStorage = `select tenant, bytes, measured_at > now() - $1::interval from platform.storage`
	// lockStorage has one node at a time measure a tenant: the others go on to the next one. The number is this lock's own.
	lockStorage = `select pg_try_advisory_xact_lock(7712, hashtext($1))`
	// selectMeasured finds how large a schema was if that was told after its lock was free.
	selectMeasured = `select bytes from platform.storage where tenant = $1 and measured_at > clock_timestamp() - $2::interval`
	// measureSchema needs no rights in the schema. It waits for whoever changes a table, at most as long as lock_timeout says.
	measureSchema = `
select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind in ('r', 'm')`
	upsertStorage = `
insert into platform.storage (tenant, bytes) values ($1, $2)
on conflict (tenant) do update set bytes = excluded.bytes, measured_at = clock_timestamp()`
)

// Storage knows how large the schemas are of tenants whose plans limit that. It may be used by many goroutines.
type Storage struct {
	db      *db.DB
	tenants *Directory
	state   storageState
	near    prometheus.Gauge
	full    prometheus.Gauge
}

// NewStorage returns a Storage, which knows nothing until it runs.
func NewStorage(d *db.DB, tenants *Directory) *Storage {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	return &Storage{
		db: d, tenants: tenants,
		near: gauge("pitboss_store_storage_near_limit", "Tenants that have used 90 % or more of their plan's storage, and not all."),
		full: gauge("pitboss_store_storage_at_limit", "Tenants that have used all of their plan's storage: no new tables, no new stakes."),
	}
}

// Describe implements prometheus.Collector.
func (s *Storage) Describe(out chan<- *prometheus.Desc) { s.near.Describe(out); s.full.Describe(out) }

// Collect implements prometheus.Collector.
func (s *Storage) Collect(out chan<- prometheus.Metric) { s.near.Collect(out); s.full.Collect(out) }

// Full reports whether a tenant has used the storage of its plan, and returns how much that is, in bytes.
func (s *Storage) Full(id tenant.ID) (most int64, full bool) {
	t, ok := s.tenants.ByID(id)
	if !ok {
		return 0, false
	}
	most = t.Plan.StorageBytes
	return most, most > 0 && s.state.of(id) >= most
}

// Used returns how large a tenant's schema was when it was measured last, in bytes; 0 if it is not, since no plan limits it.
func (s *Storage) Used(id tenant.ID) int64 { return s.state.of(id) }

// Run measures schemas until ctx ends, then returns nil. It may run on any number of nodes, which share the work.
func (s *Storage) Run(ctx context.Context) error {
	tick := time.NewTicker(storageEvery)
	defer tick.Stop()
	failing := false
	for {
		err := s.Measure(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			s.db.Log.ErrorContext(ctx, "it is not known how large casinos' schemas are", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Measure measures the schemas that no node has measured for a minute, and reads how large all are.
func (s *Storage) Measure(ctx context.Context) error {
	limited := map[tenant.ID]*Tenant{}
	for _, t := range s.tenants.All() {
		if t.Plan.StorageBytes > 0 && t.Set != Archived {
			limited[t.ID] = t
		}
	}
	used, fresh := map[tenant.ID]int64{}, map[tenant.ID]bool{}
	if len(limited) > 0 {
		if err := s.read(ctx, used, fresh); err != nil {
			return err
		}
	}
	var failed error
	for id, t := range limited {
		if fresh[id] {
			continue
		}
		err := s.measure(ctx, id, used)
		if err != nil { // the others are measured all the same
			failed = fmt.Errorf("store: storage of %s: %w", t.Slug, err)
		}
	}
	s.tell(ctx, limited, used)
	return failed
}

// measure measures a schema, unless another node does so now or just did.
func (s *Storage) measure(ctx context.Context, id tenant.ID, used map[tenant.ID]int64) error {
	ctx, cancel := context.WithTimeout(ctx, measureWithin)
	defer cancel()
	// On a connection of the tenant's own share: somebody may hold a lock on one of its tables.
	return s.db.Tenant(id).LoginTx(ctx, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, lockStorage, id.String()).Scan(&mine); err != nil || !mine {
			return err
		}
		var bytes int64
		err := tx.QueryRow(ctx, selectMeasured, id.String(), measureEvery).Scan(&bytes)
		if errors.Is(err, pgx.ErrNoRows) {
			if err = tx.QueryRow(ctx, measureSchema, id.Schema()).Scan(&bytes); err == nil {
				_, err = tx.Exec(ctx, upsertStorage, id.String(), bytes)
			}
		}
		if err == nil {
			used[id] = bytes
		}
		return err
	})
}

// read reads how large schemas were when they were measured last, and whether that was within measureEvery.
func (s *Storage) read(ctx context.Context, used map[tenant.ID]int64, fresh map[tenant.ID]bool) error {
	err := s.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, selectStorage, measureEvery) // its error comes from ForEachRow
		var name string
		var bytes int64
		var recent bool
		_, err := pgx.ForEachRow(rows, []any{&name, &bytes, &recent}, func() error {
			if id, err := tenant.Parse(name); err == nil {
				used[id], fresh[id] = bytes, recent
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("store: storage: %w", err)
	}
	return nil
}

// tell logs which tenants came near their storage, or used it up, since it was told last, and sets the metrics.
func (s *Storage) tell(ctx context.Context, limited map[tenant.ID]*Tenant, used map[tenant.ID]int64) {
	near, full := 0, 0
	levels := map[tenant.ID]int{}
	for id, t := range limited {
		most := t.Plan.StorageBytes
		switch {
		case used[id] >= most:
			levels[id] = 2
			full++
		case used[id] >= most-most/100*(100-storageWarnPercent):
			levels[id] = 1
			near++
		}
		if levels[id] > s.state.level(id) {
			s.db.Log.WarnContext(ctx, "a casino uses its plan's storage up", "tenant", id, "bytes", used[id], "limit", most, "full", levels[id] == 2)
		}
	}
	s.state.set(used, levels)
	s.near.Set(float64(near))
	s.full.Set(float64(full))
}

// storageState holds what is known of tenants' storage.
type storageState struct {
	mu     sync.RWMutex // guards what follows
	used   map[tenant.ID]int64
	levels map[tenant.ID]int // 1: near the limit, 2: at it
}

func (s *storageState) of(id tenant.ID) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used[id]
}

func (s *storageState) level(id tenant.ID) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.levels[id]
}

func (s *storageState) set(used map[tenant.ID]int64, levels map[tenant.ID]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used, s.levels = used, levels
}
