package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// leaseTTL is how long after its process died a job is begun again.
	leaseTTL = 15 * time.Second
	// leaseMargin says how much sooner a process stops what it does if it cannot extend the lease.
	leaseMargin = 3 * time.Second
	// pollEvery is how long a job waits at most until a process that has nothing to do sees it.
	pollEvery = 100 * time.Millisecond
	// attemptsMax is how often a job is tried whose failure is not its own.
	attemptsMax = 5
	retryPause  = time.Second
	// sweepEvery is how often jobs are deleted that are older than Kept.
	sweepEvery = time.Hour
	conns      = 4
)

// ErrGivenUp means that every process that began a job died before it was over: it is not begun again.
var ErrGivenUp = errors.New("store: the job is given up")

// Task is a job as it is done.
type Task struct {
	ID      uuid.UUID
	Again   bool // it was begun before, and may be done already
	Kind    string
	Subject tenant.Slug
	Input   json.RawMessage
	Actor   string
	rooms.Origin
	// Progress notes what is being done, and how much of how much of it.
	Progress func(step string, done, of int64)
}

// Outcome is what came of a Task.
type Outcome struct {
	Result any    // as JSON
	Secret string // to be given out once; "": none
}

// Options configure a Worker.
type Options struct {
	URL  string // of the database's owner
	Box  *seal.Box
	Log  *slog.Logger
	Jobs int // at once
	// Quick are the kinds of jobs that have a place of their own: however long other jobs take, one of these waits for those
	// of these kinds alone, and for those about the same tenant.
	Quick []string
	// Do does a task. It may be called again for one that it did not end.
	Do func(context.Context, Task) (Outcome, error)
	// Code returns what a client goes by of an error, and what a person is told of it.
	Code func(error) (code, text string)
}

// Worker does jobs, with the owner's login.
type Worker struct {
	o    Options
	name uuid.UUID
	pool *pgxpool.Pool
}

// OpenWorker connects as the database's owner.
func OpenWorker(ctx context.Context, o Options) (*Worker, error) {
	pool, err := db.OpenPool(ctx, o.URL, "pitboss platform", pgx.QueryExecModeDescribeExec, conns)
	if err != nil {
		return nil, err
	}
	return &Worker{o, uuid.New(), pool}, nil
}

// Close closes all connections.
func (w *Worker) Close() { w.pool.Close() }

const (
	// claimJob takes the oldest job that nobody does, but for one about a tenant of which an older one is not over; of the
	// kinds of $3, or of all if it is null. The number of its attempts fences those before, of this process too.
	claimJob = `
update platform.job set state = 'running', worker = $1, lease_until = clock_timestamp() + $2::interval, attempts = attempts + 1
where id = (
  select j.id from platform.job j
  where j.finished_at is null and ($3::text[] is null or j.kind = any($3)) and (j.lease_until is null or j.lease_until < clock_timestamp())
    and (j.subject = '' or not exists (select from platform.job o
      where o.finished_at is null and o.subject = j.subject and o.id <> j.id
        and ((o.created_at, o.id) < (j.created_at, j.id) or o.state = 'running' and o.lease_until > clock_timestamp())))
  order by j.created_at, j.id limit 1 for update skip locked)
returning id, kind, subject, input, actor, address, credential, request, attempts`

	extendJob = `
update platform.job set lease_until = clock_timestamp() + $3::interval, step = $4, done = $5, total = $6
where id = $1 and worker = $2 and attempts = $7 and state = 'running'`

	// waitJob gives a job back, to be begun again after a time.
	waitJob = `
update platform.job set state = 'queued', worker = null, lease_until = clock_timestamp() + $3::interval
where id = $1 and worker = $2 and attempts = $4 and state = 'running'`

	finishJob = `
update platform.job set state = $3, result = $4::text::json, secret = $5, code = $6, error = $7, finished_at = clock_timestamp(), lease_until = null,
  key = case when $9 and not applied then '' else key end
where id = $1 and worker = $2 and attempts = $8 and state = 'running'`

	sweepJobs = `delete from platform.job where finished_at is not null and created_at < clock_timestamp() - $1::interval`
)

// Run does jobs until ctx ends. What is under way then is given back.
func (w *Worker) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for range max(1, w.o.Jobs) {
		all.Go(func() { w.loop(ctx, nil) })
	}
	if len(w.o.Quick) > 0 {
		all.Go(func() { w.loop(ctx, w.o.Quick) })
	}
	all.Go(func() { w.sweep(ctx) })
	all.Wait()
	return nil
}

// loop does jobs of some kinds, or of all if kinds is nil, until ctx ends.
func (w *Worker) loop(ctx context.Context, kinds []string) {
	failing := false
	for ctx.Err() == nil {
		did, err := w.next(ctx, kinds)
		if (err != nil) != failing && ctx.Err() == nil {
			failing = err != nil
			w.o.Log.Warn("jobs are looked for", "yes", !failing, "error", err)
		}
		if did && err == nil {
			continue
		}
		t := time.NewTimer(pollEvery)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// next does a job of some kinds, or of any, if there is one.
func (w *Worker) next(ctx context.Context, kinds []string) (did bool, err error) {
	var id uuid.UUID
	var attempts int
	var t Task
	err = w.pool.QueryRow(ctx, claimJob, w.name, leaseTTL, kinds).Scan(&id, &t.Kind, &t.Subject, (*[]byte)(&t.Input), &t.Actor, &t.Address, &t.Credential, &t.Request, &attempts)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: claim a job: %w", err)
	}
	t.ID, t.Again = id, attempts > 1
	if attempts > attemptsMax { // whoever tried it before did not live to say so
		return true, w.finish(ctx, t, attempts, Outcome{}, fmt.Errorf("%w: it was begun %d times, and never ended", ErrGivenUp, attempts-1))
	}
	return true, w.do(ctx, t, attempts)
}

// progress is what a job said last of how far it is.
type progress struct {
	step     string
	done, of int64
}

// do does a job under its lease, and records what came of it.
func (w *Worker) do(ctx context.Context, t Task, attempts int) error {
	doing, lost := context.WithCancel(ctx)
	defer lost()
	var said atomic.Pointer[progress]
	said.Store(&progress{})
	t.Progress = func(step string, done, of int64) { said.Store(&progress{step, done, of}) }
	var extending sync.WaitGroup
	extending.Go(func() { w.extend(doing, lost, t.ID, attempts, said.Load) })
	out, err := w.try(doing, t)
	interrupted := doing.Err() != nil
	lost()
	extending.Wait()
	if err == nil { // also if it was interrupted meanwhile: it is done
		return w.finish(ctx, t, attempts, out, nil)
	}
	again := time.Duration(attempts) * retryPause
	switch {
	case interrupted:
		again = 0
	case attempts >= attemptsMax, !errors.Is(err, db.ErrUnavailable) && !db.Transient(db.SQLState(err)):
		return w.finish(ctx, t, attempts, out, err)
	}
	w.o.Log.WarnContext(ctx, "a job is begun again", "job", t.ID, "kind", t.Kind, "tenant", t.Subject, "attempt", attempts, "error", err)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTTL)
	defer cancel()
	_, err = w.pool.Exec(ending, waitJob, t.ID, w.name, again, attempts)
	return err
}

// extend extends a job's lease until ctx ends, or calls lost when it may have run out.
func (w *Worker) extend(ctx context.Context, lost func(), id uuid.UUID, attempts int, said func() *progress) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	held := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked, p := time.Now(), said()
		asking, cancel := context.WithDeadline(ctx, held.Add(leaseTTL-leaseMargin))
		tag, err := w.pool.Exec(asking, extendJob, id, w.name, leaseTTL, p.step, p.done, p.of, attempts)
		cancel()
		switch {
		case err == nil && tag.RowsAffected() == 1:
			held = asked
		case err == nil, time.Since(held) >= leaseTTL-leaseMargin:
			lost()
			return
		}
	}
}

// try does a task. A panic is an error of this task alone.
func (w *Worker) try(ctx context.Context, t Task) (out Outcome, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("store: a job panicked: %v", x)
		}
	}()
	return w.o.Do(ctx, t)
}

// finish records what came of a job.
func (w *Worker) finish(ctx context.Context, t Task, attempts int, out Outcome, failed error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTTL)
	defer cancel()
	state, code, text := Done, "", ""
	var result *string
	var secret []byte
	if failed == nil {
		raw, err := json.Marshal(out.Result)
		if err == nil && out.Secret != "" {
			secret, err = w.o.Box.Seal(tenant.ID{}, purposeOf(t.ID), []byte(out.Secret))
		}
		failed = err
		if s := string(raw); out.Result != nil {
			result = &s
		}
	}
	if failed != nil {
		state, result, secret = Failed, nil, nil
		code, text = w.o.Code(failed)
		w.o.Log.WarnContext(ctx, "a job failed", "job", t.ID, "kind", t.Kind, "tenant", t.Subject, "code", code, "error", failed)
	}
	_, err := w.pool.Exec(ctx, finishJob, t.ID, w.name, string(state), result, secret, code, text, attempts, slices.Contains(Freed, code))
	if err != nil {
		return fmt.Errorf("store: record what came of a job: %w", err)
	}
	return nil
}

// sweep deletes old jobs until ctx ends.
func (w *Worker) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if _, err := w.pool.Exec(ctx, sweepJobs, Kept); err != nil && ctx.Err() == nil {
			w.o.Log.WarnContext(ctx, "old jobs are not deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
