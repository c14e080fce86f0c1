package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// OpenMax bounds the jobs that wait or are being done.
	OpenMax = 1000
	// Kept is how long a job is kept after it was asked for.
	Kept = 30 * 24 * time.Hour
	// awaitFirst and awaitMax bound the pause between two looks at a job that somebody waits for.
	awaitFirst = 10 * time.Millisecond
	awaitMax   = 250 * time.Millisecond
)

var (
	// ErrNotFound means that there is no such job.
	ErrNotFound = errors.New("store: there is no such job; jobs are kept for 30 days")
	// ErrReused means that an Idempotency-Key was used for another request.
	ErrReused = errors.New("store: this Idempotency-Key was used for another job")
	// ErrTooMany means that OpenMax jobs wait.
	ErrTooMany = fmt.Errorf("store: %d jobs wait", OpenMax)
)

// State says how far a job is.
type State string

// The states. A job that is Done or Failed stays so.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// New is a job that is to be done.
type New struct {
	Kind    string
	Subject tenant.Slug // of the tenant that it is about; "": none
	Input   json.RawMessage
	Key     string // the Idempotency-Key; "": none
	Actor   string
	rooms.Origin
}

// Job is a job as people see it.
type Job struct {
	ID         uuid.UUID       `json:"id"`
	Kind       string          `json:"kind"`
	Subject    tenant.Slug     `json:"tenant,omitempty"`
	State      State           `json:"state"`
	Step       string          `json:"step,omitempty"`  // what is being done,
	Done       int64           `json:"done,omitempty"`  // how much of it,
	Total      int64           `json:"total,omitempty"` // and of how much; 0: nobody knows
	Attempts   int             `json:"attempts"`
	Result     json.RawMessage `json:"result,omitempty"`
	Code       string          `json:"code,omitempty"` // why it failed
	Error      string          `json:"error,omitempty"`
	Actor      string          `json:"actor"`
	CreatedAt  time.Time       `json:"created_at"`
	FinishedAt time.Time       `json:"finished_at,omitzero"`

	Replayed bool `json:"-"` // by Add: it was there before, under the same Idempotency-Key
}

// Over reports whether the job is done or failed.
func (j Job) Over() bool { return j.State == Done || j.State == Failed }

// Queue is what nodes do with jobs.
type Queue struct {
	db  *db.DB
	box *seal.Box
}

// NewQueue returns the queue of a database.
func NewQueue(d *db.DB, box *seal.Box) *Queue { return &Queue{d, box} }

const (
	insertJob = `
insert into platform.job (id, kind, subject, input, asked, key, actor, address, credential, request)
select $1, $2, $3, $4::text::json, $5, $6, $7, $8, $9, $10
where (select count(*) from (select from platform.job where finished_at is null limit $11) as open) < $11
on conflict do nothing
returning id`

	selectByKey = `select id, asked from platform.job where actor = $1 and key = $2 and key <> ''`

	// selectSingle finds the open job of a kind of which one alone may be open.
	selectSingle = `select id from platform.job where kind = $1 and finished_at is null and kind in ` + singles + ` limit 1`
	// singles are the kinds of which one job may be open at a time, as the index job_single has them.
	singles = `('migrate', 'drift', 'doctor')`

	jobColumns = `select id::text as id, kind, subject as tenant, state, step, done, total, attempts, result, code, error, actor, created_at, finished_at from platform.job`
	selectJob  = jobColumns + ` where id = $1`

	selectSecret = `select secret from platform.job where id = $1 and secret is not null for update`
	clearSecret  = `update platform.job set secret = null where id = $1`
)

// Jobs is the list of all jobs, for List.
var Jobs = list.Table{
	Select: jobColumns,
	Fields: []list.Field{
		{Name: "id"}, {Name: "kind"}, {Name: "tenant"},
		{Name: "state", Values: []string{string(Queued), string(Running), string(Done), string(Failed)}},
		{Name: "actor"}, {Name: "created_at", Type: list.Time, Sort: true, Indexed: true},
	},
	Key: "id", Order: "-created_at",
}

// Freed are the codes of failures after which the Idempotency-Key of a job is good for another, unless what it changes of a
// tenant was committed: what was asked could not be, or it is not the asker's fault.
var Freed = []string{"invalid_params", "confirmation_needed", "unavailable", "migration_needed", "internal"}

// Add adds a job, and returns it, or the one that was added under its Idempotency-Key, which then is Replayed. Of migrate, drift and doctor one is
// open at a time: Add returns that, and the Idempotency-Key is not used up. It returns ErrReused or ErrTooMany.
func (q *Queue) Add(ctx context.Context, n New) (Job, error) {
	var id uuid.UUID
	var replayed bool
	err := q.db.Platform(ctx, func(conn *pgxpool.Conn) (err error) {
		id, replayed, err = add(ctx, conn, n)
		if errors.Is(err, errOver) { // what was in the way is over meanwhile, or too many are open
			id, replayed, err = add(ctx, conn, n)
		}
		if errors.Is(err, errOver) {
			return ErrTooMany
		}
		return err
	})
	if err != nil {
		return Job{}, fmt.Errorf("store: add a job: %w", err)
	}
	j, err := q.Get(ctx, id)
	j.Replayed = replayed
	return j, err
}

// errOver means that no job was added, and that none is there in its place.
var errOver = errors.New("no job is open")

// add adds a job, and returns its id, or that of the one that is there in its place, and whether that has the same
// Idempotency-Key. It returns ErrReused or errOver.
func add(ctx context.Context, conn *pgxpool.Conn, n New) (id uuid.UUID, replayed bool, err error) {
	asked := sha256.Sum256([]byte(n.Kind + "\x00" + string(n.Subject) + "\x00" + string(n.Input)))
	id = uuid.New()
	err = conn.QueryRow(ctx, insertJob, id, n.Kind, string(n.Subject), string(n.Input), asked[:], n.Key, n.Actor, n.Address, n.Credential, n.Request, OpenMax).Scan(&id)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, false, err
	}
	var before []byte
	err = conn.QueryRow(ctx, selectByKey, n.Actor, n.Key).Scan(&id, &before)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err == nil && string(before) != string(asked[:]):
		return id, false, ErrReused
	default:
		return id, err == nil, err
	}
	if err = conn.QueryRow(ctx, selectSingle, n.Kind).Scan(&id); errors.Is(err, pgx.ErrNoRows) {
		err = errOver
	}
	return id, false, err
}

// Get returns a job, or ErrNotFound.
func (q *Queue) Get(ctx context.Context, id uuid.UUID) (j Job, err error) {
	err = q.db.Platform(ctx, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, selectJob, id) // its error comes from CollectExactlyOneRow
		j, err = pgx.CollectExactlyOneRow(rows, scan)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return j, ErrNotFound
	}
	if err != nil {
		return j, fmt.Errorf("store: look at a job: %w", err)
	}
	return j, nil
}

// Await returns a job when it is over, or as it is after a time.
func (q *Queue) Await(ctx context.Context, id uuid.UUID, within time.Duration) (Job, error) {
	over := time.NewTimer(within)
	defer over.Stop()
	for pause := awaitFirst; ; pause = min(2*pause, awaitMax) {
		j, err := q.Get(ctx, id)
		if err != nil || j.Over() {
			return j, err
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
			continue
		case <-over.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
		again.Stop()
		return j, err
	}
}

// List returns a page of all jobs, and the cursor of the next one.
func (q *Queue) List(ctx context.Context, query list.Query) (page []Job, next string, err error) {
	page, next, err = db.ListPlatform(ctx, q.db, Jobs, query, scan, func(j Job, field string) any {
		if field == "id" {
			return j.ID.String()
		}
		return j.CreatedAt
	})
	if err != nil {
		return nil, "", fmt.Errorf("store: jobs: %w", err)
	}
	return page, next, nil
}

// TakeSecret returns the secret that a job made, once: "" if it made none, or it was given out.
func (q *Queue) TakeSecret(ctx context.Context, id uuid.UUID) (string, error) {
	var sealed []byte
	err := q.db.PlatformTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		err := tx.QueryRow(ctx, selectSecret, id).Scan(&sealed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, clearSecret, id)
		return err
	})
	if err != nil || sealed == nil {
		return "", err
	}
	plain, err := q.box.Open(tenant.ID{}, purposeOf(id), sealed)
	return string(plain), err
}

// purposeOf returns the purpose for which a job's secret is sealed.
func purposeOf(id uuid.UUID) string { return "job " + id.String() }

func scan(row pgx.CollectableRow) (j Job, err error) {
	var finished *time.Time
	err = row.Scan(&j.ID, &j.Kind, &j.Subject, &j.State, &j.Step, &j.Done, &j.Total, &j.Attempts, (*[]byte)(&j.Result), &j.Code, &j.Error, &j.Actor, &j.CreatedAt, &finished)
	j.CreatedAt = j.CreatedAt.UTC()
	if finished != nil {
		j.FinishedAt = finished.UTC()
	}
	return j, err
}
