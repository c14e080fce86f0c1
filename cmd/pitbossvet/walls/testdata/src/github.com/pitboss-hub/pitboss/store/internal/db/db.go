// Package db is one of those that have pools and set roles.
package db

import "github.com/jackc/pgx/v5/pgxpool"

type DB struct{ pool *pgxpool.Pool }

const EnterScope = `select set_config('role', $1, true)`

func Open() (d DB, err error) {
	d.pool, err = pgxpool.New(nil, "")
	return d, err
}
