package db_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/internal/db"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// inMode returns a URL with a way of sending statements, by its name in a URL.
func inMode(t testing.TB, at, mode string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("default_query_exec_mode", mode)
	u.RawQuery = q.Encode()
	return u.String()
}

const (
	leakRows      = 5      // of each tenant, in each table
	progressEvery = 20_000 // queries
	// readOwn and readNames are statements of all tenants alike. What they return says whose it is.
	readOwn   = `select actor, current_user::text, coalesce(current_schema()::text, ''), pg_backend_pid() from audit_log where action = $1 order by id limit $2`
	readNames = `select split_part(owner, ' ', 1), current_user::text, coalesce(current_schema()::text, ''), pg_backend_pid() from account where kind = 'player' order by id limit $1`
	writeOwn  = `insert into audit_log (actor, action, target, reason, address) values ($1, 'wrote', '', '', '')`
)

// leaks lends one server connection, or a few, to interleaved tenants, and counts rows that are not the asker's.
type leaks struct {
	t      *testing.T
	s      *store.Store
	d      storetest.Database
	ids    []tenant.ID
	failOK bool // the path does not work in this mode: it may fail, and must not leak

	mu       sync.Mutex
	last     map[int]tenant.ID // by server process, who used it last
	pid      int               // the server process that was used last
	queries  int               // that returned rows
	switches int               // from one tenant to another on one server process
	foreign  int
	ended    map[string]int // transactions, by how they ended
}

var errOnPurpose = errors.New("rolled back on purpose")

// end is a way in which a transaction ends.
type end struct {
	name   string
	weight int                                              // how often it is chosen
	run    func(l *leaks, r *rand.Rand, id tenant.ID) error // returns nil if the transaction ended in this way
}

var ends = []end{
	{"commit", 60, func(l *leaks, r *rand.Rand, id tenant.ID) error { return l.scoped(l.t.Context(), r, id, l.look) }},
	{"rollback", 12, func(l *leaks, r *rand.Rand, id tenant.ID) error {
		return expect(errOnPurpose, l.scoped(l.t.Context(), r, id, func(ctx context.Context, id tenant.ID, send sender) error {
			return errors.Join(l.look(ctx, id, send), errOnPurpose)
		}))
	}},
	{"savepoint rolled back", 12, func(l *leaks, r *rand.Rand, id tenant.ID) error {
		return l.scoped(l.t.Context(), r, id, func(ctx context.Context, id tenant.ID, send sender) error {
			return l.looks(ctx, id, send, `savepoint s`, `rollback to savepoint s`)
		})
	}},
	{"error", 6, func(l *leaks, r *rand.Rand, id tenant.ID) error {
		err := l.scoped(l.t.Context(), r, id, func(ctx context.Context, _ tenant.ID, send sender) error {
			q := &pgx.Batch{}
			q.Queue(`select 1 / 0`)
			return send(ctx, q)
		})
		if storetest.State(err) != "22012" {
			return fmt.Errorf("want a division by zero: %w", err)
		}
		return nil
	}},
	{"cancelled in a query", 2, func(l *leaks, r *rand.Rand, id tenant.ID) error {
		ctx, cancel := context.WithTimeout(l.t.Context(), time.Duration(r.IntN(8000))*time.Microsecond)
		defer cancel()
		err := l.scoped(ctx, r, id, func(ctx context.Context, id tenant.ID, send sender) error {
			return l.looks(ctx, id, send, `select pg_sleep(0.01)`)
		})
		if ctx.Err() != nil {
			return nil
		}
		return err
	}},
	{"backend killed", 1, func(l *leaks, r *rand.Rand, id tenant.ID) error {
		err := l.scoped(l.t.Context(), r, id, func(ctx context.Context, id tenant.ID, send sender) error {
			l.mu.Lock()
			pid := l.pid
			l.mu.Unlock()
			storetest.Super(l.t, l.d, fmt.Sprintf(`select pg_terminate_backend(%d)`, pid))
			return l.look(ctx, id, send)
		})
		if errors.Is(err, db.ErrUnavailable) {
			return nil
		}
		return err
	}},
	{"unknown tenant", 4, func(l *leaks, r *rand.Rand, _ tenant.ID) error {
		return expect(db.ErrNoTenant, l.scoped(l.t.Context(), r, tenant.New(), l.look))
	}},
	{"no scope", 4, func(l *leaks, _ *rand.Rand, _ tenant.ID) error {
		rows, err := l.s.Pool().Query(l.t.Context(), readOwn, "leak", leakRows)
		if err == nil {
			if rows.Next() {
				l.leaked("without a scope there were rows")
			}
			rows.Close()
			err = rows.Err()
		}
		switch state := storetest.State(err); {
		case state == denied:
			return nil
		case state == "" || db.Transient(state): // the pool is asked by itself, and says it in its own words
			return errors.Join(db.ErrUnavailable, err)
		default:
			return fmt.Errorf("want SQLSTATE %s: %w", denied, err)
		}
	}},
}

// expect returns nil if err is the error that was wanted.
func expect(want, err error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("want %w, got %w", want, err)
}

// sender sends a batch within a transaction.
type sender func(context.Context, *pgx.Batch) error

// scoped runs do in a tenant's scope, by any of the ways there are.
func (l *leaks) scoped(ctx context.Context, r *rand.Rand, id tenant.ID, do func(context.Context, tenant.ID, sender) error) error {
	scope := l.s.Tenant(id)
	in := func(ctx context.Context, tx pgx.Tx) error {
		return do(ctx, id, func(ctx context.Context, q *pgx.Batch) error { return tx.SendBatch(ctx, q).Close() })
	}
	switch r.IntN(6) {
	case 0:
		return scope.ReadTx(ctx, in)
	case 1:
		return scope.SettledTx(ctx, func(ctx context.Context, tx pgx.Tx, _ int64) error { return in(ctx, tx) })
	case 2:
		return scope.LoginTx(ctx, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, db.EnterScope, id.Role()); err != nil {
				if storetest.State(err) == "22023" {
					err = fmt.Errorf("%w (%w)", db.ErrNoTenant, err)
				}
				return err
			}
			return in(ctx, tx)
		})
	case 3: // begin, role and statements in one message
		return scope.TwoTrips(ctx, func() (*pgx.Batch, func(*pgx.Batch) error) {
			first := &pgx.Batch{}
			err := do(ctx, id, func(_ context.Context, q *pgx.Batch) error { // what do sends is sent with begin
				first.QueuedQueries = append(first.QueuedQueries, q.QueuedQueries...)
				return nil
			})
			return first, func(q *pgx.Batch) error {
				q.Queue(`select 1`)
				return err
			}
		})
	case 4: // commit in the same message, too
		var err error
		sent := scope.LazyTrip(ctx, func() *pgx.Batch {
			all := &pgx.Batch{}
			err = do(ctx, id, func(_ context.Context, q *pgx.Batch) error {
				all.QueuedQueries = append(all.QueuedQueries, q.QueuedQueries...)
				return nil
			})
			return all
		})
		return errors.Join(sent, err)
	default:
		return scope.Tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if r.IntN(2) == 0 { // one query at a time
				var who string
				if err := tx.QueryRow(ctx, `select current_user::text`).Scan(&who); err != nil {
					return err
				}
				if who != id.Role() {
					l.leaked("%s is %s", id, who)
				}
				if _, err := tx.Exec(ctx, writeOwn, id.String()); err != nil {
					return err
				}
			}
			return in(ctx, tx)
		})
	}
}

// look reads a tenant's rows.
func (l *leaks) look(ctx context.Context, id tenant.ID, send sender) error {
	return l.looks(ctx, id, send)
}

// looks reads a tenant's rows before and after each statement of between.
func (l *leaks) looks(ctx context.Context, id tenant.ID, send sender, between ...string) error {
	q := &pgx.Batch{}
	read := func() {
		q.Queue(readOwn, "leak", leakRows).Query(func(rows pgx.Rows) error { return l.count(id, rows) })
		q.Queue(readNames, leakRows).Query(func(rows pgx.Rows) error { return l.count(id, rows) })
	}
	read()
	for _, sql := range between {
		q.Queue(sql)
		read()
	}
	return send(ctx, q)
}

// count looks whose rows they are.
func (l *leaks) count(id tenant.ID, rows pgx.Rows) error {
	n, pid := 0, 0
	for rows.Next() {
		var whose, who, where string
		if err := rows.Scan(&whose, &who, &where, &pid); err != nil {
			return err
		}
		n++
		if whose != id.String() || who != id.Role() || where != id.Schema() {
			l.leaked("%s read a row of %s as %s in %s", id, whose, who, where)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != leakRows {
		return fmt.Errorf("%d rows of %d", n, leakRows)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queries++; l.queries%progressEvery == 0 {
		l.t.Logf("%d queries, %d foreign rows", l.queries, l.foreign)
	}
	if before, ok := l.last[pid]; ok && before != id {
		l.switches++
	}
	l.last[pid], l.pid = id, pid
	return nil
}

func (l *leaks) leaked(format string, args ...any) {
	l.mu.Lock()
	l.foreign++
	l.mu.Unlock()
	l.t.Errorf(format, args...)
}

// run runs transactions until so many queries have returned rows.
func (l *leaks) run(seed uint64, queries, workers int) {
	l.last, l.ended = map[int]tenant.ID{}, map[string]int{}
	total := 0
	for _, e := range ends {
		total += e.weight
	}
	attempts := max(100, queries) // of each worker, for paths that do not work
	var wg sync.WaitGroup
	for w := range workers {
		r := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for range attempts {
				l.mu.Lock()
				enough := l.queries >= queries || l.foreign > 0
				l.mu.Unlock()
				if enough || l.t.Failed() {
					return
				}
				id, n := l.ids[r.IntN(len(l.ids))], r.IntN(total)
				i := slices.IndexFunc(ends, func(e end) bool {
					n -= e.weight
					return n < 0
				})
				err := ends[i].run(l, r, id)
				if err != nil && !l.failOK && !errors.Is(err, db.ErrUnavailable) { // somebody's backend is killed now and then
					l.t.Errorf("%s: %v", ends[i].name, err)
				}
				l.mu.Lock()
				if err == nil {
					l.ended[ends[i].name]++
				}
				l.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// says returns what was done.
func (l *leaks) says() string {
	var parts []string
	for _, e := range ends {
		parts = append(parts, fmt.Sprintf("%s %d", e.name, l.ended[e.name]))
	}
	return fmt.Sprintf("%d queries, %d foreign rows, %d changes of tenant on %d server processes (%s)",
		l.queries, l.foreign, l.switches, len(l.last), strings.Join(parts, ", "))
}
