package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	superuser    = "postgres"
	startTimeout = 60 * time.Second
	startPause   = 20 * time.Millisecond
	stopTimeout  = 20 * time.Second
)

// users are the users that may run PostgreSQL when the tests are run by root, which it refuses.
var users = []string{"postgres", "nobody"}

// cluster is a private PostgreSQL of one test process.
type cluster struct {
	dir        string
	bin        string
	credential *syscall.Credential // the user that runs it; nil: the user of the tests
	process    *exec.Cmd
	ended      chan struct{} // closed when the server ended
}

// startCluster makes and starts a cluster in a new folder. It does not wait for the disk: its data are not
// needed after the tests.
func startCluster(ctx context.Context, bin string) (*cluster, error) {
	credential, err := otherThanRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pitboss-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, bin: bin, credential: credential}
	if err := c.make(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// make makes the cluster's files and starts it.
func (c *cluster) make(ctx context.Context) error {
	if c.credential != nil {
		if err := os.Chown(c.dir, int(c.credential.Uid), int(c.credential.Gid)); err != nil {
			return err
		}
	}
	if err := c.run("initdb", "-D", c.data(), "-U", superuser, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"); err != nil {
		return err
	}
	if err := c.configure("fsync = off", "full_page_writes = off"); err != nil { // not by flags, which Durable could not overrule
		return err
	}
	return c.start(ctx)
}

// configure adds lines to the server's configuration.
func (c *cluster) configure(lines ...string) error {
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}

// data returns the folder of the server's files.
func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

// command returns a command that runs a program of PostgreSQL's, or of the system's, as the server's user.
func (c *cluster) command(name string, args ...string) *exec.Cmd {
	if own := filepath.Join(c.bin, name); executable(own) {
		name = own
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = attributes(c.credential)
	return cmd
}

// run runs a command to its end.
func (c *cluster) run(name string, args ...string) error {
	if out, err := c.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func (c *cluster) start(ctx context.Context) error {
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c.process = c.command("postgres", "-D", c.data(), "-k", c.dir,
		"-c", "listen_addresses=",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "max_locks_per_transaction=256",
		"-c", "log_min_messages=fatal")
	c.process.Stdout, c.process.Stderr = log, log
	if c.ended, err = launch(c.process); err != nil {
		c.process = nil
		return err
	}
	return c.await(ctx)
}

// await waits until the server answers.
func (c *cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(startPause)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.url(superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-c.ended:
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("postgres ended: %w\n%s", err, text)
		case <-ctx.Done():
			return err
		}
	}
}

// halt ends the server at once.
func (c *cluster) halt() error {
	if c.process == nil {
		return nil
	}
	return end(c.process, c.ended)
}

// stop ends the server and removes the folder.
func (c *cluster) stop() error { return errors.Join(c.halt(), os.RemoveAll(c.dir)) }

// url returns the URL of a database for login: over the socket in the cluster's folder.
func (c *cluster) url(login, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(login, login), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.dir}}.Encode()
	return u.String()
}

// findBinaries returns the folder of initdb and postgres.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if dir := filepath.Dir(path); executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	best, version := "", 0
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, dir := range dirs {
			var v int
			name := filepath.Base(filepath.Dir(dir))
			if _, err := fmt.Sscanf(name, "%d", &v); err != nil {
				_, _ = fmt.Sscanf(name, "postgresql@%d", &v)
			}
			if v > version && executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
				best, version = dir, v
			}
		}
	}
	if best == "" {
		return "", errors.New("storetest: no PostgreSQL server found: install the package postgresql")
	}
	return best, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// otherThanRoot returns the user that is to run PostgreSQL; nil for the user of the tests.
func otherThanRoot() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range users {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("storetest: PostgreSQL refuses root, and none of the users %v exists", users)
}
