package answers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/seal"
)

const (
	// Life bounds the time for which an answer is kept.
	Life = 24 * time.Hour
	// UnderWay bounds the time for which a request that was not answered keeps its key.
	UnderWay = time.Minute
)

var (
	// ErrReused means that the key was used for something else.
	ErrReused = errors.New("store: the idempotency key was used for something else")
	// ErrUnderWay means that a request under the key is being answered.
	ErrUnderWay = errors.New("store: a request under this idempotency key is under way")
)

// Answer holds the answer to a request.
type Answer struct {
	Status int    `json:"-"`
	Type   string `json:"type"` // of the body
	Body   []byte `json:"body"`
}

// Request is what a key stands for.
type Request struct {
	Owner string            // who asks; another's key is another one
	Key   string            // as the client chose it
	Asked [sha256.Size]byte // digest of what is asked for
}

// Answers keeps the answers of all tenants. It may be used by many goroutines.
type Answers struct {
	*db.Sweeper // deletes old answers; has to Run

	db  *db.DB
	box *seal.Box
}

const deleteAnswers = `
delete from answer where (owner, key) in (
  select owner, key from answer where at < clock_timestamp() - $1::interval order by at limit $2)`

// New returns the answers of the tenants that tenants returns.
func New(d *db.DB, box *seal.Box, tenants func() []tenant.ID) *Answers {
	return &Answers{&db.Sweeper{DB: d, Tenants: tenants, Table: "answer", Delete: deleteAnswers, Life: Life}, d, box}
}

const (
	// takeKey takes a key that is new, too old, or of a request that was given up.
	takeKey = `
insert into answer as a (owner, key, asked) values ($1, $2, $3)
on conflict (owner, key) do update set asked = excluded.asked, status = null, sealed = null, at = clock_timestamp()
where a.at < clock_timestamp() - $4::interval
   or a.status is null and a.asked = excluded.asked and a.at < clock_timestamp() - $5::interval`
	selectAnswer = `select asked, coalesce(status, 0), sealed from answer where owner = $1 and key = $2`
	setAnswer    = `update answer set status = $4, sealed = $5 where owner = $1 and key = $2 and asked = $3 and status is null`
	dropKey      = `delete from answer where owner = $1 and key = $2 and asked = $3 and status is null`
)

// purpose is what an answer is sealed for.
const purpose = "answer"

// Begin takes a key for a request and returns nil, or returns the answer that the key has. It returns ErrReused,
// ErrUnderWay or store.ErrNoTenant.
func (a *Answers) Begin(ctx context.Context, id tenant.ID, r Request) (*Answer, error) {
	var known *Answer
	err := a.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		known = nil
		tag, err := tx.Exec(ctx, takeKey, r.Owner, r.Key, r.Asked[:], Life, UnderWay)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		var asked, sealed []byte
		var status int
		err = tx.QueryRow(ctx, selectAnswer, r.Owner, r.Key).Scan(&asked, &status, &sealed)
		switch {
		case errors.Is(err, pgx.ErrNoRows): // dropped just now
			return ErrUnderWay
		case err != nil:
			return err
		case string(asked) != string(r.Asked[:]):
			return ErrReused
		case status == 0:
			return ErrUnderWay
		}
		plain, err := a.box.Open(id, purpose, sealed)
		if err != nil {
			return err
		}
		known = &Answer{Status: status}
		return strict.DecodeKnown(plain, known)
	})
	if err != nil {
		return nil, fmt.Errorf("store: idempotency key: %w", err)
	}
	return known, nil
}

// Finish keeps the answer to a request that Begin took the key for.
func (a *Answers) Finish(ctx context.Context, id tenant.ID, r Request, answer Answer) error {
	plain, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store: answer: %w", err)
	}
	sealed, err := a.box.Seal(id, purpose, plain)
	if err != nil {
		return err
	}
	return a.write(ctx, id, setAnswer, r, answer.Status, sealed)
}

// Drop gives the key of a request back that did nothing, so that it can be sent again.
func (a *Answers) Drop(ctx context.Context, id tenant.ID, r Request) error {
	return a.write(ctx, id, dropKey, r)
}

func (a *Answers) write(ctx context.Context, id tenant.ID, sql string, r Request, args ...any) error {
	err := a.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, append([]any{r.Owner, r.Key, r.Asked[:]}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: answer: %w", err)
	}
	return nil
}
