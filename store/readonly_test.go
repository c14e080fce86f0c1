package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestAnAppendToAReadOnlyDatabaseIsNotWritten has every new transaction be for reading only.
func TestAnAppendToAReadOnlyDatabaseIsNotWritten(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := open(t, s, admin)
	claim(t, s, ref, "n")
	fund(t, s, ref.Tenant, "alice", 1000)
	b := batchOf(0, bet(1, 1, "alice", 10), refused("alice", "00000000-0000-4000-8000-000000000000"))
	storetest.Super(t, d, `alter role pitboss_app in database `+d.Name+` set default_transaction_read_only = on`)
	s.Pool().Reset()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := s.Journal.Append(ctx, ref, b)
	storetest.Super(t, d, `alter role pitboss_app in database `+d.Name+` reset default_transaction_read_only`)
	s.Pool().Reset()
	if state(err) != "25006" || !errors.Is(err, rooms.ErrNotWritten) || errors.Is(err, rooms.ErrUnwritable) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want SQLSTATE 25006, ErrNotWritten and ErrUnavailable", err)
	}
	if err := s.Health(); !errors.Is(err, store.ErrDisk) {
		t.Errorf("Health: %v", err)
	}
	if _, err := s.Journal.Append(t.Context(), ref, b); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	wantSeqs(t, s, []rooms.Ref{ref}, 1)
	sound(t, s, ref.Tenant)
}
