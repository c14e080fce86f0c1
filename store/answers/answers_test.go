package answers_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/answers"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func request(owner, key, asked string) answers.Request {
	return answers.Request{Owner: owner, Key: key, Asked: sha256.Sum256([]byte(asked))}
}

func TestAKeyIsTakenOnceAndHasItsAnswer(t *testing.T) {
	t.Parallel()
	s, admin := storetest.New(t)
	here, there := storetest.Tenant(t, admin), storetest.Tenant(t, admin)
	r := request("operator:olivia", "k", "open a table")
	var taken, waiting atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			switch known, err := s.Answers.Begin(t.Context(), here, r); {
			case err == nil && known == nil:
				taken.Add(1)
			case errors.Is(err, answers.ErrUnderWay):
				waiting.Add(1)
			default:
				t.Errorf("%+v, %v", known, err)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 || waiting.Load() != 49 {
		t.Errorf("%d took the key, and %d wait", taken.Load(), waiting.Load())
	}
	if err := s.Answers.Finish(t.Context(), here, r, answers.Answer{Status: 201, Type: "text/plain", Body: []byte("done")}); err != nil {
		t.Fatal(err)
	}
	known, err := s.Answers.Begin(t.Context(), here, r)
	if err != nil || known.Status != 201 || known.Type != "text/plain" || string(known.Body) != "done" {
		t.Errorf("the answer is %+v, %v", known, err)
	}
	if _, err := s.Answers.Begin(t.Context(), here, request(r.Owner, r.Key, "close it")); !errors.Is(err, answers.ErrReused) {
		t.Errorf("for something else: %v", err)
	}
	for name, free := range map[string]func() (*answers.Answer, error){
		"another person's": func() (*answers.Answer, error) {
			return s.Answers.Begin(t.Context(), here, request("service:olivia", "k", "x"))
		},
		"another casino's":  func() (*answers.Answer, error) { return s.Answers.Begin(t.Context(), there, r) },
		"one of other case": func() (*answers.Answer, error) { return s.Answers.Begin(t.Context(), here, request(r.Owner, "K", "x")) },
	} {
		if known, err := free(); known != nil || err != nil {
			t.Errorf("the key is %s: %+v, %v", name, known, err)
		}
	}
	// What was given back can be taken again; what has its answer is not given back.
	other := request(r.Owner, "other", "x")
	for range 2 {
		if known, err := s.Answers.Begin(t.Context(), here, other); known != nil || err != nil {
			t.Errorf("%+v, %v", known, err)
		}
		if err := s.Answers.Drop(t.Context(), here, other); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Answers.Drop(t.Context(), here, r); err != nil {
		t.Fatal(err)
	}
	if known, err := s.Answers.Begin(t.Context(), here, r); err != nil || known == nil {
		t.Errorf("after it was given back: %+v, %v", known, err)
	}
}

// TestAKeyThatNobodyWaitsForIsNotTaken has somebody give up while the database takes a key, and send the request again.
func TestAKeyThatNobodyWaitsForIsNotTaken(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	under := request("operator:olivia", "under way", "open a table")
	if known, err := s.Answers.Begin(t.Context(), id, under); known != nil || err != nil {
		t.Fatalf("%+v, %v", known, err)
	}
	for key, want := range map[string]error{"new": nil, under.Key: answers.ErrUnderWay} {
		r := request("operator:olivia", key, "open a table")
		unlock := storetest.Lock(t, d, id.Schema()+".answer")
		ctx, giveUp := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := s.Answers.Begin(ctx, id, r)
			gone <- err
		}()
		storetest.Eventually(t, "the key is being taken", func() bool { return s.Answers.Waiting(id) == 0 })
		giveUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: given up: %v", key, err)
		}
		unlock()
		if known, err := s.Answers.Begin(t.Context(), id, r); known != nil || !errors.Is(err, want) {
			t.Errorf("%s: sent again: %+v, %v", key, known, err)
		}
		storetest.Eventually(t, "nothing is under way", func() bool { return s.Answers.Waiting(id) == -1 })
	}
}

// TestKeysAreTakenInOneOrderWhateverTheOrderInWhichTheyCame has somebody else take b. Two nodes that took the same keys in two
// orders would wait for each other.
func TestKeysAreTakenInOneOrderWhateverTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	super, another := storetest.Connect(t, d.SuperURL), storetest.Connect(t, d.SuperURL)
	take := func(conn *pgx.Conn, key string) error {
		_, err := conn.Exec(t.Context(), `insert into `+id.Schema()+`.answer (owner, key, asked) values ('operator:olivia', $1, '')`, key)
		return err
	}
	exec := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(super, `begin`)
	if err := take(super, "b"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		done <- s.Answers.BeginTogether(t.Context(), id, request("operator:olivia", "c", "x"), request("operator:olivia", "b", "x"))
	}()
	storetest.Eventually(t, "the group waits for b", func() (waits bool) {
		err := another.QueryRow(t.Context(), `select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')`).Scan(&waits)
		if err != nil {
			t.Fatal(err)
		}
		return waits
	})
	exec(another, `begin; set local lock_timeout = '200ms'`)
	if err := take(another, "c"); err != nil {
		t.Errorf("c was taken before b: %v", err)
	}
	exec(another, `rollback`)
	exec(super, `rollback`)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
