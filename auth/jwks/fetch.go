package jwks

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// fetchTimeout bounds one fetch of a set, from the name's resolution to the last byte.
	fetchTimeout = 5 * time.Second
	// findTimeout bounds the search for a token's key.
	findTimeout = 3 * time.Second
	// bytesMax bounds a set.
	bytesMax = 256 << 10
	// headerBytesMax bounds the header of a response.
	headerBytesMax = 32 << 10
	// fetchesMax bounds the sets that are fetched at the same time.
	fetchesMax = 16
)

// Why a URL is not fetched.
var (
	errPlain    = errors.New("jwks: only https is read, but for addresses that --jwks-allow names")
	errRedirect = errors.New("jwks: redirects are not followed: give the URL to which it leads")
	errTooLong  = fmt.Errorf("jwks: it is larger than %d KiB", bytesMax>>10)
)

// newClient returns the client that fetches sets: from public addresses by https, and from allowed
// ones by http too.
func newClient(allow []netip.Prefix, hits *prometheus.CounterVec) *http.Client {
	guard := ssrf.New(ssrf.WithAnyPort())
	public := func(network, address string, c syscall.RawConn) error {
		if allowed(allow, address) {
			return nil
		}
		return guard.Safe(network, address, c)
	}
	plain := func(_, address string, _ syscall.RawConn) error {
		if allowed(allow, address) {
			return nil
		}
		return errPlain
	}
	return &http.Client{
		Transport:     &transport{secure: dialing(public), plain: dialing(plain), slots: make(chan struct{}, fetchesMax), hits: hits},
		Timeout:       fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

// allowed reports whether the address to be dialled is in one of the ranges.
func allowed(ranges []netip.Prefix, address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) })
}

// dialing returns a transport that calls control before it connects to an address.
func dialing(control func(network, address string, c syscall.RawConn) error) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // it would resolve the name
		DialContext:            (&net.Dialer{Timeout: fetchTimeout, Control: control}).DialContext,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true, // the next fetch is minutes away
		MaxResponseHeaderBytes: headerBytesMax,
	}
}

// transport sends a request by the transport for its scheme, and bounds the response.
type transport struct {
	secure, plain *http.Transport
	slots         chan struct{}
	hits          *prometheus.CounterVec
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case t.slots <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	by := t.plain
	if r.URL.Scheme == "https" {
		by = t.secure
	}
	res, err := by.RoundTrip(r)
	if err != nil {
		<-t.slots
		return nil, err
	}
	res.Body = &body{ReadCloser: res.Body, left: bytesMax, t: t}
	return res, nil
}

// body reads at most bytesMax, and releases its slot when it is closed.
type body struct {
	io.ReadCloser
	left   int
	t      *transport
	closed bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		b.t.hits.WithLabelValues(limitBytes).Inc()
		return 0, errTooLong
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	if !b.closed {
		b.closed = true
		<-b.t.slots
	}
	return b.ReadCloser.Close()
}
