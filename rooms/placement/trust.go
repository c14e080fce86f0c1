package placement

import (
	"sync"
	"time"
)

// trust holds until when this node may trust its lease.
type trust struct {
	mu      sync.Mutex // guards what follows
	until   time.Time
	changed chan struct{} // closed and replaced when until is set
}

// extend sets the end of the trust to until.
func (t *trust) extend(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
	close(t.changed)
	t.changed = make(chan struct{})
}

// holds reports whether the node may decide now; if not, changed is closed when that may have changed.
func (t *trust) holds() (ok bool, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until), t.changed
}
