package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pitboss-hub/pitboss/hub/freeport"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
)

type clusterCmd struct {
	Listen string `help:"Where players and operators connect; a proxy takes them to the nodes." default:"127.0.0.1:8080" env:"PITBOSS_LISTEN" placeholder:"ADDRESS"`
	Nodes  int    `help:"How many nodes, 1 to 9." default:"3"`
	Reset  bool   `help:"Throw the database away and start over."`
}

// Help implements kong's long help.
func (clusterCmd) Help() string {
	return "A private PostgreSQL, a private Redis, nodes in processes of their own, and a proxy before them. A node that dies is started again: kill -9 one and watch. Everything is under --dir, as of 'pitboss dev'. Ctrl-C stops all of it."
}

// Validate implements kong's check.
func (c clusterCmd) Validate() error {
	if c.Nodes < 1 || c.Nodes > 9 {
		return fmt.Errorf("--nodes is %d, and must be 1 to 9", c.Nodes)
	}
	return nil
}

// Run implements the command. What was started last ends first: nodes, Redis, PostgreSQL.
func (c clusterCmd) Run(p *program) error {
	outlive()
	public, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	database, err := startDatabase(p, c.Reset)
	if err != nil {
		return err
	}
	defer database.stop()
	redisDir := filepath.Join(p.Dir, "redis")
	if err := os.MkdirAll(redisDir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", redisDir, err)
	}
	bus, err := localredis.Start(p.ctx, redisDir, 0, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	if err != nil {
		return err
	}
	defer bus.Stop()
	p.printf("Redis is %d, on %s.\n", bus.Pid(), bus.Addr)

	nodes, err := c.children(p, bus.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	watch(ctx, cancel, database.Ended(), errDatabaseEnded)
	watch(ctx, cancel, bus.Ended(), errRedisEnded)
	if err := c.serve(ctx, p, public, nodes); err != nil {
		return err
	}
	if why := context.Cause(ctx); errors.Is(why, errDatabaseEnded) || errors.Is(why, errRedisEnded) {
		return why
	}
	return nil
}

var errRedisEnded = errors.New("redis-server ended; start again")

// watch cancels a context, with a cause, when something else has ended.
func watch(ctx context.Context, cancel context.CancelCauseFunc, ended <-chan struct{}, why error) {
	go func() {
		select {
		case <-ended:
			cancel(why)
		case <-ctx.Done():
		}
	}()
}

// children returns the nodes, not yet started. Their ports are chosen now and do not change.
func (c clusterCmd) children(p *program, redis string) ([]*child, error) {
	out := p.err
	if _, file := out.(*os.File); !file { // which children get as it is
		out = &lockedWriter{Writer: p.err}
	}
	var nodes []*child
	for i := range c.Nodes {
		address, err := freeport.Address()
		if err != nil {
			return nil, err
		}
		admin, err := freeport.Address()
		if err != nil {
			return nil, err
		}
		name := "node-" + strconv.Itoa(i+1)
		nodes = append(nodes, &child{
			name: name, address: address, admin: admin, out: out, log: p.log,
			// All clients are on this machine, load tests too: no limits by address.
			args: []string{"serve", "--webhook-allow-address", "127.0.0.0/8", "--listen", address, "--admin-listen", admin, "--node", name,
				"--trusted-proxy", "127.0.0.1/32", "--address-requests", "0",
				"--log-format", p.LogFormat, "--log-level", p.LogLevel},
			env: []string{"PITBOSS_REDIS_URL=redis://" + redis, "PITBOSS_DATABASE_URL=" + p.Database,
				"PITBOSS_ADMIN_DATABASE_URL=" + p.Admin, "PITBOSS_MASTER_KEY=" + p.MasterKey},
		})
	}
	return nodes, nil
}

// serve runs nodes and proxy until ctx ends. The proxy stays while the nodes drain.
func (c clusterCmd) serve(ctx context.Context, p *program, public net.Listener, nodes []*child) error {
	var running errgroup.Group
	for _, n := range nodes {
		running.Go(func() error { return n.run(ctx) })
	}
	looking, stopLooking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLooking()
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.address)
	}
	front := newProxy(p.log, addresses...)
	server := &http.Server{Handler: front, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 32 << 10, ErrorLog: front.forward.ErrorLog}
	var proxying errgroup.Group
	proxying.Go(func() error { front.Run(looking); return nil })
	proxying.Go(func() error {
		if err := server.Serve(public); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	if front.awaitReady(ctx) {
		if err := c.welcome(p, public.Addr(), len(nodes)); err != nil {
			p.log.Error("no links", "error", err)
		}
	}
	<-ctx.Done()
	err := running.Wait()
	_ = server.Close()
	stopLooking()
	return errors.Join(err, proxying.Wait())
}

func (c clusterCmd) welcome(p *program, at net.Addr, nodes int) error {
	s, err := p.openStore()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := welcome(p, s.Tenants, at, "", ""); err != nil {
		return err
	}
	p.printf("%d nodes serve this; their process ids are above. kill -9 one and watch.\n", nodes)
	return nil
}
