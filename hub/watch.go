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
	clock atomic.Int64  // of Hub.clock, at the last tick

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
	return w
}

// now is the time by Hub.clock, up to every ago.
func (w *wheel) now() int64 { return w.clock.Load() }

// put has c looked at in the first tick at, by Hub.clock, or later, but after the wheel's
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
func (w *wheel) turn(now int64, due []*Conn) []*Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock.Store(now)
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
		case <-tick.C:
			due = h.wheel.turn(h.clock(), due[:0])
			h.look(due)
			clear(due)
			h.forget()
		}
	}
}

// look sends heartbeats, and closes the sockets that are silent or expired. Only tokens end by the time
// of day.
func (h *Hub) look(due []*Conn) {
	var beat *frame
	at, today := h.clock(), h.now()
	for _, c := range due {
		c.mu.Lock()
		c.queue.shrink()
		c.mu.Unlock()
		c.remind(at)
		expires := c.expires.Load()
		switch {
		case c.Closing():
			continue
		case expires != 0 && expires <= today.UnixNano():
			c.Close(wire.CloseTokenExpired, 0)
		case at-c.heardAt.Load() >= idleIntervals*int64(h.heartbeat):
			c.Close(wire.CloseIdle, 0)
		case at >= c.nextBeat():
			if beat == nil {
				payload := wire.Push(wire.PushHeartbeat, wire.Heartbeat{Time: wire.At(today)})
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
		at = min(at, c.hub.clock()+expires-c.hub.now().UnixNano()) // or after one turn, if the time of day is set meanwhile
	}
	return at
}
