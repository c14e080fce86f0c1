package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/presence"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
	"github.com/pitboss-hub/pitboss/web/operator"
	"github.com/pitboss-hub/pitboss/web/platform"
	"github.com/pitboss-hub/pitboss/web/session"
)

// Options are what a Server works with. All are required.
type Options struct {
	Node     string
	Version  string // of the program; need not be given
	Log      *slog.Logger
	Tenants  *tenancy.Directory
	Store    *store.Store
	Rooms    *rooms.Directory
	Hub      *hub.Hub
	Changes  *changes.Tracker
	Verifier *auth.Verifier
	Tickets  *auth.Tickets
	Cache    *cache.Cache // of answers
	// Registerer shows how often each limit was hit.
	Registerer prometheus.Registerer
	// Edge and Routing need not be given.
	Edge    Edge
	Routing Routing
}

// Server answers HTTP. Make it with New.
type Server struct {
	log       *slog.Logger
	seldom    *api.Seldom
	limits    *api.Limits
	tenants   *tenancy.Directory
	store     *store.Store
	rooms     *rooms.Directory
	hub       *hub.Hub
	changes   *changes.Tracker
	verifier  *auth.Verifier
	routing   *routing
	lifecycle *lifecycle
	sessions  *session.Service
	echo      *echo.Echo // casinos
	platform  *echo.Echo // the platform's own API and console, at Routing.PlatformHost
	edge      Edge
	servers   servers
	addresses *api.Buckets[netip.Addr] // nil: requests are not counted by address
	rates     *rates                   // nil: requests are not counted by person
	starving  starvation
	ready     readiness
	draining  chan struct{}
	rounds    *rounds
	cache     *cache.Cache
	logos     *logos
}

// New wires the routes. Run must run beside it.
func New(o Options) *Server {
	s := &Server{
		log: o.Log, seldom: api.NewSeldom(o.Log), limits: api.NewLimits(o.Registerer, &o.Store.Hits), tenants: o.Tenants, store: o.Store, rooms: o.Rooms,
		hub: o.Hub, changes: o.Changes, verifier: o.Verifier,
		edge: o.Edge.withDefaults(), draining: make(chan struct{}), rounds: newRounds(), cache: o.Cache, logos: &logos{kept: map[tenant.ID]logo{}},
	}
	if n := s.edge.AddressRequests; n > 0 {
		s.addresses = api.NewBuckets[netip.Addr](n, addressBurst*n)
	}
	s.routing = &routing{o.Routing, o.Tenants, s.edge.TrustedProxies, func(message, peer string) { s.seldom.Log(slog.LevelWarn, message, "peer", peer) }}
	s.lifecycle = &lifecycle{o.Log, o.Tenants, o.Verifier, o.Hub, s.routing}
	s.rates = newRates(s.edge.PersonRequests, s.edge.TenantRequests)
	s.echo, s.platform = s.newEcho(), s.newEcho()
	s.echo.Pre(s.routing.enter)
	s.makeServers()
	s.store.Revocations.OnChange(s.lifecycle.closeRevoked)
	lists := api.NewLists(s.limits, s.edge.Answer)
	history := api.NewHistory(s.store, s.rooms, s.limits, lists, s.cache)
	s.sessions = session.New(session.Options{
		Node: o.Node, Log: s.log, Seldom: s.seldom, Limits: s.limits, Tenants: s.tenants, Store: s.store, Rooms: s.rooms, History: history, Lists: lists, Hub: s.hub, Changes: s.changes,
		Verifier: o.Verifier, Tickets: o.Tickets, Draining: s.isDraining, CameBy: s.routing.cameBy, Verified: s.verifiedSocket, Enters: s.lifecycle.enters, Refuses: s.lifecycle.refuses,
	})
	op := operator.New(operator.Options{
		Node: o.Node, Version: o.Version, Log: s.log, Seldom: s.seldom, Limits: s.limits, Store: s.store, Rooms: s.rooms, History: history, Lists: lists, Hub: s.hub,
		RoomInfo: s.sessions.RoomInfo, RoomClosed: s.sessions.ForgetChat,
	})
	s.route(op)
	own := s.routing.ownHosts()
	s.tenants.SetOwnHosts(context.Background(), own)
	s.routePlatform(platform.New(platform.Options{Store: s.store, Rooms: s.rooms, Lists: lists, OwnHosts: own, Answer: s.edge.Answer}))
	return s
}

// newEcho returns an Echo with what every request passes, and without routes.
func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(s.edge.TrustedProxies, func(peer string) {
		s.seldom.Log(slog.LevelWarn, "a peer that is no trusted proxy says for whom it asks, and is not believed: if it is yours, set --trusted-proxy, or all players count as one address", "peer", peer)
	})
	e.HTTPErrorHandler = api.AnswerErrors(s.log, s.limits)
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, LogErrorFunc: s.logPanic}), api.WithRequestID, s.logRequest, headers, s.perAddress)
	return e
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.routing.isPlatform(r) {
		s.platform.ServeHTTP(w, r)
		return
	}
	s.echo.ServeHTTP(w, r)
}

// Run tells every lobby who is here, and closes the sockets of tenants that may not be
// served any more and of tokens that were taken back, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	s.tenants.OnChange(s.lifecycle.changed)
	s.tenants.OnChange(func(_, now *tenancy.Tenant) {
		if now != nil {
			s.changes.NoteHere(now.ID, changes.All)
		}
	})
	tick := time.NewTicker(presence.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s.lifecycle.closeUnserved(s.tenants.All(), s.tenants.Now())
			s.sessions.Tell(now)
		}
	}
}

// CloseRevoked closes this node's sockets of these tenants whose tokens, or the keys of whose tokens,
// were taken back.
func (s *Server) CloseRevoked(tenants []tenant.ID) { s.lifecycle.closeRevoked(tenants) }

// Drain turns readiness red, so that balancers look elsewhere, and lets no new socket in.
// Those that are open are the hub's to drain.
func (s *Server) Drain() { close(s.draining) }

// isDraining reports whether Drain was called.
func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// Routes returns all that the Server answers, as "GET /v1/rooms/:room".
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.echo.Routes() {
		if r.Method != echo.RouteNotFound {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}
