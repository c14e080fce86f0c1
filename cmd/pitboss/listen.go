package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// messageMax bounds a message's body.
const messageMax = 1 << 20

type webhookListenCmd struct {
	Listen netip.AddrPort `help:"Where to listen, on this machine; 'serve' calls it with --webhook-allow-address 127.0.0.1/32, 'dev' as it is." default:"127.0.0.1:8090" placeholder:"ADDRESS:PORT"`
	Secret string         `required:"" help:"The endpoint's secret, whsec_…" env:"PITBOSS_WEBHOOK_SECRET"`
	Count  int            `help:"End after so many messages; 0 never." placeholder:"N"`
	Within time.Duration  `help:"Fail if --count messages have not come by then; 0 waits." placeholder:"60s"`
}

// Help implements kong's long help.
func (webhookListenCmd) Help() string {
	return "A receiver for trying webhooks out: it checks signatures and prints each message once, a line each. What is not signed by the secret is answered with 401, and said on standard error."
}

// Run implements the command.
func (c webhookListenCmd) Run(p *program) error {
	if !c.Listen.Addr().IsLoopback() {
		return fmt.Errorf("--listen %s: want an address of this machine alone, such as 127.0.0.1:8090", c.Listen)
	}
	signed, err := standardwebhooks.NewWebhook(c.Secret)
	if err != nil {
		return errors.New("--secret: want what 'webhook create' printed, whsec_…")
	}
	ctx, end := context.WithCancel(p.ctx)
	defer end()
	if c.Count > 0 && c.Within > 0 {
		ctx, end = context.WithTimeout(ctx, c.Within)
		defer end()
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen.String())
	if err != nil {
		return err
	}
	r := &receiver{p: p, signed: signed, count: c.Count, end: end, seen: map[string]bool{}}
	server := &http.Server{Handler: r, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(socket) }()
	select {
	case err = <-stopped:
		return err
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = server.Shutdown(bye) // answers that are under way
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("fewer than %d messages came within %s", c.Count, c.Within)
	}
	return nil
}

// receiver prints messages that are signed.
type receiver struct {
	p      *program
	signed *standardwebhooks.Webhook
	end    context.CancelFunc // called after the last message

	count int // of messages; 0: without end

	mu   sync.Mutex      // guards seen and the output
	seen map[string]bool // ids of messages
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, messageMax))
	if err == nil {
		err = r.signed.Verify(body, q.Header)
	}
	if err != nil {
		r.p.log.Warn("a request is no message", "error", err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	r.mu.Lock()
	defer r.mu.Unlock()
	id := q.Header.Get(standardwebhooks.HeaderWebhookID)
	if r.seen[id] || r.count > 0 && len(r.seen) == r.count {
		return
	}
	r.seen[id] = true
	r.p.printf("%s\n", body)
	if len(r.seen) == r.count {
		r.end()
	}
}
