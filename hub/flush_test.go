package hub

import (
	"testing"
	"time"
)

// socketsOf returns sockets of several tenants, all of the flusher f, that nothing is written to.
func socketsOf(f *flusher, tenants, sockets int) [][]*Conn {
	all := make([][]*Conn, tenants)
	for i := range all {
		tn := &tenancy{backlogs: make([]backlog, f.no+1)}
		for range sockets {
			all[i] = append(all[i], &Conn{tenant: tn, flusher: f})
		}
	}
	return all
}

func TestAResultOvertakesAPromotionToTenThousandSockets(t *testing.T) {
	t.Parallel()
	f := newFlushers(1, Windows{}).all[0]
	conns := socketsOf(f, 1, 10_000)[0]
	f.list(ClassPromotion, conns...)
	f.nextTurns(make([]turn, 0, flushTurns)) // is being written
	f.list(ClassChat, conns[20:30]...)
	f.list(ClassResult, conns[10:20]...)
	turns := f.nextTurns(make([]turn, 0, flushTurns))
	for i, turn := range turns {
		want := ClassResult
		if i >= 10 {
			want = ClassChat
		}
		if turn.class != want || turn.conn != conns[10+i] {
			t.Fatalf("turn %d is of class %d", i, turn.class)
		}
	}
}

func TestATenantsFloodTakesOneTurnOfTwo(t *testing.T) {
	t.Parallel()
	f := newFlushers(1, Windows{}).all[0]
	floor := socketsOf(f, 3, 10_000)
	flood, quiet := floor[0], floor[1]
	f.list(ClassResult, flood...)
	f.list(ClassPromotion, quiet[:8]...) // its least urgent waits no longer than the flood's most urgent
	turns := f.nextTurns(make([]turn, 0, flushTurns))
	got := 0
	for _, turn := range turns {
		if turn.conn.tenant == quiet[0].tenant {
			got++
		}
	}
	if got != 8 {
		t.Errorf("%d of %d turns", got, len(turns))
	}
	// And nobody is forgotten.
	for left := 10_000 - 8; left > 0; {
		turns = f.nextTurns(make([]turn, 0, flushTurns))
		if left -= len(turns); len(turns) == 0 || left < 0 {
			t.Fatalf("%d turns with %d left", len(turns), left)
		}
	}
	if turns = f.nextTurns(turns[:0]); len(turns) != 0 {
		t.Errorf("%d turns too many", len(turns))
	}
}

func TestTheWheelLooksAtASocketWhenItIsDueAndOnce(t *testing.T) {
	t.Parallel()
	w := newWheel(8 * time.Second)
	a, b, late := &Conn{}, &Conn{}, &Conn{}
	w.put(a, int64(3*time.Second))
	w.put(b, int64(5*time.Second))
	w.put(b, int64(2500*time.Millisecond)) // rather earlier: a shorter token
	w.put(late, int64(time.Hour))
	seen := map[*Conn][]int{}
	for tick := 1; tick <= 20; tick++ {
		for _, c := range w.turn(int64(tick)*int64(time.Second), nil) {
			seen[c] = append(seen[c], tick)
		}
	}
	for c, want := range map[*Conn]int{a: 3, b: 3, late: len(w.slots) - 1} {
		if got := seen[c]; len(got) != 1 || got[0] != want {
			t.Errorf("looked at in ticks %v, want %d", got, want)
		}
	}
}
