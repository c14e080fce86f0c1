package placement

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestOfOneEpochTheDatabaseIsRightAndNobodyElse(t *testing.T) {
	ref := table(casino(t), 1)
	x := newIndex()
	at := func(node string, epoch int64) Assignment {
		return Assignment{Ref: ref, Status: Open, Node: node, Epoch: epoch}
	}
	read := func(a Assignment) { x.apply(Changes{Mark: Mark{Next: 1}, Assignments: []Assignment{a}}) }
	want := func(node string, epoch int64) {
		t.Helper()
		if got, ok := x.Find(ref); !ok || got != at(node, epoch) {
			t.Errorf("%+v, want %s at %d", got, node, epoch)
		}
	}
	x.Hear(at("a", 2))
	want("a", 2)
	x.Hear(at("b", 2)) // told by somebody who knows no better
	want("a", 2)
	x.Hear(at("b", 1)) // late
	want("a", 2)
	read(at("b", 2))
	want("b", 2)
	x.Hear(at("a", 3))
	want("a", 3)
	read(at("b", 2)) // the index is behind
	want("a", 3)
	if x.Supersedes(ref, 3) || !x.Supersedes(ref, 2) || x.Supersedes(table(ref.Tenant, 2), 1) {
		t.Error("the wrong claims count for nothing")
	}
}

func TestAnEarlierGenerationIsForgottenAndNotBelieved(t *testing.T) {
	id := casino(t)
	x := newIndex()
	old := Assignment{Ref: table(id, 1), Status: Open, Node: "a", Epoch: 7}
	if dead, wentBack := x.apply(Changes{Mark: Mark{Next: 5}, Nodes: []Node{{Name: "a"}, {Name: "b"}}, Assignments: []Assignment{old}}); len(dead) > 0 || wentBack {
		t.Errorf("at the start: %v died, went back: %v", dead, wentBack)
	}
	version := x.Version(id)
	dead, wentBack := x.apply(Changes{Mark: Mark{Generation: 1, Next: 2}, Nodes: []Node{{Name: "b"}}})
	if !wentBack || !slices.Equal(dead, []string{"a"}) || x.Lives("a") || !x.Lives("b") {
		t.Errorf("%v died, went back: %v", dead, wentBack)
	}
	if _, ok := x.Find(old.Ref); ok || x.Version(id) == version {
		t.Error("what was known is not forgotten")
	}
	x.Hear(old)
	x.handedOver(old)
	if got, ok := x.Find(old.Ref); ok {
		t.Errorf("an earlier generation is believed: %+v", got)
	}
	if !x.Supersedes(old.Ref, old.Epoch) || x.Supersedes(old.Ref, FirstEpoch(1)) {
		t.Error("a claim of an earlier generation counts, or one of this does not")
	}
	old.Epoch = FirstEpoch(1)
	x.Hear(old)
	if got, _ := x.Find(old.Ref); got != old || GenerationOf(old.Epoch) != x.Generation() || GenerationOf(old.Epoch-1) != 0 {
		t.Errorf("%+v in generation %d", got, x.Generation())
	}
}

func TestAClosedRoomIsFoundForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := casino(t)
		x := newIndex()
		read := func(s Status) {
			x.apply(Changes{Mark: Mark{Next: 1}, Assignments: []Assignment{{Ref: table(id, 1), Status: s, Node: "a", Epoch: 1}}})
		}
		read(Closed)
		if _, ok := x.Find(table(id, 1)); ok {
			t.Error("a room is found that was closed before anybody knew of it")
		}
		read(Open)
		x.Learn(id, Config{Room: table(id, 1).Room, Game: "coin"})
		version := x.Version(id)
		read(Closed)
		if x.Version(id) == version {
			t.Error("that it closed changes nothing")
		}
		pass(ClosedLinger)
		x.apply(Changes{Mark: Mark{Next: 1}})
		if c, ok := x.Config(table(id, 1)); !ok || c.Game != "coin" {
			t.Error("a closed room is forgotten at once")
		}
		pass(time.Millisecond)
		x.apply(Changes{Mark: Mark{Next: 1}})
		if _, ok := x.Find(table(id, 1)); ok {
			t.Error("a closed room is never forgotten")
		}
	})
}

func TestConfigurationsAreAskedForUntilTheyAreKnown(t *testing.T) {
	id := casino(t)
	x := newIndex()
	read := func(epoch int64) {
		x.apply(Changes{Mark: Mark{Next: 1}, Assignments: []Assignment{{Ref: table(id, 1), Status: Open, Node: "a", Epoch: epoch}}})
	}
	listed := func() (n int) {
		x.Rooms(id, func(Config, Status) { n++ })
		return n
	}
	read(1)
	if got := x.toLearn(); len(got) != 1 || len(x.toLearn()) > 0 {
		t.Errorf("to learn: %v", got)
	}
	x.Learn(id, Config{Room: "another"}) // it is in the index before it is in its tenant's schema
	read(1)
	if len(x.toLearn()) != 1 || listed() > 0 {
		t.Error("it is not asked for again, or listed as it is not known")
	}
	x.Learn(id, Config{Room: table(id, 1).Room})
	read(2)
	if len(x.toLearn()) > 0 || listed() != 1 {
		t.Error("it is asked for though it is known, or not listed")
	}
}
