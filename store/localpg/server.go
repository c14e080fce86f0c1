package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startWithin  = 60 * time.Second
	logBytesTold = 2000
)

// server is one run of PostgreSQL's main process.
type server struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// initialise makes the data folder under another name and renames it when it is complete, so that an
// interrupted start leaves nothing half-made.
func (c *Cluster) initialise(ctx context.Context, bin string, fsync bool) error {
	draft := c.at.data + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	if err := os.Mkdir(draft, 0o700); err != nil {
		return err
	}
	password := filepath.Join(c.at.root, "password")
	if err := os.WriteFile(password, []byte(c.secrets.Superuser), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(password) }()
	if err := errors.Join(c.at.give(draft), c.at.give(password)); err != nil {
		return err
	}
	args := []string{"-D", draft, "-U", superuser, "--auth=scram-sha-256", "--pwfile=" + password, "--encoding=UTF8", "--locale=C"}
	if !fsync {
		args = append(args, "--no-sync")
	}
	out, err := c.at.command(ctx, bin, "initdb", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make a database: %w\n%s", c.at.cannotRun(bin, err), out)
	}
	return os.Rename(draft, c.at.data)
}

// command returns a command that runs one of PostgreSQL's programs as the user that runs the server.
func (p location) command(ctx context.Context, bin, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
	cmd.Dir = p.root
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = attributes(p.runAs)
	return cmd
}

// cannotRun returns an error that says what is wrong if a program of PostgreSQL's is out of reach.
func (p location) cannotRun(bin string, err error) error {
	if errors.Is(err, fs.ErrPermission) && p.runAs != nil {
		return fmt.Errorf("PostgreSQL is not run by root, and user number %d may not run the programs in %s: %s", p.runAs.Uid, bin, err.Error()) // not wrapped: advise would take it for an error of the folder
	}
	return err
}

// launch starts the server and returns when it answers. Just after a server was killed,
// its last processes may still hold its memory; they are waited for.
func (c *Cluster) launch(ctx context.Context, bin string, fsync bool) (*server, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s, err := c.run(bin, fsync)
		if err != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", c.at.cannotRun(bin, err))
		}
		if err = c.await(ctx, s, tick.C); err == nil {
			return s, nil
		}
		if !strings.Contains(err.Error(), "pre-existing shared memory block") || ctx.Err() != nil {
			return nil, errors.Join(err, s.stop())
		}
		<-s.ended
		<-tick.C
	}
}

func (c *Cluster) run(bin string, fsync bool) (*server, error) {
	log, err := os.Create(filepath.Join(c.at.root, logFile))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	onOff := map[bool]string{true: "on", false: "off"}[fsync]
	s := &server{ended: make(chan struct{})}
	// Not bound to a context: a server is stopped, not killed.
	s.cmd = c.at.command(context.Background(), bin, "postgres", "-D", c.at.data, "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "fsync="+onOff, "-c", "full_page_writes="+onOff,
		"-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "max_locks_per_transaction=256",
		"-c", "log_min_messages=warning", "-c", "logging_collector=off")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	started := make(chan error)
	go func() { // ends when the server does
		defer close(s.ended)
		defer tieToThread()()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
		}
	}()
	return s, <-started
}

// await waits until the server answers.
func (c *Cluster) await(ctx context.Context, s *server, tick <-chan time.Time) error {
	for {
		conn, err := pgx.Connect(ctx, c.url(superuser, c.secrets.Superuser, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick:
		case <-s.ended:
			return fmt.Errorf("PostgreSQL did not start:\n%s", c.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, c.lastWords())
		}
	}
}

func (c *Cluster) lastWords() string {
	text, err := os.ReadFile(filepath.Join(c.at.root, logFile))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logBytesTold):])
}

// furnish makes the logins and the database, as far as they do not exist. The owner makes the app's login,
// and so may change it.
//
//pitboss:sql DDL; the names are constants, and the passwords letters and digits
func (c *Cluster) furnish(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.url(superuser, c.secrets.Superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("furnish the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var hasOwner, hasApp, hasDatabase bool
	err = conn.QueryRow(ctx, `select exists(select from pg_roles where rolname = $1), exists(select from pg_roles where rolname = $2),
		exists(select from pg_database where datname = $3)`, owner, app, database).Scan(&hasOwner, &hasApp, &hasDatabase)
	if err != nil {
		return fmt.Errorf("furnish the database: %w", err)
	}
	for _, step := range []struct {
		done bool
		sql  string
	}{ // The passwords are rand.Text: letters and digits, no quote.
		{hasOwner, "create role " + owner + " login createrole password '" + c.secrets.Owner + "'"},
		{hasApp, "set role " + owner + "; create role " + app + " login noinherit password '" + c.secrets.App + "'; reset role"},
		{hasDatabase, "create database " + database + " owner " + owner},
	} {
		if step.done {
			continue
		}
		if _, err := conn.Exec(ctx, step.sql); err != nil {
			return fmt.Errorf("furnish the database: %w", err)
		}
	}
	return nil
}

func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopWithin):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.ended
		return fmt.Errorf("PostgreSQL did not stop within %v and was cut off; it recovers at the next start", stopWithin)
	}
}
