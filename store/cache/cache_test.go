package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
)

// bench is a Cache whose tenants' epochs and history the test sets.
type bench struct {
	*cache.Cache
	id      tenant.ID
	epoch   atomic.Int64
	gone    atomic.Bool
	history atomic.Pointer[string]
	metrics *prometheus.Registry
	loads   atomic.Int64
}

func newBench(t testing.TB, shared cache.Layer) *bench {
	t.Helper()
	b := &bench{id: tenant.New(), metrics: prometheus.NewRegistry()}
	b.goesBack("1.1")
	b.Cache = cache.New(cache.Options{
		Bytes: cache.MemoryBytes, Shared: shared, Registerer: b.metrics,
		Epoch:   func(tenant.ID) (int64, bool) { return b.epoch.Load(), !b.gone.Load() },
		History: func() string { return *b.history.Load() },
	})
	return b
}

func (b *bench) goesBack(history string) { b.history.Store(&history) }

// fetch returns what the cache has of a name, or else this data, which are good for a while.
func (b *bench) fetch(t testing.TB, name, data string, good time.Duration) string {
	t.Helper()
	e, err := b.Fetch(t.Context(), b.id.Key("test", name), func(context.Context) (cache.Entry, error) {
		b.loads.Add(1)
		return cache.Entry{Data: []byte(data), Until: time.Now().Add(good)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(e.Data)
}

func (b *bench) want(t testing.TB, name, data, want string) {
	t.Helper()
	if got := b.fetch(t, name, data, time.Hour); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

// where returns how many values were found in a place.
func (b *bench) where(t testing.TB, name string) int {
	t.Helper()
	return read(t, b.metrics, "pitboss_cache_reads_total", "where", name)
}

func TestAValueIsLoadedOnceAndForEachEpochAndHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.want(t, "a", "1", "1")
	b.want(t, "a", "2", "1")
	b.epoch.Add(1)
	b.want(t, "a", "3", "3")
	b.goesBack("2.1")
	b.want(t, "a", "4", "4")
	b.want(t, "a", "5", "4")
	if b.where(t, "loaded") != 3 || b.where(t, "memory") != 2 {
		t.Error("it was counted otherwise")
	}
	if read(t, b.metrics, "pitboss_cache_bytes", "tenant", b.id.String()) == 0 {
		t.Error("its memory is not shown")
	}
}

func TestWhatIsNotKeptIsLoadedEachTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range 3 {
		if got := b.fetch(t, "a", fmt.Sprint(i), 0); got != fmt.Sprint(i) {
			t.Error(got)
		}
	}
	b.gone.Store(true) // of nobody nothing is kept
	for i := range 3 {
		b.want(t, "b", fmt.Sprint(i), fmt.Sprint(i))
	}
}

func TestAnAnswerIsKeptForItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fetch(t, "a", "1", time.Second)
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{999 * time.Millisecond, "1"}, {time.Millisecond, "2"}, {time.Hour, "3"}} {
			<-time.After(step.wait)
			if got := b.fetch(t, "a", step.want, time.Second); got != step.want {
				t.Errorf("after %s it is %q", step.wait, got)
			}
		}
	})
}

func TestAnErrorIsToldAndNotKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, want := range []error{errors.New("first"), errors.New("second")} {
		_, err := b.Fetch(t.Context(), b.id.Key("test", "a"), func(context.Context) (cache.Entry, error) { return cache.Entry{}, want })
		if !errors.Is(err, want) {
			t.Error(err)
		}
	}
	b.want(t, "a", "1", "1")
	if b.where(t, "failed") != 2 {
		t.Error("errors are not counted")
	}
}

func TestAPanicOfALoadIsAnErrorOfItsCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, err := b.Fetch(t.Context(), b.id.Key("test", "a"), func(context.Context) (cache.Entry, error) { panic("a game's mistake") })
	if err == nil || !strings.Contains(err.Error(), "a game's mistake") || !strings.Contains(err.Error(), "cache_test.go") {
		t.Error(err)
	}
}

func TestManyCallersShareOneLoadAndNoneEndsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		release := make(chan struct{})
		load := func(ctx context.Context) (cache.Entry, error) {
			b.loads.Add(1)
			select {
			case <-release:
				return cachetest.Good("value"), nil
			case <-ctx.Done():
				return cache.Entry{}, ctx.Err()
			}
		}
		leader, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Fetch(leader, b.id.Key("test", "a"), load); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		const others = 50
		for range others {
			wg.Go(func() {
				if e, err := b.Fetch(t.Context(), b.id.Key("test", "a"), load); err != nil || string(e.Data) != "value" {
					t.Error(e, err)
				}
			})
		}
		synctest.Wait()
		leave() // the one who began it
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := b.loads.Load(); n != 1 || b.where(t, "joined") != others {
			t.Errorf("%d loads, %d joined", n, b.where(t, "joined"))
		}
	})
}

func TestWhatIsBeingLoadedIsFlushedToo(t *testing.T) {
	t.Parallel()
	for what, flush := range map[string]func(*bench){
		"a flush":                   func(b *bench) { b.epoch.Add(1) },
		"a database that goes back": func(b *bench) { b.goesBack("2.1") },
	} {
		b := newBench(t, nil)
		old, err := b.Fetch(t.Context(), b.id.Key("test", "a"), func(context.Context) (cache.Entry, error) {
			flush(b)
			b.want(t, "a", "new", "new") // who asks now waits for no load of before
			return cachetest.Good("old"), nil
		})
		if err != nil || string(old.Data) != "old" {
			t.Error(what, old, err)
		}
		b.want(t, "a", "newer", "new")
	}
}

func TestTheSharedLayerIsAskedOnceAndHasWhatIsGoodForLong(t *testing.T) {
	t.Parallel()
	shared := cache.NewMemory(cache.MemoryBytes)
	a, b := newBench(t, shared), newBench(t, shared)
	b.id = a.id
	a.want(t, "long", "1", "1")
	b.want(t, "long", "2", "1")
	b.want(t, "long", "3", "1")
	if b.where(t, "redis") != 1 || b.where(t, "memory") != 1 || b.where(t, "loaded") != 0 {
		t.Error("the other node's value was found otherwise")
	}
	a.fetch(t, "short", "1", time.Second)
	if got := b.fetch(t, "short", "2", time.Second); got != "2" {
		t.Error("what is good for a second was shared")
	}
	a.epoch.Add(1)
	a.want(t, "long", "4", "4")
	b.want(t, "long", "5", "1") // it has not heard of it
	b.epoch.Add(1)
	b.want(t, "long", "6", "4")
}

func TestSeriesAreBoundedHoweverManyTenantsThereAre(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	const tenants = 150
	for range tenants {
		b.id = tenant.New()
		b.want(t, "a", "1", "1")
		b.want(t, "a", "2", "1")
	}
	families, err := b.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n > 2*101 {
			t.Errorf("%s has %d series", f.GetName(), n)
		}
	}
	if got := read(t, b.metrics, "pitboss_cache_reads_total", "tenant", "other"); got != 2*(tenants-100) {
		t.Errorf("%d reads of others", got)
	}
	if b.where(t, "memory") != tenants || b.where(t, "loaded") != tenants {
		t.Error("the sums are wrong")
	}
}
