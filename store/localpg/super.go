package localpg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Super runs statements as the superuser, one after the other, for tests that need failures.
func (c *Cluster) Super(ctx context.Context, sql ...string) error {
	conn, err := pgx.Connect(ctx, c.url(superuser, c.secrets.Superuser, database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, q := range sql {
		if _, err := conn.Exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// Lock locks a table against everybody until unlock is called.
func (c *Cluster) Lock(ctx context.Context, table string) (unlock func(), err error) {
	conn, err := pgx.Connect(ctx, c.url(superuser, c.secrets.Superuser, database))
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = conn.Close(context.WithoutCancel(ctx)) }
	if _, err := conn.Exec(ctx, `begin; lock table `+table+` in access exclusive mode`); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}
