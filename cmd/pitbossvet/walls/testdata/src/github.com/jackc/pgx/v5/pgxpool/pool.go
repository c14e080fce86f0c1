// Package pgxpool has as much of the real one as the rules look at.
package pgxpool

import "github.com/jackc/pgx/v5"

type (
	Pool struct{}
	Conn struct{}
)

func New(ctx any, url string) (*Pool, error) { return nil, nil }

func (*Conn) Exec(ctx any, sql string, args ...any) (any, error) { return nil, nil }

func (*Conn) Conn() *pgx.Conn { return nil }

func (*Conn) Hijack() *pgx.Conn { return nil }
