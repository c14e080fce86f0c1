package hub

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// wheel is a timing wheel that schedules the checks of sockets: for heartbeats, silent clients and
// expired tokens. Activity on a socket only updates its times; the next check reads them and
// schedules another. So a socket costs one check per heartbeat.
type wheel struct {
	every time.Duration // between ticks
	clock atomic.Int64  // of Hub.clock, at the last tick

	mu    sync.Mutex // guards what follows
	tick  int64
	slots [][]wheelEntry // by tick, modulo their number
}

// wheelEntry is an entry of the wheel. It is void if it differs from the socket's dueAt.
type wheelEntry struct {
	conn *Conn
	at   int64
}

func newWheel(heartbeat time.Duration) *wheel {
	w := &wheel{every: min(time.Second, heartbeat/8)}
	w.slots = make([][]wheelEntry, heartbeat/w.every+2)
	return w
}

// now returns the time by Hub.clock at the last tick, so up to every ago.
func (w *wheel) now() int64 { return w.clock.Load() }

// put schedules a check of c for the first tick not before at, by Hub.clock, but at the latest
// after one turn of the wheel.
func (w *wheel) put(c *Conn, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticks := (at - w.clock.Load() + int64(w.every) - 1) / int64(w.every)
	due := w.tick + max(1, min(ticks, int64(len(w.slots)-1)))
	if c.dueAt.Swap(due) == due {
		return
	}
	slot := &w.slots[due%int64(len(w.slots))]
	*slot = append(*slot, wheelEntry{c, due})
}

// turn advances the wheel by one tick and appends the sockets that are due.
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

// watch checks the sockets that are due until ctx ends.
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
			h.check(due)
			clear(due)
			h.forget()
			h.replan()
		}
	}
}

// check sends heartbeats, and closes the sockets that are silent or expired. Only tokens expire by the
// time of day.
func (h *Hub) check(due []*Conn) {
	var beat *frame
	at, today := h.clock(), h.now()
	for _, c := range due {
		c.mu.Lock()
		c.queue.shrink()
		c.mu.Unlock()
		c.repeatSeat(at)
		expires := c.expires.Load()
		switch {
		case c.Closing():
			continue
		case expires != 0 && expires <= today.UnixNano():
			c.Close(wire.CloseTokenExpired, 0)
		case at-c.heardAt.Load() >= idleIntervals*int64(h.heartbeat):
			c.Close(wire.CloseIdle, 0)
		case at >= c.nextHeartbeat():
			if beat == nil {
				payload := wire.Push(wire.PushHeartbeat, wire.Heartbeat{Time: wire.At(today)})
				beat = newFrame(payload, ClassPromotion, 0, slot{key: wire.PushHeartbeat})
			}
			c.send(beat)
			c.sentAt.Store(at)
		}
		h.wheel.put(c, c.nextCheck())
	}
}

// nextHeartbeat returns when a heartbeat is due if nothing else is sent: early enough that the
// client receives something in every interval.
func (c *Conn) nextHeartbeat() int64 {
	return c.sentAt.Load() + int64(c.hub.heartbeat-2*c.hub.wheel.every)
}

// nextCheck returns when the socket must be checked next.
func (c *Conn) nextCheck() int64 {
	at := min(c.nextHeartbeat(), c.heardAt.Load()+idleIntervals*int64(c.hub.heartbeat))
	if expires := c.expires.Load(); expires != 0 {
		at = min(at, c.hub.clock()+expires-c.hub.now().UnixNano()) // or after one turn of the wheel, if the time of day is set meanwhile
	}
	return at
}
