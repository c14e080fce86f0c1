package cache_test

import (
	"fmt"
	"testing"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/cache/cachetest"
)

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
