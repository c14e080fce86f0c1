package localpg

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// attributes returns process attributes that keep the server out of our process group, so that Ctrl-C
// reaches us alone and we stop it in order, and that end it if we are killed.
func attributes(runAs *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: runAs, Setpgid: true, Pdeathsig: syscall.SIGINT}
}

// tieToThread keeps the goroutine on its thread, whose death is what Pdeathsig means by the
// parent's death.
func tieToThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// serves reports whether a process is a PostgreSQL server on a data folder, in which it
// always works. A process that has ended and only waits for its parent has no folder.
func serves(pid int, data string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	name, err := os.ReadFile(proc + "/comm")
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return false
	}
	works, err := os.Stat(proc + "/cwd")
	if err != nil {
		return false
	}
	there, err := os.Stat(data)
	return err == nil && os.SameFile(works, there)
}
