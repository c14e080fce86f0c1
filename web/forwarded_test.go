package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestTheHostIsWhatATrustedProxySaysIfItSaysOneByTheHeaderThatItSets(t *testing.T) {
	t.Parallel()
	const proxy, other, client = "10.0.0.1:1234", "10.0.0.2:1234", "203.0.113.7:1234"
	for _, c := range []struct {
		by, peer  string
		x, f      []string
		want, why string
	}{
		{"", proxy, []string{"a.example"}, []string{"host=b.example"}, "", ""},
		{XForwardedHost, proxy, nil, nil, "", ""},
		{XForwardedHost, proxy, []string{" a.example:8080 "}, []string{"host=b.example"}, "a.example:8080", ""},
		{XForwardedHost, client, []string{"a.example"}, nil, "", strangeHost},
		{XForwardedHost, "@", []string{"a.example"}, nil, "", strangeHost}, // a Unix socket
		{XForwardedHost, client, nil, []string{"host=b.example"}, "", ""},
		{XForwardedHost, proxy, []string{"evil.example, a.example"}, nil, "", vagueHost},
		{XForwardedHost, proxy, []string{"evil.example", "a.example"}, nil, "", vagueHost},
		{XForwardedHost, proxy, []string{""}, nil, "", ""},
		{Forwarded, proxy, []string{"evil.example"}, []string{"host=b.example"}, "b.example", ""},
		{Forwarded, client, nil, []string{"host=b.example"}, "", strangeHost},
		{Forwarded, proxy, nil, []string{`For="[2001:db8::1]:4711";HOST="b.example:8080" ; proto=https`}, "b.example:8080", ""},
		{Forwarded, proxy, nil, []string{`host="b\.exam\ple"`}, "b.example", ""},
		{Forwarded, proxy, nil, []string{"for=1.2.3.4"}, "", ""},
		// Two proxies: the client's own element is left of what either of them wrote.
		{Forwarded, proxy, nil, []string{"host=evil.example, for=203.0.113.7;host=a.example, for=10.0.0.2;host=inner"}, "a.example", ""},
		{Forwarded, proxy, nil, []string{"host=evil.example", "for=203.0.113.7;host=a.example", "for=10.0.0.2"}, "a.example", ""},
		{Forwarded, other, nil, []string{"host=evil.example, for=203.0.113.7;host=a.example"}, "a.example", ""},
		{Forwarded, proxy, nil, []string{"host=evil.example, for=unknown;host=a.example"}, "a.example", ""},
		{Forwarded, proxy, nil, []string{"host=evil.example, for=_hidden"}, "", ""},
		{Forwarded, proxy, nil, []string{"host=a.example;host=evil.example"}, "", vagueHost},
		{Forwarded, proxy, nil, []string{`host="a.example`}, "", vagueHost},
		{Forwarded, proxy, nil, []string{`host="a.example\`}, "", vagueHost},
		{Forwarded, proxy, nil, []string{"a.example"}, "", vagueHost},
		{Forwarded, proxy, nil, []string{"host=a.example evil"}, "", vagueHost},
		{Forwarded, proxy, nil, []string{"host="}, "", vagueHost},
		{Forwarded, proxy, nil, []string{""}, "", vagueHost},
		{Forwarded, proxy, nil, []string{"host=a.example,"}, "", vagueHost},
		{Forwarded, proxy, nil, []string{strings.Repeat("for=1.2.3.4,", 40) + "host=a.example"}, "", vagueHost},
	} {
		said := ""
		r := &routing{
			Routing: Routing{ForwardedHost: c.by}, proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
			strange: func(message, _ string) { said = message },
		}
		req := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		for _, v := range c.x {
			req.Header.Add(XForwardedHost, v)
		}
		for _, v := range c.f {
			req.Header.Add(Forwarded, v)
		}
		if got := r.forwardedHost(req); got != c.want || said != c.why {
			t.Errorf("%+v: %q %q", c, got, said)
		}
	}
}

func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{`for=1.2.3.4;host="a.example:80", for="[::1]";proto=https`, `host="a\"b"`, `,;="\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		elements, ok := parseForwarded(header)
		if !ok && elements != nil || len(elements) > maxHops+1 {
			t.Errorf("%q: %v", header, elements)
		}
		for _, e := range elements {
			if len(e) == 0 {
				t.Errorf("%q has an empty element", header)
			}
		}
	})
}
