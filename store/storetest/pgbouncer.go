package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pooler says how a pgbouncer lends connections: each for a transaction, unless Mode says otherwise.
type Pooler struct {
	Conns int // to the server; 0: one, which all clients share
	// Prepared is how many prepared statements it knows of each connection. If it is 0 it knows none, and
	// clients have to ask with default_query_exec_mode=cache_describe.
	Prepared int
	Mode     string // for how long it lends a connection; "": for a transaction
}

// Start runs a pgbouncer before the application's login of a database until the test ends, and returns its
// URL. Like the server, it listens on a socket in a folder of its own.
func (p Pooler) Start(t testing.TB, d Database) (appURL string) {
	t.Helper()
	credential, err := otherThanRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "pitboss-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	server, err := pgx.ParseConfig(d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(dir, "users")
	lines := []string{
		"[databases]", fmt.Sprintf("* = host=%s port=%d", server.Host, server.Port),
		"[pgbouncer]", "listen_addr =", "unix_socket_dir = " + dir, "auth_type = trust", "auth_file = " + users,
		"pool_mode = " + cmp.Or(p.Mode, "transaction"), fmt.Sprintf("default_pool_size = %d", max(1, p.Conns)), "max_client_conn = 500",
		"query_wait_timeout = 30", fmt.Sprintf("max_prepared_statements = %d", p.Prepared),
	}
	ini := filepath.Join(dir, "pgbouncer.ini")
	for name, text := range map[string]string{users: fmt.Sprintf("%q %q\n", server.User, server.Password), ini: strings.Join(lines, "\n") + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(findPgBouncer(t), ini)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, log, log, attributes(credential)
	ended, err := launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(cmd, ended); err != nil {
			t.Error(err)
		}
	})
	u := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Path: "/" + server.Database}
	u.RawQuery = url.Values{"host": {dir}, "port": {"6432"}}.Encode()
	socket := filepath.Join(dir, ".s.PGSQL.6432")
	Eventually(t, "pgbouncer listens", func() bool {
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("pgbouncer ended:\n%s", text)
		default:
		}
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return u.String()
}

// findPgBouncer returns the program, which "make install" unpacks beside the system's.
func findPgBouncer(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("PITBOSS_PGBOUNCER"); path != "" {
		return path
	}
	if path := unpacked(t, "pgbouncer-newest", "usr/sbin/pgbouncer"); path != "" {
		return path
	}
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Fatal("storetest: there is no pgbouncer: run make install, or set PITBOSS_PGBOUNCER")
	}
	return path
}

// launch starts a command and returns a channel that is closed when it ended.
func launch(cmd *exec.Cmd) (ended chan struct{}, err error) {
	ended = make(chan struct{})
	started := make(chan error)
	go func() { // ends when the command does
		defer close(ended)
		unlock := tieToThread()
		defer unlock()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return ended, <-started
}

// end ends a command at once.
func end(cmd *exec.Cmd, ended chan struct{}) error {
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-ended
	}
	return nil
}
