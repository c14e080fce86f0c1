package storetest

import (
	"runtime"
	"syscall"
)

// attributes returns process attributes that end the server with the tests, also if these are killed.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: credential, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}

// tieToThread keeps the calling goroutine on its thread: the kernel sends Pdeathsig when
// the thread ends that started the process.
func tieToThread() (unlock func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}
