package hub_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/pitboss-hub/pitboss/hub"
)

// BenchmarkBroadcast publishes to a room of sockets on the loopback interface that read all, and sends all of them
// the same frame without a room. A message is a few allocations; a recipient is none.
func BenchmarkBroadcast(b *testing.B) {
	for _, sockets := range []int{100, 1000} {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			broadcast(b, sockets, func(h *house, _ []*hub.Conn, m hub.Message) { h.publish(m) })
		})
		b.Run(fmt.Sprintf("all=%d", sockets), func(b *testing.B) {
			broadcast(b, sockets, func(_ *house, conns []*hub.Conn, m hub.Message) {
				hub.SendAll(slices.Values(conns), m.Class, "", m.Frame)
			})
		})
	}
}

// broadcast measures messages to so many sockets.
func broadcast(b *testing.B, sockets int, send func(*house, []*hub.Conn, hub.Message)) {
	b.Helper()
	h := tcp(b, limits(hub.Limits{QueueBytesMax: 64 << 20}))
	room := h.room("a")
	var read atomic.Int64
	var conns []*hub.Conn
	for i := range sockets {
		c := h.raw(h.player(fmt.Sprint("p", i)))
		if err := c.conn.Hold(room); err != nil {
			b.Fatal(err)
		}
		if err := c.conn.Release(room, 0); err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c.conn)
		go func() {
			buf := make([]byte, 16<<10)
			for {
				n, err := c.r.Read(buf)
				if read.Add(int64(n)); err != nil {
					return
				}
			}
		}()
	}
	m := event(room, 0, 200)
	each := int64(sockets * (len(m.Frame) + 4)) // a header of 4 bytes
	all := func(n int) { until(b, "all is read", func() bool { return read.Load() >= int64(n)*each }) }
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		send(h, conns, m)
		if n%16 == 15 {
			all(n - 16)
		}
	}
	all(b.N)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*sockets), "ns/recipient")
	b.ReportMetric(h.metric("pitboss_hub_writes_total")/float64(b.N*sockets), "writes/recipient")
}
