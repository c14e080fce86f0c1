package localpg

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childDir is the variable that makes this test's program another one: it runs a cluster
// in the folder that it names until its standard input ends.
const childDir = "LOCALPG_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := beChild(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func beChild(dir string) error {
	c, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println(os.Getuid(), c.PID())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return c.Stop()
}

type child struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	uid, pid int // the child's user, its server's process
}

// startChild runs a cluster in another process, which may belong to another user.
func startChild(t *testing.T, program, dir string, runAs *syscall.Credential) *child {
	t.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: runAs}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	c := &child{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, scanned := fmt.Sscan(line, &c.uid, &c.pid); scanned != nil {
		t.Fatalf("the child says %q (%v)", line, err)
	}
	return c
}

// mustEnd waits until a process that is not our child has ended.
func mustEnd(t *testing.T, pid int) {
	t.Helper()
	tick, timeout := time.NewTicker(lookEvery), time.After(stopWithin)
	defer tick.Stop()
	for running(pid) {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// running is false also for a process that has ended and only waits for its parent, who
// may be slow to ask: in a container, the first process often never does.
func running(pid int) bool {
	if !alive(pid) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return alive(pid)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func TestAKilledProgramLeavesNoServerBehind(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := newDir(t)
	c := startChild(t, program, dir, nil)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	start(t, Options{Dir: dir}) // stops it, where the system does not
	mustEnd(t, c.pid)
}

func TestAServerEndsWithTheProgramThatStartedIt(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := startChild(t, program, newDir(t), nil)
	if err := c.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	mustEnd(t, c.pid)
}

// Root runs this package in containers, everybody else on their own machines; the tests
// above are one of the two, this one is the other.
func TestAnyUserCanRunACluster(t *testing.T) {
	t.Parallel()
	dir, err := temporaryDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program") // where everybody can reach it
	// Not copied by this process: whoever forks meanwhile would hold it open for
	// writing, and nothing that is open for writing can be run.
	if out, err := exec.Command("cp", self, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	at, err := locate(dir)
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := at.give(home); err != nil {
		t.Fatal(err)
	}
	c := startChild(t, program, home, at.runAs)
	if c.uid == 0 {
		t.Fatal("the child is root")
	}
	if err := c.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// A clone below a home folder that nobody else may enter, as root's.
func TestAFolderThatTheServersUserCanNotReachIsServedFromElsewhere(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "clone", ".pitboss")
	t.Cleanup(func() {
		if err := Reset(dir); err != nil {
			t.Error(err)
		}
	})
	c := start(t, Options{Dir: dir})
	keepSomething(t, c)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	mustBeKept(t, start(t, Options{Dir: dir}))
}

func TestAFolderThatCanBeReachedHoldsItsData(t *testing.T) {
	t.Parallel()
	dir, err := temporaryDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	project := filepath.Join(dir, ".pitboss")
	c := start(t, Options{Dir: project})
	if want := filepath.Join(project, "postgres", "data"); c.at.data != want {
		t.Fatalf("the data are in %s, want %s", c.at.data, want)
	}
	keepSomething(t, c)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := Reset(project); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(project, "postgres")); !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
