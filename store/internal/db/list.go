package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/list"
)

// List returns a page of a tenant's list, and the cursor of the next one; "" is the end. scan reads a row, value
// returns what a row has in a field that the list can be sorted by.
func List[T any](ctx context.Context, d *DB, id tenant.ID, t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any) (page []T, next string, err error) {
	return listed(t, q, value, func(sql string, args []any) (rows []T, err error) {
		err = d.Tenant(id).ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			found, _ := tx.Query(ctx, sql, args...) // its error comes from CollectRows
			rows, err = pgx.CollectRows(found, scan)
			return err
		})
		return rows, err
	})
}

// ListPlatform does what List does, with a list of the platform's.
func ListPlatform[T any](ctx context.Context, d *DB, t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any) (page []T, next string, err error) {
	return listed(t, q, value, func(sql string, args []any) (rows []T, err error) {
		err = d.borrow(ctx, d.pool, nil, func(conn *pgxpool.Conn) (err error) {
			found, _ := conn.Query(ctx, sql, args...) // its error comes from CollectRows
			rows, err = pgx.CollectRows(found, scan)
			return err
		})
		return rows, err
	})
}

// listed returns the page and the cursor of List, from the rows that read returns.
func listed[T any](t list.Table, q list.Query, value func(T, string) any, read func(sql string, args []any) ([]T, error)) (page []T, next string, err error) {
	sql, args := t.SQL(q)
	if page, err = read(sql, args); err != nil {
		return nil, "", err
	}
	if len(page) > q.Limit {
		page = page[:q.Limit]
		last := page[q.Limit-1]
		next = q.Next(list.String(value(last, q.SortedBy())), list.String(value(last, t.Key)))
	}
	return page, next, nil
}
