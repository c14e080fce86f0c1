package presence

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

func casino(t *testing.T) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}

// pass gives one node's news to another.
func pass(now time.Time, from, to *Counter, news []message) {
	for _, n := range news {
		to.hear(now, from.node, n)
	}
}

func TestPresenceIsTheSumOfTheNodesThatLive(t *testing.T) {
	id, now := casino(t), time.Now()
	a, b := newCounter("a"), newCounter("b")
	both := []string{"a", "b"}
	look := func(living []string, inA, inB map[string]int) Counts {
		t.Helper()
		now = now.Add(Every)
		news := a.count(now, map[tenant.ID]Counts{id: {len(inA), inA}}, living)
		pass(now, b, a, b.count(now, map[tenant.ID]Counts{id: {len(inB), inB}}, living))
		pass(now, a, b, news)
		return a.sum(id)
	}
	want := func(got Counts, online int, rooms map[string]int) {
		t.Helper()
		if got.Online != online || !maps.Equal(got.Rooms, rooms) {
			t.Errorf("%+v, want %d and %v", got, online, rooms)
		}
	}
	want(look(both, map[string]int{"r1": 2}, map[string]int{"r1": 3, "r2": 1}), 3, map[string]int{"r1": 5, "r2": 1})
	want(look(both, map[string]int{"r1": 2}, map[string]int{"r1": 1}), 2, map[string]int{"r1": 3})
	if got := b.Players(id, "r1"); got != 3 {
		t.Errorf("the other node counts %d", got)
	}
	// A lost message is wrong for fullEvery at most.
	now = now.Add(Every)
	b.count(now, map[tenant.ID]Counts{id: {9, map[string]int{"r1": 9}}}, both)
	for range int(fullEvery / Every) {
		look(both, map[string]int{"r1": 2}, map[string]int{"r1": 9})
	}
	want(a.sum(id), 2, map[string]int{"r1": 11})
	// Another process of the node's name has none of the former's players.
	b = newCounter("b")
	now = now.Add(Every)
	pass(now, b, a, b.count(now, nil, both))
	want(a.sum(id), 1, map[string]int{"r1": 2})
	want(look(both, map[string]int{"r1": 2}, map[string]int{"r1": 4}), 2, map[string]int{"r1": 6})
	// They leave with the lease, and are back with it.
	want(look([]string{"a"}, map[string]int{"r1": 2}, map[string]int{"r1": 4}), 1, map[string]int{"r1": 2})
	want(look(both, map[string]int{"r1": 2}, map[string]int{"r1": 4}), 2, map[string]int{"r1": 6})
	for range int(forgetAfter/Every) + 1 {
		now = now.Add(Every)
		a.count(now, map[tenant.ID]Counts{id: {}}, []string{"a"})
	}
	if len(a.peers) > 0 {
		t.Error("a dead node is never forgotten")
	}
}

func TestWhoLeftIsGoneThoughTheLastWordIsLost(t *testing.T) {
	id, now := casino(t), time.Now()
	a, b := newCounter("a"), newCounter("b")
	look := func(inB map[tenant.ID]Counts, lost bool) {
		now = now.Add(Every)
		a.count(now, map[tenant.ID]Counts{id: {}}, []string{"a", "b"})
		if news := b.count(now, inB, []string{"a", "b"}); !lost {
			pass(now, b, a, news)
		}
	}
	some := map[tenant.ID]Counts{id: {5, map[string]int{"r1": 5}}}
	for range 2 * int(fullEvery/Every) {
		look(some, false)
	}
	look(nil, true)
	for range 3*int(fullEvery/Every) + 1 {
		look(nil, false)
	}
	if got := a.sum(id); got.Online != 0 {
		t.Errorf("%+v", got)
	}
	look(map[tenant.ID]Counts{id: {}}, false) // staff
	look(map[tenant.ID]Counts{id: {}}, false)
	look(map[tenant.ID]Counts{id: {1, map[string]int{"r1": 1}}}, false)
	if got := a.sum(id); got.Online != 1 {
		t.Errorf("the first player is not counted at once: %+v", got)
	}
}

func TestACasinoOfThousandsOfRoomsIsToldInPieces(t *testing.T) {
	id, now := casino(t), time.Now()
	a, b := newCounter("a"), newCounter("b")
	rooms := map[string]int{}
	for i := range 5000 {
		rooms[fmt.Sprintf("room-%d", i)] = 1
	}
	news := a.count(now, map[tenant.ID]Counts{id: {5000, rooms}}, []string{"a", "b"})
	for _, n := range news {
		size := 0
		for _, c := range n.Counts {
			size += len(c.Rooms)
		}
		if size > roomsPerMessage {
			t.Errorf("%d rooms in a message", size)
		}
	}
	b.count(now, map[tenant.ID]Counts{id: {}}, []string{"a", "b"})
	pass(now, a, b, news)
	if got := b.sum(id); got.Online != 5000 || !maps.Equal(got.Rooms, rooms) {
		t.Errorf("%d online, %d rooms", got.Online, len(got.Rooms))
	}
	// Sockets are told of all of them, some a second.
	told := map[string]int{}
	for range 5000/roomsMax + 1 {
		now = now.Add(Every)
		b.Changes(now, func(_ tenant.ID, p wire.LobbyPresence) {
			if len(p.Rooms) > roomsMax {
				t.Errorf("sockets are told of %d rooms", len(p.Rooms))
			}
			maps.Copy(told, p.Rooms)
		})
	}
	if !maps.Equal(told, rooms) {
		t.Errorf("sockets were told of %d rooms", len(told))
	}
}

func TestANodeThatStartsIsReadyWhenEveryLivingNodeHasSaidAllOfItsCounts(t *testing.T) {
	id, now := casino(t), time.Now()
	living := []string{"a", "b", "c"}
	rooms := map[string]int{}
	for i := range roomsPerMessage + 1 {
		rooms[fmt.Sprintf("room-%d", i)] = 1
	}
	b, c := newCounter("b"), newCounter("c")
	look := func(of *Counter, online int) []message {
		now = now.Add(Every)
		return of.count(now, map[tenant.ID]Counts{id: {online, rooms}}, living)
	}
	look(b, 1)
	start := func() *Counter {
		_, a := lines{}.join("a")
		return a
	}
	a := start()
	wait := func(name string) {
		t.Helper()
		if err := a.Health(now, living); err == nil || !strings.Contains(err.Error(), "node "+name+" ") {
			t.Errorf("it should wait for %s: %v", name, err)
		}
	}
	wait("b")
	pass(now, b, a, look(b, 2)) // what changed, from a node that knows nothing of this one
	wait("b")
	pass(now, a, b, look(a, 0))
	all := look(b, 2)
	if len(all) != 2 {
		t.Fatalf("%d messages", len(all))
	}
	pass(now, b, a, all[:1])
	wait("b")
	pass(now, b, a, all[1:])
	wait("c")
	pass(now, c, a, c.count(now, nil, living))
	if err := a.Health(now, living); err != nil || a.Elsewhere(id) != 2 {
		t.Errorf("%v, %d are elsewhere", err, a.Elsewhere(id))
	}
	if err := a.Health(now, append(living, "d")); err != nil {
		t.Errorf("one that comes later: %v", err)
	}

	a = start()
	if err := a.Health(now, []string{"a"}); err != nil {
		t.Errorf("alone: %v", err)
	}
	a = start()
	for _, n := range []*Counter{b, c} {
		n.fullAt = time.Time{}
		pass(now, n, a, n.count(now, nil, living))
	}
	wait("b") // it has not counted yet whom it may count
	a.count(now, nil, living)
	if err := a.Health(now, living); err != nil {
		t.Errorf("it has heard everybody: %v", err)
	}
	a = start()
	wait("b")
	now = now.Add(wholeWithin - 1)
	wait("b")
	now = now.Add(1)
	if err := a.Health(now, living); err != nil {
		t.Errorf("it waits for good: %v", err)
	}
}

func TestTheCountOfALargeRoomIsToldNowAndThen(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		told, is int
		after    time.Duration
		want     bool
	}{
		{0, 0, time.Minute, false},
		{5, 6, 0, true},
		{20, 21, 0, true},
		{21, 22, 0, false},
		{21, 22, patience, true},
		{200, 209, 0, false},
		{200, 210, 0, true},
		{200, 190, 0, true},
		{200, 0, 0, true},
		{0, 500, 0, true},
	} {
		if got := (sentCount{c.told, now}).due(c.is, now.Add(c.after)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestAWelcomeAndWhatFollowsAddUp(t *testing.T) {
	id, now := casino(t), time.Now()
	c := newCounter("a")
	client := map[string]int{}
	merge := func(p wire.LobbyPresence) {
		if p.Full {
			clear(client)
		}
		for room, n := range p.Rooms {
			if client[room] = n; n == 0 {
				delete(client, room)
			}
		}
	}
	welcome := func(frame []byte) {
		var push struct{ Params wire.LobbyPresence }
		if err := json.Unmarshal(frame, &push); err != nil || !push.Params.Full {
			t.Errorf("%s: %v", frame, err)
		}
		merge(push.Params)
	}
	look := func(rooms map[string]int) {
		now = now.Add(patience)
		c.count(now, map[tenant.ID]Counts{id: {1, rooms}}, []string{"a"})
		c.Changes(now, func(_ tenant.ID, p wire.LobbyPresence) { merge(p) })
		if !maps.Equal(client, rooms) {
			t.Errorf("the client knows %v, and it is %v", client, rooms)
		}
	}
	c.count(now, map[tenant.ID]Counts{id: {1, map[string]int{"r1": 30, "r2": 2}}}, []string{"a"})
	c.Welcome(now, id, welcome)
	look(map[string]int{"r1": 31})
	c.Welcome(now, id, welcome)
	look(map[string]int{"r3": 1})
	look(map[string]int{})
}
