package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// held is a Lanes whose groups say what they are and wait to be let go.
type held struct {
	db.Lanes[string]
	groups chan []string
	let    chan error
}

// newHeld has work whose keys are its first letter and itself, and whose size is the number of its "+", and one.
func newHeld(s *store.Store) *held {
	h := &held{groups: make(chan []string), let: make(chan error)}
	h.Lanes = db.Lanes[string]{
		DB: s.DB, AtOnce: 1, Max: 3,
		Keys: func(w string) []string { return []string{w[:1], w} },
		Size: func(w string) int { return 1 + strings.Count(w, "+") },
		Do: func(_ context.Context, _ tenant.ID, group []string) error {
			h.groups <- group
			return <-h.let
		},
	}
	return h
}

func TestWhatWaitsIsDoneTogetherInOrderByKeyAndSize(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id, other := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	h := newHeld(s)
	var all sync.WaitGroup
	run := func(id tenant.ID, work string) {
		before := h.Waiting(id)
		all.Go(func() {
			if err := h.Run(t.Context(), id, work); err != nil {
				t.Errorf("%s: %v", work, err)
			}
		})
		storetest.Eventually(t, work+" waits", func() bool { return h.Waiting(id) > before })
	}
	go func() {
		if err := h.Run(t.Context(), id, "first"); err != nil {
			t.Error(err)
		}
	}()
	if got := <-h.groups; !slices.Equal(got, []string{"first"}) {
		t.Fatalf("the first group is %q", got)
	}
	for _, work := range []string{"a1", "a2", "b1", "c++", "d1", "a3", "e1"} {
		run(id, work)
	}
	all.Go(func() {
		if err := h.Run(t.Context(), other, "x"); err != nil {
			t.Error(err)
		}
	})
	if got := <-h.groups; !slices.Equal(got, []string{"x"}) {
		t.Errorf("another casino waits: %q", got)
	}
	h.let <- nil
	for _, want := range [][]string{{"a1", "b1", "d1"}, {"a2", "e1"}, {"c++"}, {"a3"}} {
		h.let <- nil
		if got := <-h.groups; !slices.Equal(got, want) {
			t.Errorf("got the group %q, want %q", got, want)
		}
	}
	h.let <- nil
	all.Wait()
}

func TestWorkThatIsGivenUpBeforeItBeganIsNeverDone(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	h := newHeld(s)
	var all sync.WaitGroup
	begun, giveUpBegun := context.WithCancel(t.Context())
	waiting, giveUp := context.WithCancel(t.Context())
	all.Go(func() {
		if err := h.Run(begun, id, "a"); !errors.Is(err, context.Canceled) || errors.Is(err, rooms.ErrNotWritten) {
			t.Errorf("given up while it is done: %v", err)
		}
	})
	<-h.groups
	all.Go(func() {
		if err := h.Run(waiting, id, "b"); !errors.Is(err, context.Canceled) || !errors.Is(err, rooms.ErrNotWritten) {
			t.Errorf("given up before it is done: %v", err)
		}
	})
	storetest.Eventually(t, "b waits", func() bool { return h.Waiting(id) == 1 })
	giveUp()
	giveUpBegun()
	all.Wait()
	h.let <- nil
	storetest.Eventually(t, "nothing is left", func() bool { return h.Waiting(id) == -1 })
}

func TestAGroupThatOneSpoilsIsDoneOneByOne(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	for name, c := range map[string]struct {
		spoil func(context.Context) error
		alone bool
	}{
		"a panic": {func(context.Context) error { panic("a bug") }, true},
		"a refusal of the server": {func(ctx context.Context) error {
			return s.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `select 1/0`)
				return err
			})
		}, true},
		"the server's disk": {func(ctx context.Context) error {
			return s.Tenant(id).Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				_, err := tx.Exec(ctx, `do $$ begin raise exception using errcode = '53100'; end $$`)
				return err
			})
		}, false},
	} {
		l := &db.Lanes[string]{DB: s.DB, Do: func(ctx context.Context, _ tenant.ID, group []string) error {
			if slices.Contains(group, "bad") {
				return c.spoil(ctx)
			}
			return nil
		}}
		errs := l.Together(t.Context(), id, []string{"good", "bad", "fine"})
		if errs[1] == nil || (errs[0] == nil && errs[2] == nil) != c.alone {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestALazyTripIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	id := storetest.Tenant(t, admin)
	add := func(q *pgx.Batch, action string) {
		q.Queue(`insert into audit_log (actor, action, target, reason, address) values ('a', $1, '', '', '')`, action)
	}
	var commit string
	err := s.Tenant(id).LazyTrip(t.Context(), func() *pgx.Batch {
		q := &pgx.Batch{}
		add(q, "done")
		q.Queue(`select current_setting('synchronous_commit')`).QueryRow(func(row pgx.Row) error { return row.Scan(&commit) })
		return q
	})
	if err != nil || commit != "off" {
		t.Errorf("synchronous_commit is %q, %v", commit, err)
	}
	err = s.Tenant(id).LazyTrip(t.Context(), func() *pgx.Batch {
		q := &pgx.Batch{}
		add(q, "undone")
		q.Queue(`select 1/0`)
		return q
	})
	if storetest.State(err) != "22012" || !errors.Is(err, rooms.ErrNotWritten) {
		t.Errorf("one that fails: %v", err)
	}
	nobody := tenant.New()
	if err := s.Tenant(nobody).LazyTrip(t.Context(), func() *pgx.Batch { return &pgx.Batch{} }); !errors.Is(err, db.ErrNoTenant) {
		t.Errorf("nobody's: %v", err)
	}
	for action, want := range map[string]int{"done": 1, "undone": 0} {
		if n := storetest.Count(t, admin, `select count(*) from `+id.Schema()+`.audit_log where action = $1`, action); n != want {
			t.Errorf("%d lines of what is %s", n, action)
		}
	}
	// The connection is as before: what comes next waits for the disk.
	for range 20 {
		err := s.Tenant(id).Tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select current_setting('synchronous_commit')`).Scan(&commit)
		})
		if err != nil || commit != "on" {
			t.Fatalf("after it synchronous_commit is %q, %v", commit, err)
		}
	}
}

// TestABetFindsAConnectionWhateverElseIsAskedFor has as many casinos as there are connections hold each one that they can get.
func TestABetFindsAConnectionWhateverElseIsAskedFor(t *testing.T) {
	t.Parallel()
	const conns = 4
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{MaxConns: conns})
	ref := storetest.Table(t, s, admin)
	storetest.Claim(t, s, ref, "n")
	storetest.Fund(t, s, ref.Tenant, "alice", 1000)
	var all sync.WaitGroup
	let, in := make(chan struct{}), make(chan struct{}, conns)
	for range conns {
		id := storetest.Tenant(t, admin)
		all.Go(func() {
			err := s.Tenant(id).Tx(t.Context(), func(context.Context, pgx.Tx) error {
				in <- struct{}{}
				<-let
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range conns / 2 {
		<-in
	}
	for seq := range int64(20) {
		if _, err := s.Journal.Append(t.Context(), ref, storetest.Batch(seq, storetest.Bet(1, seq+1, "alice", 1))); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-in:
		t.Error("more than half of the connections are in use for something else")
	default:
	}
	close(let)
	all.Wait()
	if got := fmt.Sprint(storetest.Balance(t, s, ref.Tenant, "alice")); got != "980" {
		t.Errorf("alice has %s", got)
	}
}
