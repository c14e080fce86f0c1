package web_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// session asks who a token's is, and fails the test unless it is of a casino, or is refused if that is "".
func session(t *testing.T, c *webtest.Casino, token, want string) {
	t.Helper()
	a := c.Get(token, "/v1/session")
	if want == "" {
		a.Want(http.StatusNotFound, "unknown_host")
		return
	}
	var who struct{ Tenant string }
	a.Want(http.StatusOK, "").Into(&who)
	if who.Tenant != want {
		t.Errorf("it is %q, want %q", who.Tenant, want)
	}
}

// comesByAWildcard holds that a socket comes by a wildcard's names as by others, and is closed when it is removed or
// somebody else has the name.
func comesByAWildcard(t *testing.T, c *webtest.Casino) {
	token := c.Player("alice", 100)
	at := c.At("play.wild.example")
	at.Get("", "/play").Want(http.StatusNotFound, "unknown_host")
	if _, err := c.Admin.AddDomain(t.Context(), c.Tenant.Slug, "*.wild.example", "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "it is served at the wildcard", func() bool { return at.Get("", "/play").Status == http.StatusOK })
	for _, origin := range []string{"https://a.b.wild.example", "https://wild.example", "https://play.wild.example.evil.test"} {
		at.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", origin)
	}
	if policy := at.Get("", "/play").Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "connect-src 'self' ws://play.wild.example:* wss://play.wild.example:*") {
		t.Errorf("the page's policy is %s", policy)
	}
	alice := at.DialFrom("alice", token, "https://other.wild.example")
	bob := c.At("b.wild.example").Dial("bob", c.Player("bob", 100))
	carol := c.DialFrom("carol", c.Player("carol", 100), "https://play.wild.example")
	dave := c.Dial("dave", c.Player("dave", 100))

	// A name that another casino gets is no more of the wildcard.
	if _, err := c.Admin.CreateTenant(t.Context(), storetest.Casino("has-a-part", "b.wild.example")); err != nil {
		t.Fatal(err)
	}
	bob.Closed(wire.CloseOverloaded)
	alice.Call(wire.MethodPing, struct{}{}, nil)
	c.At("b.wild.example").DialRefused(http.StatusUnauthorized, wire.BearerPrefix+token)

	if _, err := c.Admin.RemoveDomain(t.Context(), c.Tenant.Slug, "*.wild.example", "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseOverloaded)
	carol.Closed(wire.CloseOverloaded)
	dave.Call(wire.MethodPing, struct{}{}, nil)
	at.DialRefused(http.StatusNotFound, wire.BearerPrefix+token)
}

func TestCasinosInFoldersOfOneHostAreReachedThereAndApart(t *testing.T) {
	t.Parallel()
	const host = "play.localhost"
	c := webtest.New(t, func(o *web.Options) { o.Routing = web.Routing{SubfolderHost: host} })
	other := c.Another("lucky-star")
	at := func(path string) *webtest.Casino { return c.At(host + path) }
	x, y := at("/t/casino-x"), at("/t/lucky-star")
	token, foreign := c.Player("alice", 100), other.Player("carol", 100)

	session(t, x, token, "casino-x")
	session(t, y, foreign, "lucky-star")
	session(t, c, token, "casino-x") // its own domain is as before
	session(t, c.At("PLAY.localhost.:8080/t/casino-x"), token, "casino-x")
	y.Get(token, "/v1/session").Want(http.StatusUnauthorized, "token_kid")
	y.DialRefused(http.StatusUnauthorized, wire.BearerPrefix+token)

	for _, path := range []string{"/play", "/play/history", "/play/t/roulette-1", "/console", "/console/players", "/console/players/alice", "/verify", "/api", "/brand.css", "/v1/openapi.json"} {
		x.Get("", path).Want(http.StatusOK, "")
	}
	for path, want := range map[string]string{"": "/t/casino-x/", "/": "/t/casino-x/play"} {
		if a := x.Get("", path).Want(http.StatusFound, ""); a.Header.Get("Location") != want {
			t.Errorf("/t/casino-x%s leads to %q, want %q", path, a.Header.Get("Location"), want)
		}
	}
	if a := c.Get("", "/"); a.Header.Get("Location") != "/play" {
		t.Errorf("/ leads to %q", a.Header.Get("Location"))
	}
	for _, path := range []string{"/", "/play", "/v1/session", "/t/nobody/play", "/t//play", "/t/Casino-X/play", "/t/casino%2Dx/play", "/%74/casino-x/play", "/t/casino-x%2Fplay"} {
		if a := at("").Get(token, path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, path := range []string{"/t/casino-x/play", "/t/casino-x//play"} { // of a folder within, or at a casino's own domain
		x.Get("", path).Want(http.StatusNotFound, "not_found")
		c.Get("", path).Want(http.StatusNotFound, "not_found")
	}

	// A page connects from the host itself, and from no casino's own domain; nor the other way round.
	alice := x.DialFrom("alice", token, "https://"+host)
	alice.Await(wire.PushWelcome, `"player":"alice"`)
	x.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", "http://casino-x.localhost")
	c.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", "http://"+host)
	if _, err := c.Admin.AddDomain(t.Context(), "casino-x", host, "a test"); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the node knows the domain", func() bool { _, ok := c.Store.Tenants.Lookup(host); return ok })
	c.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", "http://"+host)
	at("").Get("", "/play").Want(http.StatusNotFound, "unknown_host") // it stays the host of folders
	alice.Call(wire.MethodPing, struct{}{}, nil)
	if err := c.Admin.Suspend(t.Context(), "casino-x", "a test"); err != nil {
		t.Fatal(err)
	}
	alice.Closed(wire.CloseSuspended)
	x.Get("", "/play").Want(http.StatusForbidden, "tenant_suspended")
}

func TestFoldersAreOffUnlessAHostIsNamed(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	for _, host := range []string{"casino-x.localhost", "localhost", "127.0.0.1"} {
		if a := c.At(host).Get("", "/t/casino-x/play"); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", host, a.Status)
		}
	}
}

func TestAnUnknownHostIsRefusedOrShownAPageOrADefaultCasino(t *testing.T) {
	t.Parallel()
	const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		c := webtest.New(t)
		c.At("nobody.localhost").Do(http.MethodGet, "", "/play", "", "Accept", browser).Want(http.StatusNotFound, "unknown_host")
	})
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		c := webtest.New(t, func(o *web.Options) {
			o.Routing = web.Routing{UnknownHost: web.UnknownHost{Page: true}, SubfolderHost: "play.localhost"}
		})
		for _, host := range []string{"nobody.localhost", "10.0.0.1", "[::1]:80", "a_b", "play.localhost", "play.localhost/t/nobody"} {
			at := c.At(host)
			a := at.Do(http.MethodGet, "", "/play", "", "Accept", browser)
			if a.Status != http.StatusNotFound || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || strings.Contains(strings.ToLower(string(a.Body)), "casino") ||
				!strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none'") || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v %s", host, a.Status, a.Header, a.Body)
			}
			if a := at.Do(http.MethodHead, "", "/", "", "Accept", browser); a.Status != http.StatusNotFound || len(a.Body) != 0 {
				t.Errorf("%s: HEAD %d", host, a.Status)
			}
			at.Get("", "/play").Want(http.StatusNotFound, "unknown_host") // for programs
			at.Do(http.MethodPost, "", "/v1/tickets", "", "Accept", browser).Want(http.StatusNotFound, "unknown_host")
		}
	})
	t.Run("casino", func(t *testing.T) {
		t.Parallel()
		c := webtest.New(t, func(o *web.Options) {
			o.Routing = web.Routing{UnknownHost: web.UnknownHost{Tenant: "casino-x"}, SubfolderHost: "play.localhost"}
		})
		other := c.Another("lucky-star")
		token, foreign := c.Player("alice", 100), other.Player("carol", 100)
		for _, host := range []string{"nobody.localhost", "10.0.0.1", "[::1]:80"} {
			session(t, c.At(host), token, "casino-x")
			c.At(host).Get(foreign, "/v1/session").Want(http.StatusUnauthorized, "token_kid")
		}
		session(t, other, foreign, "lucky-star")
		session(t, c.At("play.localhost"), token, "")
		at := c.At("nobody.localhost")
		for _, origin := range []string{"http://casino-x.localhost", "http://evil.example", "http://lucky-star.localhost", "http://play.localhost", "http://a_b"} {
			at.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", origin)
		}
		c.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, "Origin", "http://nobody.localhost")
		alice := at.DialFrom("alice", token, "http://nobody.localhost:8080")
		alice.Await(wire.PushWelcome)
		bob := c.Dial("bob", c.Player("bob", 100))
		if _, err := c.Admin.AddDomain(t.Context(), "lucky-star", "nobody.localhost", "a test"); err != nil {
			t.Fatal(err)
		}
		alice.Closed(wire.CloseOverloaded) // the host is somebody's now
		bob.Call(wire.MethodPing, struct{}{}, nil)
		at.Get(token, "/v1/session").Want(http.StatusUnauthorized, "token_kid")
	})
	t.Run("casino that is not there", func(t *testing.T) {
		t.Parallel()
		c := webtest.New(t, func(o *web.Options) { o.Routing = web.Routing{UnknownHost: web.UnknownHost{Tenant: "nobody"}} })
		session(t, c.At("nobody.localhost"), c.Token("alice", auth.Player), "")
	})
}

func TestAHostThatAProxyNamesCountsFromATrustedOneByTheNamedHeaderAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		routing web.Routing
		proxies []netip.Prefix
		header  string
		want    string
	}{
		"trusted":       {web.Routing{ForwardedHost: web.XForwardedHost}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "X-Forwarded-Host", "casino-x"},
		"by RFC 7239":   {web.Routing{ForwardedHost: web.Forwarded}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "Forwarded", "casino-x"},
		"not trusted":   {web.Routing{ForwardedHost: web.XForwardedHost}, []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, "X-Forwarded-Host", ""},
		"not asked for": {web.Routing{}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "X-Forwarded-Host", ""},
		"another one":   {web.Routing{ForwardedHost: web.Forwarded}, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, "X-Forwarded-Host", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			casino := webtest.New(t, func(o *web.Options) { o.Routing, o.Edge.TrustedProxies = c.routing, c.proxies })
			value := "casino-x.localhost:8443"
			if c.header == web.Forwarded {
				value = `for=203.0.113.7;host="` + value + `"`
			}
			token, inner := casino.Player("alice", 100), casino.At("10.0.0.7:8080")
			a := inner.Do(http.MethodGet, token, "/v1/session", "", c.header, value)
			if c.want == "" {
				a.Want(http.StatusNotFound, "unknown_host")
				inner.DialRefused(http.StatusNotFound, wire.BearerPrefix+token, c.header, value)
				return
			}
			a.Want(http.StatusOK, "")
			if policy := inner.Do(http.MethodGet, "", "/play", "", c.header, value).Header.Get("Content-Security-Policy"); !strings.Contains(policy, "wss://casino-x.localhost:*") {
				t.Errorf("the page's policy is %s", policy)
			}
			inner.DialRefused(http.StatusForbidden, wire.BearerPrefix+token, c.header, value, "Origin", "http://10.0.0.7:8080")
			inner.DialFrom("alice", token, "https://casino-x.localhost:8443", c.header, value).Await(wire.PushWelcome)
		})
	}
}
