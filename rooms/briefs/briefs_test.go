package briefs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func casino(t testing.TB, slug tenant.Slug) tenant.ID {
	t.Helper()
	id := tenant.New()
	return id
}

func brief(epoch, seq int64, text string) rooms.Brief {
	return rooms.Brief{Epoch: epoch, Seq: seq, Data: fmt.Appendf(nil, `{"x":%q}`, text)}
}

// own are the briefs of a node's tables.
type own = map[rooms.Ref]rooms.Brief

// client is what a socket of a tenant knows.
type client map[string]string

func (c client) merge(p wire.LobbyBriefs) {
	if p.Full {
		clear(c)
	}
	for room, data := range p.Rooms {
		if c[room] = string(data); data == nil || string(data) == "null" {
			delete(c, room)
		}
	}
}

func (c client) welcome(t *testing.T, frame []byte) {
	t.Helper()
	var push struct{ Params wire.LobbyBriefs }
	if err := json.Unmarshal(frame, &push); err != nil || !push.Params.Full {
		t.Errorf("%s: %v", frame, err)
	}
	c.merge(push.Params)
}

// expect fails unless the socket knows these briefs by room, after what it is told now.
func (c client) expect(t *testing.T, k *Keeper, id tenant.ID, want map[string]string) {
	t.Helper()
	k.Changes(func(tenant.ID) bool { return true }, func(of tenant.ID, p wire.LobbyBriefs) {
		if of == id {
			c.merge(p)
		}
	})
	full := map[string]string{}
	for room, text := range want {
		full[room] = fmt.Sprintf(`{"x":%q}`, text)
	}
	if !maps.Equal(c, full) {
		t.Errorf("a socket knows %v, and it is %v", c, full)
	}
	late := client{}
	if late.welcome(t, k.All(id)); !maps.Equal(late, full) {
		t.Errorf("one that comes is sent %v, and it is %v", late, full)
	}
}

// pass gives one node's messages to another, as they come over the bus.
func pass(t *testing.T, now time.Time, to *Keeper, messages []message) {
	t.Helper()
	for _, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var read message
		if err := json.Unmarshal(body, &read); err != nil {
			t.Fatal(err)
		}
		if err := to.hear(now, read); err != nil {
			t.Error(err)
		}
	}
}

func TestTheLatestBriefOfATableIsKeptInWhateverOrderTheyCome(t *testing.T) {
	id, other, now := casino(t, "casino-x"), casino(t, "lucky-star"), time.Now()
	r1, r2 := rooms.Ref{Tenant: id, Room: "r1"}, rooms.Ref{Tenant: id, Room: "r2"}
	a, b := newKeeper("a"), newKeeper("b")
	socket, stranger := client{}, client{}
	first := a.share(now, own{r1: brief(1, 5, "one"), {Tenant: other, Room: "r1"}: brief(1, 1, "another casino's")})
	pass(t, now, b, first)
	socket.expect(t, b, id, map[string]string{"r1": "one"})
	now = now.Add(Every)
	if m := a.share(now, own{r1: brief(1, 6, "one")}); len(m) != 0 {
		t.Errorf("the others are told what they know: %+v", m)
	}
	late := a.share(now.Add(Every), own{r1: brief(1, 7, "two")})
	pass(t, now, b, b.share(now, own{r2: brief(1, 1, "here")}))
	pass(t, now, b, late)
	pass(t, now, b, first)
	socket.expect(t, b, id, map[string]string{"r1": "two", "r2": "here"})
	// The room moves to b, by a later epoch. What a said last comes after that.
	b.share(now, own{r1: brief(2, 7, "moved"), r2: brief(1, 1, "here")})
	pass(t, now, b, a.share(now.Add(2*Every), own{r1: brief(1, 8, "too late")}))
	socket.expect(t, b, id, map[string]string{"r1": "moved", "r2": "here"})
	if stranger.welcome(t, b.All(other)); !maps.Equal(stranger, client{"r1": `{"x":"another casino's"}`}) {
		t.Errorf("another casino's socket is sent %v", stranger)
	}
}

func TestALostBriefIsLateAndOneThatNobodySendsIsForgotten(t *testing.T) {
	id, now := casino(t, "casino-x"), time.Now()
	r1, r2 := rooms.Ref{Tenant: id, Room: "r1"}, rooms.Ref{Tenant: id, Room: "r2"}
	a, b := newKeeper("a"), newKeeper("b")
	socket := client{}
	look := func(of own, lost bool) {
		t.Helper()
		now = now.Add(Every)
		if m := a.share(now, of); !lost {
			pass(t, now, b, m)
		}
		b.share(now, nil)
	}
	both := own{r1: brief(1, 1, "one"), r2: brief(1, 1, "two")}
	look(both, false)
	look(both, false)
	both[r1] = brief(1, 2, "three")
	look(both, true)
	socket.expect(t, b, id, map[string]string{"r1": "one", "r2": "two"})
	for range int(fullEvery / Every) {
		look(both, false)
	}
	socket.expect(t, b, id, map[string]string{"r1": "three", "r2": "two"})
	for range int(forgetAfter/Every) + 1 { // r2 is closed
		look(own{r1: both[r1]}, false)
	}
	socket.expect(t, b, id, map[string]string{"r1": "three"})
	for range int((forgetAfter+fullEvery)/Every) + 1 { // a is dead
		look(nil, true)
	}
	socket.expect(t, b, id, map[string]string{})
	look(nil, true)
	if len(b.kept) != 0 || len(a.sent) != 0 {
		t.Errorf("%d tenants and %d tables are remembered", len(b.kept), len(a.sent))
	}
	both[r1] = brief(2, 2, "three") // it is opened again
	look(both, false)
	socket.expect(t, b, id, map[string]string{"r1": "three", "r2": "two"})
}

func TestWhatIsNoBriefIsNotKept(t *testing.T) {
	id := casino(t, "casino-x")
	good := tableBrief{id, "r1", brief(1, 1, "good")}
	for what, spoil := range map[string]func(*tableBrief){
		"too long":        func(b *tableBrief) { b.Data = brief(1, 1, strings.Repeat("x", game.BriefMax)).Data },
		"a text":          func(b *tableBrief) { b.Data = json.RawMessage(`"x"`) },
		"null":            func(b *tableBrief) { b.Data = json.RawMessage(`null`) },
		"nothing":         func(b *tableBrief) { b.Data = nil },
		"of no room":      func(b *tableBrief) { b.Room = `"},"` },
		"of no tenant":    func(b *tableBrief) { b.Tenant = tenant.ID{} },
		"of no epoch":     func(b *tableBrief) { b.Epoch = 0 },
		"before all time": func(b *tableBrief) { b.Seq = -1 },
	} {
		k, bad := newKeeper("a"), good
		spoil(&bad)
		if err := k.hear(time.Now(), message{[]tableBrief{bad}}); err == nil || len(k.kept) > 0 {
			t.Errorf("a brief that is %s is kept", what)
		}
	}
	k := newKeeper("a")
	for i := range rooms.RoomsMax + 10 {
		if err := k.hear(time.Now(), message{[]tableBrief{{id, fmt.Sprint("r", i), good.Brief}}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(k.kept[id].rooms); n != rooms.RoomsMax {
		t.Errorf("%d tables of a tenant are kept", n)
	}
}

func TestALargeCasinoIsToldInPiecesThatWaitedLongestFirst(t *testing.T) {
	id, now := casino(t, "casino-x"), time.Now()
	all, want, socket := own{}, map[string]string{}, client{}
	for i := range 1000 {
		room, text := fmt.Sprint("r", i), strings.Repeat("x", 200)
		all[rooms.Ref{Tenant: id, Room: room}], want[room] = brief(1, 1, text), fmt.Sprintf(`{"x":%q}`, text)
	}
	a, b := newKeeper("a"), newKeeper("b")
	messages := a.share(now, all)
	for _, m := range messages {
		if len(m.Briefs) > briefsPerMessage {
			t.Errorf("%d briefs in a message", len(m.Briefs))
		}
	}
	pass(t, now, b, messages)
	if frame := b.All(id); len(frame) < allBytes*9/10 || len(frame) > allBytes+200 {
		t.Errorf("a socket that comes is sent %d bytes", len(frame))
	}
	for second := range 100 {
		now = now.Add(Every)
		again := rooms.Ref{Tenant: id, Room: "r0"} // which changes each second
		all[again] = brief(1, int64(2+second), strings.Repeat("y", 200+second%2))
		pass(t, now, b, a.share(now, all))
		b.Changes(func(tenant.ID) bool { return true }, func(_ tenant.ID, p wire.LobbyBriefs) {
			if frame := wire.Push(wire.PushLobbyBriefs, p); len(frame) > pushBytes+200 {
				t.Errorf("%d bytes in a second", len(frame))
			}
			socket.merge(p)
		})
		want["r0"] = string(all[again].Data)
	}
	if !maps.Equal(socket, want) {
		t.Errorf("the socket knows %d tables, or old briefs", len(socket))
	}
}

// TestTwoNodesTellTheirSocketsOnceASecond has a table that changes twenty times a second, and a node that
// starts later.
func TestTwoNodesTellTheirSocketsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		id, bus := casino(t, "casino-x"), membus.New()
		table := rooms.Ref{Tenant: id, Room: "r1"}
		begin := time.Now()
		now := func() own {
			n := int64(time.Since(begin) / (50 * time.Millisecond))
			return own{table: brief(1, 1+n, fmt.Sprint(n))}
		}
		var mu sync.Mutex // guards what follows
		told := map[string][]time.Time{}
		last := map[string]client{"a": {}, "b": {}}
		start := func(node string, tables func() own) {
			log := slog.New(slog.DiscardHandler)
			h := hub.New(hub.Options{Bus: bus.Node(), Node: node, Log: log})
			go func() { _ = h.Run(ctx) }()
			k := New(node, h, log)
			synctest.Wait()
			tick := time.NewTicker(Every)
			go func() {
				defer tick.Stop()
				for {
					select {
					case <-ctx.Done():
						return
					case at := <-tick.C:
						k.Share(at, tables())
						k.Changes(func(tenant.ID) bool { return true }, func(_ tenant.ID, p wire.LobbyBriefs) {
							mu.Lock()
							defer mu.Unlock()
							told[node] = append(told[node], at)
							last[node].merge(p)
						})
					}
				}
			}()
		}
		start("a", now)
		<-time.After(2500 * time.Millisecond)
		start("b", func() own { return nil })
		<-time.After(20 * time.Second)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for node, times := range told {
			if len(times) < 17 {
				t.Errorf("%s told its sockets %d times", node, len(times))
			}
			for i := 1; i < len(times); i++ {
				if gap := times[i].Sub(times[i-1]); gap < Every {
					t.Errorf("%s told its sockets twice within %v", node, gap)
				}
			}
		}
		if last["a"]["r1"] == "" || last["b"]["r1"] == "" {
			t.Errorf("the sockets know %v", last)
		}
		cancel()
		synctest.Wait()
	})
}
