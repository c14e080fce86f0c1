package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestAStatementThatAPoolerCannotPrepareFailsItsRequestAndNoOther prepares statements that the server refuses, over and over
// on one connection: pgbouncer remembers the name all the same (seen in 1.24.1), and ends the connection of the client that
// prepares it again.
func TestAStatementThatAPoolerCannotPrepareFailsItsRequestAndNoOther(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	_, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	at := storetest.Pooler{Prepared: 200}.Start(t, d)
	for _, mode := range []string{"cache_statement", "cache_describe"} {
		s, err := store.Open(t.Context(), store.Options{URL: inMode(t, at, mode), ControlURL: d.AppURL, Box: d.Box, MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		const write = `insert into audit_log (actor, action, target, reason, address) values ('', 'half', '', '', '')`
		for sql, refused := range map[string]string{`select id from nothing`: "42P01", `select nothing from room`: "42703", `selekt 1`: "42601"} {
			for i := range 4 {
				err := s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
					if _, err := tx.Exec(ctx, write); err != nil {
						t.Errorf("%d: the request before left a connection that fails: %v", i, err)
					}
					_, err := tx.Exec(ctx, sql)
					return err
				})
				if state := storetest.State(err); state != refused && (mode != "cache_statement" || state != "08P01" || !errors.Is(err, store.ErrUnavailable)) {
					t.Errorf("%d: %s: %v", i, sql, err)
				}
				err = s.Tenant(id).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
					var n int
					err := tx.QueryRow(ctx, `select count(*) from audit_log where action = 'half'`).Scan(&n)
					if n != 0 {
						t.Errorf("%d: %s: %d lines were written by a request that failed", i, sql, n)
					}
					return err
				})
				if err != nil {
					t.Errorf("%d: the next request after %s: %v", i, sql, err)
				}
			}
		}
	}
}
