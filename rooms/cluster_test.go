package rooms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/rooms/roomstest"
)

// cluster is nodes that share a tenant's rooms, a journal and a bus.
type cluster struct {
	*casino
	logs  slog.Handler // one, so that nodes write to it in turn
	bus   *membus.Bus
	lose  func() bool // a message between nodes; nil: none is
	nodes map[string]*member
	rests atomic.Bool // all rooms are to rest
}

// member is one node of it, with a link to the database that can be cut and stalled.
type member struct {
	*rooms.Directory
	name string
	link *link
	reg  *prometheus.Registry
	kill func() // its lease stays; returns when it is dead
	end  func() // politely but for draining
}

// link is a node's way to the journal and the leases.
type link struct {
	*roomstest.Memory
	mu   sync.Mutex
	cut  bool
	keep int           // this many hand-overs are not written
	kept []rooms.Ref   // those that were not
	free chan struct{} // nil: nothing is held up; else closed when calls go on

	early  bool          // rooms are not in their tenants' schemas yet
	locked tenant.ID     // whose rooms are waited for in vain
	looks  int           // at the index
	late   chan struct{} // not nil: closed when claims' answers come
}

func (l *link) pass(ctx context.Context) error {
	l.mu.Lock()
	cut, free := l.cut, l.free
	l.mu.Unlock()
	if free != nil {
		<-free // like a process that sleeps: no context wakes it
	}
	if cut {
		return errBroken
	}
	return ctx.Err()
}

func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

// hold holds every call up until the function that it returns is called.
func (l *link) hold() (release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := make(chan struct{})
	l.free = free
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.free = nil
		close(free)
	}
}

func (l *link) Claim(ctx context.Context, ref rooms.Ref, node string, seen int64) (rooms.Saved, error) {
	if err := l.pass(ctx); err != nil {
		return rooms.Saved{}, err
	}
	l.mu.Lock()
	early, late, locked := l.early, l.late, l.locked == ref.Tenant
	l.mu.Unlock()
	switch {
	case early:
		return rooms.Saved{}, rooms.ErrNotFound
	case locked:
		<-time.After(3 * time.Second)
		return rooms.Saved{}, errBroken
	}
	saved, err := l.Memory.Claim(ctx, ref, node, seen)
	if late != nil {
		<-late
	}
	return saved, err
}

func (l *link) Configs(ctx context.Context, id tenant.ID) ([]rooms.Config, error) {
	l.mu.Lock()
	early, locked := l.early, l.locked == id
	l.mu.Unlock()
	switch {
	case early:
		return nil, nil
	case locked:
		<-time.After(3 * time.Second)
		return nil, errBroken
	}
	return l.Memory.Configs(ctx, id)
}

func (l *link) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Memory.Append(context.WithoutCancel(ctx), ref, b)
}

func (l *link) Since(ctx context.Context, ref rooms.Ref, seq int64, limit int) ([]rooms.Record, error) {
	if err := l.pass(ctx); err != nil {
		return nil, err
	}
	return l.Memory.Since(ctx, ref, seq, limit)
}

func (l *link) Renew(ctx context.Context, x placement.Lease, ttl time.Duration) (int64, bool, error) {
	if err := l.pass(ctx); err != nil {
		return 0, false, err
	}
	return l.Memory.Renew(ctx, x, ttl)
}

func (l *link) Release(ctx context.Context, x placement.Lease) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	return l.Memory.Release(ctx, x)
}

func (l *link) Assignments(ctx context.Context, since placement.Mark) (placement.Changes, error) {
	if err := l.pass(ctx); err != nil {
		return placement.Changes{}, err
	}
	l.mu.Lock()
	l.looks++
	l.mu.Unlock()
	return l.Memory.Assignments(ctx, since)
}

func (l *link) HandOver(ctx context.Context, ref rooms.Ref, epoch int64, to string) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	fails := len(l.kept) < l.keep
	if fails {
		l.kept = append(l.kept, ref)
	}
	l.mu.Unlock()
	if fails {
		return errBroken
	}
	return l.Memory.HandOver(ctx, ref, epoch, to)
}

// lossy is a bus that loses what the cluster says.
type lossy struct {
	hub.Bus
	c *cluster
}

func (l lossy) Publish(ctx context.Context, m hub.Message) error {
	if l.c.lose != nil && l.c.lose() {
		return nil
	}
	return l.Bus.Publish(ctx, m)
}

// onCluster runs a test in a bubble.
func onCluster(t *testing.T, nodes int, test func(c *cluster)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		for n := range nodes {
			c.add(fmt.Sprint("n", n))
		}
		c.pass(time.Second)
		test(c)
		for _, m := range c.nodes {
			m.end()
		}
		c.sound()
	})
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{casino: newCasino(t), bus: membus.New(), nodes: map[string]*member{}}
	c.casino.end() // the one that is alone
	c.logs = slog.NewTextHandler(c.log, nil)
	c.Fund("alice", 1_000_000)
	return c
}

func (c *cluster) add(name string) *member {
	m := &member{name: name, link: &link{Memory: c.journal}, reg: prometheus.NewRegistry()}
	log := slog.New(c.logs)
	h := hub.New(hub.Options{Bus: lossy{c.bus.Node(), c}, Node: name, Log: log})
	m.Directory = rooms.NewDirectory(rooms.Options{
		Journal: m.link, Leases: m.link, Peers: h, Publisher: c.hub, Kinds: c.kinds,
		Seeds: func() (game.Seed, error) {
			n := c.drawn.Add(1)
			return game.Seed{byte(n), byte(n >> 8), byte(n >> 16), 1}, nil
		},
		Listening: func(tenant.Topic) bool { return true },
		Currency:  func(tenant.ID) string { return "EUR" },
		Node:      name, Log: log, Registerer: m.reg, Limits: c.limits,
		Rests: func(rooms.Ref, rooms.Config) bool { return c.rests.Load() },
	})
	ctx, cancel := context.WithCancel(context.Background())
	hubbing, hubEnd := context.WithCancel(context.Background())
	ran, hubRan := make(chan error, 1), make(chan error, 1)
	go func() { hubRan <- h.Run(hubbing) }()
	go func() { ran <- m.Run(ctx) }()
	m.end = sync.OnceFunc(func() {
		cancel()
		if err := <-ran; err != nil && !errors.Is(err, placement.ErrReplaced) {
			c.Errorf("%s: Run: %v", name, err)
		}
		hubEnd()
		if err := <-hubRan; err != nil {
			c.Errorf("%s: the hub's Run: %v", name, err)
		}
	})
	c.Cleanup(m.end)
	m.kill = func() {
		m.link.set(true)
		m.end()
		delete(c.nodes, name)
	}
	c.nodes[name] = m
	return m
}

// tables opens n rooms.
func (c *cluster) tables(n int) []rooms.Ref {
	refs := []rooms.Ref{c.table}
	for i := 1; i < n; i++ {
		refs = append(refs, c.room(fmt.Sprint("t-", i), `{}`))
	}
	c.pass(time.Second)
	return refs
}

// owners are the nodes that own rooms, and how many.
func (c *cluster) owners() map[string]int {
	index, err := c.journal.Assignments(context.Background(), placement.Mark{})
	if err != nil {
		c.Fatal(err)
	}
	out := map[string]int{}
	for _, p := range index.Assignments {
		out[p.Node]++
	}
	return out
}

func (c *cluster) ownerOf(ref rooms.Ref) *member {
	c.Helper()
	index, err := c.journal.Assignments(context.Background(), placement.Mark{})
	if err != nil {
		c.Fatal(err)
	}
	for _, p := range index.Assignments {
		if p.Ref == ref && c.nodes[p.Node] != nil {
			return c.nodes[p.Node]
		}
	}
	c.Fatalf("%s has no owner", ref)
	return nil
}

// others are the nodes that do not own ref.
func (c *cluster) others(ref rooms.Ref) []*member {
	owner := c.ownerOf(ref)
	var out []*member
	for _, m := range c.nodes {
		if m != owner {
			out = append(out, m)
		}
	}
	return out
}

// betAt sends a bet through a node.
func (c *cluster) betAt(m *member, ref rooms.Ref, id string, amount game.Money) *reply {
	r := &reply{f: c.casino, id: id, done: make(chan struct{})}
	m.Send(ref, betCommand("alice", id, amount), func(a rooms.Answer, err error) {
		if r.many.Add(1) > 1 {
			c.Errorf("command %s was answered twice", id)
			return
		}
		r.Answer, r.err = a, err
		close(r.done)
	})
	return r
}

func (c *cluster) metric(m *member, name string) float64 {
	c.Helper()
	families, err := m.reg.Gather()
	if err != nil {
		c.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, x := range f.GetMetric() {
				sum += x.GetCounter().GetValue() + x.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func TestEveryNodeFindsEveryRoom(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		refs := c.tables(12)
		for _, m := range c.nodes {
			if got := len(m.List(c.tenant)); got != len(refs) {
				c.Errorf("%s lists %d of %d rooms", m.name, got, len(refs))
			}
			for _, ref := range refs {
				c.betAt(m, ref, uuid.NewString(), 1).accepted()
				joined, err := m.Join(c.Context(), ref, "alice", nil)
				if err != nil || joined.View == nil {
					c.Errorf("%s: join %s: %+v, %v", m.name, ref, joined, err)
				}
				again, err := m.Join(c.Context(), ref, "alice", resume(joined.Epoch, joined.Seq-1))
				if err != nil || len(again.Events) != 1 || again.Events[0].Seq != joined.Seq {
					c.Errorf("%s: resume at %s: %+v, %v", m.name, ref, again, err)
				}
				if view, err := m.StaffView(c.Context(), ref); err != nil || len(view) == 0 {
					c.Errorf("%s: staff view of %s: %s, %v", m.name, ref, view, err)
				}
			}
			if _, err := m.Join(c.Context(), rooms.Ref{Tenant: c.tenant, Room: "nowhere"}, "alice", nil); !errors.Is(err, rooms.ErrNotFound) {
				c.Errorf("%s: a room that is not there: %v", m.name, err)
			}
		}
		if got := c.owners(); len(got) != 3 {
			c.Errorf("the owners are %v", got)
		}
	})
}

func TestOpenPutsARoomWhereItBelongs(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		door := c.nodes["n0"]
		for i := range 30 {
			ref := c.room(fmt.Sprint("x-", i), `{}`)
			if err := door.Open(c.Context(), ref); err != nil {
				c.Fatal(err)
			}
			synctest.Wait() // it opens its first round
			c.betAt(door, ref, uuid.NewString(), 1).accepted()
		}
		if got := c.owners(); got["n0"] > 20 || len(got) != 3 {
			c.Errorf("all were opened through n0, and the owners are %v", got)
		}
	})
}

func TestADeadNodesRoomsGoOnWithinThreeSeconds(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		refs := c.tables(12)
		dead := c.ownerOf(c.table)
		bet := c.betAt(dead, c.table, uuid.NewString(), 100)
		placed := bet.accepted()
		dead.kill()
		c.pass(placement.LeaseTTL + 500*time.Millisecond)
		if got := c.owners(); got[dead.name] != 0 {
			c.Errorf("the dead node still owns %d rooms", got[dead.name])
		}
		for _, m := range c.nodes {
			for _, ref := range refs {
				if _, err := m.Join(c.Context(), ref, "alice", nil); err != nil {
					c.Errorf("%s: %s: %v", m.name, ref, err)
				}
			}
			// The command is answered as it was, and acts once.
			if again := c.betAt(m, c.table, bet.id, 100).accepted(); again.Seq != placed.Seq {
				c.Errorf("the bet was event %d and is %d now", placed.Seq, again.Seq)
			}
		}
		c.pass(time.Minute)
		if got := slices.Index(c.types(c.table), "coin.tossed"); got < 0 {
			c.Error("the dead node's round was never played to its end")
		}
	})
}

func TestARoomWhoseHandOverIsNotWrittenStaysFound(t *testing.T) {
	onCluster(t, 1, func(c *cluster) {
		c.tables(20)
		giver := c.nodes["n0"].link
		giver.mu.Lock()
		giver.keep = 3
		giver.mu.Unlock()
		c.add("n1")
		c.pass(30 * time.Second)
		giver.mu.Lock()
		kept := slices.Clone(giver.kept)
		giver.mu.Unlock()
		if len(kept) != 3 {
			c.Fatalf("%d hand-overs failed", len(kept))
		}
		for _, ref := range kept {
			for _, m := range c.nodes {
				c.betAt(m, ref, uuid.NewString(), 1).accepted()
			}
		}
		if got := c.owners(); got["n1"] < 5 {
			c.Errorf("the owners are %v", got)
		}
	})
}

func TestACommandThatMeetsADeadNodeIsAnsweredByTheNext(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		c.tables(1)
		dead, m := c.ownerOf(c.table), c.others(c.table)[0]
		dead.kill()
		bet := c.betAt(m, c.table, uuid.NewString(), 100)
		c.pass(placement.LeaseTTL + time.Second)
		bet.accepted()
		c.has("alice", 1_000_000-100)
	})
}

func TestNobodyWaitsForADeadNodeLongerThanItsLease(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		c.tables(1)
		dead, m := c.ownerOf(c.table), c.others(c.table)[0]
		dead.kill()
		var bets []*reply
		for range 20 {
			bets = append(bets, c.betAt(m, c.table, uuid.NewString(), 100))
			c.pass(placement.LeaseTTL / 20)
		}
		c.pass(500 * time.Millisecond)
		for _, b := range bets {
			b.accepted()
		}
	})
}

func TestANodeThatSleptPastItsLeaseCommitsNothing(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		c.tables(1)
		sleeper, m := c.ownerOf(c.table), c.others(c.table)[0]
		awake := sleeper.link.hold()
		late := c.betAt(sleeper, c.table, uuid.NewString(), 5) // stops in the middle of its append
		c.pass(placement.LeaseTTL + time.Second)
		c.betAt(m, c.table, uuid.NewString(), 7).accepted()
		awake()
		c.pass(5 * time.Second)
		if owner := c.ownerOf(c.table); owner == sleeper {
			c.Error("the sleeper took the room back")
		}
		late.accepted() // by the new owner: it was sent on
		c.has("alice", 1_000_000-5-7)
		if got := c.metric(sleeper, "pitboss_room_fenced_total"); got != 1 {
			c.Errorf("%v late writers were fenced", got)
		}
	})
}

func TestANodeWithoutALeaseDecidesNothing(t *testing.T) {
	onCluster(t, 1, func(c *cluster) {
		c.tables(1)
		m := c.nodes["n0"]
		m.link.set(true)
		c.pass(placement.LeaseTTL)
		before := len(c.journal.Events(c.table))
		bet := c.betAt(m, c.table, uuid.NewString(), 5)
		c.pass(time.Second)
		m.link.set(false)
		c.pass(3 * time.Second)
		bet.accepted()
		if after := len(c.journal.Events(c.table)); after <= before {
			c.Error("it does not go on with its lease")
		}
	})
}

// It cannot know either who was kicked.
func TestANodeWithoutALeaseSendsNoCommandOn(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		c.tables(1)
		m := c.others(c.table)[0]
		m.link.set(true)
		c.pass(placement.LeaseTTL)
		bet := c.betAt(m, c.table, uuid.NewString(), 100)
		c.pass(time.Second)
		c.has("alice", 1_000_000)
		m.link.set(false)
		c.pass(time.Second)
		bet.accepted()
		c.has("alice", 1_000_000-100)
	})
}

func TestADrainedNodeGivesItsRoomsAwayBetweenRounds(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		refs := c.tables(12)
		from := c.ownerOf(c.table)
		other := c.others(c.table)[0]
		bet := c.betAt(from, c.table, uuid.NewString(), 10)
		bet.accepted() // a round is under way
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		drained := make(chan error, 1)
		go func() { drained <- from.Drain(ctx) }()
		c.pass(300 * time.Millisecond)
		if c.ownerOf(c.table) != from {
			c.Error("the room left in the middle of its round")
		}
		c.betAt(other, c.table, uuid.NewString(), 10).accepted() // it takes bets until then
		c.pass(2 * time.Second)
		if err := <-drained; err != nil {
			c.Error(err)
		}
		if got := c.owners(); got[from.name] != 0 {
			c.Errorf("the drained node still owns %d of %d rooms", got[from.name], len(refs))
		}
		// Its own players are served by the others now.
		c.betAt(from, c.table, uuid.NewString(), 10).accepted()
		if again := c.betAt(from, c.table, bet.id, 10).accepted(); again.Seq != bet.Seq {
			c.Errorf("the bet was event %d and is %d now", bet.Seq, again.Seq)
		}
		if got := c.metric(from, "pitboss_room_handed_over_total"); got == 0 {
			c.Error("nothing was handed over")
		}
	})
}

func TestARoundThatDoesNotEndLeavesInTheMiddle(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		c.table = c.room("slow", `{"betting_ms":3600000}`)
		c.pass(time.Second)
		from := c.ownerOf(c.table)
		bet := c.betAt(from, c.table, uuid.NewString(), 10)
		bet.accepted()
		ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
		defer cancel()
		if err := from.Drain(ctx); err != nil {
			c.Error(err)
		}
		c.pass(time.Second)
		to := c.ownerOf(c.table)
		if to == from {
			c.Fatal("it did not leave")
		}
		c.pass(2 * time.Hour)
		if got := c.types(c.table); !slices.Contains(got, "coin.tossed") {
			c.Errorf("the round was not played: %v", got)
		}
	})
}

// A room that is opened is in the index before it is in its tenant's schema.
func TestARoomThatIsSeenBeforeItIsThereIsListedByAll(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		early := func(on bool) {
			for _, m := range c.nodes {
				m.link.mu.Lock()
				m.link.early = on
				m.link.mu.Unlock()
			}
		}
		early(true)
		c.room("t-1", `{}`)
		c.pass(300 * time.Millisecond)
		early(false)
		c.pass(2 * time.Second)
		for _, m := range c.nodes {
			if !slices.ContainsFunc(m.List(c.tenant), func(i rooms.Info) bool { return i.Room == "t-1" }) {
				c.Errorf("%s does not list it", m.name)
			}
		}
	})
}

// TestALockedTenantDoesNotKeepANodeFromLooking has the rooms of a casino be opened whose tables are
// locked: dead nodes and other casinos' rooms are noticed as ever.
func TestALockedTenantDoesNotKeepANodeFromLooking(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		id := tenant.New()
		looks := func(m *member) int {
			m.link.mu.Lock()
			defer m.link.mu.Unlock()
			m.link.locked = id
			return m.link.looks
		}
		before := map[string]int{}
		for _, m := range c.nodes {
			before[m.name] = looks(m)
		}
		for n := range 3 {
			if _, err := c.journal.OpenRoom(id, rooms.Config{Room: fmt.Sprint("t-", n), Game: "coin", Settings: json.RawMessage(`{}`)}); err != nil {
				c.Fatal(err)
			}
		}
		c.pass(time.Second)
		c.room("t-1", `{}`)
		c.pass(5 * time.Second)
		for _, m := range c.nodes {
			if n := looks(m) - before[m.name]; n < 20 {
				c.Errorf("%s looked %d times in 6 s", m.name, n)
			}
			if !slices.ContainsFunc(m.List(c.tenant), func(i rooms.Info) bool { return i.Room == "t-1" }) {
				c.Errorf("%s does not list another casino's room", m.name)
			}
		}
	})
}

// TestALockedTenantsRoomsKeepNoOthersFromBeingOpened has a node die that has many rooms of a casino
// whose tables are locked.
func TestALockedTenantsRoomsKeepNoOthersFromBeingOpened(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		id := tenant.New()
		for n := range 60 {
			if _, err := c.journal.OpenRoom(id, rooms.Config{Room: fmt.Sprint("t-", n), Game: "coin", Settings: json.RawMessage(`{}`)}); err != nil {
				c.Fatal(err)
			}
		}
		refs := c.tables(20)
		dead := c.ownerOf(c.table)
		for _, m := range c.nodes {
			m.link.mu.Lock()
			m.link.locked = id
			m.link.mu.Unlock()
		}
		dead.kill()
		c.pass(placement.LeaseTTL + 500*time.Millisecond)
		for _, ref := range refs {
			for _, m := range c.nodes {
				ctx, cancel := context.WithTimeout(c.Context(), time.Millisecond)
				if _, err := m.Join(ctx, ref, "alice", nil); err != nil {
					c.Errorf("%s: %v", ref, err)
				}
				cancel()
			}
		}
		for _, m := range c.nodes {
			m.link.mu.Lock()
			m.link.locked = tenant.ID{}
			m.link.mu.Unlock()
		}
		c.pass(30 * time.Second)
		if n := c.owners()[dead.name]; n != 0 {
			c.Errorf("the dead node still owns %d rooms", n)
		}
	})
}

// One that claims a room may hear of it when another has claimed it since, and after it looked.
func TestALateAnswerToAClaimLeavesNoSecondOwner(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		c.tables(1)
		late := map[string]chan struct{}{}
		answer := func(m *member) {
			m.link.mu.Lock()
			m.link.late = nil
			m.link.mu.Unlock()
			close(late[m.name])
		}
		others := c.others(c.table)
		for _, m := range others {
			late[m.name] = make(chan struct{})
			m.link.mu.Lock()
			m.link.late = late[m.name]
			m.link.mu.Unlock()
		}
		c.ownerOf(c.table).kill()
		c.pass(placement.LeaseTTL + 500*time.Millisecond)
		first := c.ownerOf(c.table)
		awake := first.link.hold()
		for _, m := range others {
			if m != first {
				answer(m)
			}
		}
		c.pass(2 * placement.LeaseTTL)
		second := c.ownerOf(c.table)
		if second == first {
			c.Fatal("nobody took the room from the first")
		}
		awake()
		c.pass(600 * time.Millisecond) // it has its lease again, and looked
		answer(first)
		c.pass(time.Second)
		want, err := second.Join(c.Context(), c.table, "alice", nil)
		if err != nil {
			c.Fatal(err)
		}
		if got, err := first.Join(c.Context(), c.table, "alice", nil); err != nil || got.Epoch != want.Epoch {
			c.Errorf("%s says epoch %d, and %s %d, %v", second.name, want.Epoch, first.name, got.Epoch, err)
		}
	})
}

func TestANewNodeGetsItsShare(t *testing.T) {
	onCluster(t, 2, func(c *cluster) {
		c.tables(60)
		c.pass(5 * time.Second)
		c.add("late")
		c.pass(10 * time.Second)
		for name, n := range c.owners() {
			if n < 18 || n > 22 {
				c.Errorf("%s has %d of 60 rooms: %v", name, n, c.owners())
			}
		}
	})
}

func TestASecondProcessOfOneNameEndsTheFirst(t *testing.T) {
	onCluster(t, 1, func(c *cluster) {
		c.tables(1)
		first := c.nodes["n0"]
		failed := make(chan error, 1)
		c.add("n0")
		c.pass(time.Second)
		go func() { // it has ended by itself
			first.end()
			failed <- nil
		}()
		if err := <-failed; err != nil {
			c.Error(err)
		}
		c.pass(time.Second)
		c.betAt(c.nodes["n0"], c.table, uuid.NewString(), 1).accepted()
	})
}

func TestAnOutageOfTheDatabaseMovesNoRoom(t *testing.T) {
	onCluster(t, 3, func(c *cluster) {
		c.tables(30)
		before := c.owners()
		for _, m := range c.nodes {
			m.link.set(true)
		}
		c.pass(20 * time.Second)
		for _, m := range c.nodes {
			m.link.set(false)
			c.pass(50 * time.Millisecond) // one after the other
		}
		c.pass(10 * time.Second)
		if after := c.owners(); fmt.Sprint(after) != fmt.Sprint(before) {
			c.Errorf("the owners were %v and are %v", before, after)
		}
	})
}

// TestChaosOnThreeNodes cuts nodes off, puts them to sleep, kills, drains and restarts them and
// loses their messages, while a player bets through all of them.
func TestChaosOnThreeNodes(t *testing.T) {
	t.Parallel()
	chance := roomstest.Random(t)
	for i := range 8 {
		seed := chance.Uint64()
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { chaosOnNodes(newCluster(t), rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func chaosOnNodes(c *cluster, chance *rand.Rand) {
	var mu sync.Mutex // guards chance and calm
	calm := false
	n := func(most int) int {
		mu.Lock()
		defer mu.Unlock()
		return chance.IntN(most)
	}
	c.lose = func() bool {
		mu.Lock()
		defer mu.Unlock()
		return !calm && chance.IntN(10) == 0
	}
	names := []string{"a", "b", "c"}
	var nodes sync.Map // name → *member
	for _, name := range names {
		nodes.Store(name, c.add(name))
	}
	at := func(name string) *member { m, _ := nodes.Load(name); return m.(*member) }
	refs := c.tables(5)
	var playing, disturbing sync.WaitGroup
	stop := make(chan struct{})
	for _, name := range names {
		mine := at(name)
		disturbing.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(1+n(8000)) * time.Millisecond):
				}
				while := time.Duration(n(5000)) * time.Millisecond
				switch n(4) {
				case 0:
					mine.link.set(true)
					<-time.After(while)
					mine.link.set(false)
				case 1:
					awake := mine.link.hold()
					<-time.After(while)
					awake()
				case 2:
					mine.link.set(true)
					mine.end()
					mine = c.restarted(&mu, name)
					nodes.Store(name, mine)
				case 3:
					ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
					_ = mine.Drain(ctx) // or not in time
					cancel()
					mine.end()
					mine = c.restarted(&mu, name)
					nodes.Store(name, mine)
				}
			}
		})
	}
	type bet struct {
		ref    rooms.Ref
		seq    int64
		amount game.Money
	}
	bets := map[string]bet{} // accepted, by command id; guarded by mu
	for range 6 {
		playing.Go(func() {
			for range 60 {
				ref, id, amount := refs[n(len(refs))], uuid.NewString(), game.Money(1+n(100))
				for {
					done := make(chan rooms.Answer, 1)
					at(names[n(3)]).Send(ref, betCommand("alice", id, amount), func(a rooms.Answer, err error) {
						if err != nil {
							close(done)
							return
						}
						done <- a
					})
					if a, ok := <-done; ok {
						if a.Refusal == nil {
							mu.Lock()
							bets[id] = bet{ref, a.Seq, amount}
							mu.Unlock()
						}
						break
					}
					<-time.After(time.Duration(50+n(300)) * time.Millisecond)
				}
				<-time.After(time.Duration(n(400)) * time.Millisecond)
			}
		})
	}
	playing.Wait()
	close(stop)
	disturbing.Wait()
	mu.Lock()
	calm = true
	mu.Unlock()
	c.pass(time.Minute)
	places := map[string]game.Money{}
	var spent game.Money
	for _, b := range bets {
		key := fmt.Sprint(b.ref, " ", b.seq)
		if places[key] != 0 {
			c.Errorf("two bets are %s", key)
		}
		places[key] = b.amount
	}
	for _, ref := range refs {
		var last int64
		for _, r := range c.journal.Events(ref) {
			if r.Seq != last+1 {
				c.Errorf("%s: %d after %d", ref, r.Seq, last)
			}
			last = r.Seq
			if r.Type == "coin.placed" {
				key := fmt.Sprint(ref, " ", r.Seq)
				if places[key] == 0 {
					c.Errorf("%s was accepted by nobody", key)
				}
				spent += places[key]
				delete(places, key)
			}
		}
		for _, name := range names {
			if joined, err := at(name).Join(context.Background(), ref, "alice", nil); err != nil || joined.Seq != last {
				c.Errorf("%s sees %s at %d, which is at %d: %v", name, ref, joined.Seq, last, err)
			}
		}
	}
	if len(places) > 0 || spent == 0 {
		c.Errorf("%d bets of %d were accepted and are not there", len(places), len(bets))
	}
	for _, name := range names {
		at(name).end()
	}
	c.sound()
}

// restarted is another process of a node.
func (c *cluster) restarted(mu *sync.Mutex, name string) *member {
	mu.Lock()
	defer mu.Unlock()
	return c.add(name)
}
