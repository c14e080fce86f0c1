// Command pitboss is the whole program: a node (serve), everything at once on one
// machine (dev), and the tools of whoever runs it (migrate, tenant, room, token).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr}, seams{})
	stop()
	if err != nil && !errors.Is(err, errShown) {
		fmt.Fprintln(os.Stderr, "pitboss:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}
