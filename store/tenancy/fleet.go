package tenancy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

const (
	// DefaultMaxFailures is the number of tenants that may fail in a run if nothing is said.
	DefaultMaxFailures = 5
	// DefaultWorkers is the number of tenants that one process migrates at once if nothing is said.
	DefaultWorkers = 4
	// MaxWorkers bounds the tenants that one process migrates at once.
	MaxWorkers = 16
	// chosenCanaryFrom is the size of a run from which on a canary is chosen if none is named.
	chosenCanaryFrom = 20
	// keptRuns is how many runs are kept with what became of each tenant.
	keptRuns = 20
	// idlePause is how long a worker waits for the others' tenants of a wave before it looks again.
	idlePause = 50 * time.Millisecond
)

// ErrRun means that a run did not bring its tenants to their version, because somebody paused or cancelled it or
// too many tenants failed, or that it cannot be begun or changed; its text says which.
var ErrRun = errors.New("store: the migration run")

// Rollout says how tenants are migrated.
type Rollout struct {
	Tenants     []tenant.Slug // only these; nil: all that lack anything
	Canaries    []tenant.Slug // come first, and one that fails stops the run; nil: of 20 tenants or more, one is chosen
	Workers     int           // tenants at once; 0: DefaultWorkers
	MaxFailures *int          // tenants that may fail before the run stops; nil: DefaultMaxFailures
	// Progress, if not nil, is called four times a second while a run is under way, and at its end.
	Progress func(RunStatus)
}

// check returns db.ErrInvalid for a Rollout that cannot be.
func (r *Rollout) check() error {
	r.Workers = cmp.Or(r.Workers, DefaultWorkers)
	if r.MaxFailures == nil {
		r.MaxFailures = new(int)
		*r.MaxFailures = DefaultMaxFailures
	}
	if r.Workers < 1 || r.Workers > MaxWorkers {
		return fmt.Errorf("%w: a run has 1 to %d workers in each process", db.ErrInvalid, MaxWorkers)
	}
	if *r.MaxFailures < 0 {
		return fmt.Errorf("%w: at least 0 tenants may fail", db.ErrInvalid)
	}
	return nil
}

// querier is the owner's pool, or a transaction of the owner's.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// lack is a tenant that lacks migrations or rights.
type lack struct {
	name    string // its ID
	slug    tenant.Slug
	version int
	wave    int
}

// plan returns the tenants of a run that lack anything, with their waves: the canaries, then of the others the
// first hundredth, the first tenth, and the rest, in an order that is always the same and means nothing.
func (a *Admin) plan(ctx context.Context, q querier, target int, r Rollout) ([]lack, error) {
	if err := checkSlugs(ctx, q, append(slices.Clone(r.Tenants), r.Canaries...)); err != nil {
		return nil, err
	}
	all, err := a.lacking(ctx, q, target)
	if err != nil {
		return nil, err
	}
	if r.Tenants != nil {
		all = slices.DeleteFunc(all, func(l lack) bool { return !slices.Contains(r.Tenants, l.slug) })
	}
	order := func(l lack) string { sum := sha256.Sum256([]byte(l.name)); return string(sum[:]) }
	slices.SortFunc(all, func(x, y lack) int { return cmp.Compare(order(x), order(y)) })
	canaries := r.Canaries
	if canaries == nil && len(all) >= chosenCanaryFrom {
		canaries = []tenant.Slug{all[0].slug}
	}
	var first, others []lack
	for _, l := range all {
		if slices.Contains(canaries, l.slug) {
			first = append(first, l)
		} else {
			others = append(others, l)
		}
	}
	for i := range others {
		switch few := len(others) < chosenCanaryFrom; {
		case !few && i < (len(others)+99)/100:
			others[i].wave = 1
		case !few && i < (len(others)+9)/10:
			others[i].wave = 2
		default:
			others[i].wave = 3
		}
	}
	return append(first, others...), nil
}

// checkSlugs returns db.ErrNoTenant unless all the tenants are there.
func checkSlugs(ctx context.Context, q querier, slugs []tenant.Slug) error {
	if len(slugs) == 0 {
		return nil
	}
	names := make([]string, len(slugs))
	for i, s := range slugs {
		names[i] = string(s)
	}
	var missing string
	err := q.QueryRow(ctx, `select n from unnest($1::text[]) n where not exists (select from platform.tenant where slug = n) limit 1`, names).Scan(&missing)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("store: migrate tenants: %w", err)
	}
	return fmt.Errorf("%w: %s", db.ErrNoTenant, missing)
}

// endRuns ends an open run of which nothing is left, as one whose runner was killed after its last tenant.
const endRuns = `
update platform.migration_run r set state = 'done', finished_at = clock_timestamp()
where r.state = 'running' and not exists (select from platform.tenant_migration m where m.run = r.id and m.state in ('pending', 'running'))`

// migrateTenants brings the tenants that need anything to a version; one query finds them, and the others are not
// touched. It begins a run, or takes part in the one that is open.
func (a *Admin) migrateTenants(ctx context.Context, role string, target int, r Rollout) error {
	all, err := a.plan(ctx, a.pool, target, r)
	if err != nil {
		return err
	}
	if _, err := a.pool.Exec(ctx, endRuns); err != nil {
		return fmt.Errorf("store: migrate tenants: %w", err)
	}
	if len(all) == 0 {
		return nil
	}
	run, err := a.openRun(ctx, target, r)
	if err != nil || run == 0 { // others have done it
		return err
	}
	w := &worker{admin: a, run: run, target: target, role: role, name: workerName(), begin: a.beginTenant()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	stop := make(chan struct{})
	go func() { // ends when the workers have
		defer close(watched)
		a.watch(ctx, run, r.Progress, stop)
	}()
	var workers sync.WaitGroup
	for range min(r.Workers, len(all)) {
		workers.Go(func() {
			if err := w.work(ctx); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	close(stop)
	<-watched
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("store: migrate tenants: %w", cause)
	}
	return a.outcome(ctx, run)
}

// workerName returns a name that says which process it is, and that no other has.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "host"
	}
	return fmt.Sprintf("%s %d %s", host, os.Getpid(), uuid.NewString()[:8])
}

// openRun begins a run, or adds to the open one what it lacks. An open run to an older version is
// cancelled: its workers notice before they begin another tenant. It returns 0 if no tenant lacks anything any more, or
// another process is further.
func (a *Admin) openRun(ctx context.Context, target int, r Rollout) (run int64, err error) {
	err = a.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrateLock)); err != nil {
			return err
		}
		var state string
		var to int
		err := tx.QueryRow(ctx, `select id, state, target from platform.migration_run where finished_at is null for update`).Scan(&run, &state, &to)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			run = 0
		case err != nil:
			return err
		case state == "paused":
			return fmt.Errorf("%w %d is paused: pitboss migrate resume, or cancel", ErrRun, run)
		case to > target: // another process is further: advance says so, too
			run = 0
			return nil
		case to < target:
			if err := endRun(ctx, tx, run, "cancelled", fmt.Sprintf("run to version %d instead", target)); err != nil {
				return err
			}
			run = 0
		case r.Tenants != nil:
			return fmt.Errorf("%w %d is under way, of which other tenants may be part: wait for it, or pitboss migrate cancel", ErrRun, run)
		}
		// Now, since what an ended run did is seen after it was seen to have ended.
		all, err := a.plan(ctx, tx, target, r)
		if err != nil || len(all) == 0 {
			run = 0
			return err
		}
		if run == 0 {
			err := tx.QueryRow(ctx, `insert into platform.migration_run (target, max_failures, started_by) values ($1, $2, $3) returning id`,
				target, *r.MaxFailures, a.actor()).Scan(&run)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `delete from platform.tenant_migration where run <= $1`, run-keptRuns); err != nil {
				return err
			}
		}
		names, versions, waves := make([]string, len(all)), make([]int, len(all)), make([]int, len(all))
		for i, l := range all {
			names[i], versions[i], waves[i] = l.name, l.version, l.wave
		}
		_, err = tx.Exec(ctx, `
insert into platform.tenant_migration (run, tenant, wave, from_version, to_version)
select $1, t.id, u.wave, u.version, u.version from unnest($2::text[], $3::int[], $4::int[]) u (id, version, wave) join platform.tenant t on t.id = u.id
on conflict do nothing`, run, names, versions, waves)
		return err
	})
	if err != nil && !errors.Is(err, ErrRun) {
		err = fmt.Errorf("store: begin a migration run: %w", err)
	}
	return run, err
}

// endRun ends an open run.
func endRun(ctx context.Context, tx pgx.Tx, run int64, state, reason string) error {
	_, err := tx.Exec(ctx, `update platform.migration_run set state = $2, reason = $3, finished_at = clock_timestamp() where id = $1 and finished_at is null`,
		run, state, reason)
	return err
}

// watch calls progress until stop, and once more.
func (a *Admin) watch(ctx context.Context, run int64, progress func(RunStatus), stop <-chan struct{}) {
	if progress == nil {
		return
	}
	tell := func() {
		if s, err := runStatus(ctx, a.pool, run); err == nil {
			progress(s)
		}
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			tell()
		case <-stop:
			tell()
			return
		}
	}
}

// progressEvery is how often a run's progress is told.
const progressEvery = 250 * time.Millisecond

// outcome returns what came of a run that this process has no more work in: an error unless every tenant is done.
func (a *Admin) outcome(ctx context.Context, run int64) error {
	s, err := runStatus(ctx, a.pool, run)
	if err != nil {
		return err
	}
	// Every node shows the versions and what failed.
	if _, err := a.pool.Exec(ctx, `update platform.instance set directory_version = directory_version + 1`); err != nil {
		return fmt.Errorf("store: migrate tenants: %w", err)
	}
	var failed []error
	if s.State != RunDone {
		failed = append(failed, fmt.Errorf("%w %d is %s: %s; %d tenants are done, %d failed, %d were not begun", ErrRun, run, s.State, s.Reason, s.Done, s.Failed, s.Pending))
	}
	for _, f := range s.Failures {
		failed = append(failed, f)
	}
	if more := s.Failed - len(s.Failures); more > 0 {
		failed = append(failed, fmt.Errorf("store: %d tenants more failed", more))
	}
	return errors.Join(failed...)
}
