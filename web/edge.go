package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Edge bounds what strangers may take of a node. A zero field takes its default.
type Edge struct {
	// TrustedProxies are those whose X-Forwarded-For is believed. None by default.
	TrustedProxies []netip.Prefix
	// AddressRequests is how many units of requests a client's address has a second, and ten
	// times as many at once. 0 is no limit.
	AddressRequests int
	// PersonRequests and TenantRequests are how many requests with a token or a key a second may come from one
	// person or key, and from all of a casino, and ten times as many at once. 0 in either is no limit.
	PersonRequests, TenantRequests int
	// Connections is how many connections there may be that are not sockets; ConnectionsPerAddress
	// how many of them from one address that is no trusted proxy's, below zero without a limit.
	// Default to 4,096 and 512.
	Connections, ConnectionsPerAddress int
	// Request is what a request may take to come, header and body. Defaults to 10 s.
	Request time.Duration
	// Answer is what a client may take to read an answer. Defaults to 30 s.
	Answer time.Duration
	// Idle is how long a connection may wait for its next request. Defaults to 75 s, which is
	// longer than proxies keep one.
	Idle time.Duration
	// AccessLog logs every request. Profiles serves net/http/pprof at the admin listener.
	AccessLog, Profiles bool
}

func (e Edge) withDefaults() Edge {
	set := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	set(&e.Request, 10*time.Second)
	set(&e.Answer, 30*time.Second)
	set(&e.Idle, 75*time.Second)
	if e.Connections == 0 {
		e.Connections = 4096
	}
	if e.ConnectionsPerAddress == 0 {
		e.ConnectionsPerAddress = 512
	}
	return e
}

const (
	// adminConnectionsMax is how many connections the admin listener has at once.
	adminConnectionsMax = 256
	// headerBytesMax bounds a request's header; net/http adds 4 KiB.
	headerBytesMax = 32 << 10
	// addressBurst is how many seconds' worth of requests an address may make at once.
	addressBurst = 10
	// lastRequests is how long a request that was under way when the listeners closed may take to
	// become whole.
	lastRequests = 100 * time.Millisecond
)

// What requests cost their address. Probes of health are asked for by those who keep the node
// running, cost next to nothing, and must be answered.
const (
	costRequest = 1
	costSocket  = 2
	costRound   = 10
)

// Routes that cost something else than costRequest.
const (
	routeHealth = "/healthz"
	routeReady  = "/readyz"
	routeSocket = "/ws"
	routeRound  = "/v1/rooms/:room/rounds/:round"
)

// routeCost returns what a request of a route costs its address.
func routeCost(route string) int {
	switch route {
	case routeHealth, routeReady:
		return 0
	case routeSocket:
		return costSocket
	case routeRound:
		return costRound
	}
	return costRequest
}

// servers holds what answers HTTP, and its connections.
type servers struct {
	public, admin           *http.Server
	publicConns, adminConns *connLimiter
}

// makeServers makes the HTTP servers of both listeners.
func (s *Server) makeServers() {
	e := s.edge
	server := func() *http.Server {
		return &http.Server{
			ReadTimeout: e.Request, IdleTimeout: e.Idle, MaxHeaderBytes: headerBytesMax,
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		}
	}
	s.servers = servers{
		public: server(), admin: server(),
		publicConns: newConnLimiter(e.Connections, max(e.ConnectionsPerAddress, 0), e.TrustedProxies),
		adminConns:  newConnLimiter(adminConnectionsMax, 0, nil),
	}
	s.servers.public.Handler, s.servers.public.WriteTimeout = s, e.Answer
	for _, n := range []*connLimiter{s.servers.publicConns, s.servers.adminConns} {
		n.refused = func(limit string) { s.limits.Hit(tenant.ID{}, limit) }
		n.starved = func(err error) {
			s.starving.felt()
			s.limits.Hit(tenant.ID{}, api.LimitDescriptors)
			s.seldom.Log(slog.LevelError, "there is no descriptor left for a connection: raise the limit of open files", "error", err)
		}
	}
}

// Serve answers players and operators on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	return serving(l, s.servers.publicConns.serve(s.servers.public, l))
}

// ServeAdmin shows metrics, profiles, health and readiness on l, which players do not reach, until Shutdown.
func (s *Server) ServeAdmin(l net.Listener, metrics prometheus.Gatherer) error {
	s.servers.admin.Handler = s.AdminHandler(metrics)
	return serving(l, s.servers.adminConns.serve(s.servers.admin, l))
}

// serving returns why a server ended that should not have, or nil.
func serving(l net.Listener, err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// Shutdown takes no more connections, answers the requests of those whose token was verified,
// and closes all that are left: it waits for no stranger. It returns ctx's error if that ended
// before.
func (s *Server) Shutdown(ctx context.Context) error {
	waiting, end := context.WithCancel(ctx)
	defer end()
	quiet := make(chan error, 1)
	go func() { // ends with ctx
		defer end()
		select {
		case <-time.After(lastRequests):
		case <-ctx.Done():
		}
		quiet <- s.servers.publicConns.quiet(ctx)
	}()
	_ = s.servers.public.Shutdown(waiting)
	return errors.Join(<-quiet, s.servers.public.Close(), s.servers.admin.Close())
}

// clientAddress returns the function that finds a request's client: the peer, or if that is a trusted
// proxy, the address that it says is behind it, and so on along the chain up to what is no address.
// It calls strange for a peer that says so and is not trusted.
func clientAddress(proxies []netip.Prefix, strange func(peer string)) echo.IPExtractor {
	return func(r *http.Request) string {
		at, ok := hop(r.RemoteAddr)
		if !ok {
			return r.RemoteAddr
		}
		said := strings.Join(r.Header.Values(echo.HeaderXForwardedFor), ",")
		for said != "" && trusts(proxies, at) {
			last := strings.LastIndexByte(said, ',')
			before, ok := hop(said[last+1:])
			if !ok {
				return at.String()
			}
			at, said = before, said[:max(last, 0)]
		}
		if peer, _ := hop(r.RemoteAddr); said != "" && peer == at {
			strange(at.String())
		}
		return at.String()
	}
}

// hop parses an address as proxies write it, some with the port.
func hop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap(), err == nil
}

// trusts reports whether an address is one of the proxies'.
func trusts(proxies []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// perAddress refuses requests of a client's address beyond its units, which they cost by their route.
func (s *Server) perAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		cost := routeCost(c.Path())
		if s.addresses == nil || cost == 0 {
			return next(c)
		}
		if wait := s.addresses.Spend(addressOf(c), cost, time.Now()); wait > 0 {
			s.limits.Hit(tenant.ID{}, api.LimitAddressRequests)
			c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			return api.ErrManyRequests
		}
		return next(c)
	}
}

// giveBack gives back what a request cost that is staff's.
func (s *Server) giveBack(c echo.Context, role auth.Role) {
	if s.addresses != nil && role != auth.Player {
		s.addresses.Charge(addressOf(c), -routeCost(c.Path()), time.Now())
	}
}

// addressOf returns whom a request counts for. What is no address counts together.
func addressOf(c echo.Context) netip.Addr {
	a, _ := netip.ParseAddr(c.RealIP())
	return addressKey(a)
}

// addressKey returns whom an address counts for: itself, or with IPv6 the /64 that one customer has
// (RFC 6177).
func addressKey(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
