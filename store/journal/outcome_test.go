package journal_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestAnAppendThatTheServerUndidIsKnownNotToBeWritten has the server end a transaction for
// reasons of its own: the room need not ask what became of it, and may write the same later.
func TestAnAppendThatTheServerUndidIsKnownNotToBeWritten(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	for _, table := range []string{"room", "event", "command", "refusal", "account"} {
		t.Run("locked "+table, func(t *testing.T) {
			t.Parallel()
			ref := storetest.Table(t, s, admin)
			notWritten(t, s, ref, func(t *testing.T) func() { return storetest.Lock(t, d, ref.Tenant.Schema()+"."+table) }, "55P03")
		})
	}
	for _, state := range []string{"53100", "58030", "57014", "40001", "53200"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			ref := storetest.Table(t, s, admin)
			table := ref.Tenant.Schema() + ".event"
			notWritten(t, s, ref, func(t *testing.T) func() {
				storetest.Super(t, d, storetest.Raise(table, state))
				return func() { storetest.Super(t, d, `drop trigger say on `+table) }
			}, state)
		})
	}
}

// notWritten appends while there is trouble, and again when it is over.
func notWritten(t *testing.T, s *store.Store, ref rooms.Ref, trouble func(t *testing.T) func(), want string) {
	t.Helper()
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	j, b := s.Journal, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10), storetest.Refused("alice", "00000000-0000-4000-8000-000000000000"))
	end := trouble(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := j.Append(ctx, ref, b)
	end()
	if storetest.State(err) != want || !errors.Is(err, rooms.ErrNotWritten) || errors.Is(err, rooms.ErrUnwritable) || !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v, want SQLSTATE %s, ErrNotWritten and ErrUnavailable", err, want)
	}
	if _, err := j.Append(t.Context(), ref, b); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	storetest.WantSeqs(t, s, []rooms.Ref{ref}, 1)
	storetest.Sound(t, s, ref.Tenant)
}

// TestAnAppendWhoseConnectionEndsWithItsCommitIsNotKnown ends the server's process in the middle
// of the commit: only a Claim can tell what became of it.
func TestAnAppendWhoseConnectionEndsWithItsCommitIsNotKnown(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	storetest.Super(t, d, `create function public.die() returns trigger language plpgsql security definer as $$ begin
		perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
		create constraint trigger die after insert on `+ref.Tenant.Schema()+`.event deferrable initially deferred for each row execute function public.die()`)
	_, err := s.Journal.Append(t.Context(), ref, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10)))
	if err == nil || errors.Is(err, rooms.ErrNotWritten) || !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable and nothing else", err)
	}
}

// TestAnAppendThatStillWaitsIsTakenBack has both of the tenant's transactions be held up.
func TestAnAppendThatStillWaitsIsTakenBack(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	refs := storetest.Tables(t, s, admin, 3)
	j := s.Journal
	unlock := storetest.Lock(t, d, refs[0].Tenant.Schema()+".event")
	var held sync.WaitGroup
	for i := range 2 {
		held.Go(func() {
			if _, err := j.Append(t.Context(), refs[i], storetest.Batch(0, storetest.Bet(1, 1, player(i, 0), 10))); err != nil {
				t.Errorf("one that was held up: %v", err)
			}
		})
		for storetest.Count(t, admin, `select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`) <= i {
			if t.Context().Err() != nil {
				t.Fatal("nothing waits")
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := j.Append(ctx, refs[2], storetest.Batch(0, storetest.Bet(1, 1, player(2, 0), 10)))
	if !errors.Is(err, rooms.ErrNotWritten) || errors.Is(err, rooms.ErrUnwritable) {
		t.Errorf("got %v, want ErrNotWritten", err)
	}
	unlock()
	held.Wait()
	storetest.WantSeqs(t, s, refs, 1, 1, 0)
}
