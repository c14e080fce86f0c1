package e2e

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var chaosSeconds = flag.Int("chaos.seconds", 60, "how long TestNothingIsLostWhateverFails goes on")

// TestNothingIsLostWhateverFails lets things fail at random, two at a time at most, while players
// of several casinos bet on three nodes; then it holds what everybody was told against journals
// and ledgers. The seed decides what fails when; what that meets is the machine's.
func TestNothingIsLostWhateverFails(t *testing.T) {
	seed := drawSeed(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	p := newNodeCluster(t, clusterSize{nodes: 3, tenants: 3, tables: 2, players: 40, pace: calm, again: 500 * time.Millisecond, seed: seed, calm: true})
	watching, stop := context.WithCancel(context.Background())
	var others sync.WaitGroup
	others.Go(func() { p.countFenced(watching) })
	forged := 0
	others.Go(func() { forged = p.forge(watching, rand.New(rand.NewPCG(seed, 2))) })
	stranger := p.besideOnRedis(seed)
	began := time.Now()
	end := began.Add(time.Duration(*chaosSeconds) * time.Second)
	counts, drawn := map[string]int{}, 0
	busy := make(chan struct{}, 2)
	taken := make(chan string, 2)
	used := map[string]bool{}
	var failing sync.WaitGroup
	for {
		pause := time.Duration(500+rnd.IntN(2500)) * time.Millisecond
		f := p.draw(rnd)
		if drawn++; drawn == 3 { // once in every run, however short
			f = p.failover(time.Second)
		}
		if time.Now().Add(pause).After(end) {
			break
		}
		<-time.After(pause)
		busy <- struct{}{}
		for len(taken) > 0 {
			delete(used, <-taken)
		}
		if used[f.part] { // it fails already
			<-busy
			continue
		}
		used[f.part] = true
		counts[f.kind]++
		t.Logf("%6.2f s: %s %s for %v", time.Since(began).Seconds(), f.kind, f.part, f.lasts)
		failing.Go(func() {
			f.do()
			taken <- f.part
			<-busy
		})
	}
	failing.Wait()
	p.awaitReady()
	p.finish()
	stop()
	others.Wait()
	stranger()
	fenced := int64(0)
	for _, m := range p.nodes {
		fenced += m.fenced.Load()
	}
	t.Logf("%d players at %d tables, %v; %d late writers were fenced; %d messages were forged", len(p.players()), len(p.tables), counts, fenced, forged)
}

// failure is something that fails for a while.
type failure struct {
	kind, part string
	lasts      time.Duration
	do         func() // returns when it is over
}

// draw draws a failure. It uses up as many random numbers whatever it is.
func (p *nodeCluster) draw(rnd *rand.Rand) failure {
	m := p.nodes[rnd.IntN(len(p.nodes))]
	kind, way, how := rnd.IntN(19), rnd.IntN(3), rnd.IntN(4)
	f := failure{part: m.name, lasts: time.Duration(200+rnd.IntN(5000)) * time.Millisecond}
	wait := func() { <-time.After(f.lasts) }
	switch {
	case kind < 4:
		f.kind, f.lasts = "kill", 0
		f.do = func() { p.replace(m, syscall.SIGKILL) }
	case kind < 6:
		f.kind, f.lasts = "drain", 0
		f.do = func() { p.replace(m, syscall.SIGTERM) }
	case kind < 9:
		f.kind = "pause"
		f.do = func() {
			pid := int(m.pid.Load())
			if pid == 0 || syscall.Kill(pid, syscall.SIGSTOP) != nil {
				return
			}
			wait()
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	case kind < 11:
		f.kind, f.part = "restart", "redis"
		f.do = func() { p.redis.server.Kill(); wait(); p.redis.start(p.t, portOf(p.redis.server.Addr)) }
	case kind < 13:
		f.kind, f.part = "restart", "postgres"
		f.do = func() {
			p.database.crash()
			wait()
			if err := p.database.start(); err != nil {
				p.t.Errorf("PostgreSQL does not start: %v", err)
			}
		}
	case kind == 13:
		f = p.failover(f.lasts)
	default:
		to := []string{"postgres", "redis", "players"}[way]
		link := m.links[to]
		f.part += "'s link to " + to
		f.kind = []string{"cut", "stall", "mute", "slow"}[how]
		f.do = func() {
			switch how {
			case 0:
				link.Cut()
			case 1:
				link.Stall()
			case 2:
				link.Mute()
			default:
				link.Slow(30 * time.Millisecond)
			}
			wait()
			link.Mend()
		}
	}
	return f
}

// failover ends PostgreSQL, and has another take over that has all it had, in another timeline.
func (p *nodeCluster) failover(lasts time.Duration) failure {
	return failure{kind: "failover", part: "postgres", lasts: lasts, do: func() {
		p.database.crash()
		<-time.After(lasts)
		if err := p.database.failOver(); err != nil {
			p.t.Errorf("PostgreSQL does not fail over: %v", err)
		}
	}}
}

// replace ends a node's process and returns when another has its place.
func (p *nodeCluster) replace(m *member, how syscall.Signal) {
	before := m.pid.Load()
	m.signal(how)
	for deadline := time.Now().Add(2 * drainTimeout); time.Now().Before(deadline); {
		if pid := m.pid.Load(); pid != 0 && pid != before {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	p.t.Errorf("%s did not come back", m.name)
}

func portOf(address string) int {
	_, port, _ := strings.Cut(address, ":")
	n, _ := strconv.Atoi(port)
	return n
}

// replaceHost returns the URL with another host and port.
func replaceHost(raw, host string) string {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	u.Host = host
	return u.String()
}

// countFenced adds up what each process of each node says of late writers, until ctx ends.
// What a process says last before it dies may be missed.
func (p *nodeCluster) countFenced(ctx context.Context) {
	last := map[*member]struct{ pid, n int64 }{}
	client := &http.Client{Timeout: 500 * time.Millisecond}
	for {
		for _, m := range p.nodes {
			pid := m.pid.Load()
			n, ok := fencedOf(ctx, client, m.admin)
			if !ok {
				continue
			}
			before := last[m]
			if before.pid != pid {
				before.n = 0
			}
			m.fenced.Add(n - before.n)
			last[m] = struct{ pid, n int64 }{pid, n}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func fencedOf(ctx context.Context, client *http.Client, admin string) (int64, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/metrics", admin), nil)
	if err != nil {
		return 0, false
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "pitboss_room_fenced_total "); ok {
			n, err := strconv.ParseFloat(value, 64)
			return int64(n), err == nil
		}
	}
	return 0, false
}
