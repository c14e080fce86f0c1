package journal

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/internal/db"
)

// terms are those of a tenant's credits.
type terms struct {
	currency string
	exponent int
	above    *int64 // the amount above which a second person is needed; nil: none is
}

const (
	selectTerms  = `select currency, exponent, credit_approval_above from platform.tenant where id = $1`
	selectPeople = `select id, people from platform.api_key where tenant = $1 and id = any($2)`
	leaveScope   = `select set_config('role', 'none', true)`
)

// termsOf returns a tenant's terms, and sets the people behind those who give; behind an API key that is not there is
// nobody. The tenant's role cannot see the platform's rows, so tx, which has locked the house's account, becomes the
// login's for a moment.
func termsOf(ctx context.Context, tx pgx.Tx, id tenant.ID, credits []*pending) (t terms, err error) {
	var keys []string
	for _, g := range credits {
		if key := g.ask.By.Key(); key != "" {
			keys = append(keys, key)
		} else {
			g.ask.People = []string{g.ask.By.Subject}
		}
	}
	if _, err := tx.Exec(ctx, leaveScope); err != nil { // by itself: a batch is prepared as the role that it begins with
		return t, err
	}
	q := &pgx.Batch{}
	q.Queue(selectTerms, id.String()).QueryRow(func(row pgx.Row) error { return row.Scan(&t.currency, &t.exponent, &t.above) })
	if len(keys) > 0 {
		q.Queue(selectPeople, id.String(), keys).Query(func(rows pgx.Rows) error {
			var key string
			var people []string
			_, err := pgx.ForEachRow(rows, []any{&key, &people}, func() error {
				for _, g := range credits {
					if g.ask.By.Key() == key {
						g.ask.People = slices.Clone(people)
					}
				}
				return nil
			})
			return err
		})
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return t, err
	}
	_, err = tx.Exec(ctx, db.EnterScope, id.Role())
	return t, err
}
