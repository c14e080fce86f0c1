// Package freeport finds free ports of 127.0.0.1 for child processes that need a port number rather
// than a socket: PostgreSQL, Redis, other nodes.
//
// # What always holds
//
//   - A process returns each port once, until it has returned all.
//   - The kernel does not assign the port by itself: it is below the range of ephemeral ports
//     (IANA's begins at 49152, RFC 6335; Linux's at 32768). A port found by listening on port 0 and
//     closing it again may be assigned to another process the moment after.
package freeport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
)

const lowest, count = 20_000, 12_768

var (
	mu   sync.Mutex         // guards next
	next = rand.IntN(count) // where the search continues; random in each process
)

// ErrNone means that all ports are taken.
var ErrNone = fmt.Errorf("freeport: every port from %d to %d is taken", lowest, lowest+count-1)

// Take returns a port on which nobody listens. The error is ErrNone, or why listening is impossible.
func Take() (int, error) {
	mu.Lock()
	defer mu.Unlock()
	for range count {
		port := lowest + next
		next = (next + 1) % count
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("freeport: %w", err)
		}
		return port, l.Close()
	}
	return 0, ErrNone
}

// Address returns 127.0.0.1 with a port from Take.
func Address() (string, error) {
	port, err := Take()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
