package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/web"
)

type serveCmd struct {
	Listen      string  `help:"Where players and operators connect." default:":8080" env:"PITBOSS_LISTEN" placeholder:"ADDRESS"`
	AdminListen string  `help:"Where metrics and health are; not for the public. Empty for none." default:"127.0.0.1:9090" env:"PITBOSS_ADMIN_LISTEN" placeholder:"ADDRESS"`
	Node        string  `help:"This node's name, which no other node may have. Defaults to the host's name and the port." env:"PITBOSS_NODE" placeholder:"NAME"`
	Redis       string  `name:"redis-url" help:"The bus between nodes, and their cache. Without it this is the only node." env:"PITBOSS_REDIS_URL" placeholder:"URL"`
	Edge        edge    `embed:""`
	Routing     routing `embed:""`
	Keys        keySets `embed:""`
	Webhooks    targets `embed:""`
	AccessLog   bool    `help:"Log every request: method, route, status, time, casino, address." env:"PITBOSS_ACCESS_LOG"`
	Pprof       bool    `help:"Serve profiles (net/http/pprof) at the admin listener." env:"PITBOSS_PPROF"`
	Verified    bool    `name:"require-verified-domains" help:"Serve casinos at verified domains only (pitboss domain verify), and at names below localhost." env:"PITBOSS_REQUIRE_VERIFIED_DOMAINS"`
	Migrate     bool    `help:"Migrate first; needs the owner's login." env:"PITBOSS_MIGRATE"`
}

// edge holds the flags that limit clients by address, by person and by casino.
type edge struct {
	TrustedProxy    []netip.Prefix `help:"Ranges of the proxies before this node, whose X-Forwarded-For is believed: what is limited by address is then limited by the client's." env:"PITBOSS_TRUSTED_PROXY" placeholder:"CIDR"`
	ForwardedHost   string         `help:"The header by which these proxies say which host a client asked, if it is not Host: off, x-forwarded-host or forwarded (RFC 7239). Name one only if every proxy sets it, whatever clients send." enum:"off,x-forwarded-host,forwarded" default:"off" env:"PITBOSS_FORWARDED_HOST"`
	AddressRequests int            `help:"Requests a second from one address, ten times as many at once; a handshake counts as 2, the look-up of a round as 10. 0 for no limits by address." default:"100" env:"PITBOSS_ADDRESS_REQUESTS" placeholder:"N"`
	PersonRequests  int            `help:"Requests of the API a second of one person or API key, ten times as many at once. 0 for no limits by person and casino." default:"200" env:"PITBOSS_PERSON_REQUESTS" placeholder:"N"`
	TenantRequests  int            `help:"Requests of the API a second of one casino, ten times as many at once. 0 for no limits by person and casino." default:"2000" env:"PITBOSS_TENANT_REQUESTS" placeholder:"N"`
}

// keySets holds the flags about the keys that casinos publish.
type keySets struct {
	JWKSAllow []netip.Prefix `name:"jwks-allow" help:"Ranges of private addresses from which casinos' published keys may be read, by http too. Without it: public addresses by https only." env:"PITBOSS_JWKS_ALLOW" placeholder:"CIDR"`
}

// targets holds the flags about where webhooks may go.
type targets struct {
	Allow []netip.Prefix `name:"webhook-allow-address" help:"Ranges of private addresses to which webhooks may be sent, by http too. Without it: public addresses by https only." env:"PITBOSS_WEBHOOK_ALLOW_ADDRESS" placeholder:"CIDR"`
}

// Validate implements kong's check.
func (e edge) Validate() error {
	for name, n := range map[string]int{"address": e.AddressRequests, "person": e.PersonRequests, "tenant": e.TenantRequests} {
		if n < 0 || n > 1_000_000 {
			return fmt.Errorf("--%s-requests is %d, and must be 0 to 1000000", name, n)
		}
	}
	if forwardedHosts[e.ForwardedHost] != "" && len(e.TrustedProxy) == 0 {
		return fmt.Errorf("--forwarded-host %s needs --trusted-proxy: from nobody else is a host believed", e.ForwardedHost)
	}
	for _, p := range e.TrustedProxy {
		switch {
		case p.Bits() == 0:
			return fmt.Errorf("--trusted-proxy %s is everybody, who could then name any address as theirs: name your proxies' ranges", p)
		case p.Addr().Is4In6():
			return fmt.Errorf("--trusted-proxy %s: write the range as IPv4", p)
		}
	}
	return nil
}

// limits returns the limits in the flags.
func (e edge) limits() web.Edge {
	limits := web.Edge{TrustedProxies: e.TrustedProxy, AddressRequests: e.AddressRequests, PersonRequests: e.PersonRequests, TenantRequests: e.TenantRequests}
	if e.AddressRequests == 0 {
		limits.ConnectionsPerAddress = -1
	}
	return limits
}

// Help implements kong's long help.
func (serveCmd) Help() string {
	return "SIGTERM or Ctrl-C drains: no new sockets, open commands answered, sockets told to come back, then exit 0."
}

// Run implements the command.
func (c serveCmd) Run(p *program) error {
	memory := outlive()
	public, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	var admin net.Listener
	if c.AdminListen != "" {
		if admin, err = listen(c.AdminListen); err != nil {
			return err
		}
		defer func() { _ = admin.Close() }()
	}
	if c.Migrate {
		if err := migrate(p); err != nil {
			return err
		}
	}
	name, err := c.name(public.Addr())
	if err != nil {
		return err
	}
	p.application, p.verifiedDomainsOnly = "pitboss "+name, c.Verified
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	warnOfDescriptors(p.log)
	metrics := prometheus.NewRegistry()
	incarnation := uuid.New()
	bus, err := c.bus(p, s, name, incarnation, metrics)
	if err != nil {
		return err
	}
	values, closeValues, err := c.values(p, s, metrics)
	if err != nil {
		return err
	}
	defer closeValues()
	n := newNode(nodeOptions{
		name: name, incarnation: incarnation.String(), store: s, bus: bus, values: values, log: p.log,
		edge: c.limits(), routing: c.routing(), published: c.Keys.JWKSAllow, told: c.Webhooks.Allow, test: p.seams,
	})
	n.metrics.MustRegister(metrics)
	return n.run(p.ctx, public, admin, func() {
		p.log.Info("serving", "address", public.Addr().String(), "node", name, "version", version, "memory_limit", memory)
	})
}

// limits returns the limits in the flags.
func (c serveCmd) limits() web.Edge {
	limits := c.Edge.limits()
	limits.AccessLog, limits.Profiles = c.AccessLog, c.Pprof
	return limits
}

// routing returns where casinos are served beside their own domains.
func (c serveCmd) routing() web.Routing {
	r := c.Routing.options()
	r.ForwardedHost = forwardedHosts[c.Edge.ForwardedHost]
	return r
}

// bus returns the bus to the other nodes, which accept this process because the database knows it.
func (c serveCmd) bus(p *program, s *store.Store, name string, incarnation uuid.UUID, metrics prometheus.Registerer) (hub.Bus, error) {
	if c.Redis == "" {
		return membus.New(), nil
	}
	leases := s.Leases
	if err := leases.Announce(p.ctx, name, incarnation.String()); err != nil {
		return nil, err
	}
	realm := s.Realm()
	return redisbus.Open(redisbus.Options{
		URL: c.Redis, Key: s.Box.BusKey(), Realm: realm[:], Sender: incarnation, Clock: s.Clock, Processes: leases.Processes,
		Log: p.log, Registerer: metrics,
	})
}

// values returns where the nodes keep what they cache for each other, or nil without Redis.
func (c serveCmd) values(p *program, s *store.Store, metrics prometheus.Registerer) (values cache.Layer, end func(), err error) {
	if c.Redis == "" {
		return nil, func() {}, nil
	}
	realm := s.Realm()
	r, err := cache.OpenRedis(cache.RedisOptions{URL: c.Redis, Key: s.Box.CacheKey(), Realm: realm[:], Release: version, Log: p.log, Registerer: metrics})
	if err != nil {
		return nil, nil, err
	}
	return r, func() { _ = r.Close() }, nil
}

// name returns this node's name. The port distinguishes two nodes on one host, and is the same after a
// restart, so that a node that was killed gets its rooms back at once.
func (c serveCmd) name(listens net.Addr) (string, error) {
	name := c.Node
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "node"
		}
		name = host
		if a, ok := listens.(*net.TCPAddr); ok {
			name += fmt.Sprintf("-%d", a.Port)
		}
	}
	return name, hub.CheckNode(name)
}

// listen opens a port, or returns an error for people.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program: stop it, or choose another address with --listen (or --admin-listen)", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port above 1023 with --listen", address)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
}

type healthCmd struct {
	URL    string `help:"The node's readiness page. Defaults to that of the node which listens at --listen on this machine." placeholder:"URL"`
	Listen string `help:"Where the node listens." default:":8080" env:"PITBOSS_LISTEN" placeholder:"ADDRESS"`
}

// url returns the URL of the node's readiness check.
func (c healthCmd) url() (string, error) {
	if c.URL != "" {
		return c.URL, nil
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// Run implements the command.
func (c healthCmd) Run(p *program) error {
	ctx, cancel := context.WithTimeout(p.ctx, 3*time.Second)
	defer cancel()
	url, err := c.url()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", strings.ToLower(res.Status))
	}
	p.printf("ready\n")
	return nil
}
