// Package pgx has as much of the real one as the rules look at.
package pgx

import "github.com/jackc/pgx/v5/pgconn"

type (
	Conn struct{}
	Tx   interface {
		Exec(ctx any, sql string, args ...any) (any, error)
		Query(ctx any, sql string, args ...any) (any, error)
		QueryRow(ctx any, sql string, args ...any) any
		Conn() *Conn
	}
	Batch       struct{}
	TxOptions   struct{ BeginQuery string }
	QueuedQuery struct{ SQL string }
)

func (*Batch) Queue(query string, args ...any) {}

func (*Conn) Exec(ctx any, sql string, args ...any) (any, error) { return nil, nil }

func Connect(ctx any, url string) (*Conn, error) { return nil, nil }

func (*Conn) PgConn() *pgconn.PgConn { return nil }
