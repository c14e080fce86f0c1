package storetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Backup makes a replica that has what the server has now, and receives nothing from then on. failOver ends
// the server, as a crash would, and promotes the replica in its stead, at the same URLs: what was written
// since the Backup is lost. It may be called more than once.
func (s Server) Backup(t testing.TB) (failOver func()) {
	t.Helper()
	copied := filepath.Join(s.dir, "backup")
	if err := s.run("pg_basebackup", "-D", copied, "-h", s.dir, "-U", superuser, "-X", "stream", "-c", "fast", "--no-sync"); err != nil {
		t.Fatal(err)
	}
	if err := s.run("touch", filepath.Join(copied, "standby.signal")); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		s.replace(t, copied)
		conn, err := pgx.Connect(t.Context(), s.url(superuser, "postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if _, err := conn.Exec(t.Context(), `select pg_promote()`); err != nil {
			t.Fatal(err)
		}
	}
}

// Snapshot copies the server's files, as a snapshot of its disk would, for which it ends the server for
// a moment. goBack ends the server and starts it with those, on the same timeline.
func (s Server) Snapshot(t testing.TB) (goBack func()) {
	t.Helper()
	copied := filepath.Join(s.dir, "snapshot")
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if err := s.run("cp", "-a", s.data(), copied); err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		s.replace(t, copied)
	}
}

// replace starts the server anew, with a copy of other files.
func (s Server) replace(t testing.TB, files string) {
	t.Helper()
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(s.data()); err != nil {
		t.Fatal(err)
	}
	if err := s.run("cp", "-a", files, s.data()); err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Copy runs another server on a copy of this one's files, for which it ends this one for a moment.
func (s Server) Copy(t testing.TB) Server {
	t.Helper()
	c, err := startCluster(t.Context(), s.bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	})
	twin := Server{c, s.bin}
	if err := s.halt(); err != nil {
		t.Fatal(err)
	}
	twin.replace(t, s.data())
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return twin
}
