package placement

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestAllNodesAgreeWhoseARoomIsAndFewMove(t *testing.T) {
	id := casino(t)
	nodes := []string{"node-0", "node-1", "node-2", "node-3"}
	const rooms = 4000
	count := map[string]int{}
	for n := range rooms {
		ref := table(id, n)
		owner := Rank(ref, nodes)
		count[owner]++
		reversed := slices.Clone(nodes)
		slices.Reverse(reversed)
		if other := Rank(ref, reversed); other != owner {
			t.Fatalf("%s is %s's, or %s's", ref, owner, other)
		}
		if next := Rank(ref, nodes[:3]); owner != "node-3" && next != owner {
			t.Fatalf("%s moves from %s to %s, and node-3 went", ref, owner, next)
		}
	}
	for node, n := range count {
		if n < rooms/5 || n > rooms/3 {
			t.Errorf("%s has %d of %d rooms", node, n, rooms)
		}
	}
	if got := Rank(table(id, 1), nil); got != "" {
		t.Errorf("of no node it is %s's", got)
	}
}

func TestANodeOpensItsOwnRoomsAndItsShareOfTheOrphansLobbyFirst(t *testing.T) {
	id := casino(t)
	lobby := Ref{id, welcome}
	db := &database{index: Changes{Mark: Mark{Next: 1}, Nodes: []Node{{Name: "node-0"}, {Name: "node-1"}}}}
	nodes := []string{"node-0", "node-1"}
	var want, others []Ref
	for n := range 60 {
		ref := table(id, n)
		a := Assignment{Ref: ref, Status: Open, Epoch: 1, Node: []string{"", "dead", "node-0", "node-1"}[n%4]}
		switch mine := a.Node == "node-0" || a.Node != "node-1" && Rank(ref, nodes) == "node-0"; {
		case mine:
			want = append(want, ref)
		default:
			others = append(others, ref)
		}
		db.index.Assignments = append(db.index.Assignments, a)
	}
	db.index.Assignments = append(db.index.Assignments, Assignment{Ref: lobby, Status: Open, Epoch: 1, Node: "node-0"})
	running(t, db, func(a *Agent, h *host) {
		pass(time.Second)
		if len(h.opened) != len(want)+1 || !slices.Contains(h.opened[:opensPerTenant], lobby) {
			t.Errorf("%d opened, want %d with the lobby first: %v", len(h.opened), len(want)+1, h.opened[:opensPerTenant])
		}
		for _, ref := range want {
			if !h.Runs(ref) {
				t.Errorf("%s does not run", ref)
			}
		}
		for _, ref := range others {
			if h.Runs(ref) {
				t.Errorf("%s runs", ref)
			}
		}
		// One is to be closed, another was claimed by node-1.
		db.set(func(d *database) {
			d.index.Assignments = []Assignment{
				{Ref: lobby, Status: Closing, Reason: "renovation", Node: "node-0", Epoch: 2},
				{Ref: want[0], Status: Open, Node: "node-1", Epoch: 3},
			}
		})
		pass(time.Second)
		if h.closing[lobby] != "renovation" || h.Runs(want[0]) {
			t.Errorf("closing: %v; the other's runs: %v", h.closing, h.Runs(want[0]))
		}
		if to := a.Successor(want[1]); to != "node-1" {
			t.Errorf("the successor is %q", to)
		}
	})
}

func TestANodeThatWasAwayDecidesNothingAndLeavesOrphansAloneAtFirst(t *testing.T) {
	id := casino(t)
	db := &database{index: Changes{Mark: Mark{Next: 1}, Nodes: []Node{{Name: "node-0"}, {Name: "node-1"}}}}
	orphan := table(id, 1)
	running(t, db, func(a *Agent, h *host) {
		if !a.Trusted() {
			t.Error("its lease is not trusted at the start")
		}
		db.set(func(d *database) { d.err = errAway })
		pass(LeaseTTL - leaseMargin - renewEvery - time.Millisecond)
		if !a.Trusted() {
			t.Error("one that may still run is not trusted")
		}
		pass(renewEvery + 2*time.Millisecond)
		ok, changed := a.Trust()
		if ok {
			t.Error("one that may have run out is trusted")
		}
		pass(LeaseTTL)
		db.set(func(d *database) {
			d.err = nil
			d.index.Nodes = []Node{{Name: "node-0"}}
			d.index.Assignments = []Assignment{{Ref: orphan, Status: Open, Node: "node-1", Epoch: 1}}
		})
		<-changed
		if !a.Trusted() || !slices.Equal(h.died, []string{"node-1"}) {
			t.Errorf("trusted: %v; died: %v", a.Trusted(), h.died)
		}
		pass(LeaseTTL - renewEvery)
		if h.Runs(orphan) {
			t.Error("an orphan is opened at once, whose node may have been away for the same reason")
		}
		pass(2 * renewEvery)
		if !h.Runs(orphan) {
			t.Error("an orphan is never opened")
		}
	})
}

func TestANodeThatDrainsSaysSoAtOnceAndOpensNothing(t *testing.T) {
	id := casino(t)
	db := &database{index: Changes{Mark: Mark{Next: 1}, Nodes: []Node{{Name: "node-0"}}}}
	running(t, db, func(a *Agent, h *host) {
		pass(time.Millisecond)
		a.Drain()
		pass(time.Millisecond)
		db.set(func(d *database) {
			if last := d.leases[len(d.leases)-1]; !last.Draining || last.Starting || !d.leases[0].Starting {
				t.Errorf("first %+v, last %+v", d.leases[0], last)
			}
			d.index.Assignments = []Assignment{{Ref: table(id, 1), Status: Open, Node: "node-0", Epoch: 1}}
		})
		pass(time.Second)
		if len(h.opened) > 0 {
			t.Errorf("%v was opened", h.opened)
		}
		if to := a.Successor(table(id, 1)); to != "" {
			t.Errorf("%q is to have its rooms, and there is no other", to)
		}
	})
}

func TestANodeWithMoreThanItsShareSendsRoomsToTheOneThatHasFewest(t *testing.T) {
	id := casino(t)
	db := &database{index: Changes{Mark: Mark{Next: 1}, Nodes: []Node{{Name: "node-0"}, {Name: "node-1"}, {Name: "node-2"}, {Name: "node-3", Draining: true}}}}
	for n := range 120 {
		node := "node-0"
		if n >= 90 {
			node = "node-1"
		}
		db.index.Assignments = append(db.index.Assignments, Assignment{Ref: table(id, n), Status: Open, Node: node, Epoch: 1})
	}
	running(t, db, func(_ *Agent, h *host) {
		pass(balanceEvery + refreshEvery)
		to := map[string]int{}
		for _, node := range h.leaving {
			to[node]++
		}
		if len(h.leaving) != 50 || to["node-1"] != 10 || to["node-2"] != 40 { // 90, 30 and 0 become 40 each
			t.Errorf("%d leave: %v", len(h.leaving), to)
		}
		pass(2 * balanceEvery)
		if len(h.leaving) != 50 {
			t.Errorf("%d leave, though those that do are enough", len(h.leaving))
		}
	})
}

func TestWhenTheDatabaseGoesBackAllIsOpenedAnew(t *testing.T) {
	id := casino(t)
	mine := Assignment{Ref: table(id, 1), Status: Open, Node: "node-0", Epoch: 1}
	db := &database{index: Changes{Mark: Mark{Next: 9}, Nodes: []Node{{Name: "node-0"}}, Assignments: []Assignment{mine}}}
	running(t, db, func(a *Agent, h *host) {
		pass(time.Second)
		db.set(func(d *database) { d.index.Mark = Mark{Generation: 3, Next: 2} })
		pass(time.Second)
		if !slices.Equal(h.back, []int64{3}) || len(h.opened) != 2 || !h.Runs(mine.Ref) || a.Index().Generation() != 3 {
			t.Errorf("went back to %v, opened %v", h.back, h.opened)
		}
		db.set(func(d *database) {
			if last := d.leases[len(d.leases)-1]; last.Generation != 3 {
				t.Errorf("the lease is of generation %d", last.Generation)
			}
		})
	})
}

func TestAHandOverThatIsNotWrittenIsNotBelieved(t *testing.T) {
	ref := table(casino(t), 1)
	db := &database{err: errAway}
	a := agent(db, newHost())
	a.index.Hear(Assignment{Ref: ref, Status: Open, Node: "node-0", Epoch: 1})
	to := Assignment{Ref: ref, Status: Open, Node: "node-1", Epoch: 1}
	if err := a.HandOver(to); !errors.Is(err, errAway) {
		t.Error(err)
	}
	if got, _ := a.index.Find(ref); got.Node != "node-0" {
		t.Errorf("it is %s's", got.Node)
	}
	db.err = nil
	if err := a.HandOver(to); err != nil {
		t.Error(err)
	}
	if got, _ := a.index.Find(ref); got != to {
		t.Errorf("it is still %s's", got.Node)
	}
}

func TestANodeThatIsAloneTrustsItself(t *testing.T) {
	a := agent(nil, newHost())
	if ok, _ := a.Trust(); !ok || !a.Alone() || fmt.Sprint(a.Nodes()) != "[node-0]" {
		t.Errorf("trusted: %v, nodes: %v", ok, a.Nodes())
	}
}
