package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// installed are the folders where PostgreSQL's programs usually are.
var installed = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	"/opt/homebrew/bin", "/usr/local/pgsql/bin",
}

// findBinaries returns the folder of the initdb and postgres that fit the cluster's data: of the same major
// version if there are data, else the newest.
func findBinaries(ctx context.Context, at location) (string, error) {
	found := map[string]int{} // folder → major version
	add := func(dir string) {
		if v := major(ctx, dir); v >= oldest {
			found[dir] = v
		}
	}
	if dir := os.Getenv("PITBOSS_PG_BIN"); dir != "" {
		if add(dir); found[dir] == 0 {
			return "", fmt.Errorf("PITBOSS_PG_BIN: %s has no PostgreSQL %d or newer (initdb and postgres)", dir, oldest)
		}
	} else {
		if path, err := exec.LookPath("initdb"); err == nil {
			if path, err = filepath.EvalSymlinks(path); err == nil {
				add(filepath.Dir(path))
			}
		}
		for _, pattern := range installed {
			dirs, _ := filepath.Glob(pattern) // the patterns are well-formed
			for _, dir := range dirs {
				add(dir)
			}
		}
		fetched := filepath.Join(at.root, "fetched", "bin")
		if add(fetched); len(found) == 0 {
			if err := fetch(ctx, at); err != nil {
				return "", fmt.Errorf("%w (fetching one failed: %w)", ErrNoPostgres, err)
			}
			add(fetched)
		}
	}
	want, err := dataVersion(at)
	if err != nil {
		return "", err
	}
	best := ""
	for dir, v := range found {
		if (want == 0 || v == want) && (best == "" || v > found[best] || (v == found[best] && dir < best)) {
			best = dir
		}
	}
	switch {
	case best != "":
		return best, nil
	case len(found) == 0:
		return "", ErrNoPostgres
	}
	have := 0
	for _, v := range found {
		have = max(have, v)
	}
	return "", fmt.Errorf("%w: %s is of version %d and this machine has %d; install PostgreSQL %d, or start over with 'pitboss dev --reset', which throws the data away",
		ErrVersion, at.data, want, have, want)
}

// dataVersion returns the major version of the existing data; 0 if there are none.
func dataVersion(at location) (int, error) {
	raw, err := os.ReadFile(filepath.Join(at.data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%w: PG_VERSION says %q", ErrVersion, raw)
	}
	return v, nil
}

var versionForm = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// major returns the major version of the server in a folder; 0 if there is none.
func major(ctx context.Context, dir string) int {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return 0
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	m := versionForm.FindSubmatch(out)
	if m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1])) // digits
	return v
}

// fetch downloads the programs into the cluster's folder. The library can only fetch them on the way to a
// running server; that server is of no use here (it would run as root), so its start-up error does not
// matter once the programs are there.
func fetch(ctx context.Context, at location) error {
	work := filepath.Join(at.root, "fetching")
	defer func() { _ = os.RemoveAll(work) }()
	port, err := choosePort(0)
	if err != nil {
		return err
	}
	db := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		BinariesPath(filepath.Join(at.root, "fetched")).
		CachePath(filepath.Join(work, "cache")).RuntimePath(filepath.Join(work, "run")).DataPath(filepath.Join(work, "data")).
		Port(uint32(port)).Logger(io.Discard))
	err = db.Start()
	if err == nil {
		err = db.Stop()
	}
	if major(ctx, filepath.Join(at.root, "fetched", "bin")) >= oldest {
		return openToAll(filepath.Join(at.root, "fetched"))
	}
	return err
}

// openToAll lets the user that runs the server read and run what root fetched.
func openToAll(dir string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if mode&0o111 != 0 {
			mode |= 0o111
		}
		return os.Chmod(name, mode)
	})
}
