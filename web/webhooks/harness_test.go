package webhooks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	stored "github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/webhooks"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var (
	loopback = netip.MustParsePrefix("127.0.0.1/32")
	staff    = stored.By{Actor: "operator:ann", Origin: rooms.Origin{Address: "10.0.0.1"}}
)

// got is a message that a receiver got.
type got struct {
	id, typ, player string
	header          http.Header
	body            []byte
	answered        int
}

// receiver is a casino's server. It fails the test if a message is not as web/openapi.yaml has it. Its answers are
// decided by answer, which is called while it holds nothing.
type receiver struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	all    []got
	came   chan struct{} // something did
	answer func(w http.ResponseWriter, r *http.Request, g got) int
}

// receive starts a receiver that answers with what answer returns; nil answers 204.
func receive(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, g got) int) *receiver {
	t.Helper()
	v := &receiver{t: t, came: make(chan struct{}, 1), answer: answer}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.check)
	return v
}

// check closes the receiver and holds what came to the document: not while the deliverer waits, since the document takes
// a while to be read.
func (v *receiver) check() {
	v.Close()
	for _, g := range v.all {
		if err := webtest.CheckWebhook(g.header, g.body); err != nil {
			v.t.Errorf("a message is not as web/openapi.yaml has it: %v: %s", err, g.body)
		}
	}
}

func (v *receiver) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var m struct {
		Type string `json:"type"`
		Data struct {
			Player string `json:"player"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &m)
	g := got{id: r.Header.Get("webhook-id"), typ: m.Type, player: m.Data.Player, header: r.Header, body: body, answered: http.StatusNoContent}
	if v.answer != nil {
		g.answered = v.answer(w, r, g)
	}
	v.mu.Lock()
	v.all = append(v.all, g)
	v.mu.Unlock()
	select {
	case v.came <- struct{}{}:
	default:
	}
	w.WriteHeader(g.answered)
}

// list returns what came so far, in the order in which it was answered.
func (v *receiver) list() []got {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]got{}, v.all...)
}

// await waits until what came satisfies a condition, and returns it.
func (v *receiver) await(t *testing.T, what string, holds func([]got) bool) []got {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		if list := v.list(); holds(list) {
			return list
		}
		select {
		case <-v.came:
		case <-deadline:
			t.Fatalf("not so: %s; it got %d", what, len(v.list()))
		}
	}
}

// succeeded returns those that were answered with success.
func succeeded(list []got) (out []got) {
	for _, g := range list {
		if g.answered/100 == 2 {
			out = append(out, g)
		}
	}
	return out
}

// bench is a tenant with a deliverer.
type bench struct {
	t     *testing.T
	d     storetest.Database
	s     *store.Store
	admin *tenancy.Admin
	id    tenant.ID
	log   *lockedBuffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	d := storetest.Empty(t)
	s, admin := storetest.Open(t, d, store.Options{})
	b := &bench{t: t, d: d, s: s, admin: admin, id: storetest.Tenant(t, admin), log: &lockedBuffer{}}
	b.reload()
	return b
}

// reload makes deliverers know the tenants as they are now.
func (b *bench) reload() {
	b.t.Helper()
	if err := b.s.Tenants.Reload(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// slug returns the tenant's.
func (b *bench) slug() tenant.Slug {
	t, _ := b.s.Tenants.ByID(b.id)
	return t.Slug
}

// endpoint creates an endpoint at a URL, and returns its secret.
func (b *bench) endpoint(url string, types ...string) (stored.Endpoint, string) {
	b.t.Helper()
	e, secret, err := b.s.Webhooks.Create(b.t.Context(), b.id, stored.Spec{URL: url, Types: types}, staff)
	if err != nil {
		b.t.Fatal(err)
	}
	return e, secret
}

// deliverer returns a deliverer with short intervals, which does not run yet.
func (b *bench) deliverer(waits ...time.Duration) (*webhooks.Deliverer, *prometheus.Registry) {
	if waits == nil {
		waits = []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond}
	}
	r := prometheus.NewRegistry()
	d := webhooks.New(webhooks.Options{
		Queue: b.s.Deliveries, Holder: uuid.New(), Tenants: b.s.Tenants, Allow: []netip.Prefix{loopback},
		Log: slog.New(slog.NewTextHandler(b.log, nil)), Registerer: r,
	})
	d.Hasten(time.Second, waits...)
	return d, r
}

// run runs a deliverer until the test ends or stop is called.
func run(t *testing.T, d *webhooks.Deliverer) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// deliveries returns the deliveries to an endpoint, the latest first.
func (b *bench) deliveries(e stored.Endpoint) []stored.Delivery {
	b.t.Helper()
	q, err := stored.DeliveryTable.Parse(list.Asked{Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	list, _, err := b.s.Webhooks.Deliveries(b.t.Context(), b.id, e.ID, q)
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// gathered returns the value of a counter or gauge.
func gathered(t *testing.T, r *prometheus.Registry, name string) (value float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			value = f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return value
}

// verify fails the test unless a message is signed by a secret.
func verify(t *testing.T, g got, secret string, want bool) {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(g.body, g.header); (err == nil) != want {
		t.Errorf("verified by %s: %v, want %t", secret[:10], err, want)
	}
}

// listenOn starts an HTTP server at an address of this machine.
func listenOn(t *testing.T, address string, handler http.Handler) *httptest.Server {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// lockedBuffer is a log that tests read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
