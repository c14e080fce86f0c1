package answers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
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

// Request names a request: whose it is, under which key, and what it asks for.
type Request struct {
	Owner string            // who asks; the same key of somebody else stands for another request
	Key   string            // as the client chose it
	Asked [sha256.Size]byte // digest of what is asked for
}

// Answers keeps the answers of all tenants. It may be used by many goroutines.
type Answers struct {
	*db.Sweeper // deletes old answers; has to Run

	db    *db.DB
	box   *seal.Box
	lanes *db.Lanes[*step]
}

// groupMax bounds the keys of one transaction.
const groupMax = 256

const deleteAnswers = `
delete from answer where (owner, key) in (
  select owner, key from answer where at < clock_timestamp() - $1::interval order by at limit $2)`

// New returns the answers of the tenants that tenants returns.
func New(d *db.DB, box *seal.Box, tenants func() []tenant.ID) *Answers {
	a := &Answers{Sweeper: &db.Sweeper{DB: d, Tenants: tenants, Table: "answer", Delete: deleteAnswers, Life: Life}, db: d, box: box}
	a.lanes = &db.Lanes[*step]{
		DB: d, AtOnce: 1, Max: groupMax, Do: a.together,
		Keys: func(s *step) []string { return []string{s.name()} },
		Size: func(*step) int { return 1 },
	}
	return a
}

// step is a Begin or a Finish in progress.
type step struct {
	Request

	// Of a Begin: what came of it. It is settled by whoever comes first: the group that has done it, or who asked and gave up.
	taken   bool
	known   kept
	settled atomic.Bool

	// Of a Finish.
	ends   bool
	status int
	sealed []byte
}

// kept is the row of a key.
type kept struct {
	asked, sealed []byte
	status        int // 0: it has no answer
}

// name returns what tells r's key from others.
func (r Request) name() string { return strconv.Quote(r.Owner) + r.Key }

const (
	// takeKeys takes the keys that are new, too old, or of a request that was given up.
	takeKeys = `
insert into answer as a (owner, key, asked)
select owner, key, asked from unnest($1::text[], $2::text[], $3::bytea[]) as wanted (owner, key, asked)
on conflict (owner, key) do update set asked = excluded.asked, status = null, sealed = null, at = clock_timestamp()
where a.at < clock_timestamp() - $4::interval
   or a.status is null and a.asked = excluded.asked and a.at < clock_timestamp() - $5::interval
returning owner, key`
	// beginKeys takes keys, and returns those that were there before, and those that are taken.
	beginKeys = `
with taken as (` + takeKeys + `)
select a.owner, a.key, a.asked, coalesce(a.status, 0), a.sealed, false
from unnest($1::text[], $2::text[]) as k(owner, key) join answer a on a.owner = k.owner and a.key = k.key
union all
select owner, key, null, 0, null, true from taken`
	setAnswers = `
update answer a set status = u.status, sealed = u.sealed
from unnest($1::text[], $2::text[], $3::bytea[], $4::int[], $5::bytea[]) as u(owner, key, asked, status, sealed)
where a.owner = u.owner and a.key = u.key and a.asked = u.asked and a.status is null`
	dropKey = `delete from answer where owner = $1 and key = $2 and asked = $3 and status is null`
)

// purpose separates sealed answers from whatever else is sealed for a tenant.
const purpose = "answer"

// Begin takes a key for a request and returns nil, or returns the answer that the key has. If ctx ends, no key is left
// taken for it. It returns ErrReused, ErrUnderWay or store.ErrNoTenant.
func (a *Answers) Begin(ctx context.Context, id tenant.ID, r Request) (*Answer, error) {
	b := &step{Request: r}
	if err := a.lanes.Run(ctx, id, b); err != nil && b.settled.CompareAndSwap(false, true) { // else it was done just now
		return nil, fmt.Errorf("store: idempotency key: %w", err)
	}
	switch {
	case b.taken:
		return nil, nil
	case b.known.asked == nil: // dropped or taken just now
		return nil, ErrUnderWay
	case string(b.known.asked) != string(r.Asked[:]):
		return nil, ErrReused
	case b.known.status == 0:
		return nil, ErrUnderWay
	}
	plain, err := a.box.Open(id, purpose, b.known.sealed)
	if err != nil {
		return nil, err
	}
	known := &Answer{Status: b.known.status}
	return known, strict.DecodeKnown(plain, known)
}

// together takes the steps of a group.
func (a *Answers) together(ctx context.Context, id tenant.ID, group []*step) error {
	byName := map[string]*step{}
	var begun, ended struct {
		owners, keys  []string
		asked, sealed [][]byte
		statuses      []int
	}
	// All nodes lock keys in one order, lest they wait for each other.
	slices.SortFunc(group, func(s, t *step) int { return cmp.Compare(s.name(), t.name()) })
	for _, s := range group {
		to := &begun
		if s.ends {
			to = &ended
			to.statuses, to.sealed = append(to.statuses, s.status), append(to.sealed, s.sealed)
		}
		byName[s.name()] = s
		to.owners, to.keys, to.asked = append(to.owners, s.Owner), append(to.keys, s.Key), append(to.asked, s.Asked[:])
	}
	err := a.db.Tenant(id).ForGroups().LazyTrip(ctx, func() *pgx.Batch {
		q := &pgx.Batch{}
		if len(ended.keys) > 0 {
			q.Queue(setAnswers, ended.owners, ended.keys, ended.asked, ended.statuses, ended.sealed)
		}
		if len(begun.keys) > 0 {
			for _, s := range group {
				s.taken, s.known = false, kept{}
			}
			q.Queue(beginKeys, begun.owners, begun.keys, begun.asked, Life, UnderWay).Query(func(rows pgx.Rows) error {
				var row Request
				var k kept
				var taken bool
				_, err := pgx.ForEachRow(rows, []any{&row.Owner, &row.Key, &k.asked, &k.status, &k.sealed, &taken}, func() error {
					s := byName[row.name()]
					if s.taken = s.taken || taken; !taken {
						s.known = k
					}
					return nil
				})
				return err
			})
		}
		return q
	})
	if err != nil {
		return err
	}
	var left []*step
	for _, s := range group {
		if !s.ends && !s.settled.CompareAndSwap(false, true) && s.taken {
			left = append(left, s)
		}
	}
	a.giveBack(ctx, id, left)
	return nil
}

// giveBack gives the keys back that were taken for those who had given up by then.
func (a *Answers) giveBack(ctx context.Context, id tenant.ID, left []*step) {
	if len(left) == 0 {
		return
	}
	err := a.db.Tenant(id).ForGroups().LazyTrip(ctx, func() *pgx.Batch {
		q := &pgx.Batch{}
		for _, s := range left {
			q.Queue(dropKey, s.Owner, s.Key, s.Asked[:])
		}
		return q
	})
	if err != nil {
		a.db.Log.WarnContext(ctx, "Idempotency-Keys of requests that were given up stay taken for a minute", "tenant", id, "keys", len(left), "error", err)
	}
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
	if err := a.lanes.Run(ctx, id, &step{Request: r, ends: true, status: answer.Status, sealed: sealed}); err != nil {
		return fmt.Errorf("store: answer: %w", err)
	}
	return nil
}

// Drop gives the key of a request back that did nothing, so that it can be sent again.
func (a *Answers) Drop(ctx context.Context, id tenant.ID, r Request) error {
	err := a.db.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, dropKey, r.Owner, r.Key, r.Asked[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("store: answer: %w", err)
	}
	return nil
}
