package localpg

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
)

var (
	// ErrNoPostgres means that there is no PostgreSQL server and none could be fetched.
	ErrNoPostgres = errors.New("there is no PostgreSQL server on this machine: install version 15 or newer (Debian: apt-get install postgresql; Homebrew: brew install postgresql@17), or set PITBOSS_PG_BIN to the folder of its programs")
	// ErrVersion means that the data are of another major version than the server.
	ErrVersion = errors.New("the database was made by another version of PostgreSQL")
	// ErrInUse means that another program runs a server on the folder.
	ErrInUse = errors.New("another program uses this database")
	// ErrNotOurs means that the folder holds something else.
	ErrNotOurs = errors.New("this folder was not made by Pitboss")
)

const (
	superuser  = "postgres"
	owner      = "pitboss_owner"
	app        = "pitboss_app"
	database   = "pitboss"
	oldest     = 15 // of which schema public is the database owner's
	stopWithin = 30 * time.Second
	lookEvery  = 20 * time.Millisecond
)

// Options describe the cluster to run.
type Options struct {
	// Dir is the cluster's folder. It is made if it does not exist. Empty: a new temporary folder, which
	// Stop removes.
	Dir string
	// Port is the port on loopback where it listens. Defaults to a free one.
	Port int
	// Fsync makes a commit wait for the disk. Only tests do without.
	Fsync bool
	// Log defaults to slog.Default().
	Log *slog.Logger
}

// Cluster is a running server with the database "pitboss" and two logins.
type Cluster struct {
	// Set once by Start.
	at        location
	port      int
	secrets   secrets
	lock      *os.File
	temporary string // what Stop removes; may be empty
	server    *server
}

// secrets are the cluster's passwords, kept beside its data.
type secrets struct {
	Superuser, Owner, App string
}

// Start runs the cluster of a folder, which it makes first if need be. It returns when
// the server answers. Errors: ErrNoPostgres, ErrVersion, ErrInUse, ErrNotOurs, and what
// the server wrote if it does not start.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Dir == "" {
		dir, err := temporaryDir()
		if err != nil {
			return nil, advise(err)
		}
		o.Dir, c.temporary = dir, dir
	}
	if err := c.start(ctx, o); err != nil {
		return nil, advise(errors.Join(err, c.Stop()))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, o Options) (err error) {
	if c.at, err = locate(o.Dir); err != nil {
		return err
	}
	if err := c.at.makeFolder(); err != nil {
		return err
	}
	if c.lock, err = c.at.lock(); err != nil {
		return err
	}
	bin, err := findBinaries(ctx, c.at)
	if err != nil {
		return err
	}
	if err := c.at.evict(ctx); err != nil {
		return err
	}
	if err := c.loadSecrets(); err != nil {
		return err
	}
	if c.port, err = choosePort(o.Port); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.at.data, "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := c.initialise(ctx, bin, o.Fsync); err != nil {
			return err
		}
	}
	o.Log.Info("starting PostgreSQL", "programs", bin, "data", c.at.data, "port", c.port)
	if c.server, err = c.launch(ctx, bin, o.Fsync); err != nil {
		return err
	}
	return c.furnish(ctx)
}

// Reset removes a folder's cluster and all its data, and nothing else that is there. A
// server that runs for another program makes it fail with ErrInUse.
func Reset(dir string) error {
	at, err := locate(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(at.root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := at.makeFolder(); err != nil {
		return advise(err)
	}
	lock, err := at.lock()
	if err != nil {
		return advise(err)
	}
	defer unlock(lock)
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := at.evict(ctx); err != nil {
		return err
	}
	return advise(os.RemoveAll(at.root))
}

// AdminURL returns the URL of the login that owns the database. It may make roles, and is no superuser.
func (c *Cluster) AdminURL() string { return c.url(owner, c.secrets.Owner, database) }

// AppURL returns the URL of the application's login, which inherits nothing.
func (c *Cluster) AppURL() string { return c.url(app, c.secrets.App, database) }

func (c *Cluster) url(login, password, db string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(login, password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)), Path: "/" + db,
	}
	return u.String() + "?sslmode=disable"
}

// PID returns the process number of the server.
func (c *Cluster) PID() int { return c.server.cmd.Process.Pid }

// Ended returns a channel that is closed when the server has ended, for whatever reason.
func (c *Cluster) Ended() <-chan struct{} { return c.server.ended }

// Stop stops the server: open transactions are rolled back, everything committed is on the disk. Stopping
// twice is the same as once.
func (c *Cluster) Stop() error {
	var failed error
	if c.server != nil {
		failed = c.server.stop()
	}
	if c.temporary != "" {
		failed = errors.Join(failed, os.RemoveAll(c.at.root), os.RemoveAll(c.temporary))
	}
	if c.lock != nil {
		unlock(c.lock)
	}
	return failed
}

// loadSecrets reads the passwords, or makes them for a cluster that does not exist yet.
func (c *Cluster) loadSecrets() error {
	name := filepath.Join(c.at.root, secretsFile)
	raw, err := os.ReadFile(name)
	if err == nil {
		if err := strict.DecodeKnown(raw, &c.secrets); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(c.at.data); err == nil {
		return fmt.Errorf("the passwords of the database are lost (%s): put the file back, or start over with 'pitboss dev --reset', which throws the data away", name)
	}
	c.secrets = secrets{rand.Text(), rand.Text(), rand.Text()}
	if raw, err = json.Marshal(c.secrets); err != nil {
		return err
	}
	draft := name + ".new"
	if err := os.WriteFile(draft, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, name)
}

// temporaryDir makes a folder that the user that runs the server can reach.
func temporaryDir() (string, error) {
	dir, err := os.MkdirTemp("", "pitboss-pg-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// choosePort checks that a port is free; 0 asks for any that is.
func choosePort(port int) (int, error) {
	if port == 0 {
		return freeport.Take()
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return 0, fmt.Errorf("port %d, which PostgreSQL was to have, is taken by another program: stop it, or choose another port (%w)", port, err)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return port, nil
}

// advise adds advice to the errors that need it.
func advise(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "No space left on device"):
		return fmt.Errorf("the disk is full: free some space and start again (%w)", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not use the database's folder: start as the user who made it, or choose another folder with --dir (%w)", err)
	}
	return err
}
