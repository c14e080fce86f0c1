package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pitboss-hub/pitboss/web/webhooks"
)

type webhookListenCmd struct {
	Listen netip.AddrPort `help:"Where to listen, on this machine (127.0.0.1:8090); 'serve' calls it with --webhook-allow-address 127.0.0.1/32, 'dev' as it is." default:"127.0.0.1:8090" placeholder:"ADDRESS:PORT"`
	Secret string         `required:"" help:"The endpoint's secret, whsec_…" env:"PITBOSS_WEBHOOK_SECRET"`
	Count  int            `help:"End after so many messages; 0 never." placeholder:"N"`
	Within time.Duration  `help:"Fail if --count messages have not come by then; 0 waits." placeholder:"DURATION"`
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
	ctx, end := context.WithCancel(p.ctx)
	defer end()
	if c.Count > 0 && c.Within > 0 {
		ctx, end = context.WithTimeout(ctx, c.Within)
		defer end()
	}
	seen := map[string]bool{}
	var mu sync.Mutex // guards seen and the output
	handler, err := webhooks.NewReceiver(c.Secret, func(id string, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		if seen[id] || c.Count > 0 && len(seen) == c.Count {
			return
		}
		seen[id] = true
		p.printf("%s\n", body)
		if len(seen) == c.Count {
			end()
		}
	}, func(err error) { p.log.Warn("a request that is no signed message", "error", err) })
	if err != nil {
		return fmt.Errorf("--secret: want what 'webhook create' printed: %w", err)
	}
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen.String())
	if err != nil {
		return err
	}
	p.log.Info("listening for webhooks", "url", "http://"+c.Listen.String())
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
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
