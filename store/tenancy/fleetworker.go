package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	// pauseFactor sets the pause of a worker after a tenant: so many times as long as the work on it took. It leaves the
	// database to those who play.
	pauseFactor = 6
	// pauseMax bounds such a pause.
	pauseMax = time.Second
	// backfillPauseMax bounds the pause after a batch, which is as long as the batch took.
	backfillPauseMax = time.Second
	// backfillTimeout ends a batch that is no small one.
	backfillTimeout = 10 * time.Second
)

// claimTenant gives a worker the next tenant of the wave that is under way. A claim that a crash of the server
// loses is made again, so it does not wait for the disk.
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
returning m.tenant, set_config('synchronous_commit', 'off', true)`

// worker brings tenants of a run to their version, one after the other.
type worker struct {
	admin  *Admin
	run    int64
	target int
	role   string // of the application
	name   string
	begin  string // beginTenant
}

// work migrates tenants until the run is over or stopped.
func (w *worker) work(ctx context.Context) error {
	for {
		began := time.Now()
		var name, off string
		err := w.admin.pool.QueryRow(ctx, claimTenant, w.run, w.name, lease).Scan(&name, &off)
		switch {
		case err == nil:
			w.admin.at("claimed")
			if err := w.tenant(ctx, name); err != nil {
				return err
			}
			if err := db.Pause(ctx, 1, min(pauseFactor*time.Since(began), pauseMax)); err != nil {
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
//
//pitboss:sql the number is a constant
func (w *worker) tenant(ctx context.Context, name string) error {
	for attempt := 1; ; attempt++ {
		began := time.Now()
		var got progress
		err := pgx.BeginTxFunc(ctx, w.admin.pool, pgx.TxOptions{BeginQuery: beginStep}, func(tx pgx.Tx) (err error) {
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
		case db.Transient(state) && attempt < lockAttempts: // a lock, a deadlock, a connection that was ended
			if _, err := w.admin.pool.Exec(ctx, renewClaim, w.run, name, w.name, leaseTTL); err != nil { // what the attempt renewed is undone
				return err
			}
			if err := db.Pause(ctx, attempt, lockPause); err != nil {
				return err
			}
		default:
			return w.fail(ctx, name, err)
		}
	}
}

// renewClaim keeps a tenant for a worker that tries again.
const renewClaim = `
update platform.tenant_migration set lease_until = clock_timestamp() + $4::interval
where run = $1 and tenant = $2 and worker = $3 and state = 'running'`

// progress is what a transaction did for a tenant.
type progress struct {
	done bool
	rows int64 // of a backfill that may have more to do
}

// A tenant takes few messages, since each may have to wait on a busy machine: what it begins with is prepared once for
// each connection, and several statements are sent at a time. Nor do they wait for the disk: a crash
// of the server can only take a tenant back to what it was, together with all that was written after it, and the end
// of the run waits for the disk.
var (
	beginStep = fmt.Sprintf(`begin; set local synchronous_commit = off; set local lock_timeout = %d`, lockTimeout.Milliseconds())
	lease     = leaseTTL.String() // for PostgreSQL, too
)

// beginTenant makes sure that the tenant is the worker's, locks it (tenantLock) and its row, and looks at its role.
// It extends the lease.
func (a *Admin) beginTenant() string {
	return `
with mine as (
  update platform.tenant_migration m set lease_until = clock_timestamp() + $4::interval
  from platform.migration_run r
  where r.id = m.run and r.state = 'running' and m.run = $2 and m.tenant = $1 and m.worker = $3 and m.state = 'running'
  returning m.tenant
)
select exists (select from mine) and pg_try_advisory_xact_lock(` + strconv.Itoa(tenantLocks) + `, hashtext($1::text)), t.schema_version, t.rights,
  n.oid is not null and ` + a.memberRight() + `, ` + hasSchema + `
from platform.tenant t
left join pg_roles r on r.rolname = t.id
left join pg_namespace n on n.nspname = t.id
left join pg_roles app on app.rolname = $5::name
where t.id = $1 for no key update of t`
}

// next brings a tenant one version further, or does one batch of a backfill; in the transaction that reaches the
// run's version, also what else the tenant lacks.
//
//pitboss:sql steps and grants are embedded files; names are a tenant.ID, quoted
func (w *worker) next(ctx context.Context, tx pgx.Tx, name string) (got progress, err error) {
	id, err := tenant.Parse(name)
	if err != nil {
		return got, stepError{err}
	}
	var mine, role, live bool
	var version int
	var rights string
	err = tx.QueryRow(ctx, w.begin, name, w.run, w.name, lease, w.role).Scan(&mine, &version, &rights, &role, &live)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !mine { // the tenant is gone, and this row of the ledger with it
		return got, errElsewhere
	}
	if err != nil {
		return got, err
	}
	w.admin.at("locked")
	if !live { // it was archived or purged since the run was planned: nobody may get a right to it again
		got.done = true
		_, err := tx.Exec(ctx, fmt.Sprintf(finishTenant, name, w.run, version, rights, true, 0))
		return got, err
	}
	if version > w.target {
		return got, stepError{fmt.Errorf("it is of version %d already: %w", version, migrations.ErrNewer)}
	}
	if !role {
		if err := w.admin.ensureRole(ctx, tx, id, w.role); err != nil {
			if err = fmt.Errorf("role: %w", err); db.SQLState(err) == "" && !tx.Conn().IsClosed() { // its schema is missing
				err = stepError{err}
			}
			return got, err
		}
	}
	var sql strings.Builder
	wanted, what := w.admin.known.Tenant.RightsOf(w.target), "grants"
	granted := role && rights == wanted
	if version == w.target {
		granted = false // it is here because it lacks them
	} else {
		m := w.admin.known.Tenant.Steps[version]
		what = fmt.Sprintf("migration %d %s", m.Version, m.Name)
		if m.Phase == migrations.Backfill {
			if got.rows, err = backfill(ctx, tx, id, m); err != nil {
				return got, fmt.Errorf("%s: %w", what, err)
			}
		} else {
			sql.WriteString(inSchema(id.Schema(), m) + ";\n")
			if m.Phase != migrations.Expand { // a table may have been made anew
				granted, rights = false, ""
			}
		}
		if got.rows == 0 {
			version++
		}
	}
	if got.done = got.rows == 0 && version == w.target; got.done && !granted {
		sql.WriteString(w.admin.known.Tenant.GrantsFor(id.Schema(), id.Role(), version) + ";\n")
		rights = wanted
	}
	fmt.Fprintf(&sql, finishTenant, name, w.run, version, rights, got.done, got.rows)
	if _, err := tx.Exec(ctx, sql.String()); err != nil {
		return got, fmt.Errorf("%s: %w", what, err)
	}
	w.admin.at("written")
	return got, nil
}

// finishTenant records what a transaction did: of a tenant, in a run, its version, its rights, whether it is done,
// and the rows of a backfill.
const finishTenant = `
with t as (update platform.tenant set schema_version = %[3]d, rights = '%[4]s' where id = '%[1]s' and (schema_version, rights) <> (%[3]d, '%[4]s'))
update platform.tenant_migration set to_version = %[3]d, backfilled = backfilled + %[6]d,
  state = case when %[5]t then 'done' else state end, finished_at = case when %[5]t then clock_timestamp() end
where run = %[2]d and tenant = '%[1]s'`

// backfill does one batch of a backfill, and returns how many rows it changed. If there were none, the tenant
// has the step's version.
//
//pitboss:sql steps are embedded files; the schema is a tenant.ID, quoted
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

// stepError is an error without an SQLSTATE that is the tenant's, and not the connection's.
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
	id, _ := tenant.Parse(name) // zero if that is what is wrong
	w.admin.log().ErrorContext(ctx, "a casino is not migrated", "tenant", id, "error", why)
	text := why.Error()
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "")
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
