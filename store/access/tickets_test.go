package access_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestATicketIsUsedOnceOverAllNodesAndNotAfterItsTime(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	a, _ := storetest.Open(t, d, store.Options{})
	b, _ := storetest.Open(t, d, store.Options{})
	var all sync.WaitGroup
	var uses atomic.Int32
	until := time.Now().Add(time.Hour)
	for i := range 20 {
		all.Go(func() {
			first, err := []*store.Store{a, b}[i%2].Tickets.Use(t.Context(), []byte("one"), until)
			if err != nil {
				t.Error(err)
			}
			if first {
				uses.Add(1)
			}
		})
	}
	all.Wait()
	if uses.Load() != 1 {
		t.Errorf("used %d times", uses.Load())
	}
	if first, err := a.Tickets.Use(t.Context(), []byte("two"), until); err != nil || !first {
		t.Errorf("another: %t, %v", first, err)
	}
	if first, err := b.Tickets.Use(t.Context(), []byte("late"), time.Now().Add(-time.Second)); err != nil || first {
		t.Errorf("after its time: %t, %v", first, err)
	}
}
