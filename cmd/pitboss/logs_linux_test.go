package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
)

// stalled is a writer that takes nothing until it is released.
type stalled struct {
	free chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (s *stalled) Write(b []byte) (int, error) {
	<-s.free
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func TestALogThatIsNotReadHoldsNobodyUpIsBoundedAndSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := &stalled{free: make(chan struct{})}
	l := newPatientLog(w)
	l.tells(slog.New(slog.NewTextHandler(l, nil)))
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 3000 { // three times what it keeps
		if n, err := l.Write(line); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.mu.Lock()
	kept, dropped := len(l.waiting), l.dropped
	l.mu.Unlock()
	if kept > logMax || dropped < 900 {
		t.Errorf("%d bytes wait, %d lines were dropped", kept, dropped)
	}
	close(w.free)
	eventually(t, "it says how many lines are missing", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return strings.Contains(w.buf.String(), "lines were dropped")
	})
	l.end()
	written := bytes.Count(w.buf.Bytes(), line)
	if !strings.Contains(w.buf.String(), "lines=") || written+dropped < 3000 {
		t.Errorf("%d lines were written and %d dropped", written, dropped)
	}
}

func TestALogWhoseReaderIsStuckEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := &stalled{free: make(chan struct{})}
	defer close(w.free)
	l := newPatientLog(w)
	_, _ = l.Write([]byte("the last words\n"))
	done := make(chan struct{})
	go func() { l.end(); close(done) }()
	select {
	case <-done:
	case <-time.After(testPatience):
		t.Fatal("it waits for its reader")
	}
}

// startPiped starts a server whose log goes to a pipe of one page.
func (f *floor) startPiped() (*server, *os.File) {
	f.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		f.t.Fatal(err)
	}
	s := &server{cmd: exec.Command(exe, "serve", "--listen", f.address, "--admin-listen", "", "--node", "child", "--log-level", "debug"), died: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), envKillPoint+"=none none 0",
		"PITBOSS_DATABASE_URL="+f.appURL, "PITBOSS_ADMIN_DATABASE_URL="+f.adminURL, "PITBOSS_MASTER_KEY="+f.masterKey, "PITBOSS_ADDRESS_REQUESTS=0")
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, writer
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	_ = writer.Close() // the child has it
	go func() { _ = s.cmd.Wait(); close(s.died) }()
	f.t.Cleanup(func() { _ = reader.Close(); s.kill() })
	return s, reader
}

// chatters makes the node log.
func (f *floor) chatters() {
	f.t.Helper()
	for i := range 100 {
		c, err := dial(soon(f.t), f.address, f.host, f.mint(fmt.Sprint("chatter-", i), auth.Player), nil)
		if err != nil {
			f.t.Fatal(err)
		}
		_ = c.conn.CloseNow()
	}
}

// drains tells the server to end, and holds it to that.
func (f *floor) drains(s *server, by syscall.Signal) {
	f.t.Helper()
	eventually(f.t, "it is ready", func() bool { status, _, _ := f.do("GET", "/readyz", "", ""); return status == 200 })
	c := f.dial(soon(f.t), f.token("bob"), nil)
	began := time.Now()
	if err := s.cmd.Process.Signal(by); err != nil {
		f.t.Fatal(err)
	}
	if code := c.closedWith(f.t); int(code) != wire.CloseDraining.Code {
		f.t.Errorf("the socket was closed with %d", code)
	}
	select {
	case <-s.died:
	case <-time.After(drainWithin + endWithin):
		f.t.Fatal("it does not end")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		f.t.Errorf("exit code %d after %v", code, time.Since(began))
	}
}

func TestANodeWhoseLogIsNotReadServesAndDrains(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	s, _ := f.startPiped()
	f.awaitServer(s)
	f.chatters() // many times what the pipe takes
	eventually(t, "it is ready", func() bool { status, _, _ := f.do("GET", "/readyz", "", ""); return status == 200 })
	f.stake(func() *rpc {
		c := f.dial(soon(t), f.token("carol"), nil)
		if _, err := f.join(c, nil); err != nil {
			t.Fatal(err)
		}
		return c
	}())
	f.drains(s, syscall.SIGTERM)
}

func TestANodeWhoseLogReaderDiesGoesOn(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	s, reader := f.startPiped()
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	f.awaitServer(s)
	_ = reader.Close()
	f.chatters()
	eventually(t, "it is ready", func() bool { status, _, _ := f.do("GET", "/readyz", "", ""); return status == 200 })
	f.drains(s, syscall.SIGTERM)
}

func TestAHangUpDrains(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	if signal.Ignored(syscall.SIGHUP) { // as under nohup: what is caught here is not ignored by a child
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	s := f.startServer("none none 0")
	defer s.kill()
	f.awaitServer(s)
	f.drains(s, syscall.SIGHUP)
	if log := s.log.String(); !strings.Contains(log, "node=child") || !strings.Contains(log, "version="+version) || !strings.Contains(log, "memory_limit=") {
		t.Errorf("the log does not say who serves: %s", log)
	}
}

// deaf is a journal that never answers, whatever it is told.
type deaf struct {
	rooms.Journal
	free chan struct{}
}

func (d deaf) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	<-d.free
	return d.Journal.Append(ctx, ref, b)
}

func TestANodeOfWhichAPartIsStuckEndsInTime(t *testing.T) {
	t.Parallel()
	f := newFloor(t)
	free := make(chan struct{})
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(nodeOptions{name: "stuck", store: f.store, bus: membus.New(), log: slog.New(slog.DiscardHandler), test: seams{
		journal: func(j rooms.Journal) rooms.Journal { return deaf{j, free} },
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, l, nil, nil) }()
	eventually(t, "the table is claimed", func() bool { return f.place().Node == "stuck" })
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, errStuck) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(drainWithin + endWithin + testPatience):
		t.Error("it does not end")
	}
	close(free)
	eventually(t, "the rest of it ends", func() bool { return f.store.Ping(soon(t)) == nil })
}
