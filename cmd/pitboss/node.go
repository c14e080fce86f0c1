package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/jwks"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/fair"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webhooks"
)

// drainTimeout bounds the drain of a node.
const drainTimeout = 15 * time.Second

// stopTimeout bounds the time in which its parts end after that.
const stopTimeout = 5 * time.Second

var errStuck = errors.New("parts of this node did not end in time; it ends without them")

// windows holds how long messages may be delayed to be written with later ones; results and replies
// never are. 10 ms save a seventh of a busy table's CPU time and 2 ms nothing (docs/benchmarks), so
// what happens at a table is not delayed, and less urgent messages are.
var windows = hub.Windows{Chat: 10 * time.Millisecond, Promotion: 10 * time.Millisecond}

// node wires the parts of a running node together, and does nothing else.
type node struct {
	name string
	log  *slog.Logger
	// incarnation distinguishes this process from others of the same name.
	incarnation string

	tenants *tenancy.Directory
	keys    *jwks.Keys
	store   *store.Store
	rooms   *rooms.Directory
	hub     *hub.Hub
	changes *changes.Tracker
	web     *web.Server
	hooks   *webhooks.Deliverer
	metrics *prometheus.Registry
}

// nodeOptions configures a node.
type nodeOptions struct {
	name        string
	incarnation string // a UUID; empty: a random one
	store       *store.Store
	bus         hub.Bus
	values      cache.Layer // of all nodes; nil: none
	log         *slog.Logger
	edge        web.Edge
	routing     web.Routing
	published   []netip.Prefix // private addresses from which tenants' published keys are read
	told        []netip.Prefix // private addresses to which webhooks go
	test        seams
}

// newNode makes the parts and connects them; nothing runs yet.
func newNode(o nodeOptions) *node {
	if o.incarnation == "" {
		o.incarnation = uuid.NewString()
	}
	name, s, log, test := o.name, o.store, o.log, o.test
	n := &node{name: name, incarnation: o.incarnation, log: log.With("node", name), store: s, metrics: prometheus.NewRegistry()}
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.metrics.MustRegister(s, logDropped)
	n.tenants = s.Tenants
	n.hub = hub.New(hub.Options{
		Bus: o.bus, Node: name, Log: log, Registerer: n.metrics, Hits: &s.Hits, Windows: windows,
		Repair: func(ctx context.Context, topic tenant.Topic, after int64) ([]hub.Message, error) {
			ref, err := rooms.RefOf(topic)
			if err != nil {
				return nil, err
			}
			return n.rooms.Since(ctx, ref, after)
		},
	})

	n.changes = changes.New(name, n.hub, n.log)
	var journal rooms.Journal = s.Journal
	var publisher rooms.Publisher = n.hub
	if test.journal != nil {
		journal = test.journal(journal)
	}
	if test.publisher != nil {
		publisher = test.publisher(publisher)
	}
	engine := fair.OS()
	n.rooms = rooms.NewDirectory(rooms.Options{
		Journal: journal, Kinds: games.Kinds(), Publisher: publisher, Node: name, Incarnation: o.incarnation, Log: n.log, Registerer: n.metrics, Hits: &s.Hits,
		Leases: s.Leases, Peers: n.hub,
		Seeds: func() (game.Seed, error) { return fair.NewSeed(engine) },
		Balance: func(ctx context.Context, id tenant.ID, who game.PlayerID) (rooms.PlayerBalance, error) {
			balance, version, err := s.Ledger.Balance(ctx, id, who)
			return rooms.PlayerBalance{Player: who, Balance: balance, Version: version}, err
		},
		Rests: n.tenants.Rests(rooms.InForce(games.Kinds())), Full: s.Storage.Full,
		WentBack: func(generation int64) {
			n.hub.GoBack(placement.FirstEpoch(generation))
		},
		Committed: n.changes.Committed,
		Listening: func(t tenant.Topic) bool { return n.hub.Count(t) > 0 },
		Currency: func(id tenant.ID) string {
			if t, ok := n.tenants.ByID(id); ok {
				return t.Currency
			}
			return ""
		},
	})
	n.keys = jwks.New(n.tenants, jwks.Options{Allow: o.published, Log: n.log, Registerer: n.metrics})
	verifier := auth.NewVerifier(n.keys, s.Revocations)
	n.web = web.New(web.Options{
		Node: name, Version: version, Log: n.log, Tenants: n.tenants, Store: s, Rooms: n.rooms, Hub: n.hub, Changes: n.changes,
		Verifier: verifier, Tickets: auth.NewTickets(s.Box, s.Tickets, verifier), Registerer: n.metrics, Edge: o.edge, Routing: o.routing,
		Cache: cache.New(cache.Options{Bytes: cache.MemoryBytes, Shared: o.values, Epoch: n.tenants.Epoch, History: s.History, Registerer: n.metrics}),
	})
	n.hooks = webhooks.New(webhooks.Options{
		Queue: s.Deliveries, Holder: uuid.New(), Tenants: n.tenants, Allow: o.told, Log: n.log, Registerer: n.metrics, Hits: &s.Hits,
		Changed: func(id tenant.ID) { n.changes.Note(id, changes.Webhooks) },
	})
	n.keys.OnChange(n.web.CloseRevoked)
	n.answerHello()
	return n
}

// run serves on public, and metrics on admin (which may be nil), until ctx ends; then
// it drains. started, if not nil, is called when players can come.
func (n *node) run(ctx context.Context, public, admin net.Listener, started func()) error {
	// The parts outlive ctx: they are needed to drain.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	parts, life := errgroup.WithContext(life)
	for _, run := range n.jobs() {
		parts.Go(func() error { return run(life) })
	}
	parts.Go(func() error { return n.web.Serve(public) })
	if admin != nil {
		parts.Go(func() error { return n.web.ServeAdmin(admin, n.metrics) })
	}
	select {
	case <-n.rooms.Ready():
		if started != nil {
			started()
		}
	case <-life.Done():
	case <-ctx.Done():
	}
	select {
	case <-ctx.Done():
	case <-life.Done(): // a part failed: stop the others, its error comes below
	}
	n.drain()
	end()
	ended := make(chan error, 1)
	go func() { ended <- parts.Wait() }()
	select {
	case err := <-ended:
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	case <-time.After(stopTimeout):
		return errStuck
	}
}

// drain stops the node gracefully, within drainTimeout:
//
//  1. readiness goes red and no new socket is accepted;
//  2. the rooms go to other nodes at the end of their rounds, or stop after the appends under way
//     if there is no other; players play on meanwhile;
//  3. the sockets' queues are flushed, and the sockets closed with a code that says come back;
//  4. requests under way whose token was verified are completed; others are not waited for.
//
// What is left after that is cut off: the journal holds everything that matters.
func (n *node) drain() {
	n.log.Info("draining")
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	n.web.Drain()
	if err := n.rooms.Drain(ctx); err != nil {
		n.log.Warn("rooms not drained", "error", err)
	}
	if err := n.hub.Drain(ctx); err != nil {
		n.log.Warn("sockets not drained", "error", err)
	}
	if err := n.web.Shutdown(ctx); err != nil {
		n.log.Warn("requests cut off", "error", err)
	}
	n.log.Info("drained")
}
