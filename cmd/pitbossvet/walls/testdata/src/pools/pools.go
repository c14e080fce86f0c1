// Package pools is outside of those that lend connections.
package pools

import (
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type holder struct {
	pool *pgxpool.Pool // want `pgxpool.Pool is for the packages that lend connections`
}

func opened() error {
	_, err := pgx.Connect(nil, "") // want `pgx.Connect gives a connection without a scope`
	if err == nil {
		_, err = pgxpool.New(nil, "") // want `pgxpool.New gives a connection without a scope`
	}
	return err
}

func bare(conn *pgxpool.Conn) {
	var c *pgx.Conn   // want `pgx.Conn is for the packages that lend connections`
	c = conn.Conn()   // want `pgxpool.Conn gives a connection without a scope`
	_ = conn.Hijack() // want `pgxpool.Hijack gives a connection without a scope`
	_ = c
}

func fromTx(tx pgx.Tx) { _ = tx.Conn() } // want `pgx.Conn gives a connection without a scope`

// lent is what db.Platform lends.
func lent(conn *pgxpool.Conn) error {
	_, err := conn.Exec(nil, `select 1`)
	return err
}

func standard() {
	var db *sql.DB              // want `sql.DB is for the packages that lend connections`
	db, _ = sql.Open("pgx", "") // want `sql.Open gives a connection without a scope`
	_ = db
	_ = sql.ErrNoRows
}

func low(c *pgx.Conn) { // want `pgx.Conn is for the packages that lend connections`
	_ = c.PgConn() // want `pgx.PgConn gives a connection without a scope`
}
