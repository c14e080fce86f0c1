package jwks

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// directory is a Directory in memory.
type directory struct {
	mu      sync.Mutex
	keys    map[tenant.ID][]auth.Key
	sources []Source
	retired map[string]bool
}

func (d *directory) Keys(id tenant.ID) []auth.Key {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]auth.Key{}, d.keys[id]...)
}

func (d *directory) KeySets(id tenant.ID) (out []Source) {
	for _, s := range d.AllKeySets() {
		if s.Tenant == id {
			out = append(out, s)
		}
	}
	return out
}

func (d *directory) AllKeySets() []Source {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Source{}, d.sources...)
}

func (d *directory) RetiredKey(_ tenant.ID, kid string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.retired[kid]
}

func (d *directory) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// publisher is an operator's server.
type publisher struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	asked  int
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{answer: http.NotFound}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked++
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) answers(f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

func (p *publisher) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// says publishes these keys, by kid.
func (p *publisher) says(t *testing.T, keys map[string]any) {
	t.Helper()
	raw := document(t, keys)
	p.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(raw) })
}

func document(t *testing.T, keys map[string]any) []byte {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for kid, key := range keys {
		jwk, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid}, Marshal: jwkset.JWKMarshalOptions{Private: true}})
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	raw, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return raw
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

type bench struct {
	t         *testing.T
	id        tenant.ID
	directory *directory
	*Keys
	changes chan []tenant.ID
	log     *lockedBuffer
	metrics *prometheus.Registry
}

// running reads a source until the test ends.
func running(t *testing.T, at string, every time.Duration, allow []netip.Prefix) *bench {
	t.Helper()
	id := tenant.New()
	b := &bench{t: t, id: id, changes: make(chan []tenant.ID, 64), log: &lockedBuffer{}, metrics: prometheus.NewRegistry(),
		directory: &directory{keys: map[tenant.ID][]auth.Key{}, sources: []Source{{id, "set", at}}, retired: map[string]bool{}}}
	b.Keys = New(b.directory, Options{Allow: allow, Log: slog.New(slog.NewTextHandler(b.log, nil)), Registerer: b.metrics})
	b.every = every
	b.OnChange(func(ids []tenant.ID) { b.changes <- ids })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

// told waits until somebody is told that keys came or went.
func (b *bench) told() {
	b.t.Helper()
	select {
	case ids := <-b.changes:
		if len(ids) != 1 || ids[0] != b.id {
			b.t.Fatalf("told of %v", ids)
		}
	case <-time.After(10 * time.Second):
		b.t.Fatalf("nobody is told; the log: %s", b.log)
	}
}

// has returns the keys by kid, with their algorithms.
func (b *bench) has() string {
	m := map[string]string{}
	for _, k := range b.Keys.Keys(b.id) {
		m[k.ID] = k.Alg
	}
	return fmt.Sprint(m)
}

func (b *bench) eventually(what string, cond func() bool) {
	b.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("not so: %s; the log: %s", what, b.log)
		}
	}
}

// metric returns the sum of a counter or a gauge.
func (b *bench) metric(name string) (sum float64) {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func ec(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func token(t *testing.T, kid string, key *ecdsa.PrivateKey) string {
	t.Helper()
	now := time.Now()
	j := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": "t", "sub": "alice", "aud": auth.Audience("casino-x"), "tid": "casino-x", "role": "player",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	j.Header["kid"] = kid
	s, err := j.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
