package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	restartDelay     = 250 * time.Millisecond // the pause before a child that died is restarted
	restartDelayMax  = 5 * time.Second        // the pause if it dies repeatedly
	childStableAfter = 10 * time.Second       // a child that lived this long did not fail at its start
	childStopTimeout = drainTimeout + 5*time.Second
)

// child is a node in a process of its own, which is restarted whenever it dies.
type child struct {
	name, address, admin string
	args, env            []string
	out                  io.Writer
	log                  *slog.Logger
	again                time.Duration // how long it stays dead; 0: againAfter

	pid atomic.Int64 // of the process that runs now; 0 if none does
}

// run keeps the child alive until ctx ends; then the child drains, or is killed if that takes
// too long. It returns when there is no process.
func (c *child) run(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	// A child is told of its parent's death when the thread that started it dies.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first := cmp.Or(c.again, restartDelay)
	for wait := first; ctx.Err() == nil; {
		began := time.Now()
		if err := c.once(ctx, exe); err != nil && ctx.Err() == nil {
			if time.Since(began) > childStableAfter {
				wait = first
			}
			c.log.Warn("a node died; it is started again", "node", c.name, "error", err, "in", wait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = max(first, min(2*wait, restartDelayMax))
	}
	return nil
}

func (c *child) once(ctx context.Context, exe string) error {
	cmd := exec.CommandContext(ctx, exe, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = c.out, c.out
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = childStopTimeout
	if err := cmd.Start(); err != nil {
		return err
	}
	c.pid.Store(int64(cmd.Process.Pid))
	defer c.pid.Store(0)
	c.log.Info("a node runs", "node", c.name, "pid", cmd.Process.Pid, "address", c.address, "metrics", c.admin)
	return cmd.Wait()
}

// lockedWriter is a writer that is safe for concurrent use.
type lockedWriter struct {
	mu sync.Mutex
	io.Writer
}

// Write implements io.Writer.
func (w *lockedWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Writer.Write(b)
}
