package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pitboss-hub/pitboss/cmd/bench/load"
)

// The places of the processes that measureNodes measures beside the subscribers' nodes.
const (
	publisher = iota
	redis
)

// measureNodes runs a redis-server, a node that publishes and has no sockets, and n nodes that
// have all of them, and returns what the load client reports: CPU is that of the n, and Also
// what publisher and redis took. The n have the servers' core to themselves.
func (b *bench) measureNodes(ctx context.Context, s server, n int, args ...string) ([]load.Row, error) {
	addrs, err := freePorts(2*n + 4)
	if err != nil {
		return nil, err
	}
	next := func() string {
		addr := addrs[0]
		addrs = addrs[1:]
		return addr
	}
	var running []*process
	defer func() {
		for _, p := range running {
			p.kill()
		}
	}()
	run := func(core int, program string, args []string, ports ...string) (pid string, err error) {
		p, err := start(core, b.bin, program, args, []string{"GOMAXPROCS=1"}, nil)
		if err != nil {
			return "", err
		}
		running = append(running, p)
		for _, addr := range ports {
			if err := p.answers(ctx, addr, 10*time.Second); err != nil {
				return "", err
			}
		}
		return strconv.Itoa(p.cmd.Process.Pid), nil
	}

	bus := next()
	_, port, _ := strings.Cut(bus, ":")
	redisPID, err := run(clientCore, "redis-server", []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, bus)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(b.bin, s.program)
	node := func(core int, more ...string) (addr, pid string, err error) {
		addr, side := next(), next()
		pid, err = run(core, program, append(append([]string{"-addr", addr, "-side", side, "-redis", "redis://" + bus}, more...), s.args...), addr, side)
		return addr, pid, err
	}
	feed := next()
	_, publisherPID, err := node(clientCore, "-feed", feed)
	if err != nil {
		return nil, err
	}
	var to, pids []string
	for range n {
		addr, pid, err := node(serverCore)
		if err != nil {
			return nil, err
		}
		to, pids = append(to, addr), append(pids, pid)
	}
	args = append([]string{
		"-addr", strings.Join(to, ","), "-pid", strings.Join(pids, ","), "-feed", feed, "-also", publisherPID + "," + redisPID, "-dialect", s.dialect,
	}, args...)
	text, err := b.output(ctx, clientCore, filepath.Join(b.bin, "wsload"), args...)
	rows, bad := readRows(text)
	err = errors.Join(err, bad)
	for _, r := range rows {
		if err == nil && len(r.Also) != 2 && r.CPU > 0 {
			err = fmt.Errorf("the load client told of %d processes, not 2", len(r.Also))
		}
	}
	return rows, err
}
