//go:build !linux

package main

import "os/exec"

// startOn starts a program; only Linux lets us choose the core.
func startOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }
