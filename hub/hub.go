package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// Options make a Hub.
type Options struct {
	Bus        Bus                   // required
	Node       string                // this node's name, for logs
	Log        *slog.Logger          // defaults to slog.Default()
	Registerer prometheus.Registerer // for the metrics; nil keeps them to itself
	Hits       *tenant.Hits          // counts the limits that tenants meet; nil: nothing does
	// Heartbeat is the longest interval without a message to a socket, and a third of
	// the time for which its client may be silent. Defaults to 15 s.
	Heartbeat time.Duration
	Limits    Limits
	Windows   Windows
	// Compression accepts permessage-deflate (RFC 7692) from clients that offer it. A
	// broadcast is compressed once. It is off by default, and in "pitboss serve", until its costs and
	// savings have been measured.
	Compression bool
	// Now returns the time of day, by which tokens expire; everything else uses a monotonic clock.
	// Defaults to time.Now.
	Now func() time.Time
	// Repair fetches events that the bus lost. Nil: events are passed on as they come.
	Repair Repair
}

// Hub holds the sockets of this node.
type Hub struct {
	// Set once by New.
	bus         Bus
	node        string
	log         *slog.Logger
	heartbeat   time.Duration
	limits      Limits
	rates       rates
	began       time.Time
	now         func() time.Time
	minEpoch    atomic.Int64 // the smallest valid epoch; set by GoBack
	compression bool
	meters      *meters
	hits        *tenant.Hits
	topics      *topics
	wheel       *wheel
	flushers    *flushers
	peers       *peers
	repair      Repair
	plans       atomic.Pointer[plans] // nil: no tenant has limits of its own
	fetching    chan struct{}         // a semaphore for topics that fetch missing events
	resyncing   chan struct{}         // a semaphore for sockets that are being resynchronised
	tasksMu     sync.Mutex            // guards starting tasks against the end of life
	tasks       sync.WaitGroup
	seatRepeats chan Message    // of seats
	life        context.Context // ended by Run
	end         context.CancelFunc
	seed        maphash.Seed
	shards      [shards]connShard

	mu       sync.Mutex // guards what follows; nests outside of a shard's
	tenants  map[tenant.ID]*tenancy
	departed fifo[*subject] // subjects that had no socket when they were added
	reserved int            // sockets, and those being made
	draining bool
	empty    chan struct{} // closed when reserved becomes 0; nil: nobody waits
}

type connShard struct {
	mu    sync.Mutex
	conns map[*Conn]struct{}
}

// New returns a Hub, which delivers nothing before Run.
func New(o Options) *Hub {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	h := &Hub{
		bus: o.Bus, node: o.Node, log: o.Log.With("node", o.Node), heartbeat: o.Heartbeat,
		limits: o.Limits.withDefaults(), compression: o.Compression, meters: newMeters(o.Registerer), hits: o.Hits, topics: newTopics(o.Bus),
		wheel: newWheel(o.Heartbeat), flushers: newFlushers(flusherCount(), o.Windows),
		seed: maphash.MakeSeed(), tenants: map[tenant.ID]*tenancy{},
	}
	h.began, h.now, h.rates = time.Now(), o.Now, h.limits.rates()
	if h.now == nil {
		h.now = time.Now
	}
	for i := range h.shards {
		h.shards[i].conns = map[*Conn]struct{}{}
	}
	h.peers = newPeers(h)
	h.repair, h.fetching = o.Repair, make(chan struct{}, repairsMax)
	h.resyncing = make(chan struct{}, resyncsMax)
	h.seatRepeats = make(chan Message, seatRepeatsMax)
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// Health returns nil while published messages reach other nodes, as far as is known.
func (h *Hub) Health() error { return h.bus.Health() }

// Node returns this node's name.
func (h *Hub) Node() string { return h.node }

// Heartbeat returns the longest interval without a message to a socket.
func (h *Hub) Heartbeat() time.Duration { return h.heartbeat }

// clock returns monotonic nanoseconds since the hub was made.
func (h *Hub) clock() int64 { return int64(time.Since(h.began)) }

// Run delivers the bus's messages and checks the sockets until ctx ends or the bus fails. Then it
// closes the sockets that are left, as draining, and returns when all have ended. It must be called
// only once.
func (h *Hub) Run(ctx context.Context) error {
	stop := make(chan struct{})
	var flushing sync.WaitGroup
	for _, f := range h.flushers.all {
		flushing.Go(func() { f.run(stop) })
	}
	defer flushing.Wait()
	defer close(stop)
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := h.bus.Run(running, h.deliver)
		if err == nil && ctx.Err() == nil {
			err = errors.New("the bus stopped")
		}
		return err
	})
	g.Go(func() error { h.peers.listen(running); return nil })
	g.Go(func() error { h.watch(running); return nil })
	g.Go(func() error { h.repeatSeats(running); return nil })
	err := g.Wait()
	if err != nil {
		err = fmt.Errorf("hub: %w", err)
	}
	h.tasksMu.Lock()
	h.end()
	h.tasksMu.Unlock()
	h.tasks.Wait()
	// Every close ends in closeTimeout; the rest is for handlers.
	left, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*closeTimeout)
	defer cancel()
	drained := h.Drain(left)
	for c := range h.all() { // only if a handler does not return
		c.mu.Lock()
		c.fail()
		c.mu.Unlock()
	}
	return errors.Join(err, drained)
}

// Publish sends m to every socket on its topic, on every node.
func (h *Hub) Publish(ctx context.Context, m Message) error {
	if err := h.bus.Publish(ctx, m); err != nil {
		h.meters.unpublished.Inc()
		return fmt.Errorf("hub: publish to %s: %w", m.Topic, err)
	}
	h.meters.published.Inc()
	return nil
}

// PublishHere sends m, which must not be an event, to this node's sockets on its topic only.
func (h *Hub) PublishHere(m Message) {
	if t := h.topics.find(m.Topic); t != nil {
		t.deliver(m, h.flushers)
	}
}

func (h *Hub) deliver(m Message) {
	if m.Topic.Tenant().IsZero() {
		h.peers.receive(m.Frame)
		return
	}
	if t := h.topics.find(m.Topic); t != nil {
		t.receive(m, h)
	}
}

// CloseWhere closes this node's sockets whose identity matches, and returns their number.
// Match must be quick and must not call the hub.
func (h *Hub) CloseWhere(match func(Identity) bool, code wire.CloseCode, retryAfter time.Duration) int {
	n := 0
	for c := range h.all() {
		if match(c.Identity()) {
			c.Close(code, retryAfter)
			n++
		}
	}
	return n
}

// Drain refuses new sockets and closes the open ones, after their queues have been written, with a
// code that tells clients to come back soon: drainPerSecond a second, so that other nodes do not get
// all at once, and faster if that would take longer than drainSpread or than half of the time left
// in ctx. It returns when all have ended. The error is ctx's, if that ended first.
func (h *Hub) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	// Sockets admitted before are found here; new ones are refused.
	conns := slices.Collect(h.all())
	rand.Shuffle(len(conns), func(i, k int) { conns[i], conns[k] = conns[k], conns[i] })
	spreadOver := min(drainSpread, time.Duration(len(conns))*time.Second/drainPerSecond)
	if deadline, ok := ctx.Deadline(); ok {
		spreadOver = min(spreadOver, time.Until(deadline)/2)
	}
	began := time.Now()
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	for told := 0; told < len(conns); {
		due := len(conns)
		if passed := time.Since(began) + drainTick; passed < spreadOver {
			due = int(int64(len(conns)) * int64(passed) / int64(spreadOver))
		}
		for _, c := range conns[told:due] {
			c.mu.Lock()
			c.close(closing{code: wire.CloseDraining, retry: jitter(drainRetry), flush: true})
			c.mu.Unlock()
		}
		if told = due; told == len(conns) {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("hub: sockets were still open: %w", ctx.Err())
		}
	}
	h.mu.Lock()
	if h.reserved == 0 {
		h.mu.Unlock()
		return nil
	}
	if h.empty == nil {
		h.empty = make(chan struct{})
	}
	empty := h.empty
	h.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("hub: sockets were still open: %w", ctx.Err())
	}
}

// ConnInfo describes a socket to an operator.
type ConnInfo struct {
	ID, Player, Name, Role, Address string
	Since                           time.Time
	Topics                          []tenant.Topic
	QueuedBytes                     int
}

// Connections returns the tenant's sockets on this node, the oldest first.
func (h *Hub) Connections(id tenant.ID) []ConnInfo {
	var infos []ConnInfo
	for c := range h.all() {
		if c.id.Tenant == id {
			infos = append(infos, ConnInfo{
				ID: c.name, Player: c.id.Player, Name: c.id.Name, Role: c.id.Role, Address: c.id.Address,
				Since: c.since, Topics: c.Topics(), QueuedBytes: c.queued(),
			})
		}
	}
	slices.SortFunc(infos, func(a, b ConnInfo) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return infos
}

// Listeners yields the topics that sockets of this node listen to, each with the number of those
// sockets that are players'.
func (h *Hub) Listeners() iter.Seq2[tenant.Topic, int] {
	return func(yield func(tenant.Topic, int) bool) {
		for t := range h.topics.all() {
			if anybody, players := t.count(); anybody && !yield(t.name, players) {
				return
			}
		}
	}
}

// Count returns how many sockets of players listen to the topic on this node.
func (h *Hub) Count(name tenant.Topic) int {
	if t := h.topics.find(name); t != nil {
		_, players := t.count()
		return players
	}
	return 0
}

// Online returns how many of the tenant's players have a socket on this node.
func (h *Hub) Online(id tenant.ID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.tenants[id]; t != nil {
		return t.online
	}
	return 0
}

// Plays reports whether a player has a socket on this node.
func (h *Hub) Plays(id tenant.ID, player string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tenants[id]
	if t == nil {
		return false
	}
	s := t.subjects[subjectKey{name: player}]
	return s != nil && s.seat != nil
}

// all yields every registered socket. No lock is held during the yield.
func (h *Hub) all() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		var some []*Conn
		for i := range h.shards {
			s := &h.shards[i]
			s.mu.Lock()
			some = some[:0]
			for c := range s.conns {
				some = append(some, c)
			}
			s.mu.Unlock()
			for _, c := range some {
				if !yield(c) {
					return
				}
			}
		}
	}
}

func (h *Hub) shard(c *Conn) *connShard {
	return &h.shards[maphash.String(h.seed, c.name)%shards]
}

// jitter returns a random duration between 0.5 and 1.5 times d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }
