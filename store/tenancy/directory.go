package tenancy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

// brokenPoll is how often a node checks whether a tenant that is out of order was repaired, which need not
// change the directory's version.
const brokenPoll = time.Second

// Directory is the directory of tenants, in memory. Its look-ups never touch the database
// and may be used by many goroutines; Run keeps it up to date.
type Directory struct {
	db                      *db.DB
	box                     *seal.Box
	now                     atomic.Pointer[snapshot]
	clock                   atomic.Pointer[func() time.Time]
	own                     atomic.Pointer[OwnHosts]
	broken, hidden          prometheus.Gauge
	pending, oldest, failed prometheus.Gauge // of migrations
	// verifiedOnly leaves out the domains that are not verified.
	verifiedOnly bool

	// publishing is held while now is replaced and the limits of connections follow it, so that they are those of now.
	publishing sync.Mutex

	mu       sync.Mutex // guards what follows
	onChange []func(old, new *Tenant)
}

var _ prometheus.Collector = (*Directory)(nil)

// NewDirectory returns a directory that is empty until Reload. box opens the tenants' keys. With verifiedOnly, tenants
// have those domains only that are verified or need not be.
func NewDirectory(d *db.DB, box *seal.Box, verifiedOnly bool) *Directory {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	dir := &Directory{
		db: d, box: box, verifiedOnly: verifiedOnly,
		broken:  gauge("pitboss_store_tenants_out_of_order", "Tenants that cannot be served because of what is stored of them."),
		hidden:  gauge("pitboss_store_domains_hidden", "Casinos' domains at which this node serves something else: the platform's API, or casinos in sub-folders."),
		pending: gauge("pitboss_migration_pending", "Tenants whose tables are older than this binary's newest step."),
		oldest:  gauge("pitboss_migration_oldest_version", "The oldest version of a tenant's tables; this binary's if there is no tenant or all are newer."),
		failed:  gauge("pitboss_migration_failed", "Tenants that failed in the last run of migrations."),
	}
	dir.SetClock(time.Now)
	return dir
}

// Describe implements prometheus.Collector.
func (d *Directory) Describe(out chan<- *prometheus.Desc) {
	for _, g := range []prometheus.Gauge{d.broken, d.hidden, d.pending, d.oldest, d.failed} {
		g.Describe(out)
	}
}

// Collect implements prometheus.Collector.
func (d *Directory) Collect(out chan<- prometheus.Metric) {
	for _, g := range []prometheus.Gauge{d.broken, d.hidden, d.pending, d.oldest, d.failed} {
		g.Collect(out)
	}
}

// snapshot holds all tenants as they were at one moment. It is never changed.
type snapshot struct {
	generation, version int64
	loaded              time.Time
	all                 []*Tenant // by slug; without those whose ID cannot be read
	reserved            []*Tenant // that have no schema yet: they are in nothing else here
	byHost              map[string]*Tenant
	byWildcard          map[string]*Tenant // by the name below which it has every name of one more part
	bySlug, byFormer    map[tenant.Slug]*Tenant
	byID                map[tenant.ID]*Tenant
	broken              map[string]string // by slug: why a tenant is out of order
	apiKeys             map[string]auth.StoredAPIKey
	failed              int // tenants, in the last run of migrations
}

// Lookup returns the tenant of a request's Host, which may have a port. An exact domain comes before a
// wildcard.
func (d *Directory) Lookup(host string) (*Tenant, bool) {
	now := d.now.Load()
	name := host
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.IndexByte(name, ']') < i {
		name = name[:i]
	}
	if t, ok := now.byHost[name]; ok { // what browsers send needs no more
		return t, true
	}
	if !isNormal(name) {
		var err error
		if name, err = NormalizeHost(host); err != nil {
			return nil, false
		}
		if t, ok := now.byHost[name]; ok {
			return t, true
		}
	}
	first, above, _ := strings.Cut(name, ".")
	t, ok := now.byWildcard[above]
	if !ok || !isLabel(first) {
		return nil, false
	}
	return t, true
}

// BySlug returns the tenant that has the slug now.
func (d *Directory) BySlug(slug tenant.Slug) (*Tenant, bool) {
	t, ok := d.now.Load().bySlug[slug]
	return t, ok
}

// ByFormerSlug returns the tenant that had the slug, while its tokens may name it.
func (d *Directory) ByFormerSlug(slug tenant.Slug) (*Tenant, bool) {
	t, ok := d.now.Load().byFormer[slug]
	return t, ok && slices.Contains(t.FormerSlugs(d.Now()), slug)
}

// ByID returns the tenant of an ID.
func (d *Directory) ByID(id tenant.ID) (*Tenant, bool) {
	t, ok := d.now.Load().byID[id]
	return t, ok
}

// Epoch returns the epoch of what is cached of a tenant, and reports whether there is such a tenant. It is the
// version of the tenant: each change of it begins another one, as Admin.FlushCache does.
func (d *Directory) Epoch(id tenant.ID) (epoch int64, ok bool) {
	t, ok := d.ByID(id)
	if !ok {
		return 0, false
	}
	return t.Version, true
}

// All returns every tenant, by slug.
func (d *Directory) All() []*Tenant { return slices.Clone(d.now.Load().all) }

// Known returns every tenant, by slug, those too that are so much out of order that they have no ID.
func (d *Directory) Known() []*Tenant {
	all := d.now.Load().bySlug
	out := make([]*Tenant, 0, len(all))
	for _, slug := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[slug])
	}
	return out
}

// Listed returns every tenant, by slug, as Known does, and those that have no schema yet.
func (d *Directory) Listed() []*Tenant {
	now := d.now.Load()
	out := slices.AppendSeq(slices.Clone(now.reserved), maps.Values(now.bySlug))
	slices.SortFunc(out, func(a, b *Tenant) int { return cmp.Compare(a.Slug, b.Slug) })
	return out
}

// Named returns the tenant that has the slug now, be it one that has no schema yet.
func (d *Directory) Named(slug tenant.Slug) (*Tenant, bool) {
	now := d.now.Load()
	if t, ok := now.bySlug[slug]; ok {
		return t, true
	}
	if i := slices.IndexFunc(now.reserved, func(t *Tenant) bool { return t.Slug == slug }); i >= 0 {
		return now.reserved[i], true
	}
	return nil, false
}

// IDs returns the IDs of all tenants but those that are archived, in whose schemas nothing may be written.
func (d *Directory) IDs() []tenant.ID {
	all := d.now.Load().all
	out := make([]tenant.ID, 0, len(all))
	for _, t := range all {
		if t.Set != Archived {
			out = append(out, t.ID)
		}
	}
	return out
}

// Rests returns a function that reports whether a room is to rest: by the status of its tenant, and because the tenant's plan or jurisdiction does not
// allow it. The lobby goes on while the tenant may be let in again; nothing runs of a tenant that is not known. The Config is
// the zero one while the room's is not known.
func (d *Directory) Rests(inForce InForce) func(rooms.Ref, rooms.Config) bool {
	return func(ref rooms.Ref, c rooms.Config) bool { return d.rests(ref, c, inForce) }
}

func (d *Directory) rests(ref rooms.Ref, c rooms.Config, inForce InForce) bool {
	t, ok := d.ByID(ref.Tenant)
	if !ok {
		return true
	}
	switch t.Status(d.Now()).Rounds() {
	case RoundsRun:
		return c.Game != "" && t.CheckTable(c, inForce) != nil
	case RoundsEnd:
		return ref.Room != rooms.LobbyID
	}
	return true
}

// Now returns the time by which tenants' statuses are told.
func (d *Directory) Now() time.Time { return (*d.clock.Load())() }

// SetClock has the directory tell the time by another clock, as tests do that do not wait for days.
func (d *Directory) SetClock(now func() time.Time) { d.clock.Store(&now) }

// OnChange makes Run call f after a tenant came (old is nil), changed, or went (new is
// nil), and when time alone moved it to another status (old and new are the same). f is
// called by Run's goroutine, after the directory shows the change, and must not block.
func (d *Directory) OnChange(f func(old, new *Tenant)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onChange = append(d.onChange, f)
}

// Run keeps the directory up to date until ctx ends, then returns nil. While the database
// does not answer, the directory stays as it is.
func (d *Directory) Run(ctx context.Context) error {
	told := d.now.Load()
	statuses := statusesAt(told, d.Now())
	return d.db.Poll(ctx, db.Poller{
		Failed:    "the directory of tenants cannot be refreshed",
		Recovered: "the directory of tenants is refreshed again",
		Ask: func(ctx context.Context) error {
			err := d.poll(ctx)
			if ctx.Err() != nil {
				return err
			}
			previous, before := told, statuses
			told = d.now.Load()
			statuses = statusesAt(told, d.Now())
			d.tell(previous, told, before, statuses)
			return err
		},
	})
}

// statusesAt returns the status of each tenant at a moment.
func statusesAt(dir *snapshot, now time.Time) map[tenant.ID]Status {
	out := make(map[tenant.ID]Status, len(dir.all))
	for _, t := range dir.all {
		out[t.ID] = t.Status(now)
	}
	return out
}

// tell calls the listeners for each tenant that differs between two states of the directory or whose
// status does.
func (d *Directory) tell(old, now *snapshot, before, after map[tenant.ID]Status) {
	d.mu.Lock()
	listeners := slices.Clone(d.onChange)
	d.mu.Unlock()
	call := func(old, new *Tenant) {
		for _, f := range listeners {
			f(old, new)
		}
	}
	for _, t := range now.all {
		u := old.byID[t.ID]
		if u == nil || old.generation != now.generation || u.Version != t.Version || u.OutOfOrder != t.OutOfOrder || before[t.ID] != after[t.ID] {
			call(u, t)
		}
	}
	for _, t := range old.all {
		if now.byID[t.ID] == nil {
			call(t, nil)
		}
	}
}

// poll reloads the directory if anything changed.
func (d *Directory) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.PollTimeout)
	defer cancel()
	var generation, version int64
	q := &pgx.Batch{}
	d.db.QueueGeneration(q, &generation)
	q.Queue(selectVersion).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
	err := d.db.Raise(ctx, d.db.Platform(ctx, func(conn *pgxpool.Conn) error { return conn.SendBatch(ctx, q).Close() }))
	if err != nil {
		return fmt.Errorf("store: directory: %w", err)
	}
	now := d.now.Load()
	if generation == now.generation && version == now.version && (len(now.broken) == 0 || time.Since(now.loaded) < brokenPoll) {
		return nil
	}
	return d.Reload(ctx)
}

// Reload reads the directory from the database, without calling the listeners, so that whoever just made
// a tenant need not wait for Run.
func (d *Directory) Reload(ctx context.Context) error {
	var next *snapshot
	load := func(tx pgx.Tx) error {
		var generation, version int64
		q := &pgx.Batch{}
		d.db.QueueGeneration(q, &generation)
		q.Queue(selectVersion).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return err
		}
		list, err := loadTenants(ctx, tx, d.box, true)
		if err != nil {
			return err
		}
		if d.verifiedOnly {
			if err := dropUnverified(ctx, tx, list); err != nil {
				return err
			}
		}
		next = newSnapshot(list)
		if next.apiKeys, err = loadAPIKeys(ctx, tx); err != nil {
			return err
		}
		next.generation, next.version = generation, version
		return tx.QueryRow(ctx, selectFailed).Scan(&next.failed)
	}
	err := d.db.Raise(ctx, d.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, load)
	}))
	if err != nil {
		return fmt.Errorf("store: load the directory of tenants: %w", err)
	}
	d.publish(ctx, next)
	return nil
}

// publish replaces the directory by next, unless it knows as much already, and sets the limits of connections.
func (d *Directory) publish(ctx context.Context, next *snapshot) {
	d.publishing.Lock()
	defer d.publishing.Unlock()
	now := d.now.Load()
	if now != nil && now.knows(next) { // another Reload saw more
		return
	}
	d.now.Store(next)
	for _, t := range next.all {
		d.db.LimitTenant(t.ID, t.Plan.DBConnections)
	}
	d.note(ctx, now, next)
}

// knows reports whether d is as new as next. Versions can be compared within one generation only.
func (d *snapshot) knows(next *snapshot) bool {
	order := cmp.Or(cmp.Compare(d.generation, next.generation), cmp.Compare(d.version, next.version))
	return order > 0 || order == 0 && len(d.broken) == 0
}

// newSnapshot returns the directory of a list of tenants.
func newSnapshot(list []Tenant) *snapshot {
	d := &snapshot{
		loaded: time.Now(), broken: map[string]string{},
		byHost: map[string]*Tenant{}, byWildcard: map[string]*Tenant{}, bySlug: map[tenant.Slug]*Tenant{}, byFormer: map[tenant.Slug]*Tenant{}, byID: map[tenant.ID]*Tenant{},
	}
	for i := range list {
		t := &list[i]
		if t.Set == Provisioning {
			d.reserved = append(d.reserved, t)
			continue
		}
		d.bySlug[t.Slug] = t
		for _, f := range t.Former {
			d.byFormer[f.Slug] = t
		}
		for _, domain := range t.Domains {
			if above, ok := strings.CutPrefix(domain, wildcard); ok {
				d.byWildcard[above] = t
				continue
			}
			d.byHost[domain] = t
		}
		if t.OutOfOrder != "" {
			d.broken[string(t.Slug)] = t.OutOfOrder
		}
		if !t.ID.IsZero() {
			d.all = append(d.all, t)
			d.byID[t.ID] = t
		}
	}
	return d
}

const selectVersion = `select directory_version from platform.instance`
