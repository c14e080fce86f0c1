package localredis

import "syscall"

// attributes returns the attributes that keep the server out of our process group, so that only we
// receive Ctrl-C, and end it if we are killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
