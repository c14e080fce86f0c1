package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestTxIsRunAgainWhenTheServerUndidIt(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for _, code := range []string{"40001", "40P01"} {
		runs := 0
		err := s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			runs++
			if _, err := tx.Exec(ctx, `insert into audit_log (actor, action, target, reason, address) values ('a', $1, '', '', '')`, code); err != nil {
				return err
			}
			if runs == 3 {
				return nil
			}
			_, err := tx.Exec(ctx, `do $$ begin raise exception using errcode = '`+code+`'; end $$`)
			return err
		})
		if err != nil || runs != 3 {
			t.Errorf("%s: %d runs, %v", code, runs, err)
		}
		if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.audit_log where action = $1`, code); n != 1 {
			t.Errorf("%s: %d lines were written", code, n)
		}
	}
	runs := 0
	err := s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		runs++
		_, err := tx.Exec(ctx, `do $$ begin raise exception using errcode = '40001'; end $$`)
		return err
	})
	if storetest.State(err) != "40001" || runs < 2 || runs > 10 {
		t.Errorf("for ever: %d runs, %v", runs, err)
	}
}

func TestReadTxWritesNothing(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	err := s.Tenant(id).ReadTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update account set version = version + 1`)
		return err
	})
	if storetest.State(err) != "25006" {
		t.Errorf("got %v, want read_only_sql_transaction", err)
	}
}

func TestTxEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Tenant(id).Tx(ctx, func(context.Context, pgx.Tx) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
