//go:build !linux

package storetest

import "syscall"

// attributes returns process attributes that keep a Ctrl-C on the tests from ending the server before them.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: credential, Setpgid: true}
}

func tieToThread() (unlock func()) { return func() {} }
