// Command pitboss is the whole program: a node (serve), everything at once on one
// machine (dev), tools to operate it (migrate, tenant, room, token), and a load test (load).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
)

func main() {
	// Most of a node's garbage is a bet's or a frame's and dies young; what lives is small. At Go's
	// default a node under 12,000 bets a second spends a sixth of its CPU time on collecting.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(start(os.Args[1:], seams{}))
}

// start runs the program until it is done or told to end, and returns its exit code.
func start(args []string, test seams) int {
	ctx, stop := signal.NotifyContext(context.Background(), ending()...)
	defer stop()
	out := newPatientLog(os.Stderr)
	defer out.end()
	err := secretsFromFiles()
	if err == nil {
		err = run(ctx, args, streams{os.Stdout, out}, test)
	}
	if err != nil && !errors.Is(err, errShown) {
		_, _ = fmt.Fprintln(out, "pitboss:", errorText(err))
	}
	return exitCode(err)
}

// exitCode returns 0 on success, 2 if "pitboss load" found a broken promise or "pitboss doctor" could not do its work,
// else 1.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errViolated), errors.Is(err, errNotExamined):
		return 2
	}
	return 1
}
