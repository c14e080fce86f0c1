package db

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/list"
)

// List returns a page of a tenant's list, and the cursor of the next one; "" is the end. scan reads a row, value
// returns what a row has in a field that the list can be sorted by.
func List[T any](ctx context.Context, d *DB, id tenant.ID, t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any) (page []T, next string, err error) {
	sql, args := t.SQL(q)
	err = d.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		rows, _ := tx.Query(ctx, sql, args...) // its error comes from CollectRows
		page, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	page, next = list.Cut(q, page, value)
	return page, next, nil
}
