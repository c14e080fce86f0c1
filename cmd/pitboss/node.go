package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/fair"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/web"
)

// answerWithin bounds how long a client may take to read an answer. A socket, once it is one,
// has limits of its own, and a profile takes as long as it was asked to.
const answerWithin = 30 * time.Second

// drainWithin is how long a node that is told to stop takes at most.
const drainWithin = 15 * time.Second

// windows is what may wait for more of its kind to be written with it, and how long; results
// and answers never do. 10 ms save a seventh of a busy table's CPU time and 2 ms nothing
// (docs/benchmarks), so what happens at a table does not wait, and what nobody misses does.
var windows = hub.Windows{Chat: 10 * time.Millisecond, Promotion: 10 * time.Millisecond}

// node is a running Pitboss: the wiring, and nothing else.
type node struct {
	name    string
	log     *slog.Logger
	tenants *store.Tenants
	store   *store.Store
	rooms   *rooms.Directory
	hub     *hub.Hub
	web     *web.Server
	metrics *prometheus.Registry
}

// newNode puts the parts together, leaves first; nothing runs yet.
func newNode(name string, s *store.Store, log *slog.Logger, test seams) *node {
	n := &node{name: name, log: log.With("node", name), store: s, metrics: prometheus.NewRegistry()}
	n.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.tenants = s.Tenants()
	n.hub = hub.New(hub.Options{Bus: membus.New(), Node: name, Log: log, Registerer: n.metrics, Windows: windows})

	var journal rooms.Journal = store.NewJournal(s)
	var publisher rooms.Publisher = n.hub
	if test.journal != nil {
		journal = test.journal(journal)
	}
	if test.publisher != nil {
		publisher = test.publisher(publisher)
	}
	engine := fair.OS()
	n.rooms = rooms.NewDirectory(rooms.Options{
		Journal: journal, Kinds: games(), Publisher: publisher, Node: name, Log: n.log, Registerer: n.metrics,
		Seeds: func() (game.Seed, error) { return fair.NewSeed(engine) },
		Balance: func(ctx context.Context, id tenant.ID, who game.PlayerID) (rooms.PlayerBalance, error) {
			balance, version, err := s.Balance(ctx, id, who)
			return rooms.PlayerBalance{Player: who, Balance: balance, Version: version}, err
		},
		Listening: func(t tenant.Topic) bool { return n.hub.Count(t) > 0 },
		Currency: func(id tenant.ID) string {
			if t, ok := n.tenants.ByID(id); ok {
				return t.Currency
			}
			return ""
		},
	})
	n.web = web.New(web.Options{
		Node: name, Log: n.log, Tenants: n.tenants, Store: s, Rooms: n.rooms, Hub: n.hub,
		Verifier: auth.NewVerifier(n.tenants), Tickets: auth.NewTickets(), Registerer: n.metrics,
	})
	return n
}

// run serves on public, and metrics on admin (which may be nil), until ctx ends; then
// it drains. started, if not nil, is called when players can come.
func (n *node) run(ctx context.Context, public, admin net.Listener, started func()) error {
	// The parts outlive ctx: they are needed to drain.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	parts, life := errgroup.WithContext(life)
	parts.Go(func() error { return n.hub.Run(life) })
	parts.Go(func() error { return n.rooms.Run(life) })
	parts.Go(func() error { return n.tenants.Run(life) })
	parts.Go(func() error { return n.web.Run(life) })
	floorOpen := make(chan struct{})
	// No room is opened while the node drains, nor after a part failed.
	floor, shut := context.WithCancel(life)
	defer context.AfterFunc(ctx, shut)()
	parts.Go(func() error { defer shut(); return n.watchFloor(floor, floorOpen) })

	servers := []*http.Server{n.serve(parts, public, n.web, answerWithin)}
	if admin != nil {
		servers = append(servers, n.serve(parts, admin, n.web.AdminHandler(n.metrics), 0))
	}
	select {
	case <-floorOpen:
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
	n.drain(servers)
	end()
	if err := parts.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (n *node) serve(parts *errgroup.Group, l net.Listener, h http.Handler, answerWithin time.Duration) *http.Server {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: answerWithin, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	parts.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	return server
}

// drain stops the node politely, within drainWithin:
//
//  1. readiness goes red and no new socket is let in;
//  2. the rooms take no more commands, finish the appends in hand and answer them;
//  3. the sockets' queues are flushed and they are told to come back;
//  4. requests in hand are answered.
//
// What is left after that is cut off: the journal has all that counts.
func (n *node) drain(servers []*http.Server) {
	n.log.Info("draining")
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	n.web.Drain()
	if err := n.rooms.Drain(ctx); err != nil {
		n.log.Warn("rooms not drained", "err", err)
	}
	if err := n.hub.Drain(ctx); err != nil {
		n.log.Warn("sockets not drained", "err", err)
	}
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			n.log.Warn("requests cut off", "err", err)
			_ = server.Close()
		}
	}
	n.log.Info("drained")
}

// floorEvery is how soon a room that was opened or closed elsewhere is noticed.
const floorEvery = 500 * time.Millisecond

// watchFloor keeps the rooms that the platform's index has open, open here, and passes
// on the wish to close one. It closes open when every room of the start is there.
func (n *node) watchFloor(ctx context.Context, open chan<- struct{}) error {
	tick := time.NewTicker(floorEvery)
	defer tick.Stop()
	told := map[rooms.Ref]string{} // why a room does not open, so that it is said once
	for first := true; ; {
		err := n.lookAtFloor(ctx, told)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			n.log.Warn("could not look at the floor", "err", err)
		case first:
			close(open)
			first = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (n *node) lookAtFloor(ctx context.Context, told map[rooms.Ref]string) error {
	listed, err := n.store.RoomIndex(ctx)
	if err != nil {
		return err
	}
	// Lobbies first: without its lobby nobody gets into a casino.
	isTable := func(r store.IndexedRoom) bool { return r.Ref.Room != rooms.LobbyID }
	slices.SortStableFunc(listed, func(a, b store.IndexedRoom) int {
		switch {
		case isTable(a) == isTable(b):
			return 0
		case isTable(a):
			return 1
		}
		return -1
	})
	for _, room := range listed {
		if _, known := n.tenants.ByID(room.Ref.Tenant); !known {
			continue
		}
		switch err := n.rooms.Open(ctx, room.Ref); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if why := err.Error(); told[room.Ref] != why {
				n.log.Warn("a room does not open", "tenant", room.Ref.Tenant, "room", room.Ref.Room, "err", err)
				told[room.Ref] = why
			}
			continue
		case room.Status == rooms.Closing:
			n.rooms.Close(room.Ref, room.Reason)
		}
		delete(told, room.Ref)
	}
	return nil
}
