// Package storetest gives tests a real PostgreSQL: one private cluster for each test
// process, a fresh database for each test that asks for one, and fresh tenants.
//
// A package that uses it needs
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
//
// # What always holds
//
//   - The cluster is started when the first test asks for it, and it is stopped and its
//     folder removed when the tests have ended.
//   - The logins are as in production: an owner who may create roles and is no superuser,
//     and the application's login.
//
// # Why
//
// Isolation by roles cannot be shown against anything but the real server, and a cluster
// of one's own needs no set-up, no password and no cleaning.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/seal"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

const (
	ownerLogin = "pitboss_owner"
	appLogin   = "pitboss_app"
)

var shared struct {
	usable bool // Main runs
	once   sync.Once
	*cluster
	err       error
	databases atomic.Int64
	tenants   atomic.Int64
}

// Main runs the tests of a package and returns their exit code.
func Main(m *testing.M) int {
	shared.usable = true
	code := m.Run()
	shared.once.Do(func() {}) // it is not started any more
	if shared.cluster != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "storetest:", err)
			return max(code, 1)
		}
	}
	return code
}

// Database is one database of the test's cluster.
type Database struct {
	Name     string
	AdminURL string // the owner's login
	AppURL   string // the application's login
	SuperURL string // a superuser's, for what production never does
	Box      *seal.Box
}

// Empty makes a database without any schema.
func Empty(t testing.TB) Database {
	t.Helper()
	if !shared.usable {
		t.Fatal("storetest: call storetest.Main in TestMain")
	}
	shared.once.Do(func() {
		var bin string
		if bin, shared.err = findBinaries(); shared.err == nil {
			shared.cluster, shared.err = startCluster(context.Background(), bin)
		}
		if shared.err == nil {
			shared.err = super(context.Background(), "postgres", `create role `+ownerLogin+` login createrole password '`+ownerLogin+`'`)
		}
	})
	if shared.err != nil {
		t.Fatalf("storetest: no PostgreSQL: %v", shared.err)
	}
	name := fmt.Sprintf("test_%d", shared.databases.Add(1))
	if err := super(t.Context(), "postgres", `create database `+name+` owner `+ownerLogin); err != nil {
		t.Fatalf("storetest: %v", err)
	}
	master := make([]byte, seal.MasterKeySize)
	if _, err := rand.Read(master); err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(master)
	if err != nil {
		t.Fatal(err)
	}
	return Database{name, shared.url(ownerLogin, name), shared.url(appLogin, name), shared.url(superuser, name), box}
}

// New makes a database with all schemas, and opens it. Both are closed with the test.
func New(t testing.TB) (*store.Store, *tenancy.Admin) {
	t.Helper()
	return Open(t, Empty(t), store.Options{})
}

// Open migrates and opens a database that Empty made; o.URL and o.Box are set by it.
func Open(t testing.TB, d Database, o store.Options) (*store.Store, *tenancy.Admin) {
	t.Helper()
	admin, err := tenancy.OpenAdmin(t.Context(), d.AdminURL, d.Box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	admin.Budget = tenancy.Budget{Relations: math.MaxInt64, Roles: math.MaxInt64} // the cluster has the roles of all tests
	owned.Store(admin, d)
	t.Cleanup(func() { owned.Delete(admin) })
	if err := admin.Migrate(t.Context(), d.AppURL); err != nil {
		t.Fatal(err)
	}
	o.URL, o.Box = d.AppURL, d.Box
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, admin
}

// owned holds the Database of each *store.Admin that Open returned.
var owned sync.Map

// Owner connects as the owner of the database that Open returned admin for.
func Owner(t testing.TB, admin *tenancy.Admin) *pgx.Conn {
	t.Helper()
	return Connect(t, DatabaseOf(t, admin).AdminURL)
}

// DatabaseOf returns the database that Open returned admin for.
func DatabaseOf(t testing.TB, admin *tenancy.Admin) Database {
	t.Helper()
	d, ok := owned.Load(admin)
	if !ok {
		t.Fatal("storetest: Open did not return this admin")
	}
	return d.(Database)
}

// Connect connects to a database until the test ends.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Tenant makes a tenant of which nothing matters but that it is there: EUR, active. Its
// scope works at once; a Store's directory shows it once that was polled, or after Reload.
func Tenant(t testing.TB, admin *tenancy.Admin) tenant.ID {
	t.Helper()
	n := shared.tenants.Add(1)
	made, err := admin.CreateTenant(t.Context(), tenancy.NewTenant{
		Slug: tenant.Slug(fmt.Sprintf("casino-%d", n)), Name: strict.Line(fmt.Sprintf("Casino %d", n)),
		Domains: []string{fmt.Sprintf("casino-%d.localhost", n)}, Currency: "EUR",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// Super runs SQL as the superuser in a database, for what production never does.
func Super(t testing.TB, d Database, sql string) {
	t.Helper()
	at := d.SuperURL
	if at == "" {
		at = shared.url(superuser, d.Name)
	}
	if err := superAt(t.Context(), at, sql); err != nil {
		t.Fatal(err)
	}
}

// Durable makes the cluster wait for the disk until the test ends, as a real one does.
func Durable(t testing.TB, d Database) {
	t.Helper()
	set := func(ctx context.Context, value string) error {
		return super(ctx, d.Name, `alter system set fsync = `+value, `alter system set full_page_writes = `+value, `select pg_reload_conf()`)
	}
	if err := set(t.Context(), "on"); err != nil {
		t.Fatal(err)
	}
	conn := Connect(t, shared.url(superuser, d.Name))
	Eventually(t, "the cluster waits for the disk", func() bool {
		var on bool
		err := conn.QueryRow(t.Context(), `select current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on'`).Scan(&on)
		return err == nil && on
	})
	t.Cleanup(func() {
		if err := set(context.Background(), "off"); err != nil {
			t.Error(err)
		}
	})
}

func super(ctx context.Context, database string, sql ...string) error {
	return superAt(ctx, shared.url(superuser, database), sql...)
}

func superAt(ctx context.Context, url string, sql ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, s := range sql {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
