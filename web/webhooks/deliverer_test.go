package webhooks_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	stored "github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webhooks"
)

func TestAReceiverThatFailsAndRecoversGetsEverythingInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const players, facts = 4, 4
	var calls atomic.Int64
	var mu sync.Mutex
	underWay := map[string]bool{}
	v := receive(t, func(_ http.ResponseWriter, _ *http.Request, g got) int {
		mu.Lock()
		if underWay[g.player] {
			t.Errorf("two deliveries of %s at once", g.player)
		}
		underWay[g.player] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			underWay[g.player] = false
		}()
		if n := calls.Add(1); n%3 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	e, secret := b.endpoint(v.URL + "/hook")
	d, _ := b.deliverer(make([]time.Duration, 30)...)
	run(t, d)
	var wg sync.WaitGroup
	for p := range players {
		wg.Go(func() {
			for range facts {
				storetest.Fund(t, b.s, b.id, game.PlayerID(fmt.Sprintf("player-%d", p)), 1)
			}
		})
	}
	wg.Wait()
	list := v.await(t, "everything was delivered", func(l []got) bool { return len(succeeded(l)) == players*facts })
	next, ids := map[string]int{}, map[string]bool{}
	for _, g := range succeeded(list) {
		if ids[g.id] {
			t.Errorf("%s was delivered twice", g.id)
		}
		ids[g.id] = true
		verify(t, g, secret, true)
		next[g.player]++
		if want := fmt.Sprintf(`"balance":%d,`, next[g.player]); !strings.Contains(string(g.body), want) {
			t.Errorf("%s out of order, want %s: %s", g.player, want, g.body)
		}
	}
	if g := list[0]; g.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(string(g.body), `{"type":"player.credited","timestamp":"`) || !strings.Contains(string(g.body), `"version":1,"tenant":"`+string(b.slug())+`","data":{`) {
		t.Errorf("message: %v %s", g.header, g.body)
	}
	storetest.Eventually(t, "all is recorded", func() bool {
		for _, x := range b.deliveries(e) {
			if x.State != "delivered" {
				return false
			}
		}
		return true
	})
}

func TestASlowKeyHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	v := receive(t, func(_ http.ResponseWriter, r *http.Request, g got) int {
		if g.player == "slow" {
			select {
			case <-release:
			case <-r.Context().Done(): // after Timeout; it is sent again
				return http.StatusServiceUnavailable
			}
		}
		return http.StatusOK
	})
	t.Cleanup(sync.OnceFunc(func() { // also if the test fails
		select {
		case <-release:
		default:
			close(release)
		}
	}))
	b.endpoint(v.URL)
	d, _ := b.deliverer()
	run(t, d)
	for i := range 5 {
		storetest.Fund(t, b.s, b.id, "slow", 1)
		storetest.Fund(t, b.s, b.id, game.PlayerID(fmt.Sprintf("quick-%d", i%2)), 1)
	}
	v.await(t, "the others are told", func(l []got) bool { return len(succeeded(l)) == 5 })
	close(release)
	v.await(t, "the slow one too", func(l []got) bool { return len(succeeded(l)) == 10 })
}

func TestAReceiverThatDoesNotAnswerInTimeIsToldAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var calls atomic.Int64
	v := receive(t, func(_ http.ResponseWriter, r *http.Request, _ got) int {
		if calls.Add(1) == 1 {
			<-r.Context().Done() // until the deliverer hangs up
		}
		return http.StatusOK
	})
	e, _ := b.endpoint(v.URL)
	d, _ := b.deliverer()
	d.Timeout(200 * time.Millisecond)
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	storetest.Eventually(t, "the second attempt succeeded", func() bool {
		x := b.deliveries(e)
		return len(x) == 1 && x[0].State == "delivered" && x[0].Attempts >= 2
	})
	list := v.await(t, "both came", func(l []got) bool { return len(l) >= 2 })
	if list[0].id != list[1].id {
		t.Errorf("ids %s and %s", list[0].id, list[1].id)
	}
}

func TestRedirectsAreNotFollowedAndGoneDisables(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var followed atomic.Bool
	elsewhere := receive(t, func(http.ResponseWriter, *http.Request, got) int {
		followed.Store(true)
		return http.StatusOK
	})
	redirecting := receive(t, func(w http.ResponseWriter, _ *http.Request, _ got) int {
		w.Header().Set("Location", elsewhere.URL)
		return http.StatusTemporaryRedirect
	})
	gone := receive(t, func(http.ResponseWriter, *http.Request, got) int { return http.StatusGone })
	a, _ := b.endpoint(redirecting.URL)
	c, _ := b.endpoint(gone.URL)
	d, metrics := b.deliverer(time.Millisecond, time.Millisecond)
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	storetest.Eventually(t, "the redirected one is dropped after its attempts", func() bool {
		x := b.deliveries(a)
		return len(x) == 1 && x[0].State == "dropped" && x[0].Attempts == 3 && x[0].Status == http.StatusTemporaryRedirect && strings.Contains(x[0].Error, "307")
	})
	storetest.Eventually(t, "the other one is disabled", func() bool {
		e, err := b.s.Webhooks.Get(t.Context(), b.id, c.ID)
		return err == nil && e.State == stored.Disabled && len(b.deliveries(c)) == 1 && b.deliveries(c)[0].State == "dropped"
	})
	storetest.Fund(t, b.s, b.id, "bob", 1)
	storetest.Eventually(t, "a later fact is given up too", func() bool { return len(b.deliveries(a)) == 2 && b.deliveries(a)[0].State == "dropped" })
	if followed.Load() || len(gone.list()) != 1 {
		t.Errorf("followed: %t; the one that is gone got %d", followed.Load(), len(gone.list()))
	}
	if !strings.Contains(b.log.String(), "410 Gone") {
		t.Errorf("nobody is told: %s", b.log)
	}
	if stopped := gathered(t, metrics, "pitboss_webhooks_endpoints_stopped_total"); stopped != 1 {
		t.Errorf("the metric says that %v were stopped", stopped)
	}
}

func TestPrivateAddressesAreRefusedWhateverTheURL(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var reached atomic.Bool
	s := listenOn(t, "127.0.0.3:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b.endpoint("https://receiver.invalid/") // so that there are facts
	var list []stored.Endpoint
	for _, at := range []string{
		"https://127.0.0.3:" + port, "https://[::ffff:127.0.0.3]:" + port, "https://[::1]/", "https://10.1.2.3/", "https://192.168.0.1/", "https://172.16.0.1/",
		"https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://0.0.0.0:" + port, "https://[fe80::1]/", "https://[fc00::1]/", "https://224.0.0.1/",
		"https://[64:ff9b::7f00:3]/", "http://127.0.0.3:" + port, "http://192.0.2.1/",
	} {
		e, _ := b.endpoint(at)
		list = append(list, e)
	}
	d, _ := b.deliverer(time.Hour)
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	for _, e := range list {
		storetest.Eventually(t, e.URL+" was tried", func() bool { x := b.deliveries(e); return len(x) == 1 && x[0].Attempts == 1 })
		if text := b.deliveries(e)[0].Error; !strings.Contains(text, "address is not public") && !strings.Contains(text, "is not https") {
			t.Errorf("%s: %s", e.URL, text)
		}
	}
	if reached.Load() {
		t.Error("a private address was reached")
	}
}

// TestANameThatChangesItsAddressReachesNothingPrivate resolves a name to an allowed address, and then to one
// that is not.
func TestANameThatChangesItsAddressReachesNothingPrivate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var reached atomic.Bool
	private := listenOn(t, "127.0.0.2:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	_, port, err := net.SplitHostPort(private.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 10)
	listenOn(t, "127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the name is resolved again
		came <- struct{}{}
	}))
	var at atomic.Value
	at.Store(netip.MustParseAddr("127.0.0.1"))
	d, _ := b.deliverer(time.Hour)
	d.ResolveBy(resolver(t, &at), loopback)
	e, _ := b.endpoint("http://rebinding.example:" + port + "/")
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	<-came
	at.Store(netip.MustParseAddr("127.0.0.2"))
	storetest.Fund(t, b.s, b.id, "alice", 1)
	storetest.Eventually(t, "the second one was refused", func() bool {
		x := b.deliveries(e)
		return len(x) == 2 && x[0].Attempts == 1 && x[0].State == "pending" && x[1].State == "delivered"
	})
	if reached.Load() {
		t.Error("the private address was reached")
	}
}

// resolver returns a resolver that answers every question for an IPv4 address with what at holds.
func resolver(t *testing.T, at *atomic.Value) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, peer, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: at.Load().(netip.Addr).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, peer)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestADeliverersDeathLosesNothing lets one take what is due, and die between the receiver's answer and the
// record of it: the next one delivers the same again, under the same id, and nothing is lost.
func TestADeliverersDeathLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := receive(t, nil)
	e, _ := b.endpoint(v.URL)
	// The first holds the lease and has delivered what it does not record any more.
	dead := uuid.New()
	if ids, err := b.s.Deliveries.Hold(t.Context(), dead, 2*time.Second, true); err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	epoch, err := b.s.Deliveries.Claim(t.Context(), b.id)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		storetest.Fund(t, b.s, b.id, "alice", 1)
		storetest.Fund(t, b.s, b.id, "bob", 1)
	}
	if err := b.s.Deliveries.FanOut(t.Context(), b.id, epoch); err != nil {
		t.Fatal(err)
	}
	work, err := b.s.Deliveries.Work(t.Context(), b.id, epoch, 10)
	due := work.Due
	if err != nil || len(due) != 2 {
		t.Fatal(due, err)
	}
	storetest.Fund(t, b.s, b.id, "carol", 1) // committed, and nobody has seen it

	d, _ := b.deliverer()
	run(t, d)
	list := v.await(t, "everything is delivered by the next", func(l []got) bool { return len(l) == 7 })
	ids := map[string]bool{}
	for _, g := range list {
		ids[g.id] = true
	}
	for _, x := range due {
		if !ids[x.WebhookID.String()] {
			t.Errorf("%s was delivered under another id", x.WebhookID)
		}
	}
	if len(ids) != 7 {
		t.Errorf("%d ids", len(ids))
	}
	// The dead one's late word.
	_, err = b.s.Deliveries.Record(t.Context(), b.id, epoch, []stored.Result{{Endpoint: e.ID, Fact: due[0].Fact, Gone: true}})
	if err == nil {
		t.Error("a former holder's write is taken")
	}
	if now, err := b.s.Webhooks.Get(t.Context(), b.id, e.ID); err != nil || now.State != stored.Active {
		t.Errorf("the endpoint: %+v, %v", now, err)
	}
}

// TestDeliverersThatTakeTurnsLoseNothing stops each in the middle of its work: every fact is delivered, and
// what is delivered twice has the same id.
func TestDeliverersThatTakeTurnsLoseNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := receive(t, nil)
	b.endpoint(v.URL)
	const turns = 4
	for turn := range turns {
		d, _ := b.deliverer()
		stop := run(t, d)
		for i := range 5 {
			storetest.Fund(t, b.s, b.id, game.PlayerID(fmt.Sprintf("p%d", i)), 1)
		}
		v.await(t, "some of it is delivered", func(l []got) bool { return len(distinct(l)) > turn*5 })
		stop() // in the middle of it
	}
	d, _ := b.deliverer()
	run(t, d)
	list := v.await(t, "all of it is delivered", func(l []got) bool { return len(distinct(l)) == turns*5 })
	last := map[string]string{}
	for _, g := range list {
		if g.id < last[g.player] {
			t.Errorf("%s was told of %s after %s", g.player, g.id, last[g.player])
		}
		last[g.player] = g.id
	}
}

func distinct(list []got) map[string]bool {
	ids := map[string]bool{}
	for _, g := range list {
		ids[g.id] = true
	}
	return ids
}

func TestAFormerSecretSignsTooWhileSecretsOverlap(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	v := receive(t, nil)
	e, first := b.endpoint(v.URL)
	d, _ := b.deliverer()
	run(t, d)
	tell := func(n int) got {
		t.Helper()
		storetest.Fund(t, b.s, b.id, "alice", 1)
		return v.await(t, "it is delivered", func(l []got) bool { return len(l) == n })[n-1]
	}
	verify(t, tell(1), first, true)
	_, second, err := b.s.Webhooks.Rotate(t.Context(), b.id, e.ID, false, staff)
	if err != nil {
		t.Fatal(err)
	}
	g := tell(2)
	verify(t, g, first, true)
	verify(t, g, second, true)
	_, third, err := b.s.Webhooks.Rotate(t.Context(), b.id, e.ID, true, staff)
	if err != nil {
		t.Fatal(err)
	}
	g = tell(3)
	verify(t, g, first, false)
	verify(t, g, second, false)
	verify(t, g, third, true)
}

func TestACasinoThatIsNotServedIsToldWhenItIsServedAgain(t *testing.T) {
	t.Parallel()
	lapsed := time.Now().Add(-tenancy.GracePeriod - time.Hour)
	for name, x := range map[string]struct{ shut, open func(*bench) error }{
		"suspended": {
			func(b *bench) error { return b.admin.Suspend(t.Context(), b.slug(), "a test") },
			func(b *bench) error { return b.admin.Resume(t.Context(), b.slug()) },
		},
		"unpaid": {
			func(b *bench) error {
				_, err := b.admin.SetTenant(t.Context(), b.slug(), tenancy.Settings{PaidUntil: &lapsed}, "a test")
				return err
			},
			func(b *bench) error {
				_, err := b.admin.SetTenant(t.Context(), b.slug(), tenancy.Settings{NoEnd: true}, "a test")
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			v := receive(t, nil)
			b.endpoint(v.URL)
			d, metrics := b.deliverer()
			run(t, d)
			storetest.Fund(t, b.s, b.id, "alice", 1)
			v.await(t, "it is told while it is served", func(l []got) bool { return len(l) == 1 })
			change := func(f func(*bench) error) {
				t.Helper()
				if err := f(b); err != nil {
					t.Fatal(err)
				}
				b.reload()
			}
			change(x.shut)
			tenants := func() float64 { return gathered(t, metrics, "pitboss_webhooks_tenants") }
			storetest.Eventually(t, "nobody delivers for it", func() bool { return tenants() == 0 })
			storetest.Fund(t, b.s, b.id, "alice", 1)
			asked := func() int {
				return storetest.Count(t, b.admin, `select (extract(epoch from expires) * 1000)::bigint from platform.webhook`)
			}
			for range 3 {
				last := asked()
				storetest.Eventually(t, "the deliverer asks what to deliver", func() bool { return asked() > last })
			}
			if n := len(v.list()); n != 1 || tenants() != 0 {
				t.Errorf("it was told %d, by %v deliverers", n, tenants())
			}
			change(x.open)
			v.await(t, "what waited is delivered", func(l []got) bool { return len(l) == 2 })
		})
	}
}

func TestAnEndpointThatIsAwayIsPausedBeforeAnythingIsGivenUp(t *testing.T) {
	t.Parallel()
	var sum time.Duration
	for _, wait := range webhooks.Schedule {
		sum += wait
	}
	if sum <= stored.PauseAfter {
		t.Errorf("a delivery is given up after %s, and its endpoint paused after %s", sum, stored.PauseAfter)
	}
	b := newBench(t)
	v := receive(t, func(http.ResponseWriter, *http.Request, got) int { return http.StatusInternalServerError })
	e, _ := b.endpoint(v.URL)
	if err := storetest.Exec(t, b.s, b.id, `update webhook_endpoint set failing_since = now() - interval '80 hours'`); err != nil {
		t.Fatal(err)
	}
	d, _ := b.deliverer([]time.Duration{}...)
	d.Hasten(time.Second) // one attempt only
	run(t, d)
	storetest.Fund(t, b.s, b.id, "alice", 1)
	storetest.Eventually(t, "it is paused", func() bool {
		now, err := b.s.Webhooks.Get(t.Context(), b.id, e.ID)
		return err == nil && now.State == stored.Paused
	})
	if x := b.deliveries(e); len(x) != 1 || x[0].State != "pending" {
		t.Errorf("its delivery: %+v", x)
	}
	if !strings.Contains(b.log.String(), "state=paused") {
		t.Errorf("nobody is told: %s", b.log)
	}
}
