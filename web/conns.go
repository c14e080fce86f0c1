package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// starvedFor is how long readiness is red after the last time that there was no descriptor for a
// connection. While there is none, a listener tries again every second at least.
const starvedFor = 2 * time.Second

// connLimiter bounds the connections of a listener that are not sockets: those that wait for a
// request, read one, or answer one. It knows which of them answer somebody whose token was
// verified.
type connLimiter struct {
	most, perAddress int            // perAddress 0: no bound
	trusted          []netip.Prefix // proxies, who bring many clients and have no bound of their own
	refused          func(limit string)
	starved          func(error) // there is no descriptor for a connection

	mu        sync.Mutex // guards what follows
	open      int
	addresses map[netip.Addr]int
	answering map[net.Conn]bool
	answered  chan struct{} // closed when answering becomes empty, for who waits for it
}

func newConnLimiter(most, perAddress int, trusted []netip.Prefix) *connLimiter {
	return &connLimiter{most: most, perAddress: perAddress, trusted: trusted, addresses: map[netip.Addr]int{}, answering: map[net.Conn]bool{}}
}

// limitedListener accepts connections as its listener makes them: the hub needs them as they are.
type limitedListener struct {
	net.Listener
	conns *connLimiter
}

// Accept implements net.Listener. What is beyond a limit is closed at once.
func (l limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				l.conns.starved(err)
			}
			return nil, err
		}
		limit := l.conns.admit(c)
		if limit == "" {
			return c, nil
		}
		l.conns.refused(limit)
		_ = c.Close()
	}
}

// serve makes server answer on l, within the limits.
func (n *connLimiter) serve(server *http.Server, l net.Listener) error {
	server.ConnState = n.changed
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, &requester{n, c})
	}
	return server.Serve(limitedListener{l, n})
}

// admit counts a connection, or returns the name of the limit that it is beyond.
func (n *connLimiter) admit(c net.Conn) (limit string) {
	address, bounded := n.address(c)
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.open >= n.most:
		return limitConnections
	case bounded && n.addresses[address] >= n.perAddress:
		return limitAddressConnections
	}
	n.open++
	if bounded {
		n.addresses[address]++
	}
	return ""
}

// changed is called when a connection changes its state. One that is a socket now is the hub's.
func (n *connLimiter) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateActive:
		return
	}
	address, bounded := n.address(c)
	n.mu.Lock()
	defer n.mu.Unlock()
	if delete(n.answering, c); len(n.answering) == 0 && n.answered != nil {
		close(n.answered)
		n.answered = nil
	}
	if state == http.StateIdle {
		return
	}
	n.open--
	if !bounded {
		return
	}
	if n.addresses[address]--; n.addresses[address] <= 0 {
		delete(n.addresses, address)
	}
}

// address returns whom a connection counts for, if it does.
func (n *connLimiter) address(c net.Conn) (key netip.Addr, bounded bool) {
	from, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || n.perAddress == 0 {
		return key, false
	}
	address := from.AddrPort().Addr().Unmap()
	for _, proxies := range n.trusted {
		if proxies.Contains(address) {
			return key, false
		}
	}
	return addressKey(address), true
}

// quiet waits until nobody whose token was verified waits for an answer.
func (n *connLimiter) quiet(ctx context.Context) error {
	n.mu.Lock()
	if len(n.answering) == 0 {
		n.mu.Unlock()
		return nil
	}
	if n.answered == nil {
		n.answered = make(chan struct{})
	}
	answered := n.answered
	n.mu.Unlock()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type connKey struct{}

// requester is the connection that a request came by.
type requester struct {
	conns *connLimiter
	conn  net.Conn
}

// verified says that a request is here whole and its token was verified: it will be answered
// before the node ends.
func verified(ctx context.Context) {
	if r, ok := ctx.Value(connKey{}).(*requester); ok {
		r.conns.mu.Lock()
		defer r.conns.mu.Unlock()
		r.conns.answering[r.conn] = true
	}
}

// starvation is when there was no descriptor for a connection last.
type starvation struct{ last atomic.Int64 } // UnixNano

func (s *starvation) felt() { s.last.Store(time.Now().UnixNano()) }

func (s *starvation) now() bool { return time.Now().UnixNano()-s.last.Load() < int64(starvedFor) }
