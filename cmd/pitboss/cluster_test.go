package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// said collects what a program prints, and tells when something was.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// last is the end of it, from the beginning of a line on, n bytes at most.
func (s *said) last(n int) string {
	text := s.String()
	if len(text) > n {
		text = text[len(text)-n:]
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	return text
}

func TestAClusterServesPlayersThroughItsProxyAndEndsWithAllItStarted(t *testing.T) {
	t.Setenv(envKillPoint, "none none 0") // the nodes are this test's binary
	public, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, log := &said{}, &said{}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"cluster", "--nodes", "2", "--listen", public, "--dir", openDir(t)}, streams{out, log}, seams{})
	}()
	eventually(t, "the links are printed", func() bool { return strings.Contains(out.String(), "nodes serve this") })

	link := regexp.MustCompile(`player +alice +http://([^/]+)/play#token=(\S+)`).FindStringSubmatch(out.String())
	if link == nil {
		t.Fatalf("no link in:\n%s", out)
	}
	c, _, err := websocket.Dial(ctx, "ws://"+public+"/ws", &websocket.DialOptions{
		Host: link[1], Subprotocols: []string{wire.Subprotocol, "bearer." + link[2]}, HTTPHeader: http.Header{"Origin": {"http://" + link[1]}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if _, frame, err := c.Read(ctx); err != nil || !strings.Contains(string(frame), wire.PushWelcome) {
		t.Errorf("%s, %v", frame, err)
	}

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, log)
	}
	if n := strings.Count(log.String(), "msg=drained"); n != 2 {
		t.Errorf("%d of 2 nodes drained\n%s", n, log)
	}
}

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
