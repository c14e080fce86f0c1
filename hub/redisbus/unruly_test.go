package redisbus_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/bustest"
	"github.com/pitboss-hub/pitboss/hub/redisbus"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

var seedFlag = flag.Uint64("seed", 0, "replay a random test with this seed")

// mischief is how likely what happens to a message that Redis delivers.
type mischief struct {
	drop, double float64
	late         float64 // it comes after one to eight that follow it, or after lateMost
	stall        float64 // nothing comes for a while
	cut          float64 // the connection ends
}

const (
	lateMost  = 40 * time.Millisecond
	stallMost = 300 * time.Millisecond
)

// unruly stands between a node and Redis. It passes on what a node says; of what Redis says, it
// does mischief to published messages, and passes on the rest.
type unruly struct {
	target   string
	listener net.Listener
	serving  sync.WaitGroup
	passed   atomic.Int64 // messages that came whole and in order
	spoiled  atomic.Int64

	mu  sync.Mutex // guards what follows
	rnd *rand.Rand
	mischief
	open map[net.Conn]struct{}
}

func newUnruly(t testing.TB, target string, rnd *rand.Rand) *unruly {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &unruly{target: target, listener: listener, rnd: rnd, open: map[net.Conn]struct{}{}}
	u.serving.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			u.serving.Go(func() { u.serve(near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		u.mu.Lock()
		for c := range u.open {
			_ = c.Close()
		}
		u.open = nil
		u.mu.Unlock()
		u.serving.Wait()
	})
	return u
}

func (u *unruly) url() string { return "redis://" + u.listener.Addr().String() }

func (u *unruly) set(m mischief) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.mischief = m
}

func (u *unruly) keep(conns ...net.Conn) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range conns {
		if u.open == nil {
			_ = c.Close()
			continue
		}
		u.open[c] = struct{}{}
	}
	return u.open != nil
}

func (u *unruly) end(conns ...net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(u.open, c)
	}
}

func (u *unruly) serve(near net.Conn) {
	far, err := net.Dial("tcp", u.target)
	if err != nil {
		_ = near.Close()
		return
	}
	if !u.keep(near, far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); u.end(near, far) })
	items := make(chan item)
	both.Go(func() {
		defer close(items)
		r := bufio.NewReader(far)
		for {
			i, err := readItem(r)
			if err != nil {
				return
			}
			items <- i
		}
	})
	u.tamper(near, items)
	u.end(near, far)
	for range items { // its reader ends with far
	}
	both.Wait()
}

// held is a message that comes later.
type held struct {
	item
	left int // messages that are to come before it
	till time.Time
}

func (u *unruly) tamper(to net.Conn, items <-chan item) {
	var late []held
	tick := time.NewTicker(lateMost / 4)
	defer tick.Stop()
	write := func(b []byte) bool { _, err := to.Write(b); return err == nil }
	for {
		var now time.Time
		select {
		case now = <-tick.C:
		case i, ok := <-items:
			if !ok {
				return
			}
			if !i.message {
				if !write(i.raw) {
					return
				}
				continue
			}
			for n := range late {
				late[n].left--
			}
			m, dice, n := u.draw()
			fine := false
			switch {
			case dice < m.drop:
			case dice < m.drop+m.double:
				i.raw = append(bytes.Clone(i.raw), i.raw...)
				fine = true
			case dice < m.drop+m.double+m.late:
				late = append(late, held{i, 1 + n%8, time.Now().Add(lateMost)})
			case dice < m.drop+m.double+m.late+m.stall:
				<-time.After(stallMost * time.Duration(n%100) / 100)
				fine = true
			case dice < m.drop+m.double+m.late+m.stall+m.cut:
				u.spoiled.Add(1)
				return
			default:
				u.passed.Add(1)
				if !write(i.raw) {
					return
				}
				continue
			}
			u.spoiled.Add(1)
			if fine && !write(i.raw) {
				return
			}
		}
		for len(late) > 0 && (late[0].left <= 0 || !now.IsZero() && now.After(late[0].till)) {
			if !write(late[0].raw) {
				return
			}
			late = late[1:]
		}
	}
}

func (u *unruly) draw() (mischief, float64, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mischief, u.rnd.Float64(), u.rnd.IntN(1 << 20)
}

// item is one thing that Redis says (RESP2 and RESP3).
type item struct {
	raw     []byte
	message bool // published by somebody
}

func readItem(r *bufio.Reader) (i item, err error) {
	var raw bytes.Buffer
	var first []byte // the first text in it
	var read func() error
	read = func() error {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return err
		}
		raw.Write(line)
		parts := 0
		switch line[0] {
		case '$', '=', '!':
			n, err := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
			if err != nil || n < 0 {
				return err
			}
			at := raw.Len()
			if _, err = io.CopyN(&raw, r, int64(n)+2); err == nil && first == nil {
				first = raw.Bytes()[at : at+n]
			}
			return err
		case '*', '>', '~', '%':
			if parts, err = strconv.Atoi(string(bytes.TrimSpace(line[1:]))); err != nil {
				return err
			}
			if line[0] == '%' {
				parts *= 2
			}
		}
		for range parts {
			if err := read(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := read(); err != nil {
		return i, err
	}
	many := raw.Bytes()[0] == '*' || raw.Bytes()[0] == '>'
	return item{raw.Bytes(), many && (string(first) == "message" || string(first) == "smessage")}, nil
}

func drawSeed(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with -run '^%s$' -seed=%d", t.Name(), seed)
	return seed
}

// The proxy itself does no harm.
func TestABusThroughAProxyIsABus(t *testing.T) {
	t.Parallel()
	u := newUnruly(t, server(t, 0).Addr, rand.New(rand.NewPCG(1, 1)))
	t.Cleanup(func() {
		if u.passed.Load() == 0 {
			t.Error("no message was seen")
		}
	})
	bustest.Run(t, nodes(u.url()))
}

// journal is what was published, which nothing can lose.
type journal struct {
	mu     sync.Mutex
	events map[tenant.Topic][]hub.Message
}

func (j *journal) add(topic tenant.Topic, frame func(seq int64) []byte) hub.Message {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq := int64(len(j.events[topic]) + 1)
	m := hub.Message{Topic: topic, Class: hub.ClassState, Epoch: 1, Seq: seq, Frame: frame(seq)}
	j.events[topic] = append(j.events[topic], m)
	return m
}

func (j *journal) since(topic tenant.Topic, after int64) []hub.Message {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.events[topic]
	return all[min(int(after), len(all)):]
}

func (j *journal) top(topic tenant.Topic) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return int64(len(j.events[topic]))
}

// floor is a hub on a bus, with a door for clients.
type floor struct {
	hub     *hub.Hub
	door    *httptest.Server
	waiting sync.Map // a client's number → chan *hub.Conn
}

type nothing struct{}

func (nothing) Received([]byte) {}
func (nothing) Closed()         {}

func newFloor(t *testing.T, bus hub.Bus, name string, j *journal) *floor {
	t.Helper()
	f := &floor{hub: hub.New(hub.Options{
		Bus: bus, Node: name, Log: slog.New(slog.DiscardHandler),
		Repair: func(_ context.Context, topic tenant.Topic, after int64) ([]hub.Message, error) {
			return j.since(topic, after), nil
		},
	})}
	f.door = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id hub.Identity
		if err := json.Unmarshal([]byte(r.Header.Get("X-Identity")), &id); err != nil {
			t.Error(err)
		}
		_ = f.hub.Accept(w, r, id, nil, func(c *hub.Conn) hub.Handler {
			if opened, ok := f.waiting.Load(id.Player); ok {
				opened.(chan *hub.Conn) <- c
			}
			return nothing{}
		})
	}))
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- f.hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		f.door.Close()
	})
	return f
}

// event is what clients are sent.
type event struct {
	Topic string `json:"topic"`
	Seq   int64  `json:"seq"`
}

// watcher is a client that follows one topic to its end, over as many sockets as it takes.
type watcher struct {
	f     *floor
	j     *journal
	topic tenant.Topic
	name  string
	last  int64
	began bool
}

// follow reads until the client has all events up to end. Each socket lives for some events.
func (w *watcher) follow(ctx context.Context, end int64, rnd *rand.Rand) error {
	for w.last < end {
		if err := w.sit(ctx, end, 1+rnd.IntN(200)); err != nil {
			return fmt.Errorf("%s at %d of %s: %w", w.name, w.last, w.topic, err)
		}
	}
	return nil
}

func (w *watcher) sit(ctx context.Context, end int64, events int) error {
	opened := make(chan *hub.Conn, 1)
	w.f.waiting.Store(w.name, opened)
	id, err := json.Marshal(hub.Identity{Tenant: w.topic.Tenant(), Slug: "x", Player: w.name, Name: w.name, Role: hub.RolePlayer})
	if err != nil {
		return err
	}
	ws, _, err := websocket.Dial(ctx, w.f.door.URL, &websocket.DialOptions{HTTPHeader: http.Header{"X-Identity": {string(id)}}, Subprotocols: []string{wire.Subprotocol}})
	if err != nil {
		return err
	}
	defer func() { _ = ws.CloseNow() }()
	c := <-opened
	for err := c.Hold(w.topic); err != nil; err = c.Hold(w.topic) { // the bus was away
		if ctx.Err() != nil {
			return err
		}
	}
	at := w.j.top(w.topic) // as the owner would answer
	for !c.Begin(w.topic, at) {
		at = w.j.top(w.topic)
	}
	if !w.began {
		w.began, w.last = true, at
	}
	w.last = max(w.last, at) // it is answered with what it missed
	if err := c.Release(w.topic, at); err != nil {
		return err
	}
	for range events {
		if w.last >= end {
			return nil
		}
		kind, frame, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		var e event
		if err := json.Unmarshal(frame, &e); err != nil || kind != websocket.MessageText {
			return fmt.Errorf("%s: %w", frame, err)
		}
		switch {
		case e.Seq == 0: // a beat
		case e.Topic != w.topic.String() || e.Seq != w.last+1:
			return fmt.Errorf("got %d of %s", e.Seq, e.Topic)
		default:
			w.last = e.Seq
		}
	}
	return nil
}

func TestEverySubscriberEndsWithEveryEventOnceInOrder(t *testing.T) {
	t.Parallel()
	const topics, watchers, events = 12, 4, 400
	for name, m := range map[string]mischief{
		"as it is":   {},
		"dropper":    {drop: .2},
		"duplicator": {double: .3},
		"reorderer":  {late: .3},
		"staller":    {stall: .003},
		"all":        {drop: .05, double: .05, late: .1, stall: .001, cut: .001},
		"restarted":  {drop: .02, late: .05},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := drawSeed(t)
			redis := server(t, 0)
			j := &journal{events: map[tenant.Topic][]hub.Message{}}
			var floors []*floor
			var proxies []*unruly
			for i := range 2 {
				u := newUnruly(t, redis.Addr, rand.New(rand.NewPCG(seed, uint64(i))))
				u.set(m)
				bus, err := redisbus.Open(redisbus.Options{URL: u.url(), Key: key, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				proxies, floors = append(proxies, u), append(floors, newFloor(t, bus, fmt.Sprint("node-", i), j))
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			casinos := []tenant.ID{someTenant(t), someTenant(t)}
			var publishing, following sync.WaitGroup
			for i := range topics {
				topic := casinos[i%2].Topic("room", fmt.Sprint("table-", i/2)) // the casinos have tables of the same names
				publisher := floors[i%3%2]
				rnd := rand.New(rand.NewPCG(seed, uint64(100+i)))
				publishing.Go(func() {
					for j.top(topic) < events {
						_ = publisher.hub.Publish(ctx, j.add(topic, func(seq int64) []byte {
							return fmt.Appendf(nil, `{"topic":%q,"seq":%d}`, topic, seq)
						}))
						if rnd.IntN(4) == 0 {
							<-time.After(time.Duration(rnd.IntN(15)) * time.Millisecond)
						}
					}
				})
				for k := range watchers {
					w := &watcher{f: floors[k%2], j: j, topic: topic, name: fmt.Sprintf("player-%d-%d", i, k)}
					rnd := rand.New(rand.NewPCG(seed, uint64(1000+10*i+k)))
					following.Go(func() {
						if err := w.follow(ctx, events, rnd); err != nil {
							t.Error(err)
						}
					})
				}
			}
			if name == "restarted" {
				for range 2 { // it comes back empty, where it was
					<-time.After(300 * time.Millisecond)
					redis.Kill()
					_, port := split(t, redis.Addr)
					redis = server(t, number(t, port))
				}
			}
			publishing.Wait()
			done := make(chan struct{})
			go func() { following.Wait(); close(done) }()
			for beats := time.NewTicker(200 * time.Millisecond); ; { // rooms beat too: the last event may be lost
				select {
				case <-done:
					beats.Stop()
					spoiled := proxies[0].spoiled.Load() + proxies[1].spoiled.Load()
					t.Logf("%d messages came as they were, %d were tampered with", proxies[0].passed.Load()+proxies[1].passed.Load(), spoiled)
					if m != (mischief{}) && spoiled == 0 {
						t.Error("nothing was tampered with")
					}
					return
				case <-beats.C:
				}
				for topic := range j.events {
					_ = floors[0].hub.Publish(ctx, hub.Message{Topic: topic, Class: hub.ClassState, Key: "beat", Top: j.top(topic), Frame: []byte(`{}`)})
				}
			}
		})
	}
}
