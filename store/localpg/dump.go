package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoDump means that there is no pg_dump on this machine that can read the server's database.
var ErrNoDump = errors.New("localpg: pg_dump was not found: install PostgreSQL's client programs, of the server's version or a newer one, or name their folder in PITBOSS_PG_BIN")

// CheckDump returns ErrNoDump unless there is a pg_dump on this machine that can read a server of a version, as 17.
func CheckDump(ctx context.Context, server int) error {
	_, version, err := findDump(ctx)
	if err == nil && version < server {
		err = fmt.Errorf("%w: the newest is of version %d, and the server of %d", ErrNoDump, version, server)
	}
	return err
}

// Dump writes a schema of a database as SQL, by the newest pg_dump on this machine: without owners and rights, and with
// quoted identifiers. The URL is the database's; its password is given to pg_dump by the environment. It returns ErrNoDump.
func Dump(ctx context.Context, databaseURL, schema string, out io.Writer) error {
	program, _, err := findDump(ctx)
	if err != nil {
		return err
	}
	target, password, err := withoutPassword(databaseURL)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "--no-password", "--no-owner", "--no-privileges", "--quote-all-identifiers",
		"--schema="+strconv.Quote(schema), "--dbname="+target)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = out, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("localpg: pg_dump: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// findDump returns the path and the version of the newest pg_dump.
func findDump(ctx context.Context) (best string, newest int, err error) {
	var paths []string
	if dir := os.Getenv("PITBOSS_PG_BIN"); dir != "" {
		paths = append(paths, filepath.Join(dir, "pg_dump"))
	} else {
		if path, err := exec.LookPath("pg_dump"); err == nil {
			paths = append(paths, path)
		}
		for _, pattern := range installed {
			found, _ := filepath.Glob(filepath.Join(pattern, "pg_dump")) // the patterns are well-formed
			paths = append(paths, found...)
		}
	}
	for _, path := range paths {
		text, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			continue
		}
		if m := versionForm.FindSubmatch(text); m != nil {
			if v, _ := strconv.Atoi(string(m[1])); v > newest { // digits
				best, newest = path, v
			}
		}
	}
	if best == "" {
		return "", 0, ErrNoDump
	}
	return best, newest, nil
}

// ofLibpq are the parameters of a URL that libpq knows as pgx does; others are pgx's own.
var ofLibpq = []string{"host", "port", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "connect_timeout", "application_name"}

// withoutPassword returns a database's URL without the password, and the password.
func withoutPassword(text string) (target, password string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "", "", errors.New("localpg: the database's URL is to begin with postgres://") // not the text: a password may be in it
	}
	q, kept := u.Query(), url.Values{}
	for _, name := range ofLibpq {
		if v := q.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	password, _ = u.User.Password()
	if password == "" {
		password = q.Get("password")
	}
	u.User, u.RawQuery = url.User(u.User.Username()), kept.Encode()
	return u.String(), password, nil
}
