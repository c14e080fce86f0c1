//go:build !linux

package localpg

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func attributes(runAs *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: runAs, Setpgid: true}
}

func tieToThread() (release func()) { return func() {} }

// serves reports whether a process is a PostgreSQL server on a data folder.
func serves(pid int, data string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres -D "+data+" ")
}
