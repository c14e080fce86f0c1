package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/tenancy"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/localpg"
)

// casino is a tenant with one fast table, in a database of its own.
type casino struct {
	t                         *testing.T
	appURL, adminURL          string
	masterKey                 string
	address, host, slug, room string
	store                     *store.Store // the test's own
	tenant                    *tenancy.Tenant
	play                      *play  // of the room's game
	published                 string // private addresses from which the nodes read keys
}

const (
	crashFunds    = game.Money(1_000_000)
	crashSettings = `{"min_bet":100,"max_bet":10000,"round_min":100,"round_max":50000,"betting_ms":400,"close_ms":100,"spin_ms":200,"pause_ms":150}`
)

func newCasino(t *testing.T) *casino {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := localpg.Start(ctx, localpg.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return newCasinoIn(t, cluster.AppURL(), cluster.AdminURL())
}

// newFloorIn makes the casino in an empty database, whose logins' URLs are given.
func newCasinoIn(t *testing.T, appURL, adminURL string) *casino {
	t.Helper()
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		t.Fatal(err)
	}
	f := &casino{
		t: t, appURL: appURL, adminURL: adminURL, masterKey: base64.StdEncoding.EncodeToString(key[:]),
		address: freePort(t), host: "casino-x.localhost", slug: "casino-x", room: "roulette-1", play: plays(0)[0],
	}
	f.mustCLI("migrate")
	f.mustCLI("tenant", "create", "--slug", f.slug, "--name", "Casino X", "--domain", f.host, "--currency", "EUR")
	f.openStore()
	f.openRoom(f.room, crashSettings)
	return f
}

// env returns the environment that tells the program the casino's database.
func (f *casino) env(more ...string) []string {
	env := []string{
		"PITBOSS_DATABASE_URL=" + f.appURL, "PITBOSS_ADMIN_DATABASE_URL=" + f.adminURL, "PITBOSS_MASTER_KEY=" + f.masterKey,
		"PITBOSS_ADDRESS_REQUESTS=0", // all come from one address
	}
	if f.published != "" {
		env = append(env, "PITBOSS_JWKS_ALLOW="+f.published)
	}
	return append(env, more...)
}

func (f *casino) box() *seal.Box {
	f.t.Helper()
	key, err := base64.StdEncoding.DecodeString(f.masterKey)
	if err != nil {
		f.t.Fatal(err)
	}
	box, err := seal.NewBox(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return box
}

// openStore connects with the app's login, to look at what is kept.
func (f *casino) openStore() {
	f.t.Helper()
	var err error
	if f.store, err = store.Open(context.Background(), store.Options{URL: f.appURL, Box: f.box(), Log: slog.New(slog.DiscardHandler), Application: "e2e"}); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(f.store.Close)
	f.tenant, _ = f.store.Tenants.BySlug(tenant.Slug(f.slug))
}

// openAdmin connects with the owner's login, until the test ends.
func (f *casino) openAdmin() *tenancy.Admin {
	f.t.Helper()
	admin, err := tenancy.OpenAdmin(soon(f.t), f.adminURL, f.box())
	if err != nil {
		f.t.Fatal(err)
	}
	admin.Actor, admin.Log = "test", slog.New(slog.DiscardHandler)
	f.t.Cleanup(admin.Close)
	return admin
}

// addTenant makes a second casino in the same database.
func (f *casino) addTenant(slug string) *casino {
	f.t.Helper()
	other := *f
	other.slug, other.host = slug, slug+".localhost"
	f.mustCLI("tenant", "create", "--slug", slug, "--name", slug, "--domain", other.host, "--currency", "EUR")
	other.openStore()
	if err := f.store.Tenants.Reload(soon(f.t)); err != nil {
		f.t.Fatal(err)
	}
	return &other
}

// openTable opens a table of a game, and returns the casino with that as its room.
func (f *casino) openTable(room string, p *play, at pace) *casino {
	f.t.Helper()
	f.mustCLI("room", "open", room, "--tenant", f.slug, "--game", p.Name, "--settings", p.settings(at))
	one := *f
	one.room, one.play = room, p
	return &one
}

func (f *casino) openRoom(room, settings string) {
	f.t.Helper()
	f.mustCLI("room", "open", room, "--tenant", f.slug, "--settings", settings)
}

// token funds a player and returns its token.
func (f *casino) token(player string) string {
	f.t.Helper()
	if _, _, err := f.store.Ledger.Credit(soon(f.t), f.tenant.ID, journal.Credit{
		Player: game.PlayerID(player), Amount: crashFunds, Currency: f.tenant.Currency, Exponent: f.tenant.Exponent, Reason: "test", Actor: "test", CommandID: uuid.NewString(),
	}); err != nil {
		f.t.Fatal(err)
	}
	return f.mint(player, auth.Player)
}

func (f *casino) mint(subject string, role auth.Role) string {
	f.t.Helper()
	who := auth.Principal{Tenant: f.tenant.ID, Slug: f.tenant.Slug, Subject: subject, Role: role, ExpiresAt: time.Now().Add(time.Hour)}
	for _, key := range f.store.Tenants.Keys(f.tenant.ID) {
		if key.Alg != auth.HS256 {
			continue
		}
		token, err := auth.Mint(key, who)
		if err != nil {
			f.t.Fatal(err)
		}
		return token
	}
	f.t.Fatalf("%s has no secret of ours", f.slug)
	return ""
}
