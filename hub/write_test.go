package hub_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// overTLS returns a house behind TLS, where drain writes everything.
func overTLS(t testing.TB, setups ...setup) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS() // for its certificate
	pair.Close()
	addr := l.Addr().String()
	h := newHouse(t, tls.NewListener(l, &tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS12}), setups...)
	h.addr = addr
	h.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // a certificate of this test
		return d.DialContext(ctx, "tcp", addr)
	}
	return h
}

// TestNoFrameIsEverTorn lets floods, pings, replies and closes fall into each other on
// clients that read by fits and starts, and takes the bytes apart: every frame is whole, no
// event is missing or out of order, every pong answers a ping, and nothing follows a close
// frame.
func TestNoFrameIsEverTorn(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(testing.TB, ...setup) *house{"tcp": tcp, "tls": overTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rnd := seeded(t)
			h := build(t, limits(hub.Limits{QueueBytesMax: 64 << 20}), func(h *house, _ *hub.Options) {
				if name == "tcp" {
					h.readBuffer = 4 << 10 // so that the flusher meets full buffers
				}
				h.received = func(c *hub.Conn, frame []byte) {
					c.Send(hub.ClassResult, "", fmt.Appendf(nil, `{"reply":%q,"sum":%d}`, frame, crc32.ChecksumIEEE(frame)))
				}
			})
			var wg sync.WaitGroup
			for i := range 24 {
				own := rand.New(rand.NewPCG(rnd.Uint64(), 0))
				c := h.raw(h.player(fmt.Sprint("p", i)))
				room := h.room(fmt.Sprint("r", i%3))
				if err := errors.Join(c.conn.Hold(room), c.conn.Release(room, 0)); err != nil {
					t.Fatal(err)
				}
				byServer := own.IntN(2) == 0
				wg.Go(func() { torture(t, own, c, byServer) })
			}
			for i := range 3 {
				own := rand.New(rand.NewPCG(rnd.Uint64(), 1))
				room := h.room(fmt.Sprint("r", i))
				wg.Go(func() {
					for seq := range int64(tortureEvents) {
						size := own.IntN(600)
						if own.IntN(40) == 0 {
							size = own.IntN(100 << 10)
						}
						pad := strings.Repeat(string(rune('a'+seq%26)), size)
						m := hub.Message{Topic: room, Class: hub.Class(seq % 2), Epoch: 1, Seq: seq + 1,
							Frame: fmt.Appendf(nil, `{"seq":%d,"pad":%q,"sum":%d}`, seq+1, pad, crc32.ChecksumIEEE([]byte(pad)))}
						h.publish(m)
						for range own.IntN(20) {
							runtime.Gosched()
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

const tortureEvents = 250

// torture pings, sends and reads at random until all events and replies are there; then one
// of the two sides closes.
func torture(t *testing.T, rnd *rand.Rand, c *rawClient, byServer bool) {
	pings, sent := map[string]bool{}, 60
	go func() {
		own := rand.New(rand.NewPCG(7, 7))
		for i := range sent {
			_ = c.send(opText, fmt.Appendf(nil, "m%d", i))
			for range own.IntN(200) {
				runtime.Gosched()
			}
		}
	}()
	var next int64
	replies := 0
	for replies < sent || next < tortureEvents {
		if rnd.IntN(60) == 0 {
			for range rnd.IntN(2000) { // it looks away
				runtime.Gosched()
			}
		}
		if rnd.IntN(12) == 0 {
			ping := fmt.Sprint("ping", next, replies)
			pings[ping] = true
			if err := c.send(opPing, []byte(ping)); err != nil {
				t.Error(err)
			}
		}
		op, payload, err := c.frame()
		if err != nil {
			t.Errorf("after event %d and %d replies: %v", next, replies, err)
			return
		}
		if op == opPong {
			if !pings[string(payload)] {
				t.Errorf("a pong with %q", payload)
			}
			continue
		}
		var got struct {
			Seq        int64
			Pad, Reply string
			Sum        uint32
		}
		if err := json.Unmarshal(payload, &got); err != nil || op != opText || crc32.ChecksumIEEE([]byte(got.Pad+got.Reply)) != got.Sum {
			t.Errorf("opcode %d, %d bytes, %v: %.80q", op, len(payload), err, payload)
			return
		}
		if got.Reply != "" {
			replies++
			continue
		}
		if next++; got.Seq != next {
			t.Errorf("event %d came, %d was next", got.Seq, next)
			return
		}
	}
	// The last ping is answered, whatever became of others.
	pings["last"] = true
	if err := c.send(opPing, []byte("last")); err != nil {
		t.Error(err)
	}
	for {
		op, payload, err := c.frame()
		if err != nil || op != opPong || !pings[string(payload)] {
			t.Errorf("the last ping was answered with %d %q %v", op, payload, err)
			return
		}
		if string(payload) == "last" {
			break
		}
	}
	if byServer {
		c.conn.Close(wire.CloseRevoked, 0)
		if got := c.texts(t, 1); !strings.Contains(got[0], wire.PushClosing) {
			t.Errorf("before the close came %q", got)
		}
	} else if err := c.send(opClose, []byte{0x03, 0xe8}); err != nil {
		t.Error(err)
	}
	op, payload, err := c.frame()
	if err != nil || op != opClose || len(payload) < 2 {
		t.Errorf("instead of a close frame: %d %q %v", op, payload, err)
	}
	_ = c.send(opPing, []byte("after"))
	if byServer {
		_ = c.send(opClose, payload[:2])
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("something follows the close frame")
	}
}

func TestFiveThousandClientsGetEveryEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const clients, rooms, events, hands = 5000, 50, 40, 8
	h := tcp(t, heartbeat(time.Hour)) // to connect takes a while
	all := make([]*rawClient, clients)
	var wg sync.WaitGroup
	for hand := range hands {
		wg.Go(func() {
			for i := hand; i < clients; i += hands {
				c := h.raw(h.player(fmt.Sprint("p", i)))
				room, lobby := h.room(fmt.Sprint("r", i%rooms)), h.room("lobby")
				if err := errors.Join(c.conn.Hold(room), c.conn.Release(room, 0), c.conn.Hold(lobby), c.conn.Release(lobby, 0)); err != nil {
					t.Error(err)
				}
				all[i] = c
			}
		})
	}
	wg.Wait()
	for seq := range int64(events) {
		for r := range rooms {
			m := event(h.room(fmt.Sprint("r", r)), seq+1, 200)
			m.Class = hub.Class(seq % 2)
			h.publish(m)
		}
		if seq%8 == 0 {
			m := event(h.room("lobby"), seq/8+1, 300)
			m.Class = hub.ClassPromotion
			h.publish(m)
		}
	}
	for hand := range hands {
		wg.Go(func() {
			for i := hand; i < clients; i += hands {
				next := map[string]int64{}
				for _, frame := range all[i].texts(t, events+events/8) {
					topic, seq := strings.Split(frame, `"`)[3], seqOf(t, frame)
					if next[topic]++; seq != next[topic] {
						t.Errorf("client %d, %s: %d came, %d was next", i, topic, seq, next[topic])
						return
					}
				}
				if len(next) != 2 {
					t.Errorf("client %d heard of %v", i, next)
				}
			}
		})
	}
	wg.Wait()
	if got, want := h.metric("pitboss_hub_messages_sent_total"), float64(clients*(events+events/8)); got != want {
		t.Errorf("%v messages counted, want %v", got, want)
	}
}

func TestAWindowHoldsBackWhatMayWaitAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, func(_ *house, o *hub.Options) { o.Windows = hub.Windows{State: 10 * time.Millisecond} })
		room := h.room("a")
		c := h.connect(h.player("alice"))
		c.hold(room)
		type arrival struct {
			text  string
			after time.Duration
		}
		start := time.Now()
		read := func() arrival { text := c.read(); return arrival{text, time.Since(start)} }
		state := func(text string) hub.Message {
			return hub.Message{Topic: room, Class: hub.ClassState, Frame: []byte(text)}
		}
		h.publish(state("state 1"))
		h.publish(state("state 2"))
		for _, want := range []arrival{{"state 1", 10 * time.Millisecond}, {"state 2", 10 * time.Millisecond}} {
			if got := read(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		synctest.Wait()
		h.publish(state("state 3"))
		<-time.After(3 * time.Millisecond)
		h.publish(hub.Message{Topic: room, Class: hub.ClassResult, Frame: []byte("result")})
		for _, want := range []arrival{{"state 3", 13 * time.Millisecond}, {"result", 13 * time.Millisecond}} {
			if got := read(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		synctest.Wait()
		h.publish(state("state 4")) // state 3's window still runs: it serves
		if got, want := read(), (arrival{"state 4", 20 * time.Millisecond}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		h.stop()
	})
}

func TestAnIdleSocketIsOneGoroutine(t *testing.T) {
	h := tcp(t)
	count := func(what string) (n int) {
		stacks := make([]byte, 8<<20)
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, what) {
				n++
			}
		}
		return n
	}
	const sockets = 100
	until(t, "the hub runs", func() bool {
		return count("hub.(*flusher).run") == runtime.GOMAXPROCS(0) && count("hub.(*Hub).watch") == 1
	})
	before := count("pitboss/hub.")
	for i := range sockets {
		c := h.raw(h.player(fmt.Sprint("p", i)))
		c.conn.Send(hub.ClassState, "", []byte("hello"))
		c.texts(t, 1)
	}
	until(t, "handlers return", func() bool { return count("net/http.(*conn).serve") == 0 })
	if got := count("pitboss/hub.") - before; got != sockets {
		t.Errorf("%d goroutines for %d sockets", got, sockets)
	}
}

// TestCompressedOrNotEveryoneReadsTheSame has clients with and without permessage-deflate in
// one room; what is compressed is one frame for all of them.
func TestCompressedOrNotEveryoneReadsTheSame(t *testing.T) {
	t.Parallel()
	h := tcp(t, limits(hub.Limits{QueueBytesMax: 4 << 20}), func(_ *house, o *hub.Options) { o.Compression = true })
	room := h.room("a")
	modes := []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover}
	var clients []*client
	for i := range 9 {
		h.compression = modes[i%3]
		c := h.connect(h.player(fmt.Sprint("p", i)))
		c.hold(room)
		clients = append(clients, c)
	}
	before := h.metric("pitboss_hub_sent_bytes_total")
	var want []string
	for seq := range int64(50) {
		m := event(room, seq+1, int(seq)*300)
		want = append(want, string(m.Frame))
		h.publish(m)
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for _, frame := range want {
				if _, got, err := c.ws.Read(context.Background()); err != nil || string(got) != frame {
					t.Errorf("client %d: %v, %.60q instead of %.60q", i, err, got, frame)
					return
				}
			}
			c.write(strings.Repeat("a", 2000)) // and the hub reads what it compressed
		})
	}
	wg.Wait()
	all := 0
	for _, frame := range want {
		all += len(frame)
	}
	if sent := h.metric("pitboss_hub_sent_bytes_total") - before; sent > float64(4*all) {
		t.Errorf("%v bytes were sent for 9 times %d, of which 6 compressed", sent, all)
	}
}
