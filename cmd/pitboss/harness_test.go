package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/pitboss/games"
	"github.com/pitboss-hub/pitboss/rooms/placement"
	"github.com/pitboss-hub/pitboss/store/tenancy"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/web"
)

// casino is a tenant with one fast table, in a database of its own.
type casino struct {
	t                         *testing.T
	appURL, adminURL          string
	masterKey                 string
	address, host, slug, room string
	store                     *store.Store
	tenant                    *tenancy.Tenant
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		t.Fatal(err)
	}
	f := &casino{
		t: t, appURL: appURL, adminURL: adminURL, masterKey: base64.StdEncoding.EncodeToString(key[:]),
		address: freePort(t), host: "casino-x.localhost", slug: "casino-x", room: "roulette-1",
	}
	p := &program{ctx: ctx, streams: streams{io.Discard, io.Discard}, log: log, globals: &globals{
		Dir: t.TempDir(), Database: f.appURL, Admin: f.adminURL, MasterKey: f.masterKey,
	}}
	if err := migrate(p); err != nil {
		t.Fatal(err)
	}
	admin, err := p.openAdmin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.CreateTenant(ctx, tenancy.NewTenant{
		Slug: tenant.Slug(f.slug), Name: "Casino X", Domains: []string{f.host}, Currency: "EUR",
	}); err != nil {
		t.Fatal(err)
	}
	p.ctx = context.Background()
	if f.store, err = p.openStore(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.store.Close)
	f.tenant, _ = f.store.Tenants.BySlug(tenant.Slug(f.slug))
	f.openRoom(f.room, crashSettings)
	return f
}

func (f *casino) openRoom(room, settings string) {
	f.t.Helper()
	config := rooms.Config{Room: room, Game: "roulette", Settings: json.RawMessage(settings)}
	if err := rooms.CheckConfig(games.Kinds(), &config); err != nil {
		f.t.Fatal(err)
	}
	if err := f.store.Rooms.Open(soon(f.t), f.tenant.ID, config, "test", rooms.Origin{}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *casino) mint(subject string, role auth.Role) string {
	f.t.Helper()
	token, err := mint(f.store.Tenants, f.tenant, auth.Principal{Subject: subject, Role: role, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// startNode runs a node in this process, race detector and all, until the test ends.
func (f *casino) startNode() {
	f.t.Helper()
	f.startNodeWith(seams{})
}

func (f *casino) startNodeWith(test seams) {
	f.t.Helper()
	f.startNodeBehind(web.Edge{ConnectionsPerAddress: -1}, slog.DiscardHandler, nil, test)
}

// startNodeBehind starts a node with its own limits and log, and an admin listener.
func (f *casino) startNodeBehind(edge web.Edge, log slog.Handler, admin net.Listener, test seams) {
	f.t.Helper()
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := newNode(nodeOptions{name: "test", store: f.store, bus: membus.New(), log: slog.New(log), edge: edge, test: test})
	up, down := make(chan struct{}), make(chan error, 1)
	go func() { down <- n.run(ctx, l, admin, func() { close(up) }) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-down; err != nil {
			f.t.Errorf("the node ended with %v", err)
		}
	})
	select {
	case <-up:
	case err := <-down:
		f.t.Fatalf("the node did not start: %v", err)
	case <-time.After(testPatience):
		f.t.Fatal("the node did not start")
	}
}

// do asks the node over HTTP and returns status, the error's code, and the body.
func (f *casino) do(method, path, token string, body string, header ...string) (int, string, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(soon(f.t), method, "http://"+f.address+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Host = f.host
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, "", nil // a socket, whose body does not end
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &e)
	return res.StatusCode, e.Error.Code, raw
}

func (f *casino) key() auth.Key { return f.store.Tenants.Keys(f.tenant.ID)[0] }

// eventually waits for a fact that no channel tells.
func eventually(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	eventuallyWithin(t, testPatience, fact, holds)
}

func eventuallyWithin(t *testing.T, patience time.Duration, fact string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", fact)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// testPatience bounds what a test waits for.
const testPatience = 20 * time.Second

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	t.Cleanup(cancel)
	return ctx
}

// openDir returns a temporary folder that everybody may enter: run by root, the database is
// somebody else's.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// place returns where the table is.
func (f *casino) assignment() placement.Assignment {
	f.t.Helper()
	at, err := f.store.Leases.Assignments(soon(f.t), placement.Mark{})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, place := range at.Assignments {
		if place.Ref == (rooms.Ref{Tenant: f.tenant.ID, Room: f.room}) {
			return place
		}
	}
	return placement.Assignment{}
}

// cli runs a command as a person would, on the casino's database.
func (f *casino) cli(args ...string) (string, error) {
	f.t.Helper()
	var out bytes.Buffer
	args = append(args, "--dir", f.t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey)
	err := run(soon(f.t), args, streams{&out, io.Discard}, seams{})
	return strings.TrimSpace(out.String()), err
}

func (f *casino) mustCLI(args ...string) string {
	f.t.Helper()
	out, err := f.cli(args...)
	if err != nil {
		f.t.Fatalf("pitboss %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// said collects what a program prints, and tells when something was.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
