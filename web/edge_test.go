package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// bareServer is a Server with nothing behind its edge but h.
func bareServer(e Edge, h http.Handler) *Server {
	log := slog.New(slog.DiscardHandler)
	s := &Server{log: log, seldom: api.NewSeldom(log), edge: e.withDefaults(), limits: api.NewLimits(prometheus.NewRegistry(), nil)}
	s.makeServers()
	s.servers.public.Handler = h
	return s
}

func TestShutdownAnswersWhoseTokenWasVerifiedAndWaitsForNobodyElse(t *testing.T) {
	here, leave := make(chan struct{}, 2), make(chan struct{})
	s := bareServer(Edge{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bearer" {
			verified(r.Context())
		}
		here <- struct{}{}
		if r.URL.Path == "/bearer" {
			<-leave
		} else {
			<-r.Context().Done()
		}
		_, _ = w.Write([]byte("the answer"))
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ask := func(path string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		<-here
		return c
	}
	bearer, stranger := ask("/bearer"), ask("/stranger")
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(t.Context()) }()
	for { // until the listener is closed
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		_ = c.Close()
	}
	select {
	case err := <-down:
		t.Fatalf("the bearer was not waited for: %v", err)
	default:
	}
	close(leave)
	if err := <-down; err != nil {
		t.Error(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(bearer), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "the answer" {
		t.Errorf("the bearer got %q, %v", body, err)
	}
	if _, err := stranger.Read(make([]byte, 1)); err == nil {
		t.Error("the stranger was answered")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestAConnectionCountsUntilItIsASocketOrClosed(t *testing.T) {
	work := make(chan struct{})
	hijacked := make(chan net.Conn, 1)
	s := bareServer(Edge{Connections: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket" {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			if _, ok := c.(*net.TCPConn); !ok {
				t.Errorf("the hub gets a %T", c)
			}
			hijacked <- c
		}
		if r.URL.Path == "/work" {
			verified(r.Context())
			<-work
		}
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	defer func() { _ = s.Shutdown(t.Context()) }()
	for range 20 { // each in the place of the one before, which is a socket now
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = fmt.Fprint(c, "GET /socket HTTP/1.1\r\nHost: x\r\n\r\n")
		defer func(c net.Conn) { _ = c.Close() }(<-hijacked)
	}
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprint(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	done, end := context.WithCancel(t.Context())
	end()
	// An idle one makes room for one that comes, and that one, at work for somebody, for nobody.
	busy, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	_, _ = fmt.Fprint(busy, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection was answered")
	}
	work <- struct{}{} // it is at work, and here it ends
	if _, err := http.ReadResponse(bufio.NewReader(busy), nil); err != nil {
		t.Fatal(err)
	}
	for s.servers.publicConns.quiet(done) != nil { // until that is noticed
	}
	_, _ = fmt.Fprint(busy, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	for s.servers.publicConns.quiet(done) == nil { // until it is at work again
	}
	over, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = over.Close() }()
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("a connection beyond the limit was served")
	}
	work <- struct{}{}
	if _, err := http.ReadResponse(bufio.NewReader(busy), nil); err != nil {
		t.Error(err)
	}
}

func TestAClientsAddressIsThePeersOrWhatATrustedProxySays(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/64"), netip.MustParsePrefix("127.0.0.1/32")}
	for name, c := range map[string]struct {
		proxies    []netip.Prefix
		peer, want string
		forwarded  []string
	}{
		"no proxy":                               {nil, "127.0.0.1:1", "127.0.0.1", nil},
		"no proxy is trusted":                    {nil, "127.0.0.1:1", "127.0.0.1", []string{"6.6.6.6"}},
		"forged by a client":                     {proxies, "9.9.9.9:1", "9.9.9.9", []string{"6.6.6.6"}},
		"forged by a neighbour":                  {proxies, "10.2.0.1:1", "10.2.0.1", []string{"6.6.6.6"}},
		"forged on the loopback":                 {proxies, "127.0.0.2:1", "127.0.0.2", []string{"6.6.6.6"}},
		"forged on the link":                     {proxies, "[fe80::1]:1", "fe80::1", []string{"6.6.6.6"}},
		"a proxy":                                {proxies, "10.1.2.3:1", "8.8.8.8", []string{"8.8.8.8"}},
		"a proxy, and what its client forged":    {proxies, "10.1.2.3:1", "8.8.8.8", []string{"6.6.6.6, 8.8.8.8"}},
		"a chain":                                {proxies, "127.0.0.1:1", "8.8.8.8", []string{"6.6.6.6", "8.8.8.8, 10.1.9.9"}},
		"a chain with a stranger in it":          {proxies, "127.0.0.1:1", "10.2.9.9", []string{"8.8.8.8, 10.2.9.9, 10.1.9.9"}},
		"a proxy that says the port too":         {proxies, "10.1.2.3:1", "8.8.8.8", []string{"8.8.8.8:5678"}},
		"a proxy that says the port of IPv6":     {proxies, "10.1.2.3:1", "2001:db8::1", []string{"[2001:db8::1]:5678"}},
		"a proxy by a mapped address":            {proxies, "[::ffff:10.1.2.3]:1", "8.8.8.8", []string{"8.8.8.8"}},
		"a proxy of IPv6":                        {proxies, "[fd00::7]:1", "2001:db8::1", []string{"2001:db8::1"}},
		"a proxy that says nothing":              {proxies, "10.1.2.3:1", "10.1.2.3", nil},
		"a proxy that passes on what is no list": {proxies, "10.1.2.3:1", "10.1.2.3", []string{"8.8.8.8, ' or 1=1"}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, line := range c.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		warned := ""
		if got := clientAddress(c.proxies, func(peer string) { warned = peer })(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if stranger := strings.Contains(name, "forged by a ") || strings.Contains(name, "forged on") || strings.Contains(name, "no proxy is"); (warned != "") != stranger {
			t.Errorf("%s: said of %q", name, warned)
		}
	}
}

func TestAddressesOfOneCustomerCountTogether(t *testing.T) {
	key := func(a string) netip.Addr { return addressKey(netip.MustParseAddr(a)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("2001:db8:1:2::1") == key("2001:db8:1:3::1") {
		t.Error("IPv6 does not count by /64")
	}
	if key("::ffff:9.9.9.9") != key("9.9.9.9") || key("9.9.9.9") == key("9.9.9.8") || key("fe80::1%eth0") != key("fe80::2") {
		t.Error("an address is another than it is")
	}
}

func TestWhatARequestCostsItsAddressIsGivenBackToStaff(t *testing.T) {
	s := &Server{addresses: api.NewBuckets[netip.Addr](1, 10), limits: api.NewLimits(prometheus.NewRegistry(), nil)}
	ask := func(path, from string, staff bool) error {
		e := echo.New()
		e.IPExtractor = echo.ExtractIPDirect()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		c := e.NewContext(r, w)
		c.SetPath(path)
		err := s.perAddress(func(c echo.Context) error {
			if staff {
				s.giveBack(c, "operator")
			}
			return nil
		})(c)
		if err != nil && w.Header().Get("Retry-After") == "" {
			t.Error("there is no Retry-After")
		}
		return err
	}
	for range 100 {
		if err := ask("/v1/players", "9.9.9.9:1", true); err != nil {
			t.Fatal(err)
		}
		if err := ask(routeReady, "9.9.9.9:1", false); err != nil {
			t.Fatal(err)
		}
	}
	for path, n := range map[string]int{routeRound: 1, routeSocket: 5, "/play": 10} {
		from := fmt.Sprintf("9.9.9.%d:1", n)
		for range n {
			if err := ask(path, from, false); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		if err := ask("/play", from, false); err == nil {
			t.Errorf("%s costs less than it should", path)
		}
	}
}

func TestAnAnswerThatTakesLongShieldsNoStranger(t *testing.T) {
	n := newConnLimiter(2, 0, nil)
	conn := func() net.Conn {
		c, other := net.Pipe()
		t.Cleanup(func() { _, _ = c.Close(), other.Close() })
		return c
	}
	player, stranger, newcomer := conn(), conn(), conn()
	for _, c := range []net.Conn{player, stranger} {
		if beyond, _ := n.admit(c); beyond != nil {
			t.Fatal("a connection within the limit had to go")
		}
	}
	n.answer(n.open[player].Value.(*openConn), true)
	if beyond, limit := n.admit(newcomer); beyond != stranger || limit != api.LimitConnections {
		t.Errorf("%v had to go for the newcomer, by %q, and not the stranger", beyond, limit)
	}
}
