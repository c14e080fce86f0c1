// Package freeport finds ports of 127.0.0.1 for programs that are started here and take a port's
// number, not a socket: PostgreSQL, Redis, other nodes.
//
// # What always holds
//
//   - A port is given out once by a process, until all have been.
//   - The kernel gives it to nobody by itself: it is below the range that "port 0" and
//     connections draw from (IANA's begins at 49152, RFC 6335; Linux's at 32768). A port that was
//     got by listening on port 0 and closing it again can be somebody else's the moment after.
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
	next = rand.IntN(count) // where the search goes on; elsewhere in each process
)

// ErrNone means that all ports are taken.
var ErrNone = fmt.Errorf("freeport: every port from %d to %d is taken", lowest, lowest+count-1)

// Take returns a port on which nobody listens. It returns ErrNone, or why nobody can.
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

// Address is Take with 127.0.0.1 before it.
func Address() (string, error) {
	port, err := Take()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
