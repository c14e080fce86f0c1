package placement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
)

var errAway = errors.New("the database is away")

// welcome is the room that is opened first, though it is the last by name.
const welcome = "welcome"

// casino returns a tenant.
func casino(t testing.TB) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}

// table returns rooms of one tenant, by number.
func table(id tenant.ID, n int) Ref { return Ref{id, fmt.Sprintf("table-%03d", n)} }

// database is Leases in memory, of one node; the others' are what the test says.
type database struct {
	mu      sync.Mutex // guards what follows
	err     error      // of every call
	leases  []Lease    // as they were renewed
	until   time.Time
	index   Changes
	configs []Config
}

func (d *database) set(f func(*database)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

func (d *database) Renew(_ context.Context, l Lease, ttl time.Duration) (int64, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, false, d.err
	}
	fresh := time.Now().After(d.until)
	d.leases, d.until = append(d.leases, l), time.Now().Add(ttl)
	return d.index.Generation, fresh, nil
}

func (d *database) Release(context.Context, Lease) error { return d.err }

func (d *database) Assignments(context.Context, Mark) (Changes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.index
	got.Nodes, got.Assignments = slices.Clone(got.Nodes), slices.Clone(got.Assignments)
	return got, d.err
}

func (d *database) HandOver(context.Context, Ref, int64, string) error { return d.err }

func (d *database) Configs(context.Context, tenant.ID) ([]Config, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.configs, d.err
}

// host is a Runtime that notes what it is told. Rooms that it opens run.
type host struct {
	mu      sync.Mutex // guards what follows
	running map[Ref]int64
	leaving map[Ref]string
	opened  []Ref
	closing map[Ref]string
	died    []string
	back    []int64
}

func newHost() *host {
	return &host{running: map[Ref]int64{}, leaving: map[Ref]string{}, closing: map[Ref]string{}}
}

func (h *host) Runs(ref Ref) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.running[ref]
	return ok
}

func (h *host) Staying() (refs []Ref, leaving int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ref := range h.running {
		if h.leaving[ref] == "" {
			refs = append(refs, ref)
		}
	}
	return refs, len(h.leaving)
}

func (h *host) Open(_ context.Context, a Assignment) {
	h.mu.Lock()
	h.opened = append(h.opened, a.Ref)
	h.mu.Unlock()
	<-time.After(time.Millisecond) // a claim takes its time
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running[a.Ref] = a.Epoch + 1
}

func (h *host) Close(ref Ref, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing[ref] = reason
}

func (h *host) Leave(ref Ref, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaving[ref] = to
}

func (h *host) Lost(a Assignment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if epoch, ok := h.running[a.Ref]; ok && a.Epoch > epoch {
		delete(h.running, a.Ref)
	}
}

func (h *host) WentBack(generation int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.running)
	h.back = append(h.back, generation)
}

func (h *host) Died(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.died = append(h.died, node)
}

// agent returns node-0's Agent.
func agent(db Leases, h *host) *Agent {
	return NewAgent(Options{
		Leases: db, Runtime: h, Node: "node-0", Incarnation: "00000000-0000-0000-0000-000000000000", First: welcome,
		Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
}

// running runs test while node-0's Agent runs, in virtual time.
func running(t *testing.T, db *database, test func(a *Agent, h *host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHost()
		a := agent(db, h)
		ctx, cancel := context.WithCancel(t.Context())
		var parts sync.WaitGroup
		parts.Go(func() {
			if err := a.KeepLease(ctx); err != nil {
				t.Error(err)
			}
		})
		parts.Go(func() { a.Watch(ctx) })
		<-a.Ready()
		test(a, h)
		cancel()
		parts.Wait()
	})
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
