package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/migrations"
)

// RunState is the state of a migration run.
type RunState string

// The states. A run that is RunRunning goes on whenever pitboss migrate runs.
const (
	RunRunning   RunState = "running"
	RunPaused    RunState = "paused"
	RunDone      RunState = "done"      // no tenant is left; some may have failed
	RunFailed    RunState = "failed"    // too many tenants failed
	RunCancelled RunState = "cancelled" // by somebody, or for a run to another version
)

// maxFailuresShown bounds the failures in a RunStatus.
const maxFailuresShown = 20

// RunStatus says how far a run is.
type RunStatus struct {
	ID       int64           `json:"id"`
	Target   int             `json:"target"`
	State    RunState        `json:"state"`
	Reason   string          `json:"reason"`
	By       string          `json:"started_by"`
	Started  time.Time       `json:"started_at"`
	Finished *time.Time      `json:"finished_at"`
	Pending  int             `json:"pending"`
	Running  int             `json:"running"`
	Done     int             `json:"done"`
	Failed   int             `json:"failed"`
	Waves    []Wave          `json:"waves"`
	Failures []TenantFailure `json:"failures"` // the first 20
}

// Total returns the number of the run's tenants.
func (s RunStatus) Total() int { return s.Pending + s.Running + s.Done + s.Failed }

// Wave is a part of a run's tenants, which begins when the parts before it are over.
type Wave struct {
	Wave    int `json:"wave"` // 0: canaries
	Tenants int `json:"tenants"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
}

// TenantFailure says why a tenant was not migrated.
type TenantFailure struct {
	TenantName
	SQLState string `json:"sqlstate"`
	Text     string `json:"error"`
}

// Error implements error.
func (f TenantFailure) Error() string {
	return fmt.Sprintf("store: migrate %s: %s", f.TenantName, f.Text)
}

// FleetStatus says which versions the tenants have, and how far the last run is.
type FleetStatus struct {
	Wants    int         `json:"wants"`    // this binary's version
	Template int         `json:"template"` // 0: the database is empty
	Versions map[int]int `json:"versions"` // tenants by version, with those that were made ahead
	Ahead    map[int]int `json:"ahead"`    // of them, those that were made ahead and have no name yet
	Run      *RunStatus  `json:"run"`      // nil: there was none
}

// FleetStatus returns the state of the tenants' migrations. It returns ErrOlderSchema for a database that was never
// migrated by a version that keeps a ledger of runs.
func (a *Admin) FleetStatus(ctx context.Context) (FleetStatus, error) {
	return fleetStatus(ctx, a.pool, a.known.Tenant.Last())
}

// FleetStatus does the same with the application's login.
func (d *Directory) FleetStatus(ctx context.Context) (out FleetStatus, err error) {
	err = d.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		out, err = fleetStatus(ctx, conn, migrations.Embedded.Tenant.Last())
		return err
	})
	return out, err
}

// reader is a pool or a connection of any login.
type reader interface {
	querier
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

func fleetStatus(ctx context.Context, from reader, wants int) (FleetStatus, error) {
	out := FleetStatus{Wants: wants, Versions: map[int]int{}, Ahead: map[int]int{}}
	var platform int
	err := from.QueryRow(ctx, selectVersions).Scan(&platform, &out.Template)
	if err == nil {
		rows, _ := from.Query(ctx, `select schema_version, count(*), count(*) filter (where t.slug = t.id) from platform.tenant t where `+hasSchema+` group by 1`)
		var version, n, ahead int
		_, err = pgx.ForEachRow(rows, []any{&version, &n, &ahead}, func() error {
			if out.Versions[version] = n; ahead > 0 {
				out.Ahead[version] = ahead
			}
			return nil
		})
	}
	var last int64
	if err == nil {
		err = from.QueryRow(ctx, `select coalesce(max(id), 0) from platform.migration_run`).Scan(&last)
	}
	if isEmpty(err) {
		return out, ErrOlderSchema
	}
	if err == nil && last > 0 {
		var run RunStatus
		run, err = runStatus(ctx, from, last)
		out.Run = &run
	}
	if err != nil {
		return out, fmt.Errorf("store: state of migrations: %w", err)
	}
	return out, nil
}

// runStatus returns how far a run is.
func runStatus(ctx context.Context, from reader, run int64) (RunStatus, error) {
	s := RunStatus{ID: run, Waves: []Wave{}, Failures: []TenantFailure{}}
	q := &pgx.Batch{}
	q.Queue(`select target, state, reason, started_by, started_at, finished_at from platform.migration_run where id = $1`, run).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.Target, &s.State, &s.Reason, &s.By, &s.Started, &s.Finished)
	})
	q.Queue(`select wave, count(*), count(*) filter (where state = 'done'), count(*) filter (where state = 'failed'), count(*) filter (where state = 'running')
		from platform.tenant_migration where run = $1 group by wave order by wave`, run).Query(func(rows pgx.Rows) error {
		var w Wave
		var running int
		_, err := pgx.ForEachRow(rows, []any{&w.Wave, &w.Tenants, &w.Done, &w.Failed, &running}, func() error {
			s.Waves = append(s.Waves, w)
			s.Done, s.Failed, s.Running, s.Pending = s.Done+w.Done, s.Failed+w.Failed, s.Running+running, s.Pending+w.Tenants-w.Done-w.Failed-running
			return nil
		})
		return err
	})
	q.Queue(`select `+slugOrNone+`, t.id, m.sqlstate, m.error from platform.tenant_migration m join platform.tenant t on t.id = m.tenant
		where m.run = $1 and m.state = 'failed' order by m.finished_at limit $2`, run, maxFailuresShown).Query(func(rows pgx.Rows) (err error) {
		s.Failures, err = pgx.CollectRows(rows, pgx.RowToStructByPos[TenantFailure])
		return err
	})
	if err := from.SendBatch(ctx, q).Close(); err != nil {
		return s, fmt.Errorf("store: state of migration run %d: %w", run, err)
	}
	return s, nil
}

// PauseRun makes the open run's workers stop before their next version or batch, until it is resumed. It returns ErrRun if
// none is under way.
func (a *Admin) PauseRun(ctx context.Context, reason strict.Line) error {
	return a.changeRun(ctx, "pause", reason, `update platform.migration_run set state = 'paused', reason = $1 where state = 'running' returning id`)
}

// ResumeRun lets a paused run go on, which Roll then does. It returns ErrRun if none is paused.
func (a *Admin) ResumeRun(ctx context.Context, reason strict.Line) error {
	return a.changeRun(ctx, "resume", reason, `update platform.migration_run set state = 'running', reason = $1 where state = 'paused' returning id`)
}

// CancelRun ends the open run. Tenants that were migrated stay so; the next run begins with the others. It returns ErrRun if
// none is open.
func (a *Admin) CancelRun(ctx context.Context, reason strict.Line) error {
	return a.changeRun(ctx, "cancel", reason, `update platform.migration_run set state = 'cancelled', reason = $1, finished_at = clock_timestamp() where finished_at is null returning id`)
}

// changeRun changes the open run, with a line in the platform's audit log.
func (a *Admin) changeRun(ctx context.Context, what string, reason strict.Line, sql string) error {
	if err := db.CheckReason(reason); err != nil {
		return err
	}
	err := a.inTx(ctx, func(tx pgx.Tx) error {
		var run int64
		if err := tx.QueryRow(ctx, sql, string(reason)).Scan(&run); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `set local search_path = platform, pg_temp`); err != nil {
			return err
		}
		return db.WriteAudit(ctx, tx, rooms.Audit{Actor: a.actor(), Action: "migration." + what, Target: fmt.Sprint("run ", run), Reason: string(reason)})
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows), isEmpty(err):
		return fmt.Errorf("%w: there is none to %s", ErrRun, what)
	case err != nil:
		return fmt.Errorf("store: %s the migration run: %w", what, err)
	}
	return nil
}
