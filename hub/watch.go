package hub

import (
	"context"
	"time"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// watch looks at every socket, again and again, until ctx ends.
func (h *Hub) watch(ctx context.Context) {
	every := min(time.Second, h.heartbeat/8)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			h.look(now, every)
		}
	}
}

// look sends heartbeats, and closes the sockets that are silent, expired or stuck. The
// next look comes after about every.
func (h *Hub) look(now time.Time, every time.Duration) {
	var beat []byte
	at := now.UnixNano()
	for c := range h.all() {
		expires, writing := c.expires.Load(), c.writing.Load()
		switch {
		case writing != 0 && at-writing > int64(writeTimeout):
			h.meters.hit(limitWrite)
			c.Close(wire.CloseSlow, 0)
			c.cut()
		case c.isClosing():
		case expires != 0 && expires <= at:
			c.Close(wire.CloseTokenExpired, 0)
		case at-c.heardAt.Load() >= idleIntervals*int64(h.heartbeat):
			c.Close(wire.CloseIdle, 0)
		case at-c.sentAt.Load() > int64(h.heartbeat-2*every):
			if beat == nil {
				beat = wire.Push(wire.PushHeartbeat, wire.Heartbeat{Time: wire.At(now)})
			}
			c.Send(ClassPromotion, wire.PushHeartbeat, beat)
		}
	}
}
