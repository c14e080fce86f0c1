package localpg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// location holds the folders of a cluster and the user that runs it.
type location struct {
	root  string              // contains everything of the cluster; belongs to us
	data  string              // PostgreSQL's data folder; belongs to the user that runs it
	runAs *syscall.Credential // nil: the current user
}

const (
	lockFile    = "pitboss.lock" // also the mark by which we know a folder of ours
	secretsFile = "secrets.json"
	logFile     = "postgres.log"
)

// unprivileged are the users that may run PostgreSQL when we are root.
var unprivileged = []string{"postgres", "nobody"}

// fallbackRoot is the parent folder of clusters whose own folder the user that runs them cannot reach, as
// below /root.
const fallbackRoot = "/var/lib/pitboss"

func locate(dir string) (location, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return location{}, err
	}
	at := location{root: filepath.Join(dir, "postgres")}
	if os.Getuid() == 0 {
		if at.runAs, err = unprivilegedUser(); err != nil {
			return location{}, err
		}
		if !reachable(dir) {
			sum := sha256.Sum256([]byte(dir))
			at.root = filepath.Join(fallbackRoot, hex.EncodeToString(sum[:6]))
		}
	}
	at.data = filepath.Join(at.root, "data")
	return at, nil
}

// unprivilegedUser returns the user that runs PostgreSQL in root's stead.
func unprivilegedUser() (*syscall.Credential, error) {
	for _, name := range unprivileged {
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
	return nil, fmt.Errorf("PostgreSQL does not run as root, and none of the users %v exists: start as another user", unprivileged)
}

// reachable reports whether everybody may pass through dir, if it exists, and every folder above it.
func reachable(dir string) bool {
	for up := dir; ; up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if up == filepath.Dir(up) {
			return true
		}
	}
}

// makeFolder makes the cluster's folder. The user that runs the server may pass through it.
func (p location) makeFolder() error {
	if entries, err := os.ReadDir(p.root); err == nil && len(entries) > 0 &&
		!slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == lockFile }) {
		return fmt.Errorf("%w: %s; move it away, or choose another folder with --dir", ErrNotOurs, p.root)
	}
	above, mode := filepath.Dir(p.root), fs.FileMode(0o700)
	if p.runAs != nil {
		mode = 0o711
	}
	_, err := os.Stat(above)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(p.root, 0o755); err != nil {
		return err
	}
	if isNew && p.runAs != nil { // whatever the umask says
		if err := os.Chmod(above, 0o755); err != nil {
			return err
		}
	}
	return os.Chmod(p.root, mode)
}

// lock keeps every other program out until unlock or the end of this program.
func (p location) lock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(p.root, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: most likely another 'pitboss dev' runs in this folder; stop that first, or choose another folder with --dir (%s)", ErrInUse, p.root)
	}
	return nil, fmt.Errorf("lock %s: %w", p.root, err)
}

// unlock lets go of a folder; a second time it does nothing. To close the file would not do: a child that this program
// is just starting has it too until it runs its own program.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	_ = f.Close()
}

// give makes the user that runs PostgreSQL the owner of a file.
func (p location) give(name string) error {
	if p.runAs == nil {
		return nil
	}
	return os.Chown(name, int(p.runAs.Uid), int(p.runAs.Gid))
}
