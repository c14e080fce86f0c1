package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/access"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestOneTenantsLockHoldsUpNoOther locks a table of one casino while forty requests of it come:
// another casino's bets, the directory, leases and revocations go on as if nothing were, and the
// requests that wait in vain are told so before anybody's patience ends.
func TestOneTenantsLockHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const requests = 40
	const quick = 2 * time.Second // they take milliseconds; a machine may be busy, and the lock is waited for 3 s
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	locked, other := storetest.Table(t, s, admin), storetest.Table(t, s, admin)
	for _, ref := range []rooms.Ref{locked, other} {
		storetest.Claim(t, s, ref, "n")
		storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	}
	j := s.Journal
	unlock := storetest.Lock(t, d, locked.Tenant.Schema()+".account")
	began := time.Now()
	var waiting sync.WaitGroup
	for range requests {
		waiting.Go(func() {
			_, _, err := s.Ledger.Balance(t.Context(), locked.Tenant, "alice")
			if !errors.Is(err, db.ErrUnavailable) && !errors.Is(err, db.ErrBusy) {
				t.Errorf("a look-up: %v", err)
			}
		})
	}
	waiting.Go(func() {
		_, err := j.Append(t.Context(), locked, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10)))
		if !errors.Is(err, rooms.ErrNotWritten) || time.Since(began) > 10*time.Second {
			t.Errorf("the bet of the locked casino: %v after %v", err, time.Since(began))
		}
	})
	for n := 0; n < 4; n = storetest.Count(t, admin, `select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`) {
		if t.Context().Err() != nil {
			t.Fatal("nothing waits")
		}
	}
	for seq := int64(0); seq < 20; seq++ {
		for name, do := range map[string]func() error{
			"bet": func() error {
				_, err := j.Append(t.Context(), other, storetest.Batch(seq, storetest.Bet(1, seq+1, "alice", 1)))
				return err
			},
			"balance":   func() error { _, _, err := s.Ledger.Balance(t.Context(), other.Tenant, "alice"); return err },
			"directory": func() error { return s.Tenants.Reload(t.Context()) },
			"floor":     func() error { _, err := s.Leases.Assignments(t.Context(), placement.Mark{}); return err },
			"ticket": func() error {
				_, err := s.Tickets.Use(t.Context(), []byte(uuid.NewString()), time.Now().Add(time.Hour))
				return err
			},
			"kick": func() error {
				return s.Revocations.Kick(t.Context(), other.Tenant, "bob", access.Revoke{Reason: "test", Actor: "op"})
			},
		} {
			began := time.Now()
			if err := do(); err != nil || time.Since(began) > quick {
				t.Errorf("%s of another casino: %v after %v", name, err, time.Since(began))
			}
		}
	}
	waiting.Wait()
	unlock()
	if n := storetest.Metric(t, s, "pitboss_store_limit_hits_total"); n == 0 {
		t.Error("no limit was hit")
	}
	if _, err := j.Append(t.Context(), locked, storetest.Batch(0, storetest.Bet(1, 1, "alice", 10))); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLookUpsDoNotKeepBetsWaiting has a casino's look-ups use all that they may.
func TestLookUpsDoNotKeepBetsWaiting(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	unlock := storetest.Lock(t, d, ref.Tenant.Schema()+".audit_log")
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() { _, _ = storetest.LastLines(t.Context(), s, ref.Tenant, 10) })
	}
	for n := 0; n < 3; n = storetest.Count(t, admin, `select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`) {
		if t.Context().Err() != nil {
			t.Fatal("nothing waits")
		}
	}
	began := time.Now()
	for seq := range int64(5) {
		b := storetest.Batch(seq, storetest.Bet(1, seq+1, "alice", 1))
		if _, err := s.Journal.Append(t.Context(), ref, b); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 2500*time.Millisecond { // when the first look-ups give up
		t.Errorf("five bets took %v", took)
	}
	unlock()
	waiting.Wait()
}
