package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

// desk is a database with jobs.
type desk struct {
	*store.Store
	t     *testing.T
	admin *tenancy.Admin
}

func newDesk(t *testing.T) desk {
	t.Helper()
	s, admin := storetest.New(t)
	return desk{s, t, admin}
}

// ask adds a job.
func (d desk) ask(kind string, about tenant.Slug) jobs.Job {
	d.t.Helper()
	j, err := d.Jobs.Add(d.t.Context(), jobs.New{Kind: kind, Subject: about, Input: []byte(`{}`), Actor: "key:1", Origin: rooms.Origin{Request: "r"}})
	if err != nil {
		d.t.Fatal(err)
	}
	return j
}

// works has a process do jobs until the returned function is called.
func (d desk) works(atOnce int, do func(context.Context, jobs.Task) (jobs.Outcome, error)) (stop func()) {
	d.t.Helper()
	w, err := jobs.OpenWorker(d.t.Context(), jobs.Options{
		URL: storetest.DatabaseOf(d.t, d.admin).AdminURL, Box: d.Box, Log: slog.New(slog.DiscardHandler), Jobs: atOnce, Quick: []string{"quick"}, Do: do,
		Code: func(err error) (string, string) {
			if text := err.Error(); slices.Contains(jobs.Freed, text) || text == "slug_taken" || text == "secret_lost" {
				return text, text
			}
			return "a_code", err.Error()
		},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
		w.Close()
	})
	d.t.Cleanup(stop)
	return stop
}

// over returns a job when it is over.
func (d desk) over(j jobs.Job) jobs.Job {
	d.t.Helper()
	now, err := d.Jobs.Await(d.t.Context(), j.ID, 30*time.Second)
	if err != nil || !now.Over() {
		d.t.Fatalf("%+v, %v", now, err)
	}
	return now
}

func TestAJobIsDoneOnceAndItsSecretGivenOutOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	did := make(chan jobs.Task, 10)
	d.works(2, func(_ context.Context, task jobs.Task) (jobs.Outcome, error) {
		did <- task
		return jobs.Outcome{Result: map[string]int{"n": 7}, Secret: "hush"}, nil
	})
	j := d.over(d.ask("make", "casino-x"))
	if task := <-did; task.Kind != "make" || task.Subject != "casino-x" || task.Actor != "key:1" || task.Request != "r" || string(task.Input) != "{}" {
		t.Errorf("%+v", task)
	}
	if len(did) != 0 || j.State != jobs.Done || string(j.Result) != `{"n":7}` || j.Attempts != 1 {
		t.Errorf("%+v, done %d times more", j, len(did))
	}
	if n := storetest.Count(t, d.admin, `select count(*) from platform.job where secret::text like '%hush%'`); n != 0 {
		t.Error("the secret is in the database as it is")
	}
	for _, want := range []string{"hush", ""} {
		if got, err := d.Jobs.TakeSecret(t.Context(), j.ID); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	page, _, err := d.Jobs.List(t.Context(), mustQuery(t))
	if err != nil || len(page) != 1 || page[0].ID != j.ID {
		t.Errorf("%+v, %v", page, err)
	}
}

func mustQuery(t *testing.T) list.Query {
	t.Helper()
	q, err := jobs.Jobs.Parse(list.Asked{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestARequestUnderItsKeyIsTheSameJob(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	n := jobs.New{Kind: "make", Subject: "casino-x", Input: []byte(`{"a":1}`), Key: "k", Actor: "key:1"}
	first, err := d.Jobs.Add(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Jobs.Add(t.Context(), n); err != nil || again.ID != first.ID {
		t.Errorf("%+v, %v", again, err)
	}
	n.Input = []byte(`{"a":2}`)
	if _, err := d.Jobs.Add(t.Context(), n); !errors.Is(err, jobs.ErrReused) {
		t.Errorf("another request: %v", err)
	}
	n.Actor = "key:2"
	if other, err := d.Jobs.Add(t.Context(), n); err != nil || other.ID == first.ID {
		t.Errorf("somebody else's: %+v, %v", other, err)
	}
}

// TestAJobThatFailedForNothingThatWasDoneLeavesItsKeyToAnother has each code of a failure, before and after the change was
// committed.
func TestAJobThatFailedForNothingThatWasDoneLeavesItsKeyToAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := storetest.Owner(t, d.admin)
	d.works(2, func(ctx context.Context, task jobs.Task) (jobs.Outcome, error) {
		if task.Subject == "applied" {
			if _, err := owner.Exec(ctx, `update platform.job set applied = true where id = $1`, task.ID); err != nil {
				return jobs.Outcome{}, err
			}
		}
		return jobs.Outcome{}, errors.New(task.Kind)
	})
	for _, code := range append([]string{"slug_taken", "secret_lost"}, jobs.Freed...) {
		for _, subject := range []tenant.Slug{"nothing", "applied"} {
			n := jobs.New{Kind: code, Subject: subject, Input: []byte(`{}`), Key: code + string(subject), Actor: "key:1"}
			first, err := d.Jobs.Add(t.Context(), n)
			if err != nil || first.Replayed {
				t.Fatal(first, err)
			}
			if first = d.over(first); first.State != jobs.Failed || first.Code != code {
				t.Fatalf("%+v", first)
			}
			freed := subject == "nothing" && slices.Contains(jobs.Freed, code)
			again, err := d.Jobs.Add(t.Context(), n)
			if err != nil || (again.ID != first.ID) != freed || again.Replayed == freed {
				t.Errorf("%s, %s: %+v, %v", code, subject, again, err)
			}
			n.Input = []byte(`{"mended":true}`)
			n.Key += "2"
			if first, err = d.Jobs.Add(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			d.over(first)
			n.Input = []byte(`{"mended":"more"}`)
			if _, err := d.Jobs.Add(t.Context(), n); errors.Is(err, jobs.ErrReused) == freed || err != nil && !errors.Is(err, jobs.ErrReused) {
				t.Errorf("%s, %s, mended: %v", code, subject, err)
			}
		}
	}
}

func TestJobsAboutOneTenantAreDoneOneAfterTheOther(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var asked []jobs.Job
	for i := range 6 {
		asked = append(asked, d.ask(fmt.Sprint(i), []tenant.Slug{"casino-x", "casino-y"}[i%2]))
	}
	var mu sync.Mutex
	busy, order := map[tenant.Slug]bool{}, map[tenant.Slug][]string{}
	var both sync.WaitGroup
	both.Add(2)
	d.works(4, func(_ context.Context, task jobs.Task) (jobs.Outcome, error) {
		mu.Lock()
		if busy[task.Subject] {
			t.Errorf("two jobs about %s at once", task.Subject)
		}
		busy[task.Subject] = true
		order[task.Subject] = append(order[task.Subject], task.Kind)
		first := len(order[task.Subject]) == 1
		mu.Unlock()
		if first { // both tenants' first jobs are done at the same time
			both.Done()
			both.Wait()
		}
		mu.Lock()
		busy[task.Subject] = false
		mu.Unlock()
		return jobs.Outcome{}, nil
	})
	for _, j := range asked {
		d.over(j)
	}
	if !slices.Equal(order["casino-x"], []string{"0", "2", "4"}) || !slices.Equal(order["casino-y"], []string{"1", "3", "5"}) {
		t.Errorf("%v", order)
	}
}

func TestAJobWhoseProcessDiedIsBegunAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	j := d.ask("make", "casino-x")
	began := make(chan struct{})
	stop := d.works(1, func(ctx context.Context, _ jobs.Task) (jobs.Outcome, error) {
		close(began)
		<-ctx.Done()
		return jobs.Outcome{}, ctx.Err()
	})
	<-began
	if now, err := d.Jobs.Get(t.Context(), j.ID); err != nil || now.State != jobs.Running {
		t.Errorf("%+v, %v", now, err)
	}
	stop() // politely: it is given back at once
	// As a process leaves it that was killed: running, under a lease that runs out.
	if _, err := storetest.Owner(t, d.admin).Exec(t.Context(), `update platform.job set state = 'running', worker = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	d.works(1, func(context.Context, jobs.Task) (jobs.Outcome, error) { return jobs.Outcome{}, nil })
	if now := d.over(j); now.State != jobs.Done || now.Attempts != 2 {
		t.Errorf("%+v", now)
	}
}

func TestAFailureIsAnAnswerUnlessItIsTheDatabases(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tries := map[string]int{}
	d.works(1, func(_ context.Context, task jobs.Task) (jobs.Outcome, error) {
		tries[task.Kind]++
		switch task.Kind {
		case "wrong":
			return jobs.Outcome{}, errors.New("no such thing")
		case "panics":
			panic("a bug")
		case "locked":
			if tries[task.Kind] == 1 {
				return jobs.Outcome{}, &pgconn.PgError{Code: "55P03"}
			}
		}
		return jobs.Outcome{}, nil
	})
	for kind, want := range map[string]struct {
		state jobs.State
		tries int
	}{"wrong": {jobs.Failed, 1}, "panics": {jobs.Failed, 1}, "locked": {jobs.Done, 2}} {
		j := d.over(d.ask(kind, ""))
		if j.State != want.state || j.Attempts != want.tries || want.state == jobs.Failed && (j.Code != "a_code" || j.Error == "") {
			t.Errorf("%s: %+v", kind, j)
		}
	}
}

func TestNoMoreJobsWaitThanThereMay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := storetest.Owner(t, d.admin).Exec(t.Context(), `insert into platform.job (id, kind, subject, input, asked, actor)
		select gen_random_uuid(), 'x', '', '{}', sha256('x'), 'a' from generate_series(1, $1)`, jobs.OpenMax); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Jobs.Add(t.Context(), jobs.New{Kind: "x", Input: json.RawMessage(`{}`), Actor: "a"}); !errors.Is(err, jobs.ErrTooMany) {
		t.Errorf("%v", err)
	}
}

// TestAQuickJobDoesNotWaitForThoseThatTakeLong has all places taken by jobs that take long.
func TestAQuickJobDoesNotWaitForThoseThatTakeLong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	began, end := make(chan struct{}, 10), make(chan struct{})
	d.works(2, func(_ context.Context, task jobs.Task) (jobs.Outcome, error) {
		if task.Kind == "long" {
			began <- struct{}{}
			<-end
		}
		return jobs.Outcome{}, nil
	})
	long := []jobs.Job{d.ask("long", "casino-x"), d.ask("long", ""), d.ask("long", "casino-y")}
	<-began
	<-began
	for range 3 {
		if j := d.over(d.ask("quick", "casino-z")); j.State != jobs.Done {
			t.Errorf("%+v", j)
		}
	}
	after := d.ask("quick", "casino-x") // in the order in which they were asked for
	if now, err := d.Jobs.Await(t.Context(), after.ID, time.Second); err != nil || now.State != jobs.Queued {
		t.Errorf("about the same tenant: %+v, %v", now, err)
	}
	if len(began) != 0 {
		t.Error("a job that takes long has the place of quick ones")
	}
	close(end)
	for _, j := range append(long, after) {
		d.over(j)
	}
}

// TestOneJobAboutAllTenantsIsOpenOfAKind asks for them at once, with Idempotency-Keys and without.
func TestOneJobAboutAllTenantsIsOpenOfAKind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, kind := range []string{"migrate", "drift", "doctor"} {
		var mu sync.Mutex
		var all sync.WaitGroup
		ids := map[string]bool{}
		for i := range 8 {
			all.Go(func() {
				n := jobs.New{Kind: kind, Input: json.RawMessage(`{}`), Actor: fmt.Sprint("key:", i%3), Key: []string{"", fmt.Sprint(kind, i)}[i%2]}
				j, err := d.Jobs.Add(t.Context(), n)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", kind, err)
				}
				ids[j.ID.String()] = true
			})
		}
		all.Wait()
		if len(ids) != 1 {
			t.Errorf("%s: %v", kind, ids)
		}
	}
	first := d.ask("drift", "")
	d.works(2, func(context.Context, jobs.Task) (jobs.Outcome, error) { return jobs.Outcome{}, nil })
	d.over(first)
	if next := d.over(d.ask("drift", "")); next.ID == first.ID {
		t.Error("one that is over is no answer to the next request")
	}
	if a, b := d.ask("make", ""), d.ask("make", ""); a.ID == b.ID {
		t.Error("of other kinds one alone is open")
	}
}
