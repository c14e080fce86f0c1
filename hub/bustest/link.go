package bustest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Link is a TCP proxy that a test can cut, stall, mute and slow down. It accepts connections on a
// port of its own and forwards them.
type Link struct {
	listener net.Listener
	target   string
	pumps    sync.WaitGroup

	mu    sync.Mutex // guards what follows
	state linkState
	moved chan struct{} // closed and replaced when state changed
	open  map[net.Conn]struct{}
	over  bool
}

// linkState says what is done to the bytes.
type linkState struct {
	cut            bool          // connections are closed, and none is accepted
	stalled, muted bool          // nothing is forwarded; nothing from the target is
	delay          time.Duration // of each chunk
}

// NewLink makes a proxy of target (host:port) that is closed when the test ends.
func NewLink(t testing.TB, target string) *Link {
	t.Helper()
	l, err := OpenLink(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// OpenLink makes a proxy of target (host:port), which is open until Close.
func OpenLink(target string) (*Link, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, moved: make(chan struct{}), open: map[net.Conn]struct{}{}}
	l.pumps.Go(l.accept)
	return l, nil
}

// Addr returns the address at which it accepts connections.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut closes all connections, and new ones.
func (l *Link) Cut() { l.set(linkState{cut: true}) }

// Stall stops forwarding, without closing connections.
func (l *Link) Stall() { l.set(linkState{stalled: true}) }

// Mute stops forwarding what comes from the target.
func (l *Link) Mute() { l.set(linkState{muted: true}) }

// Slow delays every chunk.
func (l *Link) Slow(delay time.Duration) { l.set(linkState{delay: delay}) }

// Mend forwards everything again, including what was stalled or muted.
func (l *Link) Mend() { l.set(linkState{}) }

func (l *Link) set(s linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.moved)
	l.moved = make(chan struct{})
	if s.cut {
		l.endAll()
	}
}

// endAll closes all connections. l.mu must be held.
func (l *Link) endAll() {
	for c := range l.open {
		_ = c.Close()
	}
}

// Close closes the proxy and all connections.
func (l *Link) Close() {
	l.mu.Lock()
	l.over = true
	l.state = linkState{cut: true}
	close(l.moved)
	l.moved = make(chan struct{})
	l.endAll()
	l.mu.Unlock()
	_ = l.listener.Close()
	l.pumps.Wait()
}

func (l *Link) now() (linkState, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.moved
}

// register reports whether c may be used, and if so lets Cut close it.
func (l *Link) register(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.cut || l.over {
		return false
	}
	l.open[c] = struct{}{}
	return true
}

func (l *Link) end(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(l.open, c)
	}
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.pumps.Go(func() { l.serve(near) })
	}
}

func (l *Link) serve(near net.Conn) {
	defer l.end(near)
	if !l.register(near) {
		return
	}
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer l.end(far)
	if !l.register(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pump(far, near, false); l.end(near, far) })
	both.Go(func() { l.pump(near, far, true); l.end(near, far) })
	both.Wait()
}

// pump forwards bytes; back means from the target.
func (l *Link) pump(to io.Writer, from io.Reader, back bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			for {
				state, moved := l.now()
				if state.cut {
					return
				}
				if !state.stalled && (!state.muted || !back) {
					if state.delay > 0 {
						<-time.After(state.delay)
					}
					break
				}
				<-moved
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
