// Package localredis runs a private redis-server that keeps nothing on disk, for "pitboss
// cluster" and for tests.
//
// # What always holds
//
//   - It listens on 127.0.0.1 only, and ends with its parent, however that ends (on Linux).
//   - Only the process that was started here is ever signalled.
package localredis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pitboss-hub/pitboss/hub/freeport"
)

// ErrMissing means that there is no redis-server on this machine.
var ErrMissing = errors.New("localredis: there is no redis-server in PATH (Debian: apt-get install redis-server)")

const (
	startWithin = 20 * time.Second
	stopWithin  = 5 * time.Second
)

// Server is a redis-server that was started here.
type Server struct {
	// Addr is its host and port.
	Addr string

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// Start runs a server in dir, on a free port if port is 0, and returns when it answers. args
// are more of redis-server's options, or "--sentinel" and a file before them. It returns
// ErrMissing.
func Start(ctx context.Context, dir string, port int, args ...string) (*Server, error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrMissing
	}
	if port == 0 {
		if port, err = freeport.Take(); err != nil {
			return nil, err
		}
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ended: make(chan struct{})}
	if len(args) == 0 || args[0] == "" || args[0][0] == '-' {
		args = append([]string{"--save", "", "--appendonly", "no"}, args...)
	}
	args = append(args, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no")
	// The process outlives ctx, which is for the start alone; Stop and Kill end it.
	s.cmd = exec.Command(bin, args...) //nolint:noctx // see above
	s.cmd.Dir, s.cmd.SysProcAttr = dir, attributes()
	var out lastWords
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	started := make(chan error, 1)
	go func() { // stays on its thread, whose death would be taken for the parent's
		runtime.LockOSThread()
		defer close(s.ended)
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait() // how it ended says nothing that its callers do not know
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("localredis: %w", err)
	}
	if err := s.answers(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("localredis: %w\n%s", err, out.String())
	}
	return s, nil
}

func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	defer func() { _ = c.Close() }()
	for {
		err := c.Ping(ctx).Err()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("redis-server ended")
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Pid returns the server's process id.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Ended returns a channel that is closed when the server has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Signal sends the server a signal, unless it has ended.
func (s *Server) Signal(sig syscall.Signal) error {
	select {
	case <-s.ended:
		return errors.New("localredis: the server has ended")
	default:
		return s.cmd.Process.Signal(sig)
	}
}

// Kill ends the server at once.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // an error means that it has ended
	<-s.ended
}

// Stop ends the server politely, or at once after a while.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-s.ended:
	case <-time.After(stopWithin):
		s.Kill()
	}
}

// lastWords keeps the beginning of a server's output.
type lastWords struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text.Len() < 4<<10 {
		w.text.Write(b)
	}
	return len(b), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
