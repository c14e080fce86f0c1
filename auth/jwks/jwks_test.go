package jwks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
)

func TestPublicKeysOfASetVerifyAndNothingElseOfItDoes(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	edPublic, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.says(t, map[string]any{
		"ec": &ec(t).PublicKey, "rs": &rs.PublicKey, "ed": edPublic,
		"secret": bytes.Repeat([]byte{7}, 32), "private": ec(t), "private ed": edPrivate, "weak": &weak.PublicKey, "wide": &wide.PublicKey, "": &ec(t).PublicKey, "stored": edPublic, "retired": edPublic,
	})
	b := running(t, p.URL, time.Hour, loopback)
	b.directory.set(func() {
		b.directory.keys[b.id] = []auth.Key{{ID: "stored", Alg: auth.HS256, Secret: []byte("x")}}
		b.directory.retired["retired"] = true
	})
	b.told()
	if got, want := b.has(), "map[ec:ES256 ed:EdDSA rs:RS256 stored:HS256]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if keys := b.Keys.Keys(b.id); keys[0].ID != "stored" {
		t.Error("the stored key is not the first, which signs")
	}
	other := tenant.New()
	if len(b.Keys.Keys(other)) != 0 {
		t.Error("another tenant has keys")
	}
}

func TestAKeyThatASetHasNoMoreIsNoKeyAndSomebodyIsTold(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	one, two := ec(t), ec(t)
	p.says(t, map[string]any{"a": &one.PublicKey, "b": &two.PublicKey})
	b := running(t, p.URL, 20*time.Millisecond, loopback)
	v := auth.NewVerifier(b.Keys, nil)
	b.told()
	who, err := v.Verify(b.id, "casino-x", token(t, "a", one))
	if err != nil || v.Revoked(who) {
		t.Fatalf("%v", err)
	}
	p.says(t, map[string]any{"b": &two.PublicKey})
	b.told()
	if !v.Revoked(who) {
		t.Error("who came by a key that is gone stays")
	}
	p.says(t, map[string]any{"a": &two.PublicKey, "b": &two.PublicKey}) // another key under the same id
	b.told()
	if !v.Revoked(who) {
		t.Error("another key of the same id stands for the first")
	}

	// What cannot be read changes nothing.
	for name, answer := range map[string]http.HandlerFunc{
		"an error":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"no JSON":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"another object": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"error":"down"}`)) },
		"no keys":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"too long":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), bytesMax+1)) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
	} {
		p.answers(answer)
		before := b.metric("pitboss_auth_jwks_errors_total")
		b.eventually(name+" is an error", func() bool { return b.metric("pitboss_auth_jwks_errors_total") > before+1 })
		if got := b.has(); got != "map[a:ES256 b:ES256]" || b.metric("pitboss_auth_jwks_failing") != 1 {
			t.Errorf("%s: %s", name, got)
		}
	}
	if n := strings.Count(b.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log: %s", n, b.log)
	}
	p.says(t, map[string]any{"b": &two.PublicKey})
	b.told()
	if b.metric("pitboss_auth_jwks_failing") != 0 || b.metric("pitboss_auth_limit_hits_total") == 0 {
		t.Error("the metrics")
	}

	b.directory.set(func() { b.directory.sources = nil })
	if got := b.has(); got != "map[]" {
		t.Errorf("after the set was retired: %s", got)
	}
}

func TestATokenOfANewKeyWaitsUntilItIsReadAndBogusOnesDoNotAskForMore(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	one, two := ec(t), ec(t)
	p.says(t, map[string]any{"a": &one.PublicKey})
	b := running(t, p.URL, time.Hour, loopback)
	v := auth.NewVerifier(b.Keys, nil)
	// Before anything was read: the token waits for the first reading.
	if _, err := v.Verify(b.id, "casino-x", token(t, "a", one)); err != nil {
		t.Fatalf("of a node that has just started: %v", err)
	}
	p.says(t, map[string]any{"a": &one.PublicKey, "b": &two.PublicKey})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := v.Verify(b.id, "casino-x", token(t, "b", two)); err != nil {
				t.Errorf("of a new key: %v", err)
			}
		})
	}
	all.Wait()
	if n := p.times(); n != 2 {
		t.Errorf("read %d times", n)
	}
	for i := range 50 {
		if _, err := v.Verify(b.id, "casino-x", token(t, fmt.Sprint("bogus-", i), two)); err == nil {
			t.Fatal("believed")
		}
	}
	if n := p.times(); n != 2 {
		t.Errorf("strangers made it be read %d times", n-2)
	}
}

func TestAURLLeadsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.says(t, map[string]any{"a": &ec(t).PublicKey})
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	_, port, _ := strings.Cut(strings.TrimPrefix(p.URL, "http://"), ":")
	_, securePort, _ := strings.Cut(strings.TrimPrefix(secure.URL, "https://"), ":")
	for name, c := range map[string]struct {
		at    string
		allow []netip.Prefix
		want  string
	}{
		"http":                       {p.URL, nil, "only https"},
		"http, another range":        {p.URL, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "only https"},
		"http by name":               {"http://localhost:" + port, nil, "only https"},
		"loopback":                   {secure.URL, nil, "prohibited"},
		"loopback by name":           {"https://localhost:" + securePort, nil, "prohibited"},
		"IPv6 loopback":              {"https://[::1]:" + securePort, nil, "prohibited"},
		"IPv4 in IPv6":               {"https://[::ffff:127.0.0.1]:" + securePort, nil, "prohibited"},
		"private":                    {"https://10.1.2.3/", nil, "prohibited"},
		"link-local, metadata":       {"https://169.254.169.254/latest", nil, "prohibited"},
		"carrier's":                  {"https://100.64.0.1/", nil, "prohibited"},
		"this network":               {"https://0.0.0.0:" + securePort, nil, "prohibited"},
		"unique local":               {"https://[fd00::1]/", nil, "prohibited"},
		"NAT64":                      {"https://[64:ff9b::7f00:1]/", nil, "prohibited"},
		"a certificate of nobody's":  {secure.URL, loopback, "certificate"},
		"what is allowed, elsewhere": {"http://10.1.2.3/", loopback, "only https"},
	} {
		client := newClient(c.allow, newMeters(nil).hits)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.at, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.times() != 0 {
		t.Error("a server was asked")
	}
}

func TestASlowSetHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	slow, quick := newPublisher(t), newPublisher(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	slow.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	key := ec(t)
	quick.says(t, map[string]any{"a": &key.PublicKey})
	b := running(t, slow.URL, time.Hour, loopback)
	other := tenant.New()
	b.directory.set(func() { b.directory.sources = append(b.directory.sources, Source{other, "set", quick.URL}) })
	b.eventually("the other is read", func() bool { return len(b.Keys.Keys(other)) == 1 })
	v := auth.NewVerifier(b.Keys, nil)
	began := time.Now()
	if _, err := v.Verify(b.id, "casino-x", token(t, "a", key)); err == nil {
		t.Error("believed")
	}
	if took := time.Since(began); took > findTimeout+time.Second {
		t.Errorf("a token waited %v", took)
	}
}
