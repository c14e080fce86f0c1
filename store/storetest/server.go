package storetest

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/store/seal"
)

// Server is a PostgreSQL server that one test has to itself, as another machine would be.
type Server struct {
	*cluster
	bin string
}

// Installed returns the folder of PostgreSQL's programs that tests run on.
func Installed(t testing.TB) (bin string) {
	t.Helper()
	bin, err := findBinaries()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Newest returns the folder of the newest PostgreSQL's programs, which "make install" unpacks beside
// the system's. A test that needs it fails where it is missing.
func Newest(t testing.TB) (bin string) {
	t.Helper()
	if bin := os.Getenv("PITBOSS_PG_NEWEST_BIN"); bin != "" {
		return bin
	}
	if program := unpacked(t, "postgresql-newest", "usr/lib/postgresql/*/bin/postgres"); program != "" {
		return filepath.Dir(program)
	}
	t.Fatal("storetest: the newest PostgreSQL is missing: run make install, or set PITBOSS_PG_NEWEST_BIN")
	return ""
}

// unpacked returns the program of a name in a folder that "make install" unpacked; "" if it is not there.
func unpacked(t testing.TB, folder, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	folders := []string{"/var/cache/pitboss"}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		folders = append(folders, filepath.Join(dir, ".tools"))
	}
	for _, in := range folders {
		found, err := filepath.Glob(filepath.Join(in, folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, program := range found {
			if executable(program) {
				return program
			}
		}
	}
	return ""
}

// StartServer runs a server of the programs in bin until the test ends. It has the owner's login.
func StartServer(t testing.TB, bin string) Server {
	t.Helper()
	c, err := startCluster(t.Context(), bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	s := Server{c, bin}
	s.Super(t, "postgres", `create role `+ownerLogin+` login createrole password '`+ownerLogin+`'`)
	return s
}

// Database makes an empty database that belongs to the owner. A nil box is a new one.
func (s Server) Database(t testing.TB, name string, box *seal.Box) Database {
	t.Helper()
	s.Super(t, "postgres", `create database `+name+` owner `+ownerLogin)
	return s.Find(t, name, box)
}

// Find returns a database that is there.
func (s Server) Find(t testing.TB, name string, box *seal.Box) Database {
	t.Helper()
	if box == nil {
		master := make([]byte, seal.MasterKeySize)
		_, _ = rand.Read(master) // it never fails
		var err error
		if box, err = seal.NewBox(master); err != nil {
			t.Fatal(err)
		}
	}
	return Database{Name: name, AdminURL: s.url(ownerLogin, name), AppURL: s.url(appLogin, name), SuperURL: s.url(superuser, name), Box: box}
}

// Super runs SQL as the superuser.
func (s Server) Super(t testing.TB, database, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url(superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// AskPasswords makes the server ask all but its superuser for their passwords.
func (s Server) AskPasswords(t testing.TB) {
	t.Helper()
	name := filepath.Join(s.dir, "data", "pg_hba.conf")
	if err := os.WriteFile(name, []byte("local all "+superuser+" trust\nlocal all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Super(t, "postgres", `select pg_reload_conf()`)
}

// Run runs one of PostgreSQL's programs, as pg_dump, and returns what it wrote.
func (s Server) Run(t testing.TB, program string, args ...string) (out []byte, err error) {
	t.Helper()
	return exec.CommandContext(t.Context(), filepath.Join(s.bin, program), args...).CombinedOutput()
}

// With returns the server with another version's programs to Run.
func (s Server) With(bin string) Server { return Server{s.cluster, bin} }

// Major returns the server's major version.
func (s Server) Major(t testing.TB) (major int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url(superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), `select current_setting('server_version_num')::int / 10000`).Scan(&major); err != nil {
		t.Fatal(err)
	}
	return major
}

// SuperURL returns the URL of a database for the superuser.
func (s Server) SuperURL(database string) string { return s.url(superuser, database) }
