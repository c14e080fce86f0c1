package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// evict stops a server that a killed program left behind on the cluster's data. Only the holder of the
// folder's lock may call it: then no living program runs that server.
func (p location) evict(ctx context.Context) error {
	name := filepath.Join(p.data, "postmaster.pid")
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid < 2 || !alive(pid) {
		return nil // left by a crash; the server itself clears it up
	}
	if !serves(pid, p.data) {
		// The number is another process's now, as after a reboot. PostgreSQL would
		// take that process for a server and refuse to start.
		return os.Remove(name)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the PostgreSQL of an earlier run (process %d): %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for alive(pid) && serves(pid, p.data) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: its PostgreSQL, process %d, was left behind by an earlier run and does not stop", ErrInUse, pid)
		}
	}
	return nil
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
