package main

import (
	"net"
	"sync"
)

// line is what waits for one socket.
type line struct {
	conn    net.Conn
	waiting [][]byte // guarded by flusher.mu
	dirty   bool     // likewise: it is in flusher.dirty
}

// flusher writes, from one goroutine, all that waits for a socket in one system call.
type flusher struct {
	mu    sync.Mutex
	dirty []*line
	kick  chan struct{} // holds one
}

func (f *flusher) send(to []*line, frame []byte) {
	f.mu.Lock()
	for _, l := range to {
		l.waiting = append(l.waiting, frame)
		if !l.dirty {
			l.dirty = true
			f.dirty = append(f.dirty, l)
		}
	}
	f.mu.Unlock()
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

func (f *flusher) run() {
	var work []*line
	var waiting [][]byte
	var buf []byte
	for range f.kick {
		f.mu.Lock()
		work, f.dirty = f.dirty, work[:0]
		f.mu.Unlock()
		for _, l := range work {
			f.mu.Lock()
			waiting, l.waiting = l.waiting, waiting[:0]
			l.dirty = false
			f.mu.Unlock()
			out := buf[:0]
			if len(waiting) == 1 {
				out = waiting[0]
			} else {
				for _, frame := range waiting {
					out = append(out, frame...)
				}
				buf = out
			}
			_, _ = l.conn.Write(out) // the reader sees to a socket that is gone
		}
	}
}
