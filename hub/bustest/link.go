package bustest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Link is a TCP connection's way through, which a test can cut, stall, mute and slow down. It
// takes connections on a port of its own and passes them on.
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

// linkState is what happens to bytes.
type linkState struct {
	cut            bool          // connections end, and none is taken
	stalled, muted bool          // nothing passes; nothing passes from the target
	delay          time.Duration // of each piece
}

// NewLink makes a way to target (host:port) that ends with the test.
func NewLink(t testing.TB, target string) *Link {
	t.Helper()
	l, err := OpenLink(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// OpenLink makes a way to target (host:port), which is open until Close.
func OpenLink(target string) (*Link, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{listener: listener, target: target, moved: make(chan struct{}), open: map[net.Conn]struct{}{}}
	l.pumps.Go(l.accept)
	return l, nil
}

// Addr is where it takes connections.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut ends all connections, and those that come.
func (l *Link) Cut() { l.set(linkState{cut: true}) }

// Stall lets nothing pass any more, without an end.
func (l *Link) Stall() { l.set(linkState{stalled: true}) }

// Mute lets nothing pass any more that comes from the target.
func (l *Link) Mute() { l.set(linkState{muted: true}) }

// Slow makes every piece later by delay.
func (l *Link) Slow(delay time.Duration) { l.set(linkState{delay: delay}) }

// Mend makes it pass everything again; what was stalled or muted passes now.
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

// endAll needs mu.
func (l *Link) endAll() {
	for c := range l.open {
		_ = c.Close()
	}
}

// Close ends it.
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

// keep reports whether c may be used.
func (l *Link) keep(c net.Conn) bool {
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
	if !l.keep(near) {
		return
	}
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer l.end(far)
	if !l.keep(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pump(far, near, false); l.end(near, far) })
	both.Go(func() { l.pump(near, far, true); l.end(near, far) })
	both.Wait()
}

// pump passes bytes on; back is the way from the target.
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
