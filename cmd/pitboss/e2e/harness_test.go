package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub/freeport"
)

// program is the path of the program, as TestMain built it.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pitboss-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "pitboss")
	// Under the race detector a process sleeps for a second before it ends, each command too.
	_ = os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=50"))
	code := 1
	if err := build(program); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build builds the program, with the race detector if these tests have it.
func build(into string) error {
	args := []string{"build", "-tags", "e2e", "-o", into}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.Chmod(filepath.Dir(into), 0o755) // for a database of somebody else's
}

const (
	envKillPoint = "PITBOSS_TEST_KILL"
	envProxy     = "PITBOSS_TEST_PROXY"

	// drainTimeout bounds how long a node that is told to stop drains, stopTimeout how long its
	// parts take to end after that: those of cmd/pitboss.
	drainTimeout = 15 * time.Second
	stopTimeout  = 5 * time.Second
)

// testPatience bounds what a test waits for.
const testPatience = 20 * time.Second

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a fact that no channel tells.
func eventually(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	eventuallyWithin(t, testPatience, fact, holds)
}

func eventuallyWithin(t *testing.T, patience time.Duration, fact string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", fact)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// openDir returns a temporary folder that everybody may enter: run by root, the database is
// somebody else's.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// said collects what a program prints.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// last returns the end of it, from the beginning of a line on, n bytes at most.
func (s *said) last(n int) string {
	text := s.String()
	if len(text) > n {
		text = text[len(text)-n:]
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	return text
}

// server is the program in a process of its own.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *said
	died chan struct{}
}

// startProgram starts the program. It is killed at the end of the test.
func startProgram(t *testing.T, env []string, out io.Writer, args ...string) *server {
	t.Helper()
	s := newServer(t, exec.Command(program, args...), env)
	s.cmd.Stdout = out
	s.start()
	return s
}

// newServer returns a program that is not yet started.
func newServer(t *testing.T, cmd *exec.Cmd, env []string) *server {
	s := &server{t: t, cmd: cmd, log: &said{}, died: make(chan struct{})}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s
}

func (s *server) start() {
	s.t.Helper()
	started := make(chan error)
	go func() { // ends with the process, which kill ends
		// Pdeathsig means the death of the thread that started the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait()
			close(s.died)
		}
	}()
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		s.kill()
		if log := s.log.String(); strings.Contains(log, "WARNING: DATA RACE") {
			s.t.Errorf("the race detector found something:\n%s", log)
		}
	})
}

func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.died
}

// end tells the program to end, and waits. Its exit code must be 0.
func (s *server) end() {
	s.t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.died:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			s.t.Errorf("the program ended with %v:\n%s", s.cmd.ProcessState, s.log.last(4<<10))
		}
	case <-time.After(drainTimeout + 2*stopTimeout):
		s.t.Errorf("the program does not end:\n%s", s.log.last(4<<10))
	}
}

// ready reports whether the node at address takes players.
func ready(address string) bool { return readiness(address) == "ready" }

// readiness returns what a node says of itself to who would send it players.
func readiness(address string) string {
	client := http.Client{Timeout: time.Second}
	res, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(said))
}

// startProxy starts the proxy of "pitboss cluster" before nodes, and returns when it takes connections.
func startProxy(t *testing.T, address string, nodes ...string) *server {
	t.Helper()
	s := startProgram(t, []string{envProxy + "=" + strings.Join(append([]string{address}, nodes...), " ")}, nil)
	eventually(t, "the proxy listens", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return s
}

// cli runs a command as a person would, on the casino's database. Its error is what the command said.
func (f *casino) cli(args ...string) (string, error) {
	f.t.Helper()
	var out, wrong bytes.Buffer
	cmd := exec.CommandContext(soon(f.t), program, append(args, "--dir", f.t.TempDir())...)
	cmd.Env = append(os.Environ(), f.env()...)
	cmd.Stdout, cmd.Stderr = &out, &wrong
	err := cmd.Run()
	if err != nil {
		text := strings.TrimSpace(wrong.String())
		if _, sentence, ok := strings.Cut(text, "pitboss: "); ok {
			text = sentence
		}
		err = errors.New(text)
	}
	return strings.TrimSpace(out.String()), err
}

func (f *casino) mustCLI(args ...string) string {
	f.t.Helper()
	out, err := f.cli(args...)
	if err != nil {
		f.t.Fatalf("pitboss %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// person returns who the audit log says used the command line.
func (f *casino) person() string {
	if name := os.Getenv("USER"); name != "" {
		return "cli:" + name
	}
	return "cli"
}

// tenantInfo holds what "pitboss tenant show --json" prints.
type tenantInfo struct {
	Slug, Name     string
	Status         string
	Broken         string    `json:"out_of_order"`
	Suspended      string    `json:"status_reason"`
	OnTrial        bool      `json:"on_trial"`
	PaidUntil      time.Time `json:"paid_until"`
	Currency       string
	Exponent       int
	Domains        []string
	FrameAncestors []string `json:"frame_ancestors"`
}
