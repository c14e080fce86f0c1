// Package webtest gives tests of the API and of sockets a casino that one node serves: a real
// PostgreSQL by storetest, a bus in memory, the real hub, rooms and web behind an httptest server,
// and clients that fail a test with what was asked and what came.
//
// A package that uses it needs
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
//
// # What always holds
//
//   - What is answered is what a process answers: only the flags, the keys that casinos publish and
//     the way a process ends are left out.
//   - A casino has a database and a node of its own, which take a second to start: tests share one by
//     In where they do not disturb each other. All ends with the test that made it, and a part of the
//     node that fails, fails that test.
//   - A client is used by one goroutine, waits at most Patience, and says by whose words it failed.
package webtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/baccarat"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/fair"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/rooms/lobby"
	"github.com/pitboss-hub/pitboss/rooms/roulette"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/jobs"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
)

const (
	// Patience bounds what a client waits for, and how long the node takes to start.
	Patience = 20 * time.Second
	// Table is the room that a casino has from its beginning: roulette by Fast.
	Table = "roulette-1"
	// Fast is how a table of roulette is set on which a round takes less than a second.
	Fast = `{"min_bet":100,"max_bet":10000,"round_min":100,"round_max":50000,"betting_ms":300,"close_ms":50,"spin_ms":100,"pause_ms":100}`
	// Slow is how a table of roulette is set whose bets are open for as long as a test takes.
	Slow = `{"betting_ms":600000}`

	node = "node-1"
)

// Casino is a casino that one node serves. Make it with New.
type Casino struct {
	Tenant  *tenancy.Tenant
	Store   *store.Store
	Admin   *tenancy.Admin
	Hub     *hub.Hub
	Rooms   *rooms.Directory
	Server  *web.Server
	Metrics *prometheus.Registry

	t       testing.TB
	host    string // by which the casino is asked
	address string // where the node listens, and
	admin   string // where its admin listener is

	platform bool // it is the platform that is asked
}

// New returns a casino in EUR with one table, and serves it until the test ends. The node has the options of a node
// without limits by address and person, unless they are changed.
func New(t testing.TB, change ...func(*web.Options)) *Casino {
	t.Helper()
	s, admin := storetest.New(t)
	c := &Casino{t: t, Store: s, Admin: admin, Metrics: prometheus.NewRegistry()}
	c.create("casino-x")
	c.keepRoom(Table, Fast)
	c.serve(change)
	return c
}

// Another returns another casino that the same node serves, under another slug and on its domain.
func (c *Casino) Another(slug string) *Casino {
	c.t.Helper()
	other := *c
	known := make(chan struct{})
	tell := sync.OnceFunc(func() { close(known) })
	c.Store.Tenants.OnChange(func(_, now *tenancy.Tenant) {
		if now != nil && now.Slug == tenant.Slug(slug) {
			tell()
		}
	})
	other.create(slug)
	select {
	case <-known: // what happens to it from now on is a change to everybody on the node
	case <-time.After(Patience):
		c.t.Fatalf("webtest: the node was not told of %s", slug)
	}
	if err := c.Rooms.Open(c.t.Context(), other.Ref(rooms.LobbyID)); err != nil {
		c.t.Fatalf("webtest: the lobby of %s: %v", slug, err)
	}
	other.OpenRoom(Table, Fast)
	return &other
}

// create makes the casino's tenant.
func (c *Casino) create(slug string) {
	c.t.Helper()
	if _, err := c.Admin.CreateTenant(c.t.Context(), storetest.Casino(slug, slug+".localhost")); err != nil {
		c.t.Fatalf("webtest: %s: %v", slug, err)
	}
	if err := c.Store.Tenants.Reload(c.t.Context()); err != nil {
		c.t.Fatalf("webtest: %s: %v", slug, err)
	}
	c.Tenant, _ = c.Store.Tenants.BySlug(tenant.Slug(slug))
	c.host = c.Tenant.Domains[0]
}

// In returns the casino for a subtest, which fails by what it asks. Subtests that share a casino and run
// in parallel have players of their own: a player has one socket.
func (c *Casino) In(t testing.TB) *Casino {
	shared := *c
	shared.t = t
	return &shared
}

// serve makes the node and runs it until the test ends.
func (c *Casino) serve(change []func(*web.Options)) {
	c.t.Helper()
	s, log := c.Store, slog.New(slog.DiscardHandler)
	c.Hub = hub.New(hub.Options{
		Bus: membus.New(), Node: node, Log: log, Registerer: c.Metrics,
		Repair: func(ctx context.Context, topic tenant.Topic, after int64) ([]hub.Message, error) {
			ref, err := rooms.RefOf(topic)
			if err != nil {
				return nil, err
			}
			return c.Rooms.Since(ctx, ref, after)
		},
	})
	track := changes.New(node, c.Hub, log)
	engine := fair.OS()
	kinds := map[string]game.Kind{lobby.Kind.Name: lobby.Kind, roulette.Kind.Name: roulette.Kind, baccarat.Kind.Name: baccarat.Kind}
	c.Rooms = rooms.NewDirectory(rooms.Options{
		Journal: s.Journal, Kinds: kinds, Publisher: c.Hub,
		Node: node, Log: log, Registerer: c.Metrics, Leases: s.Leases, Rests: s.Tenants.Rests(rooms.InForce(kinds)), Full: s.Storage.Full, Peers: c.Hub,
		Seeds:     func() (game.Seed, error) { return fair.NewSeed(engine) },
		Listening: func(t tenant.Topic) bool { return c.Hub.Count(t) > 0 },
		Currency: func(id tenant.ID) string {
			if t, ok := s.Tenants.ByID(id); ok {
				return t.Currency
			}
			return ""
		},
		WentBack:  func(int64) {},
		Committed: track.Committed,
	})
	verifier := auth.NewVerifier(s.Tenants, s.Revocations)
	options := web.Options{
		Node: node, Log: log, Tenants: s.Tenants, Store: s, Rooms: c.Rooms, Hub: c.Hub, Changes: track,
		Verifier: verifier, Tickets: auth.NewTickets(s.Box, s.Tickets, verifier), Registerer: c.Metrics,
		Routing: web.Routing{PlatformHost: PlatformHost},
		Cache:   cache.New(cache.Options{Bytes: cache.MemoryBytes, Epoch: s.Tenants.Epoch, History: s.History, Registerer: c.Metrics}),
	}
	for _, f := range change {
		f(&options)
	}
	c.Server = web.New(options)
	listener := httptest.NewServer(c.Server)
	admin := httptest.NewServer(c.Server.AdminHandler(c.Metrics))
	c.address, c.admin = listener.Listener.Addr().String(), admin.Listener.Addr().String()

	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	parts := []func(context.Context) error{c.Hub.Run, c.Rooms.Run, s.Tenants.Run, s.APIKeys.Run, s.Revocations.Run, s.Refusals.Run, s.Answers.Run, s.Storage.Run, track.Run, c.Server.Run}
	if options.Node == node {
		parts = append(parts, c.work)
	}
	ended := make(chan error, len(parts))
	for _, run := range parts {
		go func() { ended <- run(ctx) }()
	}
	c.t.Cleanup(func() {
		cancel()
		for range parts {
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				c.t.Errorf("webtest: a part of the node failed: %v", err)
			}
		}
		listener.Close()
		admin.Close()
	})
	select {
	case <-c.Rooms.Ready():
	case <-time.After(Patience):
		c.t.Fatal("webtest: the node is not ready")
	}
}

// WithoutPlatform is a change for New: no process does what is asked of the platform.
func WithoutPlatform(o *web.Options) { o.Node = "alone" }

// work does what is asked of the platform's process, as "pitboss platform" does.
func (c *Casino) work(ctx context.Context) error {
	d := storetest.DatabaseOf(c.t, c.Admin)
	tools := tenancy.Tools{
		AppURL: d.AppURL, Doctor: func(context.Context) (any, error) {
			return struct {
				OK     bool     `json:"ok"`
				Checks []string `json:"checks"`
			}{true, []string{}}, nil
		}, DNS: net.DefaultResolver,
		Archiver: tenancy.Archiver{Dir: c.t.TempDir(), Dump: func(ctx context.Context, schema string, out io.Writer) error {
			return localpg.Dump(ctx, d.AdminURL, schema, out)
		}},
	}
	w, err := jobs.OpenWorker(ctx, jobs.Options{
		URL: d.AdminURL, Box: c.Store.Box, Log: slog.New(slog.DiscardHandler), Jobs: 1, Quick: tenancy.QuickTasks(), Code: tenancy.CodeOf,
		Do: func(ctx context.Context, t jobs.Task) (jobs.Outcome, error) {
			with := tools
			with.Archiver.Progress = t.Progress
			result, secret, err := c.Admin.DoTask(ctx, t.Kind, t.Subject, t.Input, tenancy.Asker{Actor: t.Actor, Origin: t.Origin, Job: t.ID, Again: t.Again}, with)
			return jobs.Outcome{Result: result, Secret: secret}, err
		},
	})
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Run(ctx)
}

// keepRoom writes a table of roulette into the database.
func (c *Casino) keepRoom(room, settings string) {
	c.t.Helper()
	config := rooms.Config{Room: room, Game: roulette.Kind.Name, Name: room, Settings: json.RawMessage(settings)}
	if err := rooms.CheckConfig(map[string]game.Kind{roulette.Kind.Name: roulette.Kind}, &config); err != nil {
		c.t.Fatalf("webtest: %s: %v", room, err)
	}
	if err := c.Store.Rooms.Open(c.t.Context(), c.Tenant.ID, config, "webtest", rooms.Origin{}); err != nil {
		c.t.Fatalf("webtest: %s: %v", room, err)
	}
}

// OpenRoom opens a table of roulette by settings like Fast or Slow.
func (c *Casino) OpenRoom(room, settings string) {
	c.t.Helper()
	c.keepRoom(room, settings)
	if err := c.Rooms.Open(c.t.Context(), c.Ref(room)); err != nil {
		c.t.Fatalf("webtest: %s: %v", room, err)
	}
}

// Ref returns where a room of the casino is found.
func (c *Casino) Ref(room string) rooms.Ref { return rooms.Ref{Tenant: c.Tenant.ID, Room: room} }

// Token returns a token that is good for an hour.
func (c *Casino) Token(subject string, role auth.Role) string {
	c.t.Helper()
	return c.Mint(auth.Principal{Subject: subject, Name: subject, Role: role, ExpiresAt: time.Now().Add(time.Hour)})
}

// Mint returns a token of the casino that says what a principal says.
func (c *Casino) Mint(who auth.Principal) string {
	c.t.Helper()
	who.Tenant, who.Slug = c.Tenant.ID, c.Tenant.Slug
	for _, key := range c.Store.Tenants.Keys(c.Tenant.ID) {
		if key.Alg != auth.HS256 {
			continue
		}
		token, err := auth.Mint(key, who)
		if err != nil {
			c.t.Fatalf("webtest: a token for %s: %v", who.Subject, err)
		}
		return token
	}
	c.t.Fatal("webtest: the casino has no secret")
	return ""
}

// Player returns the token of a player who has an amount of money.
func (c *Casino) Player(subject string, amount game.Money) string {
	c.t.Helper()
	_, _, err := c.Store.Ledger.Credit(c.t.Context(), c.Tenant.ID, journal.Credit{
		Player: game.PlayerID(subject), Amount: amount, Currency: c.Tenant.Currency, Exponent: c.Tenant.Exponent,
		Reason: "test", Actor: "webtest", CommandID: uuid.NewString(),
	})
	if err != nil {
		c.t.Fatalf("webtest: %d for %s: %v", amount, subject, err)
	}
	return c.Token(subject, auth.Player)
}

// Staff returns a token for each role of the casino's people.
func (c *Casino) Staff() (operator, service, support string) {
	c.t.Helper()
	return c.Token("olivia", auth.Operator), c.Token("robot", auth.Service), c.Token("sam", auth.Support)
}

// Key makes an API key of the casino's, and returns its ID and its text.
func (c *Casino) Key(n tenancy.NewAPIKey) (id, text string) {
	c.t.Helper()
	k, made, err := c.Store.APIKeys.Create(c.t.Context(), c.Tenant.ID, n, tenancy.APIKeyChange{Reason: "test", Actor: "webtest"})
	if err != nil {
		c.t.Fatalf("webtest: an API key: %v", err)
	}
	return k.ID, made.Reveal()
}

// At returns the casino, asked by another host.
func (c *Casino) At(host string) *Casino {
	there := *c
	there.host = host
	return &there
}

// PlatformHost is where the node serves the platform's API.
const PlatformHost = "platform.localhost"

// Platform returns the platform's API.
func (c *Casino) Platform() *Casino {
	there := *c
	there.host, there.platform = PlatformHost, true
	return &there
}

// AdminURL returns where the node's admin listener is.
func (c *Casino) AdminURL() string { return "http://" + c.admin }

// PlatformKey makes an API key of the platform's, and returns its ID and its text.
func (c *Casino) PlatformKey(n tenancy.NewAPIKey) (id, text string) {
	c.t.Helper()
	k, made, err := c.Admin.CreateAPIKey(c.t.Context(), tenancy.Platform, n, "test")
	if err == nil {
		err = c.Store.Tenants.Reload(c.t.Context())
	}
	if err != nil {
		c.t.Fatalf("webtest: an API key of the platform: %v", err)
	}
	return k.ID, made.Reveal()
}

// dial connects to the node, whatever it is asked for.
func (c *Casino) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", c.address)
}

// short returns what a person reads of a long text.
func short(text []byte) string {
	const most = 500
	if len(text) <= most {
		return string(text)
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:most], len(text))
}
