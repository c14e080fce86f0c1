package hub_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
)

// TestWhenTheClockIsSetSocketsStayAndTokensEnd sets the time of day in both directions, while the other
// clock goes on: heartbeats, silence and quotas go by that one.
func TestWhenTheClockIsSetSocketsStayAndTokensEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var skew, took atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
		h := pipes(t, heartbeat(10*time.Second), func(h *house, o *hub.Options) {
			o.Now = now
			h.received = func(c *hub.Conn, frame []byte) { // the one goroutine that may ask
				for string(frame) == `"count"` && c.Allow(1) == nil {
					took.Add(1)
				}
			}
		})
		id := h.player("alice")
		id.Token.ExpiresAt = now().Add(3 * time.Hour)
		alice := h.connect(id)
		beats := make(chan time.Time, 100)
		go func() {
			for {
				if _, _, err := alice.ws.Read(t.Context()); err != nil {
					close(beats)
					return
				}
				beats <- time.Now()
			}
		}()
		for _, step := range []time.Duration{-time.Hour, -30 * time.Second, 30 * time.Second, time.Hour, 0} {
			skew.Store(int64(step))
			for range 6 { // as a client that says something now and then
				wait(t, 5)
				alice.write(`{"ping":1}`)
			}
			if alice.conn.Closing() {
				t.Fatalf("after the clock was set by %v the socket was closed", step)
			}
			alice.write(`"count"`)
			synctest.Wait()
			if n := took.Swap(0); n != 200 { // what a player may give at once
				t.Errorf("after the clock was set by %v, %d commands were allowed", step, n)
			}
			if n := len(beats); n < 2 || n > 5 {
				t.Errorf("after the clock was set by %v, %d heartbeats came in 30 s", step, n)
			}
			for len(beats) > 0 {
				<-beats
			}
		}
		skew.Store(int64(3 * time.Hour)) // the token's end is a time of day
		wait(t, 13)
		synctest.Wait()
		if !alice.conn.Closing() {
			t.Error("the token has ended, and the socket is open")
		}
		h.stop()
	})
}
