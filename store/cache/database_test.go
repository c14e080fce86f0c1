package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// casino is a cache as a node of a database has it.
type casino struct {
	*cache.Cache
	store *store.Store
	id    tenant.ID
}

// on returns the cache of a node that has just started.
func on(t testing.TB, s *store.Store, id tenant.ID, redis string) casino {
	t.Helper()
	realm := s.Realm()
	shared := open(t, cache.RedisOptions{URL: redis, Key: s.Box.CacheKey(), Realm: realm[:]})
	return casino{cache.New(cache.Options{Bytes: cache.MemoryBytes, Shared: shared, Epoch: s.Tenants.Epoch, History: s.History}), s, id}
}

// fetch returns what the cache has, or this data, which it keeps then.
func (c casino) fetch(t testing.TB, data string) string {
	t.Helper()
	e, err := c.Fetch(t.Context(), c.id.Key("test", "a"), func(context.Context) (cache.Entry, error) { return cachetest.Good(data), nil })
	if err != nil {
		t.Fatal(err)
	}
	return string(e.Data)
}

// running follows the directory of tenants until the test ends.
func running(t testing.TB, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Tenants.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatChangesATenantFlushesItOnAllNodes(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	mine, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-a", "casino-a.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := admin.CreateTenant(t.Context(), storetest.Casino("casino-b", "casino-b.localhost"))
	if err != nil {
		t.Fatal(err)
	}
	twin, _ := storetest.Open(t, d, store.Options{})
	if err := s.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	running(t, s)
	running(t, twin)
	url := "redis://" + server(t, 0).Addr
	nodes := []casino{on(t, s, mine.ID, url), on(t, twin, mine.ID, url)}
	others := []casino{{nodes[0].Cache, s, theirs.ID}, {nodes[1].Cache, twin, theirs.ID}}
	for _, c := range others {
		if got := c.fetch(t, "theirs"); got != "theirs" {
			t.Fatal(got)
		}
	}
	value := "first"
	if a, b := nodes[0].fetch(t, value), nodes[1].fetch(t, "another"); a != value || b != value {
		t.Fatalf("%q and %q", a, b)
	}
	for _, change := range []struct {
		what string
		do   func() error
	}{
		{"flushed", func() error { _, err := admin.FlushCache(t.Context(), "casino-a", "a test"); return err }},
		{"suspended", func() error { return admin.Suspend(t.Context(), "casino-a", "a test") }},
		{"resumed", func() error { return admin.Resume(t.Context(), "casino-a") }},
		{"flushed again", func() error { _, err := admin.FlushCache(t.Context(), "casino-a", "a test"); return err }},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		began, old := time.Now(), value
		value = change.what
		for _, c := range nodes {
			storetest.Eventually(t, change.what, func() bool {
				got := c.fetch(t, value)
				if got != old && got != value {
					t.Fatalf("%s: %q", change.what, got)
				}
				return got == value
			})
		}
		t.Logf("%s: known to both nodes after %s", change.what, time.Since(began))
	}
	for _, c := range others {
		if got := c.fetch(t, "more"); got != "theirs" {
			t.Errorf("another casino's cache was flushed: %q", got)
		}
	}
	lines, err := storetest.LastLines(t.Context(), s, mine.ID, 1)
	if err != nil || len(lines) != 1 || lines[0].Action != "cache.flush" || lines[0].Reason != "a test" {
		t.Errorf("the audit log has %+v, %v", lines, err)
	}
}

func TestNothingOfAnotherHistoryIsFoundWhetherNodesRanOrNot(t *testing.T) {
	t.Parallel()
	for how, backup := range map[string]func(storetest.Server, testing.TB) (goBack func()){
		"a replica that lagged": storetest.Server.Backup, "a snapshot of the disk": storetest.Server.Snapshot,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			pg := storetest.StartServer(t, storetest.Installed(t))
			d := pg.Database(t, "casinos", nil)
			first, admin := storetest.Open(t, d, store.Options{})
			id := storetest.Tenant(t, admin)
			if err := first.Tenants.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			goBack := backup(pg, t)
			url := "redis://" + server(t, 0).Addr
			node, _ := storetest.Open(t, d, store.Options{}) // first's connections ended with the server
			running(t, node)
			c := on(t, node, id, url)
			if got := c.fetch(t, "of what is lost"); got != "of what is lost" {
				t.Fatal(got)
			}
			if got := on(t, node, id, url).fetch(t, "more"); got != "of what is lost" {
				t.Fatalf("a node that has just started does not find it: %q", got)
			}

			goBack()
			storetest.Eventually(t, "a node that ran finds nothing of it", func() bool { return c.fetch(t, "new") == "new" })
			seen := map[string]bool{first.History(): true}
			node.Close()
			want := "new"
			for range 3 { // nodes start of which none saw the history before, and whose generations are numbered alike
				s, _ := storetest.Open(t, d, store.Options{})
				if seen[s.History()] {
					t.Fatalf("%s is the name of two histories", s.History())
				}
				seen[s.History()] = true
				t.Logf("history %s", s.History())
				if got := on(t, s, id, url).fetch(t, want); got != want {
					t.Errorf("a node that has just started found %q, want %q", got, want)
				}
				want = "newer than " + want
				s.Close()
				goBack()
			}
		})
	}
}
