package hub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// wheel knows when which socket is to be looked at: for its heartbeat, its silence or its
// token's end. What happens on a socket meanwhile only sets its times; the look sees them,
// and settles when the next one comes. So a socket costs one look a heartbeat.
type wheel struct {
	every time.Duration // between ticks
	clock atomic.Int64  // UnixNano, at the last tick

	mu    sync.Mutex // guards what follows
	tick  int64
	slots [][]look // by tick, modulo their number
}

// look is an entry of the wheel. It is void if the socket's dueAt is another.
type look struct {
	conn *Conn
	at   int64
}

func newWheel(heartbeat time.Duration) *wheel {
	w := &wheel{every: min(time.Second, heartbeat/8)}
	w.slots = make([][]look, heartbeat/w.every+2)
	w.clock.Store(time.Now().UnixNano())
	return w
}

// now is the time, up to every ago.
func (w *wheel) now() int64 { return w.clock.Load() }

// put has c looked at in the first tick at, in UnixNano, or later, but after the wheel's
// one turn at the latest.
func (w *wheel) put(c *Conn, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticks := (at - w.clock.Load() + int64(w.every) - 1) / int64(w.every)
	due := w.tick + max(1, min(ticks, int64(len(w.slots)-1)))
	if c.dueAt.Swap(due) == due {
		return
	}
	slot := &w.slots[due%int64(len(w.slots))]
	*slot = append(*slot, look{c, due})
}

// turn moves the wheel on by one tick and appends the sockets that are due.
func (w *wheel) turn(now time.Time, due []*Conn) []*Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.Store(now.UnixNano())
	w.tick++
	slot := &w.slots[w.tick%int64(len(w.slots))]
	for _, l := range *slot {
		if l.conn.dueAt.Load() == l.at {
			due = append(due, l.conn)
		}
	}
	clear(*slot)
	*slot = (*slot)[:0]
	return due
}

// watch looks at the sockets that are due until ctx ends.
func (h *Hub) watch(ctx context.Context) {
	tick := time.NewTicker(h.wheel.every)
	defer tick.Stop()
	var due []*Conn
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			due = h.wheel.turn(now, due[:0])
			h.look(now, due)
			clear(due)
			h.forget()
		}
	}
}

// look sends heartbeats, and closes the sockets that are silent or expired.
func (h *Hub) look(now time.Time, due []*Conn) {
	var beat *frame
	at := now.UnixNano()
	for _, c := range due {
		c.mu.Lock()
		c.queue.shrink()
		c.mu.Unlock()
		c.remind(at)
		expires := c.expires.Load()
		switch {
		case c.Closing():
			continue
		case expires != 0 && expires <= at:
			c.Close(wire.CloseTokenExpired, 0)
		case at-c.heardAt.Load() >= idleIntervals*int64(h.heartbeat):
			c.Close(wire.CloseIdle, 0)
		case at >= c.nextBeat():
			if beat == nil {
				payload := wire.Push(wire.PushHeartbeat, wire.Heartbeat{Time: wire.At(now)})
				beat = newFrame(payload, ClassPromotion, 0, slot{key: wire.PushHeartbeat})
			}
			c.send(beat)
			c.sentAt.Store(at)
		}
		h.wheel.put(c, c.nextLook())
	}
}

// nextBeat is when a heartbeat is due if nothing else is sent: early enough that the
// client hears something in every interval.
func (c *Conn) nextBeat() int64 {
	return c.sentAt.Load() + int64(c.hub.heartbeat-2*c.hub.wheel.every)
}

// nextLook is when something may have to be done about the socket.
func (c *Conn) nextLook() int64 {
	at := min(c.nextBeat(), c.heardAt.Load()+idleIntervals*int64(c.hub.heartbeat))
	if expires := c.expires.Load(); expires != 0 {
		at = min(at, expires)
	}
	return at
}
