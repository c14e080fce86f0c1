package hub

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// flushers writes the queues of the sockets of a node. Each socket belongs to one flusher, which is
// one goroutine that never waits for a client; so a socket needs no goroutine for writing, and
// messages that are queued while other sockets are written to go out together in one write.
type flushers struct {
	all      []*flusher
	windows  [classes]time.Duration
	count    atomic.Uint32 // of sockets, ever
	listings sync.Pool     // of *listing
}

// flusher is a goroutine and its sockets that have queued messages. It serves the tenants round-robin,
// and of each the socket with the most urgent message first. A tenant's flood delays
// another tenant by one write for each write of its own; a promotion delays no result.
type flusher struct {
	no      int
	windows *[classes]time.Duration
	wake    chan struct{}

	mu      sync.Mutex // guards what follows, and the backlogs of all tenants with this no
	turns   fifo[*backlog]
	delayed [classes]struct { // sockets whose messages may wait for others until due fires
		conns []*Conn
		due   *time.Timer
	}
	stopped bool
}

// backlog holds one tenant's sockets at one flusher, by the most urgent message of each.
type backlog struct {
	lines  [classes]fifo[*Conn]
	listed bool // it is in turns
}

func newFlushers(n int, w Windows) *flushers {
	fs := &flushers{windows: w.byClass()}
	for no := range n {
		fs.all = append(fs.all, &flusher{no: no, windows: &fs.windows, wake: make(chan struct{}, 1)})
	}
	return fs
}

// next returns the flusher for the next socket.
func (fs *flushers) next() *flusher {
	return fs.all[int(fs.count.Add(1))%len(fs.all)]
}

// listing collects the sockets of one broadcast by flusher, so that each flusher is told
// once.
type listing struct {
	fs    *flushers
	conns [][]*Conn
}

func (fs *flushers) listing() *listing {
	if l, ok := fs.listings.Get().(*listing); ok {
		return l
	}
	return &listing{fs, make([][]*Conn, len(fs.all))}
}

func (l *listing) add(c *Conn) { l.conns[c.flusher.no] = append(l.conns[c.flusher.no], c) }

// done passes the sockets to the flushers. The listing must not be used any more.
func (l *listing) done(class Class) {
	for no, conns := range l.conns {
		if len(conns) > 0 {
			l.fs.all[no].list(class, conns...)
			clear(conns)
			l.conns[no] = conns[:0]
		}
	}
	l.fs.listings.Put(l)
}

// list adds sockets that have a new message of class, for each of which Conn.listing returned true.
func (f *flusher) list(class Class, conns ...*Conn) {
	f.mu.Lock()
	wait := f.windows[class]
	if wait == 0 {
		f.ready(class, conns)
	} else if l := &f.delayed[class]; !f.stopped {
		l.conns = append(l.conns, conns...)
		switch {
		case len(l.conns) > len(conns): // due is running
		case l.due == nil:
			l.due = time.AfterFunc(wait, func() { f.windowElapsed(class) })
		default:
			l.due.Reset(wait)
		}
	}
	f.mu.Unlock()
	if wait == 0 {
		f.kick()
	}
}

// windowElapsed makes the delayed sockets of a class ready.
func (f *flusher) windowElapsed(class Class) {
	f.mu.Lock()
	l := &f.delayed[class]
	f.ready(class, l.conns)
	clear(l.conns)
	l.conns = l.conns[:0]
	f.mu.Unlock()
	f.kick()
}

// ready adds sockets to their tenants' backlogs. f.mu must be held.
func (f *flusher) ready(class Class, conns []*Conn) {
	for _, c := range conns {
		b := &c.tenant.backlogs[f.no]
		b.lines[class].push(c)
		if !b.listed {
			b.listed = true
			f.turns.push(b)
		}
	}
}

func (f *flusher) kick() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// turn is a socket to be written to, and the line that it was in.
type turn struct {
	conn  *Conn
	class Class
}

// nextTurns appends the sockets whose turn it is, at most as many as turns has room for.
func (f *flusher) nextTurns(turns []turn) []turn {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(turns) < cap(turns) {
		b, ok := f.turns.pop()
		if !ok {
			break
		}
		left := false
		for class := range b.lines {
			c, ok := b.lines[class].pop()
			if !ok {
				continue
			}
			turns = append(turns, turn{c, Class(class)})
			left = true
			break
		}
		if left {
			f.turns.push(b)
		} else {
			b.listed = false
		}
	}
	return turns
}

const (
	// flushBytes is how much is written to a socket in one turn.
	flushBytes = 64 << 10
	// flushTurns is how many sockets are written to before the flusher looks for more urgent
	// messages.
	flushTurns = 16
)

// run writes until stop is closed.
func (f *flusher) run(stop <-chan struct{}) {
	w := newWriter(flushBytes)
	turns := make([]turn, 0, flushTurns)
	for {
		// Let other goroutines publish first: under load their messages then go out together.
		runtime.Gosched()
		turns = f.nextTurns(turns[:0])
		for i, t := range turns {
			t.conn.flush(w, t.class)
			turns[i] = turn{}
		}
		if len(turns) > 0 {
			continue
		}
		select {
		case <-f.wake:
		case <-stop:
			f.mu.Lock()
			f.stopped = true
			for i := range f.delayed {
				if f.delayed[i].due != nil {
					f.delayed[i].due.Stop()
				}
			}
			f.mu.Unlock()
			return
		}
	}
}

// flusherCount returns the number of flushers: one for each core that Go may use.
func flusherCount() int { return runtime.GOMAXPROCS(0) }

// fifo is a first-in-first-out queue that keeps its memory.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) push(v T) {
	if q.head > 0 && len(q.items) == cap(q.items) && q.head >= len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) pop() (v T, ok bool) {
	if q.head == len(q.items) {
		return v, false
	}
	var zero T
	v, q.items[q.head] = q.items[q.head], zero
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return v, true
}
