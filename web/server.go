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
	"github.com/pitboss-hub/pitboss/rooms/presence"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
	"github.com/pitboss-hub/pitboss/web/operator"
)

// Options are those who work together here. All are required.
type Options struct {
	Node     string
	Log      *slog.Logger
	Tenants  *tenancy.Directory
	Store    *store.Store
	Rooms    *rooms.Directory
	Hub      *hub.Hub
	Verifier *auth.Verifier
	Tickets  *auth.Tickets
	// Registerer shows how often each limit was hit.
	Registerer prometheus.Registerer
	// Edge need not be given.
	Edge Edge
}

// Server answers HTTP. Make it with New.
type Server struct {
	node      string
	log       *slog.Logger
	seldom    *api.Seldom
	tenants   *tenancy.Directory
	store     *store.Store
	rooms     *rooms.Directory
	hub       *hub.Hub
	verifier  *auth.Verifier
	tickets   *auth.Tickets
	chat      *chats
	echo      *echo.Echo
	edge      Edge
	servers   servers
	addresses *api.Buckets[netip.Addr] // nil: requests are not counted by address
	starving  starvation
	ready     readiness
	draining  chan struct{}
	presence  *presence.Counter
	tables    tables
	rounds    *rounds
	limits    *api.Limits
}

// New wires the routes. Run must run beside it.
func New(o Options) *Server {
	s := &Server{
		node: o.Node, log: o.Log, tenants: o.Tenants, store: o.Store, rooms: o.Rooms, hub: o.Hub,
		verifier: o.Verifier, tickets: o.Tickets, chat: newChats(), presence: presence.New(o.Node, o.Hub, o.Log), tables: tables{told: map[tenant.ID]*toldTables{}}, draining: make(chan struct{}),
		edge: o.Edge.withDefaults(), seldom: api.NewSeldom(o.Log), rounds: newRounds(),
	}
	if n := s.edge.AddressRequests; n > 0 {
		s.addresses = api.NewBuckets[netip.Addr](n, addressBurst*n)
	}
	s.limits = api.NewLimits(o.Registerer)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(s.edge.TrustedProxies, func(peer string) {
		s.seldom.Log(slog.LevelWarn, "a peer that is no trusted proxy says for whom it asks, and is not believed: if it is yours, set --trusted-proxy, or all players count as one address", "peer", peer)
	})
	e.HTTPErrorHandler = api.AnswerErrors(s.log, s.limits)
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, LogErrorFunc: s.logPanic}), s.logRequest, headers, s.perAddress)
	s.echo = e
	s.listens()
	s.store.Revocations.OnChange(s.CloseRevoked)
	op := operator.New(operator.Options{
		Node: s.node, Log: s.log, Seldom: s.seldom, Limits: s.limits, Store: s.store, Rooms: s.rooms, Hub: s.hub,
		RoomInfo: s.roomInfo, RoomClosed: s.chat.forget,
	})

	// The whole API, in the order of docs/protocol.md.
	get(e, routeHealth, s.healthz)
	get(e, routeReady, s.readyz)

	t := e.Group("", s.ofHost)
	get(t, "/", s.home)
	get(t, "/play", s.page("play.html"))
	get(t, "/console", s.page("console.html"))
	get(t, "/verify", s.page("verify.html"))
	get(t, "/assets/*", s.asset)
	get(t, routeSocket, s.socket)
	get(t, routeRound, s.round)

	v1 := t.Group("/v1", middleware.BodyLimit(api.BodyMax))

	// Middleware is named per route: Echo gives a group's middleware to unknown paths too.
	may := func(allowed ...auth.Role) []echo.MiddlewareFunc {
		return []echo.MiddlewareFunc{s.bearer, roles(allowed...)}
	}
	anyone := may(auth.Player, auth.Operator, auth.Service, auth.Support)
	get(v1, "/session", s.session, anyone...)
	v1.POST("/tickets", s.ticket, anyone...)
	get(v1, "/rooms", s.listRooms, anyone...)

	reader := may(auth.Operator, auth.Service, auth.Support)
	get(v1, "/games", op.Games, reader...)
	get(v1, "/connections", op.Connections, reader...)
	get(v1, "/players", op.Players, reader...)
	get(v1, "/promotions", op.Promotions, reader...)
	get(v1, "/audit", op.Audit, reader...)
	get(v1, "/ledger/trial-balance", op.TrialBalance, reader...)

	writer := may(auth.Operator, auth.Service)
	v1.POST("/rooms", op.OpenRoom, writer...)
	v1.POST("/rooms/:room/close", op.CloseRoom, writer...)
	v1.POST("/rooms/:room/void", op.VoidRound, writer...)
	v1.POST("/players/:player/credit", op.Credit, writer...)
	v1.POST("/players/:player/kick", op.Kick, writer...)
	v1.POST("/staff/:subject/kick", op.KickStaff, writer...)
	v1.POST("/tokens/revoke", op.RevokeToken, writer...)
	v1.POST("/promotions", op.PublishPromotion, writer...)
	v1.POST("/promotions/:id/withdraw", op.WithdrawPromotion, writer...)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// get answers GET, and HEAD as RFC 9110 §9.3.2 wants it, for which net/http leaves the body out.
func get(on interface {
	Match(methods []string, path string, handler echo.HandlerFunc, m ...echo.MiddlewareFunc) []*echo.Route
}, path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
	on.Match([]string{http.MethodGet, http.MethodHead}, path, h, m...)
}

// headers sets what every answer has unless its handler knows better: an answer is not for a cache,
// and is what it says it is.
func headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// Run tells every lobby who is here, and closes the sockets of tenants that may not be
// served any more and of tokens that were taken back, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	s.tenants.OnChange(func(old, now *tenancy.Tenant) {
		if now != nil {
			if now.Suspended && (old == nil || !old.Suspended) { // players are not told why
				s.log.Info("an operator is suspended", "tenant", now.ID, "reason", now.SuspendedFor)
			}
			s.enforce([]*tenancy.Tenant{now}, time.Now())
			if old != nil {
				s.closeChanged(old, now)
				s.CloseRevoked([]tenant.ID{now.ID})
			}
		}
	})
	tick := time.NewTicker(presence.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s.enforce(s.tenants.All(), now)
			s.watchPresence(now)
			s.watchTables()
		}
	}
}

// Drain turns readiness red, so that balancers look elsewhere, and lets no new socket in.
// Those that are open are the hub's to drain.
func (s *Server) Drain() { close(s.draining) }

func (s *Server) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.log.Error("panic in a handler", "path", c.Path(), "error", err, "stack", string(stack))
	return err
}

// logRequest writes a line per request at debug level: route and status, never the
// URL, whose parts may be personal.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		level := slog.LevelDebug
		if s.edge.AccessLog {
			level = slog.LevelInfo
		}
		if ctx := c.Request().Context(); s.log.Enabled(ctx, level) { // no path and no query: a room's, a player's or a token's name may be in them
			s.log.Log(ctx, level, "request", "method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
				"took", time.Since(began), "tenant", api.SlugOf(c), "address", c.RealIP(), "bytes", c.Response().Size)
		}
		return nil
	}
}
