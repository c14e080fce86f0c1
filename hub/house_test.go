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
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

var seedFlag = flag.Uint64("seed", 0, "replay a random test with this seed")

// seeded returns a random source whose seed a failing test prints.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -run '^%s$' -seed=%d", t.Name(), seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// TestMain fails if a goroutine of the hub is left when all tests are over.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline := time.After(10 * time.Second)
	for {
		stacks := make([]byte, 1<<22)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var left []string
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "pitboss/hub.") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			break
		}
		select {
		case <-deadline:
			fmt.Printf("FAIL: %d goroutines are left:\n%s\n", len(left), strings.Join(left, "\n\n"))
			os.Exit(1)
		default:
			runtime.Gosched()
		}
	}
	os.Exit(code)
}

func mustTenant(t testing.TB, slug tenant.Slug) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}

// house is a hub that runs, behind an HTTP server.
type house struct {
	t        testing.TB
	hub      *hub.Hub
	reg      *prometheus.Registry
	hits     tenant.Hits
	log      *safeBuffer
	tenant   tenant.ID
	addr     string // on the loopback interface
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	stop     func()
	stopped  func() error // ends Run and says what it returned
	onOpen   func(*hub.Conn)
	received func(c *hub.Conn, frame []byte) // nil: nothing is done
	handler  func(*hub.Conn) hub.Handler     // nil: one that calls received

	repair      bool                      // the hub repairs
	compression websocket.CompressionMode // that clients offer from now on

	readBuffer int // of clients on TCP from now on; 0: the kernel's own

	mu      sync.Mutex
	waiting map[string]chan *hub.Conn // by the client's nonce
	accepts []error                   // that Accept returned
	next    int
}

type setup func(*house, *hub.Options)

func limits(l hub.Limits) setup { return func(_ *house, o *hub.Options) { o.Limits = l } }

func heartbeat(d time.Duration) setup { return func(_ *house, o *hub.Options) { o.Heartbeat = d } }

func onBus(b hub.Bus) setup { return func(_ *house, o *hub.Options) { o.Bus = b } }

// tcp returns a house on the loopback interface.
func tcp(t testing.TB, setups ...setup) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	h := newHouse(t, l, setups...)
	h.addr = addr
	h.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil && h.readBuffer > 0 {
			err = c.(*net.TCPConn).SetReadBuffer(h.readBuffer)
		}
		return c, err
	}
	return h
}

// smallBuffers keeps the kernel from taking a lot for clients that do not read.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		below := c
		if secure, ok := c.(*tls.Conn); ok {
			below = secure.NetConn()
		}
		err = below.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// pipes returns a house on net.Pipe, which buffers nothing and works with synctest.
func pipes(t testing.TB, setups ...setup) *house {
	t.Helper()
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	h := newHouse(t, l, setups...)
	h.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		mine, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return mine, nil
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return h
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func newHouse(t testing.TB, l net.Listener, setups ...setup) *house {
	t.Helper()
	h := &house{t: t, reg: prometheus.NewRegistry(), log: &safeBuffer{}, tenant: mustTenant(t, "casino-x"), waiting: map[string]chan *hub.Conn{}}
	o := hub.Options{
		Bus: membus.New(), Node: "n1", Registerer: h.reg, Hits: &h.hits,
		Log: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, s := range setups {
		s(h, &o)
	}
	if h.readBuffer > 0 {
		l = smallBuffers{l}
	}
	h.hub = hub.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- h.hub.Run(ctx) }()
	h.stopped = sync.OnceValue(func() error { cancel(); return <-ran })
	server := &http.Server{Handler: http.HandlerFunc(h.serve), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	h.stop = sync.OnceFunc(func() {
		if err := h.stopped(); err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = server.Close()
		if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

type handler struct {
	h *house
	c *hub.Conn
}

func (h handler) Received(frame []byte) {
	if h.h.received != nil {
		h.h.received(h.c, frame)
	}
}

func (h handler) Closed() {
	if len(h.c.Topics()) > 0 {
		h.h.t.Error("closed, but still in topics")
	}
}

func (h *house) serve(w http.ResponseWriter, r *http.Request) {
	var id hub.Identity
	if err := json.Unmarshal([]byte(r.Header.Get("X-Identity")), &id); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err := h.hub.Accept(w, r, id, nil, func(c *hub.Conn) hub.Handler {
		if h.onOpen != nil {
			h.onOpen(c)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if opened := h.waiting[r.Header.Get("X-Nonce")]; opened != nil {
			opened <- c
			delete(h.waiting, r.Header.Get("X-Nonce"))
		}
		if h.handler != nil {
			return h.handler(c)
		}
		return handler{h, c}
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.accepts = append(h.accepts, err)
	}
}

// client is a socket, seen from both ends.
type client struct {
	t    testing.TB
	ws   *websocket.Conn
	conn *hub.Conn // nil if the hub refused it
}

func (h *house) player(name string) hub.Identity {
	return hub.Identity{Tenant: h.tenant, Slug: "casino-x", Player: name, Name: name, Role: hub.RolePlayer, Token: hub.Token{ID: "secret-jti-" + name}}
}

// connect opens a socket; the test's end closes it.
func (h *house) connect(id hub.Identity) *client {
	h.t.Helper()
	c, resp, err := h.tryConnect(id, true)
	if err != nil {
		h.t.Fatalf("connect %s: %v, %v", id.Player, err, resp)
	}
	return c
}

// tryConnect waits for the hub's end of the socket if open says so.
func (h *house) tryConnect(id hub.Identity, open bool, protocols ...string) (*client, *http.Response, error) {
	text, err := json.Marshal(id)
	if err != nil {
		return nil, nil, err
	}
	opened := make(chan *hub.Conn, 1)
	h.mu.Lock()
	h.next++
	nonce := strconv.Itoa(h.next)
	h.waiting[nonce] = opened
	h.mu.Unlock()
	if protocols == nil {
		protocols = []string{wire.Subprotocol, "bearer.x.y.z"}
	}
	transport := &http.Transport{DialContext: h.dial, DisableKeepAlives: true}
	ws, resp, err := websocket.Dial(context.Background(), "ws://casino-x.test/ws", &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: transport},
		HTTPHeader:   http.Header{"X-Identity": {string(text)}, "X-Nonce": {nonce}},
		Subprotocols: protocols, CompressionMode: h.compression,
	})
	if err != nil {
		return nil, resp, err
	}
	ws.SetReadLimit(-1)
	c := &client{t: h.t, ws: ws}
	h.t.Cleanup(func() { _ = ws.CloseNow() })
	if open {
		c.conn = <-opened
	}
	return c, resp, nil
}

// read returns the next frame.
func (c *client) read() string {
	c.t.Helper()
	_, frame, err := c.ws.Read(context.Background())
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return string(frame)
}

// readEnd reads to the end, and returns the frames before it and the close code.
func (c *client) readEnd() (frames []string, code int) {
	for {
		_, frame, err := c.ws.Read(context.Background())
		if err != nil {
			return frames, int(websocket.CloseStatus(err))
		}
		frames = append(frames, string(frame))
	}
}

// wantClose reads to the end, which must be session.closing and the close code.
func (c *client) wantClose(want wire.CloseCode) (frames []string, last wire.Closing) {
	c.t.Helper()
	frames, code := c.readEnd()
	if code != want.Code {
		c.t.Fatalf("closed with %d, want %d %s, after %d frames", code, want.Code, want.Name, len(frames))
	}
	if len(frames) == 0 {
		c.t.Fatal("no session.closing")
	}
	var push struct {
		Method string
		Params wire.Closing
	}
	if err := json.Unmarshal([]byte(frames[len(frames)-1]), &push); err != nil || push.Method != wire.PushClosing || push.Params.Reason != want.Name {
		c.t.Fatalf("last frame %q, %v; want session.closing %s", frames[len(frames)-1], err, want.Name)
	}
	return frames[:len(frames)-1], push.Params
}

func (c *client) write(frame string) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// hold calls Hold and Release, from the topic's start.
func (c *client) hold(topics ...tenant.Topic) {
	c.t.Helper()
	for _, topic := range topics {
		if err := errors.Join(c.conn.Hold(topic), c.conn.Release(topic, 0)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (h *house) publish(m hub.Message) {
	h.t.Helper()
	if err := h.hub.Publish(context.Background(), m); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) room(name string) tenant.Topic { return h.tenant.Topic("room", name) }

// event returns event seq of a topic, as a frame of about size bytes.
func event(topic tenant.Topic, seq int64, size int) hub.Message {
	return hub.Message{Topic: topic, Class: hub.ClassState, Epoch: 1, Seq: seq,
		Frame: fmt.Appendf(nil, `{"topic":%q,"seq":%d,"pad":"%s"}`, topic, seq, strings.Repeat("x", max(0, size-60)))}
}

func seqOf(t testing.TB, frame string) int64 {
	t.Helper()
	var f struct{ Seq int64 }
	if err := json.Unmarshal([]byte(frame), &f); err != nil {
		t.Fatalf("%q: %v", frame, err)
	}
	return f.Seq
}

// metric returns the sum of a metric's values, over all labels but those given as name, value.
func (h *house) metric(name string, labels ...string) float64 {
	h.t.Helper()
	families, err := h.reg.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if hasLabels(m, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func hasLabels(m *dto.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		found := false
		for _, l := range m.GetLabel() {
			found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
		}
		if !found {
			return false
		}
	}
	return true
}

// until waits for what the hub does on its own soon.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		default:
			runtime.Gosched()
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var _ io.Writer = (*safeBuffer)(nil)
