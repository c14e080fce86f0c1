package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readinessInterval = 250 * time.Millisecond
	readinessTimeout  = time.Second     // bounds the reply of a node's readiness check
	responseTimeout   = 5 * time.Second // bounds the wait for the header of a node's response
)

var errNoNode = errors.New("no node is ready")

// proxy distributes requests and sockets over nodes: each goes to the ready node that has the fewest.
// No player is tied to a node. A request that a node cannot have acted on is sent to the next.
type proxy struct {
	nodes   []*backend
	forward *httputil.ReverseProxy
	direct  *http.Transport
	log     *slog.Logger
}

// backend is the proxy's view of a node.
type backend struct {
	address string
	ready   atomic.Bool
	open    atomic.Int64 // requests and sockets
}

// choice holds the node that a request was sent to.
type choice struct{ node *backend }

type choiceKey struct{}

func (c *choice) take(b *backend) {
	c.release()
	c.node = b
	b.open.Add(1)
}

func (c *choice) release() {
	if c.node != nil {
		c.node.open.Add(-1)
		c.node = nil
	}
}

func newProxy(log *slog.Logger, addresses ...string) *proxy {
	p := &proxy{log: log, direct: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: readinessTimeout}).DialContext,
		ResponseHeaderTimeout: responseTimeout, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, DisableCompression: true,
	}}
	for _, a := range addresses {
		p.nodes = append(p.nodes, &backend{address: a})
	}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "node" // RoundTrip says which
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: p, FlushInterval: -1,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			log.Debug("no node answered", "error", err)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "no node answers; try again", http.StatusServiceUnavailable)
		},
	}
	return p
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &choice{}
	defer c.release() // a socket's end too
	p.forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), choiceKey{}, c)))
}

// RoundTrip implements http.RoundTripper.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	c, ok := r.Context().Value(choiceKey{}).(*choice)
	if !ok {
		return nil, errNoNode
	}
	body := r.Body
	if body != nil {
		defer func() { _ = body.Close() }()
	}
	tried := map[*backend]bool{}
	for {
		b := p.leastBusy(tried)
		if b == nil {
			return nil, errNoNode
		}
		tried[b] = true
		c.take(b)
		out := r.Clone(r.Context())
		out.URL.Host = b.address
		if body != nil {
			out.Body = io.NopCloser(body) // the next node may need it
		}
		res, err := p.direct.RoundTrip(out)
		switch {
		case r.Context().Err() != nil, len(tried) == len(p.nodes):
		case err != nil && (refused(err) || harmless(r)):
			continue
		case err == nil && res.StatusCode == http.StatusServiceUnavailable && harmless(r) && p.leastBusy(tried) != nil:
			_ = res.Body.Close()
			continue
		}
		return res, err
	}
}

// refused reports whether a node never got the request.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// harmless reports whether a request may be sent twice.
func harmless(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func (p *proxy) leastBusy(but map[*backend]bool) *backend {
	var best *backend
	for _, b := range p.nodes {
		if b.ready.Load() && !but[b] && (best == nil || b.open.Load() < best.open.Load()) {
			best = b
		}
	}
	return best
}

// awaitReady waits until a node is ready, and reports false if ctx ends before.
func (p *proxy) awaitReady(ctx context.Context) bool {
	tick := time.NewTicker(readinessInterval)
	defer tick.Stop()
	for p.leastBusy(nil) == nil {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// Run checks the readiness of the nodes until ctx ends.
func (p *proxy) Run(ctx context.Context) {
	var looking sync.WaitGroup
	for _, b := range p.nodes {
		looking.Go(func() {
			tick := time.NewTicker(readinessInterval)
			defer tick.Stop()
			for ctx.Err() == nil {
				if ready := p.look(ctx, b); b.ready.Swap(ready) != ready {
					p.log.Debug("a node's readiness", "node", b.address, "ready", ready)
				}
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	looking.Wait()
	p.direct.CloseIdleConnections()
}

func (p *proxy) look(ctx context.Context, b *backend) bool {
	ctx, cancel := context.WithTimeout(ctx, readinessTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.address+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := p.direct.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}
