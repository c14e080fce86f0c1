package placement

import (
	"sync"
	"time"
)

// trust is how long this node may believe that its rooms are its own.
type trust struct {
	mu      sync.Mutex // guards what follows
	until   time.Time
	changed chan struct{} // closed and replaced when until is set
}

// extend makes the trust end at until.
func (t *trust) extend(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
	close(t.changed)
	t.changed = make(chan struct{})
}

// holds reports whether the node may decide now; if not, that may be otherwise once changed is closed.
func (t *trust) holds() (ok bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until), t.changed
}
