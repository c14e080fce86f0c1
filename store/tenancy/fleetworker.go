package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

const (
	// lockTimeout bounds how long a step waits for a table that players are using: those who
	// come after it wait too.
	lockTimeout = 300 * time.Millisecond
	// lockAttempts is how often a step tries before its tenant is given up.
	lockAttempts = 10
	// lockPause is the unit of the random pause between attempts.
	lockPause = 100 * time.Millisecond
	// leaseTTL is how long after a worker was heard of its tenant goes to another. It need not be longer than a
	// step: who works on a tenant holds its lock.
	leaseTTL = 3 * time.Second
	// backfillPauseMax bounds the pause after a batch, which is as long as the batch took.
	backfillPauseMax = time.Second
	// backfillTimeout ends a batch that is no small one.
	backfillTimeout = 10 * time.Second
)

// claimTenant gives a worker the next tenant of the wave that is under way.
const claimTenant = `
with next as (
  select m.tenant from platform.tenant_migration m join platform.migration_run r on r.id = m.run
  where m.run = $1 and r.state = 'running' and (m.state = 'pending' or m.state = 'running' and m.lease_until < clock_timestamp())
    and m.wave = (select min(wave) from platform.tenant_migration where run = $1 and state in ('pending', 'running'))
  order by m.tenant limit 1 for no key update of m skip locked
)
update platform.tenant_migration m
set state = 'running', worker = $2, lease_until = clock_timestamp() + $3::interval, attempts = m.attempts + 1,
  started_at = coalesce(m.started_at, clock_timestamp())
from next where m.run = $1 and m.tenant = next.tenant and m.state in ('pending', 'running')
returning m.tenant`

// worker brings tenants of a run to their version, one after the other.
type worker struct {
	admin  *Admin
	run    int64
	target int
	role   string // of the application
	name   string
}

// work migrates tenants until the run is over or stopped.
func (w *worker) work(ctx context.Context) error {
	for {
		var name string
		err := w.admin.pool.QueryRow(ctx, claimTenant, w.run, w.name, leaseTTL).Scan(&name)
		switch {
		case err == nil:
			w.admin.at("claimed")
			if err := w.tenant(ctx, name); err != nil {
				return err
			}
			continue
		case !errors.Is(err, pgx.ErrNoRows):
			return err
		}
		if _, err := w.admin.pool.Exec(ctx, endRuns); err != nil {
			return err
		}
		var running bool
		if err := w.admin.pool.QueryRow(ctx, `select state = 'running' from platform.migration_run where id = $1`, w.run).Scan(&running); err != nil {
			return err
		}
		if !running {
			return nil
		}
		// The wave's last tenants are others' still, or what a worker left that was killed.
		if err := db.Pause(ctx, 1, idlePause); err != nil {
			return err
		}
	}
}

// errElsewhere means that a tenant is not, or no longer, this worker's.
var errElsewhere = errors.New("store: another worker has the tenant, or the run was stopped")

// tenant brings a tenant to the run's version, or records why it cannot be. It returns an error if nothing can be
// recorded, or ctx ended.
func (w *worker) tenant(ctx context.Context, name string) error {
	for attempt := 1; ; attempt++ {
		began := time.Now()
		var got progress
		err := w.admin.inTx(ctx, func(tx pgx.Tx) (err error) {
			got, err = w.next(ctx, tx, name)
			return err
		})
		switch state := db.SQLState(err); {
		case err == nil && got.done:
			w.admin.at("done")
			return nil
		case err == nil:
			attempt = 0
			if got.rows > 0 {
				w.admin.at("filled")
				if err := db.Pause(ctx, 1, min(time.Since(began), backfillPauseMax)); err != nil {
					return err
				}
				continue
			}
			w.admin.at("stepped")
		case errors.Is(err, errElsewhere):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case state == "" && !isStepError(err): // the database is gone: the lease says who resumes
			return err
		case (state == db.StateLockTimeout || state == db.StateDeadlock) && attempt < lockAttempts:
			if err := db.Pause(ctx, attempt, lockPause); err != nil {
				return err
			}
		default:
			return w.fail(ctx, name, err)
		}
	}
}

// progress is what a transaction did for a tenant.
type progress struct {
	done bool
	rows int64 // of a backfill that may have more to do
}

// beginTenant makes sure that the tenant is the worker's, and locks it (tenantLock) and its row. It extends the lease.
var beginTenant = `
with mine as (
  update platform.tenant_migration m set lease_until = clock_timestamp() + $4::interval
  from platform.migration_run r
  where r.id = m.run and r.state = 'running' and m.run = $2 and m.tenant = $1 and m.worker = $3 and m.state = 'running'
  returning m.tenant
)
select exists (select from mine) and pg_try_advisory_xact_lock(` + strconv.Itoa(tenantLocks) + `, hashtext($1::text)), t.schema_version from platform.tenant t where t.id = $1 for no key update`

// finishTenant records what a transaction did; the tenant is done if $4.
const finishTenant = `
with t as (update platform.tenant set schema_version = $3 where id = $1 and schema_version <> $3)
update platform.tenant_migration set to_version = $3, backfilled = backfilled + $5,
  state = case when $4 then 'done' else state end, finished_at = case when $4 then clock_timestamp() end
where run = $2 and tenant = $1`

// next brings a tenant one version further, or does one batch of a backfill; in the transaction that reaches the
// run's version, also what else the tenant lacks.
func (w *worker) next(ctx context.Context, tx pgx.Tx, name string) (got progress, err error) {
	id, err := tenant.Parse(name)
	if err != nil {
		return got, stepError{err}
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf(`set local lock_timeout = %d`, lockTimeout.Milliseconds())); err != nil {
		return got, err
	}
	var mine bool
	var version int
	err = tx.QueryRow(ctx, beginTenant, name, w.run, w.name, leaseTTL).Scan(&mine, &version)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !mine { // the tenant is gone, and this row of the ledger with it
		return got, errElsewhere
	}
	if err != nil {
		return got, err
	}
	w.admin.at("locked")
	if version > w.target {
		return got, stepError{fmt.Errorf("it is of version %d already: %w", version, migrations.ErrNewer)}
	}
	if err := w.admin.ensureRole(ctx, tx, id, w.role); err != nil {
		return got, stepError{fmt.Errorf("role: %w", err)}
	}
	if version < w.target {
		m := w.admin.known.Tenant.Steps[version]
		if m.Phase == migrations.Backfill {
			got.rows, err = backfill(ctx, tx, id, m)
		} else {
			_, err = tx.Exec(ctx, inSchema(id.Schema(), m))
		}
		if err != nil {
			return got, stepError{fmt.Errorf("migration %d %s: %w", m.Version, m.Name, err)}
		}
		if got.rows == 0 {
			version++
		}
	}
	if got.rows == 0 && version == w.target {
		if _, err := tx.Exec(ctx, w.admin.known.Tenant.GrantsFor(id.Schema(), id.Role(), version)); err != nil {
			return got, stepError{fmt.Errorf("grants: %w", err)}
		}
		got.done = true
	}
	_, err = tx.Exec(ctx, finishTenant, name, w.run, version, got.done, got.rows)
	w.admin.at("written")
	return got, err
}

// backfill does one batch of a backfill, and returns how many rows it changed. If there were none, the tenant
// has the step's version.
func backfill(ctx context.Context, tx pgx.Tx, id tenant.ID, m migrations.Step) (rows int64, err error) {
	if _, err := tx.Exec(ctx, fmt.Sprintf(`set local statement_timeout = %d; set local search_path = %s, pg_temp`,
		backfillTimeout.Milliseconds(), db.Quote(id.Schema()))); err != nil {
		return 0, err
	}
	did, err := tx.Exec(ctx, m.SQL)
	if err != nil {
		return 0, err
	}
	if did.RowsAffected() == 0 {
		if _, err := tx.Exec(ctx, `update _meta set version = $1`, m.Version); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, `set local search_path = pg_catalog, pg_temp; set local statement_timeout = 0`)
	return did.RowsAffected(), err
}

// stepError is an error that is the tenant's, and not the connection's.
type stepError struct{ error }

// Unwrap returns the error.
func (e stepError) Unwrap() error { return e.error }

func isStepError(err error) bool {
	var e stepError
	return errors.As(err, &e)
}

// failTenant records that a tenant failed.
const failTenant = `
update platform.tenant_migration set state = 'failed', finished_at = clock_timestamp(), sqlstate = $4, error = $5
where run = $1 and tenant = $2 and worker = $3 and state = 'running'`

// stopRun stops a run of which too much failed.
const stopRun = `
update platform.migration_run r set state = 'failed', finished_at = clock_timestamp(),
  reason = case when f.canaries > 0 then 'a canary failed' else 'more than ' || r.max_failures || ' tenants failed' end
from (select count(*) as failures, count(*) filter (where wave = 0) as canaries from platform.tenant_migration where run = $1 and state = 'failed') f
where r.id = $1 and r.finished_at is null and (f.failures > r.max_failures or f.canaries > 0)`

// maxError bounds what is kept of an error, in bytes.
const maxError = 2000

// fail gives a tenant up, and stops the run if it was one too many.
func (w *worker) fail(ctx context.Context, name string, why error) error {
	w.admin.log().ErrorContext(ctx, "a casino is not migrated", "tenant", name, "error", why)
	text := why.Error()
	if len(text) > maxError {
		text = text[:maxError]
	}
	return w.admin.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select from platform.migration_run where id = $1 for update`, w.run); err != nil { // failures are counted one after the other
			return err
		}
		if _, err := tx.Exec(ctx, failTenant, w.run, name, w.name, db.SQLState(why), text); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, stopRun, w.run)
		return err
	})
}
