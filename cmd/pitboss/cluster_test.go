package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/freeport"
)

func TestTheProxyPassesOverANodeThatRefuses(t *testing.T) {
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer full.Close()
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Host + " " + r.Header.Get("X-Forwarded-For")))
	}))
	defer well.Close()
	gone, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(newLogger(&said{}, "text", "info"), gone, full.Listener.Addr().String(), well.Listener.Addr().String())
	for _, b := range p.nodes {
		b.ready.Store(true) // as far as the proxy knows yet
	}
	for range 10 {
		r := httptest.NewRequest(http.MethodGet, "http://casino-x.localhost/v1/rooms", nil)
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.String() != "casino-x.localhost 192.0.2.1" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	for _, b := range p.nodes {
		if n := b.open.Load(); n != 0 {
			t.Errorf("%d requests are still counted", n)
		}
	}
}

func TestTheNumberOfNodesIsOneToNine(t *testing.T) {
	for _, n := range []string{"0", "10", "x"} {
		var log said
		if err := run(t.Context(), []string{"cluster", "--nodes", n, "--dir", t.TempDir()}, streams{&log, &log}, seams{}); err == nil {
			t.Errorf("%s nodes: no failure", n)
		}
	}
}
