package journal_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestAppendIsAllOrNothingWhenBackendsDie kills the backends of a writing room at any moment.
// Whoever was not told that a batch is written claims again, and finds all of it or none.
func TestAppendIsAllOrNothingWhenBackendsDie(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: 2})
	ref := storetest.Table(t, s, admin)
	const funds, stake, batches, bets = 1_000_000, 100, 150, 3
	storetest.Fund(t, s, ref.Tenant, "alice", funds)
	rnd := random(t)
	super, err := pgx.Connect(t.Context(), d.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = super.Close(context.Background()) }()

	kill := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // ends when kill is closed
		for range kill {
			_, err := super.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'pitboss_app'`, d.Name)
			if err != nil {
				t.Error(err)
			}
		}
	})
	stop := sync.OnceFunc(func() { close(kill); wg.Wait() })
	defer stop()

	saved := persistentClaim(t, s, ref)
	unknown, there := 0, 0
	for range batches {
		epoch, seq := saved.Epoch, saved.Seq
		var entries []rooms.Entry
		for i := range bets {
			entries = append(entries, storetest.Bet(epoch, seq+int64(i)+1, "alice", stake))
		}
		if rnd.IntN(3) == 0 {
			killSoon(kill, rnd)
		}
		_, err := s.Journal.Append(t.Context(), ref, rooms.Batch{Epoch: epoch, Seq: seq, Entries: entries, Status: rooms.Open})
		saved.Seq = seq + bets
		if err != nil {
			if errors.Is(err, rooms.ErrFenced) || errors.As(err, new(*rooms.Conflict)) {
				t.Fatalf("the only owner got %v", err)
			}
			unknown++
			saved = persistentClaim(t, s, ref)
			if saved.Seq != seq && saved.Seq != seq+bets {
				t.Fatalf("half of a batch: seq %d after %d", saved.Seq, seq)
			}
			if saved.Seq == seq+bets {
				there++
			}
		}
		if int64(len(saved.Tail)) > 0 && saved.Tail[len(saved.Tail)-1].Seq != saved.Seq && err != nil {
			t.Fatalf("the room is at %d, its last event is %d", saved.Seq, saved.Tail[len(saved.Tail)-1].Seq)
		}
	}
	stop()
	t.Logf("%d of %d outcomes were unknown; %d of those were written", unknown, batches, there)
	saved = persistentClaim(t, s, ref)
	if want := game.Money(funds - stake*saved.Seq); storetest.Balance(t, s, ref.Tenant, "alice") != want {
		t.Errorf("alice has %d, %d events say %d", storetest.Balance(t, s, ref.Tenant, "alice"), saved.Seq, want)
	}
	storetest.Sound(t, s, ref.Tenant)
}

func killSoon(kill chan<- struct{}, rnd *rand.Rand) {
	kill <- struct{}{}
	if rnd.IntN(2) == 0 { // the one before was carried out; this one runs beside the append
		kill <- struct{}{}
	}
}

// persistentClaim claims again if the backend that claims is killed.
func persistentClaim(t *testing.T, s *store.Store, ref rooms.Ref) rooms.Saved {
	t.Helper()
	var last error
	for range 20 {
		saved, err := s.Journal.Claim(t.Context(), ref, "n", rooms.AnyEpoch)
		if err == nil {
			return saved
		}
		last = err
	}
	t.Fatal(last)
	return rooms.Saved{}
}
