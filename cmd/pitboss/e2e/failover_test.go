package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

var (
	failoverKills = flag.Int("failover.kills", 3, "how often TestATableDealsAgainAfterItsNodesDeath kills a node")
	rollingRounds = flag.Int("rolling.rounds", 1, "how often TestARollingRestartIsNotNoticed restarts all nodes")
)

// measured is how many kills or restarts it takes to hold their times against the promise. A
// few of them under the race detector have no p99 to speak of: they show that nothing is lost.
const measured = 10

// drawSeed returns the seed of a random test, and prints it.
func drawSeed(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with: go test ./cmd/pitboss/e2e -run %s -seed=%d", t.Name(), seed)
	return seed
}

// TestATableDealsAgainAfterItsNodesDeath kills the node that owns the table, again and
// again, and times until each client sees an event of the next owner.
func TestATableDealsAgainAfterItsNodesDeath(t *testing.T) {
	p := newNodeCluster(t, clusterSize{nodes: 3, tenants: 1, tables: 1, players: 12, settings: crashSettings, again: 4 * time.Second, seed: drawSeed(t)})
	at := p.tables[0]
	var away []time.Duration
	for i := range *failoverKills {
		eventually(t, fmt.Sprintf("everybody plays, and all nodes run, before kill %d", i+1), func() bool {
			n, epoch := p.owner(at)
			return n != nil && p.allReady() && !slices.ContainsFunc(at.players, func(c *crashPlayer) bool { return c.seenEpoch() != epoch })
		})
		n, epoch := p.owner(at)
		began := time.Now()
		if !n.signal(syscall.SIGKILL) {
			t.Fatal("the owner died by itself")
		}
		back := map[*crashPlayer]bool{}
		eventually(t, "everybody sees the next owner's event", func() bool {
			for _, c := range at.players {
				if !back[c] && c.seenEpoch() > epoch {
					back[c] = true
					away = append(away, time.Since(began))
				}
			}
			return len(back) == len(at.players)
		})
	}
	p.finish()
	p99 := percentiles(t, fmt.Sprintf("%d kills, %d clients: the table's next event came", *failoverKills, len(at.players)), away)
	if *failoverKills >= measured && p99 > 3*time.Second {
		t.Errorf("p99 is %v", p99)
	}
}

// TestARollingRestartIsNotNoticed restarts one node after the other while players bet, and times
// how long each client is away from its table.
func TestARollingRestartIsNotNoticed(t *testing.T) {
	p := newNodeCluster(t, clusterSize{nodes: 3, tenants: 2, tables: 3, players: 20, settings: calmSettings, again: time.Millisecond, seed: drawSeed(t), calm: true})
	for range *rollingRounds {
		for _, n := range p.nodes {
			eventually(t, "everybody plays, and all nodes run", func() bool {
				return p.allReady() && !slices.ContainsFunc(p.players(), func(c *crashPlayer) bool { return c.seenEpoch() == 0 })
			})
			p.replace(n, syscall.SIGTERM)
		}
		p.awaitReady()
	}
	p.finish()
	var away []time.Duration
	for _, c := range p.players() {
		away = append(away, c.away...)
	}
	restarts := *rollingRounds * len(p.nodes)
	p99 := percentiles(t, fmt.Sprintf("%d restarts, %d clients, %d times away from a table", restarts, len(p.players()), len(away)), away)
	if restarts >= measured && p99 > 2*time.Second {
		t.Errorf("p99 is %v", p99)
	}
}

func percentiles(t *testing.T, what string, times []time.Duration) (p99 time.Duration) {
	t.Helper()
	if len(times) == 0 {
		t.Fatalf("%s: nothing was measured", what)
	}
	slices.Sort(times)
	at := func(q float64) time.Duration { return times[int(q*float64(len(times)-1))].Round(time.Millisecond) }
	t.Logf("%s: p50 %v, p99 %v, at most %v", what, at(.5), at(.99), at(1))
	return at(.99)
}
