package hub_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

var churnSockets = flag.Int("churn.sockets", 200, "how many sockets are lost in each way; over TLS, a quarter")

const (
	// churnBytes is what a lost socket may leave on the heap, and churnSlack what all of them may.
	churnBytes = 200
	churnSlack = 256 << 10
	// churnHands is how many sockets are lost at once.
	churnHands = 16
)

// TestASocketThatIsLostLeavesNothingBehind loses sockets in every way that there is, each of
// another player, and compares the live heap, the goroutines and the file descriptors with what
// they were.
func TestASocketThatIsLostLeavesNothingBehind(t *testing.T) {
	// The one that has the only place is silent, and must not be closed as idle.
	full := func(_ *house, o *hub.Options) { o.Limits.SocketsPerTenantMax, o.Heartbeat = 1, 10*time.Minute }
	nodeFull := func(_ *house, o *hub.Options) { o.Limits.SocketsMax, o.Heartbeat = 1, 10*time.Minute }
	for _, way := range []struct {
		name  string
		lose  func(*churner, string) error
		setup setup
		begin func(*churner) // once, before any is lost
		plain bool           // not over TLS
		slack int64          // more than churnSlack
	}{
		{name: "reset", lose: (*churner).reset},
		{name: "hung up without a close frame", lose: (*churner).hangUp},
		{name: "half a request", lose: (*churner).halfRequest},
		{name: "gone right after the request", lose: (*churner).goneAfterRequest},
		{name: "half a TLS handshake", lose: (*churner).halfHello},
		{name: "while a broadcast is written", lose: (*churner).deaf, setup: func(h *house, _ *hub.Options) { h.readBuffer = 4 << 10 }, begin: (*churner).broadcast, slack: 1 << 20}, // what the bus keeps for its queue
		{name: "taken over by a newer one", lose: (*churner).takeOver},
		{name: "refused, the tenant has too many", lose: (*churner).refused, setup: full, begin: (*churner).occupy},
		{name: "refused, the node has too many", lose: (*churner).turnedAway, setup: nodeFull, begin: (*churner).occupy},
		{name: "refused, draining", lose: (*churner).refused, begin: (*churner).drain},
		{name: "closed by the client", lose: (*churner).goodbye},
		{name: "closed by the server", lose: (*churner).thrownOut},
		{name: "a frame that is none", lose: (*churner).nonsense},
		{name: "open panics", lose: (*churner).panics, begin: func(c *churner) { c.onOpen = func(*hub.Conn) { panic("churn") } }, plain: true},
	} {
		for name, build := range map[string]func(testing.TB, ...setup) *house{"tcp": tcp, "tls": overTLS} {
			if name == "tls" && way.plain {
				continue
			}
			t.Run(way.name+"/"+name, func(t *testing.T) {
				h := build(t, limits(hub.Limits{ConnectsPerSecond: 1000, TenantConnectsPerSecond: 1e6, TenantConnectsBurst: 1e6}), heartbeat(400*time.Millisecond), func(h *house, o *hub.Options) {
					o.Log = slog.New(slog.DiscardHandler)
					if way.setup != nil {
						way.setup(h, o)
					}
				})
				c := &churner{house: h, secure: name == "tls"}
				sockets := *churnSockets
				if c.secure {
					sockets = (sockets + 3) / 4
				}
				if way.begin != nil {
					way.begin(c)
				}
				c.lose(t, 3*churnHands, way.lose) // what is made once is made
				before := c.measure(nil)
				c.lose(t, sockets, way.lose)
				most := before
				most.heap += int64(sockets*churnBytes+churnSlack) + way.slack
				after := c.measure(&most)
				each := float64(after.heap-before.heap) / float64(sockets)
				t.Logf("%d sockets: %.0f B each, %+d goroutines, %+d descriptors", sockets, each, after.goroutines-before.goroutines, after.descriptors-before.descriptors)
				if after.heap > most.heap || after.goroutines > most.goroutines || after.descriptors > most.descriptors {
					t.Errorf("before %+v, after %+v", before, after)
				}
			})
		}
	}
}

// churner is a house whose sockets are lost.
type churner struct {
	*house
	secure bool
	ready  atomic.Int64
	kept   int // sockets and subjects that stay
}

type measured struct {
	heap        int64
	goroutines  int
	descriptors int
}

// measure waits until the hub knows nobody any more, and nothing is more than most.
func (c *churner) measure(most *measured) (m measured) {
	c.t.Helper()
	deadline := time.After(20 * time.Second)
	for settled := 0; ; {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		m = measured{int64(stats.HeapAlloc), runtime.NumGoroutine(), descriptors(c.t)}
		if c.hub.Reserved() <= c.kept && c.hub.Known() <= c.kept {
			settled++
		}
		if most == nil && settled == 5 || most != nil && settled > 2 && m.heap <= most.heap && m.goroutines <= most.goroutines && m.descriptors <= most.descriptors {
			return m
		}
		select {
		case <-deadline:
			c.t.Logf("%d sockets, %d subjects are left", c.hub.Reserved(), c.hub.Known())
			return m
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// descriptors returns how many descriptors the process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Skip("this system does not say which descriptors are open")
	}
	return len(open)
}

// lose loses n sockets, each of another player.
func (c *churner) lose(t *testing.T, n int, way func(*churner, string) error) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range churnHands {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := way(c, fmt.Sprintf("player-%d", i)); err != nil {
					t.Errorf("socket %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// pipe is a client's end.
type pipe struct {
	net.Conn
	tcp *net.TCPConn
}

// dialTCP connects, and no more.
func (c *churner) dialTCP() (*net.TCPConn, error) {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	if c.readBuffer > 0 {
		err = tcp.SetReadBuffer(c.readBuffer)
	}
	return tcp, err
}

func (c *churner) request(player string) ([]byte, error) {
	id, err := json.Marshal(c.player(player))
	return fmt.Appendf(nil, "GET /ws HTTP/1.1\r\nHost: casino-x.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\nX-Identity: %s\r\n\r\n", wire.Subprotocol, id), err
}

// ask connects and sends so much of a request: all, if part is 1.
func (c *churner) ask(player string, part float64) (*pipe, error) {
	request, err := c.request(player)
	if err != nil {
		return nil, err
	}
	tcp, err := c.dialTCP()
	if err != nil {
		return nil, err
	}
	p := &pipe{tcp, tcp}
	if c.secure {
		p.Conn = tls.Client(tcp, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a certificate of this test
	}
	if _, err := p.Write(request[:int(part*float64(len(request)))]); err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	return p, nil
}

// open opens a socket.
func (c *churner) open(player string) (*pipe, error) {
	p, err := c.ask(player, 1)
	if err != nil {
		return nil, err
	}
	return p, p.answer("HTTP/1.1 101 ")
}

// answer reads to the end of the answer's header.
func (p *pipe) answer(want string) error {
	var header []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(header, []byte("\r\n\r\n")) {
		if _, err := io.ReadFull(p, one); err != nil {
			return fmt.Errorf("after %q: %w", header, err)
		}
		header = append(header, one[0])
	}
	if !bytes.HasPrefix(header, []byte(want)) {
		return fmt.Errorf("answered %q", header)
	}
	return nil
}

// reset ends the connection by RST.
func (p *pipe) reset() error { return errors.Join(p.tcp.SetLinger(0), p.tcp.Close()) }

// toTheEnd reads until the server hangs up.
func (p *pipe) toTheEnd() error {
	_, _ = io.Copy(io.Discard, p)
	return p.tcp.Close()
}

func (c *churner) reset(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	return p.reset()
}

func (c *churner) hangUp(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	return p.tcp.Close()
}

func (c *churner) halfRequest(player string) error {
	p, err := c.ask(player, 0.5)
	if err != nil {
		return err
	}
	return p.reset()
}

func (c *churner) goneAfterRequest(player string) error {
	p, err := c.ask(player, 1)
	if err != nil {
		return err
	}
	return p.reset()
}

func (c *churner) halfHello(string) error {
	tcp, err := c.dialTCP()
	if err != nil {
		return err
	}
	_, err = tcp.Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01})
	return errors.Join(err, tcp.Close())
}

// broadcast has every socket listen to a room to which more is said than its client's kernel takes.
func (c *churner) broadcast() {
	room := c.room("a")
	c.onOpen = func(conn *hub.Conn) {
		if err := errors.Join(conn.Hold(room), conn.Release(room, 0)); err != nil && !errors.Is(err, hub.ErrClosed) {
			c.t.Error(err)
		}
		c.ready.Add(1)
	}
}

// deaf loses its connection while a broadcast is written to it that it does not read.
func (c *churner) deaf(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	for range 24 {
		c.publish(event(c.room("a"), 0, 8<<10))
	}
	return p.reset()
}

func (c *churner) takeOver(player string) error {
	old, err := c.open(player)
	if err != nil {
		return err
	}
	young, err := c.open(player)
	if err != nil {
		return err
	}
	return errors.Join(old.toTheEndAfter(goodbye), young.reset())
}

// goodbye is a client's close frame, 1000.
var goodbye = []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}

func (p *pipe) toTheEndAfter(frame []byte) error {
	_, err := p.Write(frame)
	return errors.Join(err, p.toTheEnd())
}

func (c *churner) occupy() {
	p, err := c.open("the-only-one")
	if err != nil {
		c.t.Fatal(err)
	}
	c.kept = 1
	c.t.Cleanup(func() { _ = p.tcp.Close() })
}

func (c *churner) drain() {
	if err := c.hub.Drain(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

// refused is refused by a close frame, and drops the connection without replying.
func (c *churner) refused(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(p, make([]byte, 2)); err != nil {
		return err
	}
	return p.reset()
}

func (c *churner) turnedAway(player string) error {
	p, err := c.ask(player, 1)
	if err != nil {
		return err
	}
	return errors.Join(p.answer("HTTP/1.1 503 "), p.reset())
}

func (c *churner) goodbye(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	return p.toTheEndAfter(goodbye)
}

func (c *churner) thrownOut(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	c.hub.CloseWhere(func(id hub.Identity) bool { return id.Player == player }, wire.CloseRevoked, 0)
	return p.toTheEndAfter(goodbye)
}

func (c *churner) nonsense(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	return p.toTheEndAfter([]byte{0xff, 0x80, 0, 0, 0, 0})
}

func (c *churner) panics(player string) error {
	p, err := c.open(player)
	if err != nil {
		return err
	}
	return p.toTheEnd()
}
