package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
)

// The cores that are used, where there are two.
const (
	serverCore = 0
	clientCore = 1
)

func cores() int { return runtime.NumCPU() }

// repository returns the folder of the product's go.mod.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/pitboss-hub/pitboss").Output()
	if err != nil {
		return "", fmt.Errorf("run this in cmd/bench of the repository (make bench does): %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build builds all programs.
func (b *bench) build(ctx context.Context) error {
	if err := os.Chmod(b.bin, 0o755); err != nil {
		return err
	}
	for dir, packages := range map[string][]string{
		filepath.Join(b.root, "cmd", "bench"): {"./wsload", "./peers/..."},
		b.root:                                {"-o", filepath.Join(b.bin, "product"), "./cmd/pitboss"},
	} {
		args := append([]string{"build"}, packages...)
		if packages[0] != "-o" {
			args = append([]string{"build", "-o", b.bin + string(filepath.Separator)}, packages...)
		}
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// server is one of those that are compared.
type server struct {
	name, program, dialect string
	args                   []string
}

func (s server) with(args ...string) server {
	s.args = append(append([]string{}, s.args...), args...)
	return s
}

// process is a running program of ours.
type process struct {
	cmd   *exec.Cmd
	said  bytes.Buffer
	ended chan struct{}
}

// start runs a program on one core, or, with core -1, on all. It ends with the bench.
func start(core int, dir, program string, args, env []string, out *os.File) (*process, error) {
	// Not bound to a context: it is stopped, not killed.
	p := &process{cmd: exec.CommandContext(context.Background(), program, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.Stderr = &p.said
	p.cmd.Stdout = &p.said
	if out != nil {
		p.cmd.Stdout = out
	}
	if err := startOn(core, p.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // what it said tells more
		close(p.ended)
	}()
	return p, nil
}

// stop ends it, gently first, and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// kill ends a server that has nothing to lose.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// answers waits until a port answers.
func (p *process) answers(ctx context.Context, addr string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), bytes.TrimSpace(p.said.Bytes()))
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", filepath.Base(p.cmd.Path), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freePorts returns n ports that nobody listens on.
func freePorts(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // all at the end, so that they differ
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// measure runs a server on one core and the load client on the other, and returns what
// the client reports.
func (b *bench) measure(ctx context.Context, s server, args ...string) ([]load.Row, error) {
	addrs, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	srv, err := start(serverCore, b.bin, filepath.Join(b.bin, s.program), append([]string{"-addr", addrs[0], "-side", addrs[1]}, s.args...), []string{"GOMAXPROCS=1"}, nil)
	if err != nil {
		return nil, err
	}
	defer srv.kill()
	if err := srv.answers(ctx, addrs[0], 10*time.Second); err != nil {
		return nil, err
	}
	if err := srv.answers(ctx, addrs[1], 10*time.Second); err != nil {
		return nil, err
	}
	side := "http://" + addrs[1]
	args = append([]string{"-addr", addrs[0], "-dialect", s.dialect, "-pid", strconv.Itoa(srv.cmd.Process.Pid), "-stats", side + "/stats", "-free", side + "/free"}, args...)
	text, err := b.output(ctx, clientCore, filepath.Join(b.bin, "wsload"), args...)
	rows, bad := readRows(text)
	return rows, errors.Join(err, bad)
}

// output runs a program and returns what it prints. It is ended with ctx.
func (b *bench) output(ctx context.Context, core int, program string, args ...string) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p, err := start(core, b.bin, program, args, nil, w)
	_ = w.Close()
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	defer context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })()
	var out bytes.Buffer
	_, err = out.ReadFrom(r)
	<-p.ended
	if state := p.cmd.ProcessState; state == nil || !state.Success() {
		err = errors.Join(err, fmt.Errorf("%s: %v: %s", filepath.Base(program), state, bytes.TrimSpace(p.said.Bytes())))
	}
	return out.Bytes(), errors.Join(err, r.Close())
}

func readRows(text []byte) ([]load.Row, error) {
	var rows []load.Row
	for line := range bytes.Lines(text) {
		var r load.Row
		if err := json.Unmarshal(line, &r); err != nil {
			return rows, fmt.Errorf("the load client said %q: %w", line, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}
