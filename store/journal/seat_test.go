package journal_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestSeatsRiseWhateverNodeGivesThem(t *testing.T) {
	t.Parallel()
	d := storetest.Empty(t)
	a, admin := storetest.Open(t, d, store.Options{})
	b, _ := storetest.Open(t, d, store.Options{})
	id := storetest.Tenant(t, admin)
	var last int64
	for i := range 10 {
		balance, version, seat, err := []*store.Store{a, b}[i%2].Ledger.Seat(t.Context(), id, "alice")
		if err != nil || balance != 0 || version != 0 || seat <= last {
			t.Fatalf("%d, %d, seat %d after %d, %v", balance, version, seat, last, err)
		}
		last = seat
	}
	storetest.Fund(t, a, id, "alice", 500)
	if balance, version, _, err := b.Ledger.Seat(t.Context(), id, "alice"); err != nil || balance != 500 || version != 1 {
		t.Errorf("%d, %d, %v", balance, version, err)
	}
}
