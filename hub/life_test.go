package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// wait lets seconds of synctest's clock pass.
func wait(t *testing.T, seconds float64) {
	t.Helper()
	<-time.After(time.Duration(seconds * float64(time.Second)))
	synctest.Wait()
}

func TestNewerSocketTakesThePlayersSeat(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	staff, elsewhere := h.player("alice"), h.player("alice")
	staff.Role = "operator"
	elsewhere.Tenant = mustTenant(t, "lucky-star")
	operator, other, old := h.connect(staff), h.connect(elsewhere), h.connect(h.player("alice"))
	young := h.connect(h.player("alice"))
	old.wantClose(wire.CloseSuperseded)
	until(t, "the old one is gone", func() bool { return len(h.hub.Connections(h.tenant)) == 2 })
	for _, c := range []*client{operator, other, young} {
		c.conn.Send(hub.ClassState, "", []byte("still here"))
		if got := c.read(); got != "still here" {
			t.Error(got)
		}
	}
	if got := h.hub.Online(h.tenant); got != 1 {
		t.Errorf("%d online, want 1", got)
	}
}

func TestHeartbeatsFillSilenceOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, heartbeat(15*time.Second))
		c := h.connect(h.player("alice"))
		type arrival struct {
			beat bool
			at   time.Time
		}
		var arrivals []arrival
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				_, frame, err := c.ws.Read(context.Background())
				if err != nil {
					return
				}
				arrivals = append(arrivals, arrival{strings.Contains(string(frame), wire.PushHeartbeat), time.Now()})
			}
		}()
		start := time.Now()
		for range 40 { // 200 s in which the client pings and the server talks
			wait(t, 5)
			c.write(`{}`)
			c.conn.Send(hub.ClassState, "", []byte(`{}`))
		}
		synctest.Wait()
		talked := len(arrivals)
		for range 40 { // and 200 s in which it does not
			wait(t, 5)
			c.write(`{}`)
		}
		for i, a := range arrivals {
			if a.beat != (i >= talked) {
				t.Errorf("frame %d after %v: heartbeat %v", i, a.at.Sub(start), a.beat)
			}
			if i > 0 && a.at.Sub(arrivals[i-1].at) > 15*time.Second {
				t.Errorf("silence of %v", a.at.Sub(arrivals[i-1].at))
			}
		}
		if beats := len(arrivals) - talked; talked != 40 || beats < 13 || beats > 16 {
			t.Errorf("%d messages, %d heartbeats", talked, beats)
		}
		h.stop()
		<-done
	})
}

func TestSilentClientIsClosedAsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, heartbeat(10*time.Second))
		silent, pinging := h.connect(h.player("silent")), h.connect(h.player("pinging"))
		var wg sync.WaitGroup
		wg.Go(func() {
			for pinging.ws.Ping(context.Background()) == nil { // a WebSocket ping counts
				<-time.After(20 * time.Second)
			}
		})
		wg.Go(func() { pinging.readEnd() })
		start := time.Now()
		silent.wantClose(wire.CloseIdle)
		if after := time.Since(start); after < 30*time.Second || after > 32*time.Second {
			t.Errorf("closed after %v", after)
		}
		wait(t, 100)
		if pinging.conn.Closing() {
			t.Error("the one that pings was closed")
		}
		h.stop()
		wg.Wait()
	})
}

func TestExpiredTokenClosesUnlessRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		expiring, renewed := h.player("expiring"), h.player("renewed")
		expiring.Token.ExpiresAt = time.Now().Add(10 * time.Second)
		renewed.Token.ExpiresAt = expiring.Token.ExpiresAt
		a, b := h.connect(expiring), h.connect(renewed)
		start := time.Now()
		b.conn.Renew(hub.Token{ExpiresAt: start.Add(20 * time.Second)})
		for _, c := range []struct {
			*client
			after time.Duration
		}{{a, 10 * time.Second}, {b, 20 * time.Second}} {
			c.wantClose(wire.CloseTokenExpired)
			if got := time.Since(start); got < c.after || got > c.after+1500*time.Millisecond {
				t.Errorf("closed after %v, want %v", got, c.after)
			}
		}
		h.stop()
	})
}

func TestFrameThatIsNotOfTheProtocolClosesItsSocketOnly(t *testing.T) {
	t.Parallel()
	h := tcp(t, func(h *house, _ *hub.Options) {
		h.received = func(c *hub.Conn, frame []byte) { c.Send(hub.ClassResult, "", append([]byte("got "), frame...)) }
	})
	big, binary, fine := h.connect(h.player("big")), h.connect(h.player("binary")), h.connect(h.player("fine"))
	go func() { // more than fits on the way: the hub must read it off
		_ = big.ws.Write(context.Background(), websocket.MessageText, []byte(strings.Repeat("x", 1<<20)))
	}()
	if err := binary.ws.Write(t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	big.wantClose(wire.CloseTooBig)
	binary.wantClose(wire.CloseUnsupported)
	fine.write(strings.Repeat("y", 16<<10))
	if got := fine.read(); got != "got "+strings.Repeat("y", 16<<10) {
		t.Errorf("got %.20q", got)
	}
	if got := h.metric("pitboss_hub_limit_hits_total", "limit", "frame_bytes"); got != 1 {
		t.Errorf("counted %v times", got)
	}
}

func TestDrainTellsEveryoneToComeBackAfterWhatWaits(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	var all []*client
	for i := range 50 {
		c := h.connect(h.player(fmt.Sprint("p", i)))
		for n := range 5 {
			c.conn.Send(hub.ClassState, "", fmt.Appendf(nil, `{"n":%d}`, n))
		}
		all = append(all, c)
	}
	drained := make(chan error, 1)
	go func() { drained <- h.hub.Drain(context.Background()) }()
	retries := map[int64]bool{}
	for i, c := range all {
		frames, closing := c.wantClose(wire.CloseDraining)
		if len(frames) != 5 {
			t.Errorf("client %d: %d frames came before the end, want 5", i, len(frames))
		}
		if closing.RetryAfterMS <= 0 || closing.RetryAfterMS > 1000 {
			t.Errorf("come back after %d ms", closing.RetryAfterMS)
		}
		retries[closing.RetryAfterMS] = true
	}
	if len(retries) < 30 {
		t.Errorf("%d clients come back at only %d moments", len(all), len(retries))
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	late, _, err := h.tryConnect(h.player("late"), false)
	if err != nil {
		t.Fatal(err)
	}
	late.wantClose(wire.CloseDraining)
}

func TestDrainLetsSocketsGoAFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		const sockets = 400 // 200 ms at 2,000 a second
		var all []*client
		for i := range sockets {
			all = append(all, h.connect(h.player(fmt.Sprint("p", i))))
		}
		drained := make(chan error, 1)
		began := time.Now()
		go func() { drained <- h.hub.Drain(context.Background()) }()
		var away []time.Duration
		ended := make(chan struct{})
		for _, c := range all {
			go func() {
				c.wantClose(wire.CloseDraining)
				ended <- struct{}{}
			}()
		}
		for range all {
			<-ended
			away = append(away, time.Since(began))
		}
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if first, half, last := away[0], away[sockets/2], away[sockets-1]; first > 50*time.Millisecond || half < 50*time.Millisecond || last < 150*time.Millisecond || last > 500*time.Millisecond {
			t.Errorf("the first went after %v, half of them after %v, the last after %v", first, half, last)
		}
	})
}

func TestDrainGivesUpWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t)
		deaf := h.connect(h.player("deaf"))
		deaf.conn.Send(hub.ClassState, "", []byte(`{}`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.hub.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain: %v", err)
		}
		start := time.Now()
		h.stop() // ends all the same
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("Run ended after %v", took)
		}
	})
}

func TestLimitsOfSockets(t *testing.T) {
	t.Parallel()
	h := tcp(t, limits(hub.Limits{SocketsMax: 4, SocketsPerTenantMax: 2}))
	a := h.connect(h.player("a"))
	h.connect(h.player("b"))
	third, _, err := h.tryConnect(h.player("c"), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, closing := third.wantClose(wire.CloseOverloaded); closing.RetryAfterMS <= 0 {
		t.Error("it was not told when to come back")
	}
	// A player with a seat may always take it over.
	h.connect(h.player("a"))
	a.wantClose(wire.CloseSuperseded)

	other := h.player("d")
	other.Tenant = mustTenant(t, "lucky-star")
	early := 0
	for _, who := range []string{"d", "e"} { // each in the place of one that ends
		other.Player = who
		until(t, "there is room", func() bool {
			_, _, err := h.tryConnect(other, false)
			if err != nil {
				early++
			}
			return err == nil
		})
	}
	other.Player = "f"
	_, resp, err := h.tryConnect(other, false)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("the fifth socket: %v, %v", resp, err)
	}
	wantJSONError(t, resp, wire.CodeBusy)
	for limit, want := range map[string]float64{"sockets": float64(early + 1), "sockets_per_tenant": 1} {
		if got := h.metric("pitboss_hub_limit_hits_total", "limit", limit); got != want {
			t.Errorf("%s: counted %v times", limit, got)
		}
	}
	if !slices.ContainsFunc(h.accepts, func(err error) bool { return errors.Is(err, hub.ErrTooManySockets) }) {
		t.Errorf("Accept returned %v", h.accepts)
	}
}

func wantJSONError(t *testing.T, resp *http.Response, code string) {
	t.Helper()
	body, _ := io.ReadAll(resp.Body)
	var answer struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Code != code || answer.Error.Message == "" {
		t.Errorf("answered %s, want the code %s", body, code)
	}
}

func TestClientMustOfferTheSubprotocol(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	for _, offer := range [][]string{{"pitboss.v2"}, {"bearer.x"}} {
		_, resp, err := h.tryConnect(h.player("a"), false, offer...)
		if err == nil || resp.StatusCode != http.StatusBadRequest {
			t.Fatalf("%v: %v, %v", offer, resp, err)
		}
		wantJSONError(t, resp, "invalid_params")
	}
	c := h.connect(h.player("a"))
	if got := c.ws.Subprotocol(); got != wire.Subprotocol {
		t.Errorf("chosen: %q", got)
	}
}

func TestCommandsAreLimitedByPlayerAndByTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := pipes(t, limits(hub.Limits{CommandsPerSecond: 50, CommandsBurst: 100, TenantCommandsPerSecond: 150, RefusalsPerSecond: 1, RefusalsBurst: 200}))
		foreign := h.player("carol")
		foreign.Tenant = mustTenant(t, "lucky-star")
		alice, bob, carol := h.connect(h.player("alice")), h.connect(h.player("bob")), h.connect(foreign)
		allowed := func(c *client, tries int) (n int) {
			for range tries {
				if c.conn.Allow(1) == nil {
					n++
				}
			}
			return n
		}
		if a, b, c := allowed(alice, 120), allowed(bob, 90), allowed(carol, 90); a != 75 || b != 37 || c != 75 {
			t.Errorf("allowed: %d, %d, %d; want 75 (half of the tenant's), 37 (his share of the rest), 75", a, b, c)
		}
		wait(t, 1)
		if a := allowed(alice, 60); a != 50 {
			t.Errorf("a second later: %d, want 50", a)
		}
		if allowed(alice, 171); alice.conn.Closing() {
			t.Error("closed after 201 refusals, of which one has come back")
		}
		alice.conn.Allow(1)
		if _, closing := alice.wantClose(wire.CloseFlood); closing.RetryAfterMS <= 0 {
			t.Error("it was not told when to come back")
		}
		// Bob is refused for what the others do, and stays.
		if allowed(bob, 1000); !bob.conn.Closing() {
			t.Error("bob went on, too")
		}
		if carol.conn.Closing() {
			t.Error("another tenant's socket was closed")
		}
		for limit, want := range map[string]float64{"commands_per_second": 20 + 10 + 190, "refusals": 1} {
			if got := h.metric("pitboss_hub_limit_hits_total", "limit", limit); got < want {
				t.Errorf("%s: counted %v times, want %v", limit, got, want)
			}
		}
		h.stop()
	})
}

func TestCommandsAreLimitedInBytesToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		allowed := make(chan bool, 1)
		h := pipes(t, limits(hub.Limits{BytesPerSecond: 1000, BytesBurst: 3000, TenantBytesPerSecond: 4000}), func(h *house, _ *hub.Options) {
			h.received = func(c *hub.Conn, _ []byte) { allowed <- c.Allow(1) == nil }
		})
		alice, bob := h.connect(h.player("alice")), h.connect(h.player("bob"))
		try := func(c *client, size int, want bool) {
			t.Helper()
			c.write(strings.Repeat("x", size))
			if got := <-allowed; got != want {
				t.Errorf("%d bytes: allowed %v", size, got)
			}
		}
		try(alice, 2900, true)
		try(alice, 200, false)
		try(alice, 100, true)
		try(bob, 2000, false) // the tenant's allowance: 1,000 are left
		try(bob, 1000, true)
		wait(t, 1)
		try(alice, 1000, true)
		try(alice, 10, false)
		for limit, want := range map[string]float64{"bytes_per_second": 2, "tenant_bytes_per_second": 1} {
			if got := h.metric("pitboss_hub_limit_hits_total", "limit", limit); got != want {
				t.Errorf("%s: counted %v times", limit, got)
			}
		}
		h.stop()
	})
}

func TestWhoFloodsIsClosedWithoutHarmToOthers(t *testing.T) {
	t.Parallel()
	h := tcp(t, func(h *house, _ *hub.Options) {
		h.received = func(c *hub.Conn, _ []byte) {
			if c.Allow(1) != nil {
				c.Send(hub.ClassResult, "", []byte("slower"))
			}
		}
	})
	quiet, flooder := h.connect(h.player("quiet")), h.connect(h.player("flooder"))
	go func() {
		for range 10_000 {
			if flooder.ws.Write(context.Background(), websocket.MessageText, []byte(`{}`)) != nil {
				return
			}
		}
	}()
	flooder.wantClose(wire.CloseFlood)
	quiet.conn.Send(hub.ClassState, "", []byte("fine"))
	if got := quiet.read(); got != "fine" || quiet.conn.Allow(1) != nil {
		t.Error("the other socket was harmed")
	}
}

// A client that is gone, but only half, must not keep its writer waiting.
func TestClientThatHungUpHalfIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	h := tcp(t, func(h *house, _ *hub.Options) { h.readBuffer = 4 << 10 })
	var wire *net.TCPConn
	dial := h.dial
	h.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		wire, _ = c.(*net.TCPConn)
		return c, err
	}
	c := h.connect(h.player("alice"))
	for range 24 {
		c.conn.Send(hub.ClassState, "", []byte(strings.Repeat("x", 8<<10)))
	}
	if err := wire.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	until(t, "it is gone", func() bool { return h.hub.Online(h.tenant) == 0 })
	if got := h.metric("pitboss_hub_limit_hits_total"); got != 0 {
		t.Errorf("it took %v limits to see it", got)
	}
}

func TestCloseWhereClosesWhoMatches(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	var all []*client
	for i := range 20 {
		all = append(all, h.connect(h.player(fmt.Sprint("p", i))))
	}
	n := h.hub.CloseWhere(func(id hub.Identity) bool { return strings.HasSuffix(id.Token.ID, "5") }, wire.CloseRevoked, 0)
	if n != 2 {
		t.Errorf("%d closed, want 2", n)
	}
	all[5].wantClose(wire.CloseRevoked)
	all[15].wantClose(wire.CloseRevoked)
	until(t, "18 are left", func() bool { return h.hub.Online(h.tenant) == 18 && len(h.hub.Connections(h.tenant)) == 18 })
	if got := h.metric("pitboss_hub_connections", "tenant", h.tenant.String()); got != 18 {
		t.Errorf("the gauge says %v", got)
	}
	if strings.Contains(h.log.String(), "secret-jti") {
		t.Error("a token's id was logged")
	}
}

func TestConnectionsAreAsAnOperatorSeesThem(t *testing.T) {
	t.Parallel()
	h := tcp(t)
	id := h.player("alice")
	id.Address = "192.0.2.7"
	c := h.connect(id)
	c.hold(h.room("a"), h.room("b"))
	c.conn.Leave(h.room("a"))
	c.conn.Leave(h.room("never"))
	got := h.hub.Connections(h.tenant)
	if len(got) != 1 || got[0].ID != c.conn.ID() || got[0].Player != "alice" || got[0].Role != "player" || got[0].Address != "192.0.2.7" ||
		got[0].Since.IsZero() || len(got[0].Topics) != 1 || got[0].Topics[0] != h.room("b") {
		t.Errorf("%+v", got)
	}
	if n := len(h.hub.Connections(mustTenant(t, "lucky-star"))); n != 0 {
		t.Errorf("another tenant has %d", n)
	}
	_ = c.ws.Close(websocket.StatusNormalClosure, "bye")
	until(t, "it is gone", func() bool { return len(h.hub.Connections(h.tenant)) == 0 })
	until(t, "a goodbye is counted as one", func() bool { return h.metric("pitboss_hub_closes_total", "code", "normal") == 1 })
	lost := h.connect(h.player("bob"))
	_ = lost.ws.CloseNow()
	until(t, "a lost one too", func() bool { return h.metric("pitboss_hub_closes_total", "code", "lost") == 1 })
	if h.hub.Node() != "n1" || h.hub.Heartbeat() != 15*time.Second {
		t.Error("node or heartbeat")
	}
}
