//go:build !linux

package main

import "syscall"

// childAttributes returns the attributes that keep a child out of our process group, so that Ctrl-C reaches us alone and we
// stop it in order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
