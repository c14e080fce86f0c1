package web

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// starvedFor is how long readiness is red after the last time that there was no descriptor for a
// connection. While there is none, a listener tries again every second at least.
const starvedFor = 2 * time.Second

// connLimiter bounds the connections of a listener that are not sockets: those that wait for a
// request, read one, or answer one. It knows which of them answer somebody whose token was
// verified.
type connLimiter struct {
	most, perAddress int            // perAddress 0: no bound
	trusted          []netip.Prefix // proxies, which bring many clients and have no bound of their own
	refused          func(limit string)
	starved          func(error) // there is no descriptor for a connection

	mu        sync.Mutex // guards what follows
	open      map[net.Conn]*list.Element
	order     list.List // of *openConn; first the one that has waited or worked for the longest
	addresses map[netip.Addr]int
	answering int
	answered  chan struct{} // closed when answering becomes 0, for those who wait for that
}

// openConn is a connection that is no socket.
type openConn struct {
	conn      net.Conn
	address   netip.Addr
	bounded   bool // it counts for its address
	answering bool // somebody whose token was verified
}

func newConnLimiter(most, perAddress int, trusted []netip.Prefix) *connLimiter {
	return &connLimiter{most: most, perAddress: perAddress, trusted: trusted, addresses: map[netip.Addr]int{}, open: map[net.Conn]*list.Element{}}
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
		beyond, limit := l.conns.admit(c)
		if beyond != nil {
			l.conns.refused(limit)
			_ = beyond.Close()
		}
		if beyond != c {
			return c, nil
		}
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

// admit counts a connection. It returns the connection that is to be closed, and the name of the
// limit. That is c if its address has as many as it may have. If there are as many as there may be in
// all, it is the one that has waited or worked for the longest, so that connections which are held
// open do not keep newcomers out; but nobody whose token was verified loses an answer to a newcomer.
func (n *connLimiter) admit(c net.Conn) (beyond net.Conn, limit string) {
	address, bounded := n.address(c)
	n.mu.Lock()
	defer n.mu.Unlock()
	if bounded && n.addresses[address] >= n.perAddress {
		return c, api.LimitAddressConnections
	}
	if n.order.Len() >= n.most {
		oldest := n.order.Front()
		for oldest != nil && oldest.Value.(*openConn).answering {
			oldest = oldest.Next()
		}
		if oldest == nil {
			return c, api.LimitConnections
		}
		beyond, limit = n.remove(oldest).conn, api.LimitConnections
	}
	if bounded {
		n.addresses[address]++
	}
	n.open[c] = n.order.PushBack(&openConn{conn: c, address: address, bounded: bounded})
	return beyond, limit
}

// remove removes a connection, and returns it. It needs mu.
func (n *connLimiter) remove(e *list.Element) *openConn {
	o := n.order.Remove(e).(*openConn)
	delete(n.open, o.conn)
	if o.bounded {
		if n.addresses[o.address]--; n.addresses[o.address] == 0 {
			delete(n.addresses, o.address)
		}
	}
	n.answer(o, false)
	return o
}

// answer notes whether a connection answers somebody whose token was verified. It needs mu.
func (n *connLimiter) answer(o *openConn, answering bool) {
	switch {
	case answering && !o.answering:
		n.answering++
	case !answering && o.answering:
		if n.answering--; n.answering == 0 && n.answered != nil {
			close(n.answered)
			n.answered = nil
		}
	}
	o.answering = answering
}

// changed is called when a connection changes its state. One that is a socket now is the hub's.
func (n *connLimiter) changed(c net.Conn, state http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.open[kernel(c)]
	if e == nil { // it had to go
		return
	}
	switch state {
	case http.StateActive: // a request has begun, which has its own time
		n.order.MoveToBack(e)
	case http.StateIdle:
		n.answer(e.Value.(*openConn), false)
		n.order.MoveToBack(e)
	case http.StateHijacked, http.StateClosed:
		n.remove(e)
	}
}

// kernel returns the connection as the listener made it, without TLS.
func kernel(c net.Conn) net.Conn {
	if wrapped, ok := c.(interface{ NetConn() net.Conn }); ok {
		return wrapped.NetConn()
	}
	return c
}

// address returns whom a connection counts for, if it does.
func (n *connLimiter) address(c net.Conn) (key netip.Addr, bounded bool) {
	from, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || n.perAddress == 0 {
		return key, false
	}
	address := from.AddrPort().Addr().Unmap()
	if trusts(n.trusted, address) {
		return key, false
	}
	return addressKey(address), true
}

// quiet waits until nobody whose token was verified waits for an answer.
func (n *connLimiter) quiet(ctx context.Context) error {
	n.mu.Lock()
	if n.answering == 0 {
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

// verified notes that a request is here whole and its token was verified: it will be answered before
// the node ends.
func verified(ctx context.Context) {
	r, ok := ctx.Value(connKey{}).(*requester)
	if !ok {
		return
	}
	r.conns.mu.Lock()
	defer r.conns.mu.Unlock()
	if e := r.conns.open[kernel(r.conn)]; e != nil {
		r.conns.answer(e.Value.(*openConn), true)
		r.conns.order.MoveToBack(e)
	}
}

// starvation holds when there was no descriptor for a connection last.
type starvation struct{ last atomic.Pointer[time.Time] }

// felt notes that there is none now.
func (s *starvation) felt() {
	now := time.Now()
	s.last.Store(&now)
}

// now reports whether there was none a moment ago.
func (s *starvation) now() bool {
	last := s.last.Load()
	return last != nil && time.Since(*last) < starvedFor
}
