// Package pgconn has as much of the real one as the rules look at.
package pgconn

type PgConn struct{}

func (*PgConn) Exec(ctx any, sql string) any { return nil }

func (*PgConn) ExecParams(ctx any, sql string, values [][]byte) any { return nil }

func (*PgConn) Prepare(ctx any, name, sql string) (any, error) { return nil, nil }

func (*PgConn) CopyTo(ctx any, w any, sql string) (any, error) { return nil, nil }
