package cache_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
)

var seedFlag = flag.Uint64("seed", 0, "replay a random test with this seed")

func TestMemoryIsALayer(t *testing.T) {
	t.Parallel()
	cachetest.Run(t, func(*testing.T) cache.Layer { return cache.NewMemory(cache.MemoryBytes) })
}

func TestMemoryForgetsWhatNobodyAskedForTheLongest(t *testing.T) {
	t.Parallel()
	const size, bound = 1 << 10, 64 << 10
	m := cache.NewMemory(bound)
	id := tenant.New()
	data := string(make([]byte, size))
	kept := func(i int) bool { _, ok := m.Get(t.Context(), cachetest.At(id, fmt.Sprint(i))); return ok }
	const most = 1000
	for i := range most {
		m.Put(t.Context(), cachetest.At(id, fmt.Sprint(i)), cachetest.Good(data))
		m.Put(t.Context(), cachetest.At(id, fmt.Sprint(i)), cachetest.Good(data)) // again, in its own stead
		if !kept(0) {
			t.Fatalf("after %d, what was asked for all the time is gone", i)
		}
	}
	n := 0
	for i := range most {
		if kept(i) {
			n++
		}
	}
	if n*size > bound || n*size < bound/2 {
		t.Errorf("%d values of %d bytes are kept in %d", n, size, bound)
	}
	if !kept(most-1) || kept(1) {
		t.Error("others were forgotten than those that nobody asked for the longest")
	}
	m.Put(t.Context(), cachetest.At(id, "huge"), cachetest.Good(string(make([]byte, bound+1))))
	cachetest.WantNone(t, m, cachetest.At(id, "huge"))
	if !kept(0) {
		t.Error("what is too large to be kept drove others out")
	}
}

func TestATenantThatAsksForVeryMuchForgetsItsOwn(t *testing.T) {
	t.Parallel()
	const size, bound = 1 << 10, 64 << 10
	m := cache.NewMemory(bound)
	quiet, loud := tenant.New(), tenant.New()
	data := string(make([]byte, size))
	for i := range 10 {
		m.Put(t.Context(), cachetest.At(quiet, fmt.Sprint(i)), cachetest.Good(data))
	}
	for i := range 1000 {
		m.Put(t.Context(), cachetest.At(loud, fmt.Sprint(i)), cachetest.Good(data))
	}
	for i := range 10 {
		cachetest.Want(t, m, cachetest.At(quiet, fmt.Sprint(i)), data)
	}
}

func TestATenantKeepsItsShareHoweverManyAskForMore(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	r := rand.New(rand.NewPCG(seed, 0))
	const tenants, quiet, bound = 40, 10, 1 << 20
	m := cache.NewMemory(bound)
	ids := make([]tenant.ID, tenants)
	for i := range ids {
		ids[i] = tenant.New()
	}
	has := make([]int, quiet)
	var kept []cache.Place
	for i := range 50_000 {
		who := r.IntN(tenants)
		size := r.IntN(4 << 10)
		place := cachetest.At(ids[who], fmt.Sprint(i))
		if who < quiet {
			if has[who]+size+512 > bound/tenants { // with what a value costs besides
				continue
			}
			has[who] += size + 512
			kept = append(kept, place)
		} else if r.IntN(10) == 0 {
			m.Get(t.Context(), cachetest.At(ids[who], fmt.Sprint(r.IntN(i+1))))
		}
		m.Put(t.Context(), place, cachetest.Good(string(make([]byte, size))))
	}
	for _, place := range kept {
		if _, ok := m.Get(t.Context(), place); !ok {
			t.Fatalf("%s is gone, of a tenant that has no more than its share; replay with -seed=%d", place, seed)
		}
	}
}

// BenchmarkMemoryIsFull puts values of many tenants into a Memory that is full, one of each by turns: each put forgets a value.
func BenchmarkMemoryIsFull(b *testing.B) {
	for _, tenants := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(tenants), func(b *testing.B) {
			const size, values = 256, 20_000
			m := cache.NewMemory(values * size)
			places := make([]cache.Place, 4*values)
			ids := make([]tenant.ID, tenants)
			for i := range ids {
				ids[i] = tenant.New()
			}
			for i := range places {
				places[i] = cachetest.At(ids[i%tenants], fmt.Sprint(i))
			}
			e := cachetest.Good(string(make([]byte, size)))
			for i := range values {
				m.Put(b.Context(), places[i], e)
			}
			for i := 0; b.Loop(); i++ {
				m.Put(b.Context(), places[i%len(places)], e)
			}
		})
	}
}
