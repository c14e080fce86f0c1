package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// startPiped starts a server whose log goes to a pipe of one page.
func (f *casino) startPiped() (*server, *os.File) {
	f.t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		f.t.Fatal(err)
	}
	s := newServer(f.t, exec.Command(program, "serve", "--listen", f.address, "--admin-listen", "", "--node", "child", "--log-level", "debug"), f.env())
	s.cmd.Stderr = writer
	s.start()
	_ = writer.Close() // the child has it
	f.t.Cleanup(func() { _ = reader.Close() })
	return s, reader
}

// chatters makes the node log.
func (f *casino) chatters() {
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
func (f *casino) drains(s *server, by syscall.Signal) {
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
	case <-time.After(drainTimeout + stopTimeout):
		f.t.Fatal("it does not end")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		f.t.Errorf("exit code %d after %v", code, time.Since(began))
	}
}

func TestANodeWhoseLogIsNotReadServesAndDrains(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
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
	f := newCasino(t)
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
	f := newCasino(t)
	if signal.Ignored(syscall.SIGHUP) { // as under nohup: what is caught here is not ignored by a child
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	s := f.startServer("")
	defer s.kill()
	f.awaitServer(s)
	f.drains(s, syscall.SIGHUP)
	if log := s.log.String(); !strings.Contains(log, "node=child") || !strings.Contains(log, "version=0.1.0-dev") || !strings.Contains(log, "memory_limit=") {
		t.Errorf("the log does not say who serves: %s", log)
	}
}
