package sql

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lib"
)

// querier is an interface of our own, with what pgx has.
type querier interface {
	Exec(ctx context.Context, what string, args ...any) (any, error)
	Query(ctx context.Context, what string, args ...any) (any, error)
	Prepare(ctx context.Context, name, what string) (any, error)
}

// unlike has methods of these names that take no statements.
type unlike interface {
	Exec(name string) error
	Query(ctx context.Context, what int, args ...any) error
}

func interfaces(q querier, u unlike) {
	q.Exec(nil, read()+"x") // want `SQL that is no constant`
	q.Query(nil, `select 1`)
	q.Prepare(nil, read(), read()) // want `SQL that is no constant`
	lib.Asker.Query(nil, read())   // want `SQL that is no constant`
	querier.Exec(q, nil, read())   // want `SQL that is no constant`
	querier.Exec(q, nil, `select`)
	u.Exec(read())
	u.Query(nil, 7)
}

func read() string { return "" }

func values(tx pgx.Tx, q querier) {
	f := tx.Exec // want `Exec takes SQL, and is no value`
	f(nil, read())
	g := pgx.Tx.Query // want `Query takes SQL, and is no value`
	_ = g
	pass(q.Exec) // want `Exec takes SQL, and is no value`
	h := lib.Run // want `Run takes SQL, and is no value`
	h(tx, read())
	i := queue // want `queue takes SQL, and is no value`
	_ = i
	_ = tx.Conn
}

func pass(any) {}

func standard(db *sql.DB, tx *sql.Tx) {
	db.Exec(read())              // want `SQL that is no constant`
	db.QueryContext(nil, read()) // want `SQL that is no constant`
	tx.Prepare(read())           // want `SQL that is no constant`
	tx.QueryRow(`select 1`)
}

func lowest(c *pgconn.PgConn) {
	c.Exec(nil, read())            // want `SQL that is no constant`
	c.ExecParams(nil, read(), nil) // want `SQL that is no constant`
	c.Prepare(nil, read(), `select 1`)
	c.CopyTo(nil, nil, read()) // want `SQL that is no constant`
}

func fieldsSet(o *pgx.TxOptions) {
	o.BeginQuery = `begin`
	o.BeginQuery = read() // want `SQL that is no constant`
}
