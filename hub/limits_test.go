package hub_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// TestSixteenGreedyPlayersCannotTakeATenantsQuota lets sixteen players send all that their own
// limits allow, and one send a little. They are given no more than the quota, and he is never
// refused.
func TestSixteenGreedyPlayersCannotTakeATenantsQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const quota, greedy, seconds = 340, 16, 30 // a share of 20 a second
		h := pipes(t, limits(hub.Limits{TenantCommandsPerSecond: quota, RefusalsBurst: 1e6}))
		var all []*client
		for i := range greedy {
			all = append(all, h.connect(h.player(fmt.Sprint("greedy-", i))))
		}
		modest := h.connect(h.player("modest"))
		given, his := 0, 0
		for ms := range seconds * 1000 {
			for _, c := range all {
				for range 3 {
					if c.conn.Allow(1) == nil {
						given++
					}
				}
			}
			if ms%60 == 0 { // 17 a second
				if modest.conn.Allow(1) != nil {
					t.Fatalf("after %d ms the modest one was refused", ms)
				}
				his++
			}
			<-time.After(time.Millisecond)
		}
		if most := quota * (seconds + 1); given+his > most || given+his < quota*seconds {
			t.Errorf("%d were given, want %d to %d", given+his, quota*seconds, most)
		}
		h.stop()
	})
}

// The same with bytes, of which a join takes many at once.
func TestATenantsBytesAreSharedFairlyToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const quota, greedy, seconds = 170_000, 16, 20 // a share of 10,000 a second
		allowed := map[string]int{}
		refused := map[string]int{}
		h := pipes(t, limits(hub.Limits{TenantBytesPerSecond: quota, RefusalsBurst: 1e6, FrameBytesMax: 2000}), func(h *house, _ *hub.Options) {
			h.received = func(c *hub.Conn, frame []byte) {
				h.mu.Lock()
				defer h.mu.Unlock()
				if c.Allow(1) == nil {
					allowed[c.Identity().Player] += len(frame)
				} else {
					refused[c.Identity().Player]++
				}
			}
		})
		var all []*client
		for i := range greedy {
			all = append(all, h.connect(h.player(fmt.Sprint("greedy-", i))))
		}
		modest := h.connect(h.player("modest"))
		frame := strings.Repeat("x", 1000)
		for tenth := range seconds * 10 {
			for _, c := range all {
				for range 4 { // 40,000 a second
					c.write(frame)
				}
			}
			if tenth%2 == 0 { // 5,000 a second
				modest.write(frame)
			}
			synctest.Wait()
			<-time.After(100 * time.Millisecond)
		}
		sum := 0
		for _, n := range allowed {
			sum += n
		}
		if refused["modest"] > 0 || sum > quota*(seconds+1) || sum < quota*seconds*9/10 {
			t.Errorf("%d bytes were allowed, the modest one was refused %d times", sum, refused["modest"])
		}
		h.stop()
	})
}

// TestComingBackChangesNoLimit has one player come again for each command: all that it is
// allowed is what it would have been on one socket.
func TestComingBackChangesNoLimit(t *testing.T) {
	t.Parallel()
	const times, each = 200, 10
	l := hub.Limits{ConnectsPerSecond: 1e6, ConnectsBurst: 1e6, CommandsPerSecond: 20, CommandsBurst: 40, ChatPerSecond: 1, ChatBurst: 5, RefusalsBurst: 1e6, FramesBurst: 1e6}
	h := tcp(t, limits(l))
	began := time.Now()
	commands, lines := 0, 0
	for range times {
		c := h.connect(h.player("alice"))
		for range each {
			if c.conn.Allow(1) == nil {
				commands++
			}
			if c.conn.AllowChat() {
				lines++
			}
		}
		_ = c.ws.CloseNow()
	}
	passed := int(time.Since(began)/time.Second) + 1
	if most := l.CommandsBurst + passed*l.CommandsPerSecond; commands < l.CommandsBurst || commands > most {
		t.Errorf("%d commands in %d s, want %d to %d", commands, passed, l.CommandsBurst, most)
	}
	if most := l.ChatBurst + passed*l.ChatPerSecond; lines < l.ChatBurst || lines > most {
		t.Errorf("%d lines of chat in %d s, want %d to %d", lines, passed, l.ChatBurst, most)
	}
}

func TestWhoWasClosedAsFloodingIsNotForgivenByComingBack(t *testing.T) {
	t.Parallel()
	h := tcp(t, limits(hub.Limits{CommandsPerSecond: 1, CommandsBurst: 1, RefusalsPerSecond: 1, RefusalsBurst: 100}))
	for i, want := range []int{101, 0, 0} {
		c := h.connect(h.player("alice"))
		n := 0
		for !c.conn.Closing() {
			c.conn.Allow(1)
			n++
		}
		if n < want || i > 0 && n > 30 { // what came back meanwhile
			t.Errorf("socket %d was closed after %d commands", i, n)
		}
		c.wantClose(wire.CloseFlood)
	}
}

func TestACommandCostsWhatItMakesTheServerDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		c := h.connect(h.player("alice"))
		for join := range 16 { // a client that comes back
			if c.conn.Allow(10) != nil {
				t.Errorf("join %d was refused", join)
			}
		}
		for _, want := range []int{4, 5} { // the rest of the burst, and what a second brings
			n := 0
			for range 20 {
				if c.conn.Allow(10) == nil {
					n++
				}
			}
			if n != want {
				t.Errorf("%d more were allowed, want %d", n, want)
			}
			wait(t, 1)
		}
		h.stop()
	})
}

func TestWhoComesTooOftenIsRefusedBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{TenantConnectsPerSecond: 10, TenantConnectsBurst: 25}))
		come := func(id hub.Identity) (in bool) {
			t.Helper()
			c, resp, err := h.tryConnect(id, false)
			if err == nil {
				_ = c.ws.CloseNow()
				synctest.Wait()
				return true
			}
			if resp == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
				t.Fatalf("refused with %v, %v", resp, err)
			}
			wantJSONError(t, resp, wire.CodeRateLimited)
			return false
		}
		times := func(id hub.Identity, n int) (in int) {
			for range n {
				if come(id) {
					in++
				}
			}
			return in
		}
		elsewhere := h.player("alice")
		elsewhere.Tenant = mustTenant(t, "lucky-star")
		if got := times(h.player("alice"), 30); got != 20 {
			t.Errorf("alice came %d times at once, want 20", got)
		}
		if got := times(h.player("bob"), 10); got != 5 {
			t.Errorf("bob came %d times, want 5: the tenant's rest", got)
		}
		if !come(elsewhere) {
			t.Error("a player of another tenant was refused")
		}
		wait(t, 1)
		if alice, carol := times(h.player("alice"), 10), times(h.player("carol"), 20); alice != 2 || carol != 8 {
			t.Errorf("a second later alice came %d times and carol %d, want 2 and 8", alice, carol)
		}
		for limit, want := range map[string]float64{"connects_per_second": 10 + 8, "tenant_connects_per_second": 5 + 12} {
			if got := h.metric("pitboss_hub_limit_hits_total", "limit", limit); got != want {
				t.Errorf("%s: counted %v times, want %v", limit, got, want)
			}
			if i := slices.IndexFunc(h.hits.Of(h.tenant), func(m tenant.Hit) bool { return m.Limit == limit }); i < 0 || float64(h.hits.Of(h.tenant)[i].Count) != want {
				t.Errorf("%s: the tenant met it as %+v says, want %v times", limit, h.hits.Of(h.tenant), want)
			}
		}
		if other := h.hits.Of(elsewhere.Tenant); len(other) > 0 {
			t.Errorf("another tenant met %+v", other)
		}
		h.mu.Lock()
		refused := slices.ContainsFunc(h.accepts, func(err error) bool { return errors.Is(err, hub.ErrTooManyConnects) })
		h.mu.Unlock()
		if !refused {
			t.Error("Accept did not say so")
		}
		wait(t, 60)
		if n := h.hub.Known(); n != 0 {
			t.Errorf("%d subjects are still known", n)
		}
		h.stop()
	})
}

func TestASubjectIsKnownAsLongAsItIsOwedSomething(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		c := h.connect(h.player("alice"))
		for c.conn.Allow(1) == nil { // 4 s
		}
		_ = c.ws.CloseNow()
		wait(t, 1.5)
		if n := h.hub.Known(); n != 1 {
			t.Errorf("%d subjects are known while one is owed 125 commands", n)
		}
		wait(t, 5)
		if n := h.hub.Known(); n != 0 {
			t.Errorf("%d subjects are known", n)
		}
		h.connect(h.player("bob"))
		wait(t, 8)
		if n := h.hub.Known(); n != 1 {
			t.Errorf("%d subjects are known while one is here", n)
		}
		h.stop()
	})
}

func TestStaffHasSoManySocketsAndNoMore(t *testing.T) {
	t.Parallel()
	h := tcp(t, limits(hub.Limits{SocketsPerStaffMax: 3}))
	staff, other := h.player("carol"), h.player("dave")
	staff.Role, other.Role = "operator", "support"
	first := h.connect(staff)
	h.connect(staff)
	h.connect(staff)
	_, resp, err := h.tryConnect(staff, false)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the fourth: %v, %v", resp, err)
	}
	wantJSONError(t, resp, wire.CodeBusy)
	h.connect(other)
	h.connect(h.player("carol")) // a player of that name
	_ = first.ws.CloseNow()
	until(t, "there is room again", func() bool { _, _, err := h.tryConnect(staff, false); return err == nil })
	if got := h.metric("pitboss_hub_limit_hits_total", "limit", "sockets_per_staff"); got < 1 {
		t.Errorf("counted %v times", got)
	}
}

func TestFramesThatCarryNoCommandAreLimited(t *testing.T) {
	t.Parallel()
	// Header, and a mask of zeros.
	ping, pong := []byte{0x89, 0x80, 0, 0, 0, 0}, []byte{0x8a, 0x80, 0, 0, 0, 0}
	begin, empty := []byte{0x01, 0x80, 0, 0, 0, 0}, []byte{0x00, 0x80, 0, 0, 0, 0}
	tiny, long := []byte{0x00, 0x81, 0, 0, 0, 0, 'x'}, append([]byte{0x00, 0xfe, 0, 200, 0, 0, 0, 0}, make([]byte, 200)...)
	for name, frames := range map[string][][]byte{
		"pings": {ping}, "pongs": {pong}, "empty fragments": {begin, empty}, "tiny fragments": {begin, tiny},
		"fragments": {begin, long}, "fragments and pings": {begin, empty, ping},
	} {
		for kind, build := range map[string]func(testing.TB, ...setup) *house{"tcp": tcp, "tls": overTLS} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				h := build(t, limits(hub.Limits{FramesPerSecond: 1, FramesBurst: 50, FrameBytesMax: 1 << 20}))
				for round := range 2 { // to come back does not help
					c := h.raw(h.player("alice"))
					go func() {
						for i := 0; ; i++ {
							frame := frames[min(i, len(frames)-1)]
							if len(frames) == 3 && i > 0 {
								frame = frames[1+i%2]
							}
							if _, err := c.Write(frame); err != nil {
								return
							}
						}
					}()
					until(t, "it is closed", c.conn.Closing)
					if got := h.metric("pitboss_hub_limit_hits_total", "limit", "frames_per_second"); got != float64(round+1) {
						t.Errorf("counted %v times", got)
					}
					until(t, "it is gone", func() bool { return len(h.hub.Connections(h.tenant)) == 0 })
				}
			})
		}
	}
}

func TestWhoPingsNowAndThenAndSendsPiecesIsNotLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan int, 100)
		h := pipes(t, func(h *house, _ *hub.Options) { h.received = func(_ *hub.Conn, frame []byte) { got <- len(frame) } })
		c := h.connect(h.player("alice"))
		go c.readEnd() // pongs
		for range 100 {
			if err := c.ws.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			w, err := c.ws.Writer(t.Context(), websocket.MessageText)
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if _, err := w.Write(make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if n := <-got; n != 500 {
				t.Errorf("%d bytes came", n)
			}
			wait(t, 1)
		}
		for range 200 { // commands are no such frames, however many there are
			c.write(`{}`)
			<-got
		}
		if c.conn.Closing() {
			t.Error("it was closed")
		}
		h.stop()
	})
}

// A client that was told to go and sends on is read for its close frame, but not for ever.
func TestWhoSendsOnAfterTheEndIsCut(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	c := h.raw(h.player("alice"))
	c.conn.Close(wire.CloseRevoked, 0)
	frame := append([]byte{0x81, 0xfe, 0x3f, 0xff, 0, 0, 0, 0}, make([]byte, 0x3fff)...)
	sent := 0
	for {
		n, err := c.Write(frame)
		if sent += n; err != nil {
			break
		}
	}
	if sent < 1<<20 || sent > 64<<20 { // what is on the way included
		t.Errorf("it was cut after %d bytes", sent)
	}
	until(t, "it is gone", func() bool { return h.hub.Reserved() == 0 })
}
