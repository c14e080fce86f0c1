package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/list"
)

// planList makes a list's statement be planned for its values, since the plan for any value takes the rows that are looked
// for to be everywhere, and be run by one process: a search of one tenant must not take all processors.
const planList = `select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('max_parallel_workers_per_gather', '0', true)`

// List returns a page of a tenant's list, and the cursor of the next one; "" is the end. scan reads a row, value
// returns what a row has in a field that the list can be sorted by.
func List[T any](ctx context.Context, d *DB, id tenant.ID, t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any) (page []T, next string, err error) {
	return listed(t, q, scan, value, func(b *pgx.Batch) error {
		return d.Tenant(id).ForLists().ReadTx(ctx, func(ctx context.Context, tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
	})
}

// ListPlatform does what List does, with a list of the platform's.
func ListPlatform[T any](ctx context.Context, d *DB, t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any) (page []T, next string, err error) {
	return listed(t, q, scan, value, func(b *pgx.Batch) error {
		return d.borrow(ctx, d.pool, d.scopes, func(conn *pgxpool.Conn) error {
			return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{BeginQuery: beginRead}, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
		})
	})
}

// listed returns the page and the cursor of List, whose statements send sends in a transaction.
//
//pitboss:sql list.Table.SQL puts constants together, and values are parameters
func listed[T any](t list.Table, q list.Query, scan pgx.RowToFunc[T], value func(T, string) any, send func(*pgx.Batch) error) (page []T, next string, err error) {
	sql, args := t.SQL(q)
	b := &pgx.Batch{}
	b.Queue(planList)
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		page, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := send(b); err != nil {
		return nil, "", err
	}
	page, next = list.Cut(q, page, value)
	return page, next, nil
}
