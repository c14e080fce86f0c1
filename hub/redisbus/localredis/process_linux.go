package localredis

import "syscall"

// attributes keep the server out of our process group, so that Ctrl-C reaches us alone, and
// end it if we are killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
