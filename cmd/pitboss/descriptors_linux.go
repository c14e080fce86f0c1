package main

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/pitboss-hub/pitboss/hub"
)

// descriptorsSpare is how many descriptors a node needs beside those of sockets: connections that are no
// sockets, to PostgreSQL and to Redis, files.
const descriptorsSpare = 5_000

// warnOfDescriptors logs a warning if the process may not open as many sockets as the node accepts.
func warnOfDescriptors(log *slog.Logger) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return // nothing is known
	}
	if need := uint64(hub.DefaultSocketsMax + descriptorsSpare); limit.Cur < need { // Go has raised it to the hard limit
		log.Warn("this process may open too few files for all the sockets that the node takes: raise its limit (nofile)", "limit", limit.Cur, "wanted", need)
	}
}
