//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "wsload: this client is made of epoll and /proc, so it runs on Linux only")
	os.Exit(2)
}
