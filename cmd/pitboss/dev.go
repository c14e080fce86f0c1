package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

type devCmd struct {
	Listen      string       `help:"Where to serve." default:"127.0.0.1:8080" env:"PITBOSS_LISTEN" placeholder:"ADDRESS"`
	AdminListen string       `help:"Where metrics and health are. Empty for none." default:"127.0.0.1:9090" env:"PITBOSS_ADMIN_LISTEN" placeholder:"ADDRESS"`
	Routing     routing      `embed:""`
	Platform    platformWork `embed:"" prefix:"platform-"`
	Pprof       bool         `help:"Serve profiles (net/http/pprof) at the admin listener." env:"PITBOSS_PPROF"`
	Reset       bool         `help:"Throw the database away and start over."`
}

// Help implements kong's long help.
func (devCmd) Help() string {
	return "Everything is under --dir. The second start finds the data of the first. Ctrl-C stops all that was started, the database too."
}

// demo lists the casinos that "pitboss dev" creates.
var demo = []struct {
	slug, name string
	players    []string
	rooms      []rooms.Config
}{
	{"casino-x", "Casino X", []string{"alice", "bob"}, []rooms.Config{
		{Room: "roulette-1", Game: "roulette", Name: "Grand Roulette", Settings: []byte(`{}`)},
		{Room: "roulette-2", Game: "roulette", Name: "La Partage, high limits", Settings: []byte(`{"la_partage": true, "min_bet": 1000, "max_bet": 500000, "round_min": 1000, "round_max": 2000000}`)},
		{Room: "roulette-3", Game: "roulette", Name: "Speed Roulette", Settings: []byte(`{"betting_ms": 7000, "spin_ms": 4000, "pause_ms": 2500}`)},
		{Room: "baccarat-1", Game: "baccarat", Name: "Grand Baccarat", Settings: []byte(`{}`)},
		{Room: "baccarat-2", Game: "baccarat", Name: "Speed Baccarat, no commission", Settings: []byte(`{"no_commission": true, "betting_ms": 7000, "close_ms": 500, "deal_ms": 700, "pause_ms": 2500}`)},
	}},
	{"lucky-star", "Lucky Star", []string{"carol", "dave"}, []rooms.Config{
		{Room: "roulette-1", Game: "roulette", Name: "Star Roulette", Settings: []byte(`{}`)},
		{Room: "roulette-2", Game: "roulette", Name: "Speed Star", Settings: []byte(`{"betting_ms": 7000, "spin_ms": 4000, "pause_ms": 2500}`)},
		{Room: "baccarat-1", Game: "baccarat", Name: "Star Baccarat", Settings: []byte(`{}`)},
	}},
}

const (
	demoFunds    = game.Money(100_000) // 1,000.00
	demoTokenTTL = 7 * 24 * time.Hour
	demoOperator = "olivia"

	devPlatformHost = "platform.localhost"
)

// Run implements the command.
func (c devCmd) Run(p *program) error {
	outlive()
	// The ports first: if they are taken, most likely by another "pitboss dev", its
	// database must be left alone.
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
	if c.Routing.PlatformHost == "" {
		c.Routing.PlatformHost = devPlatformHost
	}
	cluster, err := startDatabase(p, c.Reset, "PITBOSS_PLATFORM_HOST="+c.Routing.PlatformHost, "PITBOSS_SUBFOLDER_HOST="+c.Routing.SubfolderHost)
	if err != nil {
		return err
	}
	defer cluster.stop()
	key, err := platformKey(p)
	if err != nil {
		return fmt.Errorf("a key of the platform: %w", err)
	}
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	// All clients are on this machine, load tests too: no limits by address, and wide ones by person.
	limits := edge{AddressRequests: 0, PersonRequests: 5_000, TenantRequests: 10_000}.limits()
	limits.Profiles = c.Pprof
	n := newNode(nodeOptions{name: "dev", store: s, bus: membus.New(), log: p.log, edge: limits, routing: c.Routing.options(), told: loopback, test: p.seams})
	// Without its database there is nothing left to serve.
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	go func() { // ends with the cluster, which this function stops
		<-cluster.Ended()
		cancel(errDatabaseEnded)
	}()
	working, stopWork := context.WithCancel(ctx)
	worked := make(chan error, 1)
	go func() { // ends below
		err := c.Platform.run(working, p)
		if err != nil && working.Err() == nil {
			cancel(fmt.Errorf("the platform's process: %w", err))
		}
		worked <- err
	}()
	defer func() {
		stopWork()
		if err := <-worked; err != nil && ctx.Err() == nil {
			p.log.Error("the platform's process", "error", err)
		}
	}()
	err = n.run(ctx, public, admin, func() {
		if err := welcome(p, n.tenants, public.Addr(), c.Routing.PlatformHost, key); err != nil {
			p.log.Error("no links", "error", err)
		}
	})
	if cause := context.Cause(ctx); err == nil && p.ctx.Err() == nil && cause != nil {
		err = cause // the database's, or the platform's process's
	}
	return err
}

var errDatabaseEnded = errors.New("PostgreSQL ended; its log is postgres.log under --dir, and the next start recovers what was committed")

// database is the private PostgreSQL of "pitboss dev" and "pitboss cluster".
type database struct {
	*localpg.Cluster
	p *program
}

// startDatabase starts the database under --dir, migrates it and creates the demo casinos. Other commands find the lines that
// are given, of the form name=value, beside its connection strings.
func startDatabase(p *program, reset bool, lines ...string) (*database, error) {
	if reset {
		if err := localpg.Reset(p.Dir); err != nil {
			return nil, fmt.Errorf("start over: %w", err)
		}
	}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", p.Dir, err)
	}
	p.printf("Starting PostgreSQL …\n")
	cluster, err := localpg.Start(p.ctx, localpg.Options{Dir: p.Dir, Fsync: true, Log: p.log})
	if err != nil {
		return nil, err
	}
	d := &database{cluster, p}
	if err := d.furnish(lines); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *database) furnish(lines []string) error {
	if err := remember(d.p, d.Cluster, lines); err != nil {
		return err
	}
	d.p.printf("Bringing the tables up to date …\n")
	if err := migrate(d.p); err != nil {
		return err
	}
	if err := furnish(d.p); err != nil {
		return fmt.Errorf("set up the demo casinos: %w", err)
	}
	return nil
}

func (d *database) stop() {
	if err := d.Stop(); err != nil {
		d.p.log.Error("PostgreSQL did not stop", "error", err)
	}
}

// remember saves the connection strings and some more lines for the other commands, and makes the master
// key on the first start.
func remember(p *program, cluster *localpg.Cluster, lines []string) error {
	name := filepath.Join(p.Dir, envFile)
	values, err := readEnv(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key := values["PITBOSS_MASTER_KEY"]
	if key == "" {
		var b [32]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		key = base64.StdEncoding.EncodeToString(b[:])
	}
	p.Database, p.Admin, p.MasterKey = cluster.AppURL(), cluster.AdminURL(), key
	return writeEnv(name, append([]string{"PITBOSS_DATABASE_URL=" + p.Database, "PITBOSS_ADMIN_DATABASE_URL=" + p.Admin, "PITBOSS_MASTER_KEY=" + p.MasterKey}, lines...)...)
}

// furnish creates what is missing of the demo casinos: everything on the first start,
// nothing on later ones, the rest after an interrupted start.
func furnish(p *program) error {
	admin, err := p.openAdmin()
	if err != nil {
		return err
	}
	defer admin.Close()
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	for _, d := range demo {
		_, err := admin.CreateTenant(p.ctx, tenancy.NewTenant{
			Slug: tenant.Slug(d.slug), Name: strict.Line(d.name), Domains: []string{d.slug + ".localhost"}, Currency: "EUR", OnTrial: true,
		})
		if err != nil && !errors.Is(err, tenancy.ErrSlugTaken) {
			return err
		}
		if err := s.Tenants.Reload(p.ctx); err != nil {
			return err
		}
		t, err := tenantNamed(s, d.slug)
		if errors.Is(err, tenancy.ErrStatus) { // somebody archived or purged it
			continue
		}
		if err != nil {
			return err
		}
		for _, config := range d.rooms {
			if err := rooms.CheckConfig(games.Kinds(), &config); err != nil {
				return err
			}
			if err := s.Rooms.Open(p.ctx, t.ID, config, "dev", rooms.Origin{}); err != nil && !errors.Is(err, rooms.ErrExists) {
				return err
			}
		}
		for _, player := range d.players {
			if err := welcomeGift(p.ctx, s, t, player); err != nil {
				return err
			}
		}
	}
	return nil
}

// welcomeGift funds a demo player only once ever: the command's id is derived from the player.
func welcomeGift(ctx context.Context, s *store.Store, t *tenancy.Tenant, player string) error {
	_, _, err := s.Ledger.Credit(ctx, t.ID, journal.Credit{
		Player: game.PlayerID(player), Amount: demoFunds, Currency: t.Currency, Exponent: t.Exponent, Reason: "demo funds", Actor: "dev",
		CommandID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.ID.String()+"/"+player)).String(),
	})
	return err
}

// keyFile keeps the text of the platform's API key in the folder of "pitboss dev".
const keyFile = "platform.key"

// platformKey returns the text of an API key of the platform with all scopes, for this machine alone: that of the start before, as
// long as it is good.
func platformKey(p *program) (string, error) {
	admin, err := p.openAdmin()
	if err != nil {
		return "", err
	}
	defer admin.Close()
	name := filepath.Join(p.Dir, keyFile)
	if kept, err := os.ReadFile(name); err == nil {
		if k, err := auth.ParseAPIKey(string(kept)); err == nil {
			list, err := admin.ListAPIKeys(p.ctx, tenancy.Platform)
			if err != nil {
				return "", err
			}
			if slices.ContainsFunc(list, func(i tenancy.APIKeyInfo) bool { return i.ID == k.ID() && i.State == tenancy.APIKeyActive }) {
				return k.Reveal(), nil
			}
		}
	}
	n := tenancy.NewAPIKey{Name: "pitboss dev", Addresses: []string{"127.0.0.0/8", "::1"}}
	for _, s := range auth.PlatformScopes() {
		n.Scopes = append(n.Scopes, string(s))
	}
	_, k, err := admin.CreateAPIKey(p.ctx, tenancy.Platform, n, "the link that pitboss dev prints")
	if err != nil {
		return "", err
	}
	return k.Reveal(), os.WriteFile(name, []byte(k.Reveal()), 0o600)
}

// welcome prints links with tokens, and with a key of the platform. They are in the fragment, which
// browsers do not send.
func welcome(p *program, tenants *tenancy.Directory, at net.Addr, platform, key string) error {
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return err
	}
	p.printf("\nPitboss is open.\n")
	for _, d := range demo {
		t, ok := tenants.BySlug(tenant.Slug(d.slug))
		if !ok {
			continue
		}
		base := fmt.Sprintf("http://%s:%s", t.Domains[0], port)
		p.printf("\n%s  %s\n", t.Name, base)
		link := func(subject string, role auth.Role, page string) error {
			token, err := mint(tenants, t, auth.Principal{Subject: subject, Role: role, ExpiresAt: time.Now().Add(demoTokenTTL)})
			if err != nil {
				return err
			}
			p.printf("  %-8s %s  %s%s#token=%s\n", role, subject, base, page, token)
			return nil
		}
		for _, player := range d.players {
			if err := link(player, auth.Player, "/play"); err != nil {
				return err
			}
		}
		if err := link(demoOperator, auth.Operator, "/console"); err != nil {
			return err
		}
	}
	if platform != "" {
		base := "http://" + net.JoinHostPort(platform, port)
		p.printf("\nThe platform  %[1]s\n  all casinos      %[1]s/platform#key=%[2]s\n", base, key)
	}
	p.printf("\nCtrl-C stops everything. Other commands work in this folder%s: pitboss tenant list, pitboss token --help.\n", dirFlag(p.Dir))
	return nil
}

// dirFlag returns how other commands are told where dev keeps its database, if it is not the default.
func dirFlag(dir string) string {
	if here, err := filepath.Abs(defaultDir); err == nil && here == dir {
		return ""
	}
	return " with --dir " + dir
}
