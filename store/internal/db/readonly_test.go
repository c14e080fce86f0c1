package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestAnAppendToAReadOnlyDatabaseIsNotWritten has every new transaction be for reading only.
func TestAnAppendToAReadOnlyDatabaseIsNotWritten(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	b := storetest.Batch(0, storetest.Bet(1, 1, "alice", 10), storetest.Refused("alice", "00000000-0000-4000-8000-000000000000"))
	storetest.Super(t, d, `alter role pitboss_app in database `+d.Name+` set default_transaction_read_only = on`)
	s.Pool().Reset()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := s.Journal.Append(ctx, ref, b)
	storetest.Super(t, d, `alter role pitboss_app in database `+d.Name+` reset default_transaction_read_only`)
	s.Pool().Reset()
	if storetest.State(err) != "25006" || !errors.Is(err, rooms.ErrNotWritten) || errors.Is(err, rooms.ErrUnwritable) || !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v, want SQLSTATE 25006, ErrNotWritten and ErrUnavailable", err)
	}
	if err := s.Health(); !errors.Is(err, db.ErrDisk) {
		t.Errorf("Health: %v", err)
	}
	if _, err := s.Journal.Append(t.Context(), ref, b); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	storetest.WantSeqs(t, s, []rooms.Ref{ref}, 1)
	storetest.Sound(t, s, ref.Tenant)
}
