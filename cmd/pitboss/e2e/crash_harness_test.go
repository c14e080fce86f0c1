package e2e

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/game"
)

// crashTest is a casino whose server is killed again and again.
type crashTest struct {
	*testing.T
	f       *casino
	rnd     *rand.Rand
	seed    uint64
	tables  []*table // of every game
	players []*crashPlayer
	life    context.Context
	running sync.WaitGroup // of players
	kills   map[string]int
}

func newCrashTest(t *testing.T) *crashTest {
	t.Helper()
	seed := drawSeed(t)
	c := &crashTest{T: t, f: newCasino(t), rnd: rand.New(rand.NewPCG(seed, 1)), seed: seed, kills: map[string]int{}}
	var end context.CancelFunc
	c.life, end = context.WithCancel(context.Background())
	t.Cleanup(func() { end(); c.running.Wait() })
	c.openTables()
	return c
}

// openTables opens a table of every game, with players who bet.
func (c *crashTest) openTables() {
	c.Helper()
	for _, g := range plays(len(c.tables)) {
		at := &table{casino: c.f.openTable(fmt.Sprintf("table-%d", len(c.tables)+1), g, hasty)}
		for range 3 {
			n := len(c.players)
			p := newCrashPlayer(at.casino, fmt.Sprintf("player-%d", n), rand.New(rand.NewPCG(c.seed, uint64(n+2))))
			c.players, at.players = append(c.players, p), append(at.players, p)
			c.running.Go(func() { p.play(c.life) })
		}
		c.tables = append(c.tables, at)
	}
}

// kill starts the server and lets it die at the nth such moment.
func (c *crashTest) kill(point string, nth int) {
	c.Helper()
	s := c.f.startServer(fmt.Sprintf("%s %d", point, nth))
	defer s.kill()
	wait := time.Minute // that it comes, not how soon on a busy machine
	if point == anyMoment {
		wait = time.Duration(300+c.rnd.IntN(1500)) * time.Millisecond
	}
	select {
	case <-s.died:
		if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
			c.Fatalf("the server ended by itself at %q:\n%s", point, s.log)
		}
	case <-time.After(wait):
		if point != anyMoment {
			s.kill()
			c.Fatalf("%q was not reached %d times:\n%s", point, nth, s.log.last(4000))
		}
	}
	c.kills[point]++
}

// ownEvents returns the types of events that are the games' own: those that come in most rounds, and those that
// are rare. It lets every table play some rounds.
func (c *crashTest) ownEvents() (often, rare []string) {
	c.Helper()
	for slices.ContainsFunc(c.tables, func(at *table) bool { return at.rounds() < 3 }) {
		c.kill(anyMoment, 1)
	}
	// What every round game has: docs/protocol.md.
	common := []string{
		"round.opened", "betting.started", "betting.stopped", "bet.placed", "bet.removed", "betting.closed", "round.settled", "round.voided",
		"seed.revealed", "deadline.moved", "room.closing", game.TypeClosed,
	}
	count := map[string]int{}
	for _, at := range c.tables {
		rounds, own := at.rounds(), map[string]int{}
		for _, r := range at.journal() {
			if !slices.Contains(common, r.Type) {
				own[r.Type]++
			}
		}
		for typ, n := range own {
			count[typ] = 2*n - rounds
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(count)) {
		if count[typ] > 0 {
			often = append(often, typ)
		} else {
			rare = append(rare, typ)
		}
	}
	return often, rare
}

// waits reports whether a round is open in which nobody has a bet. It may be that nobody bets any more.
func (at *table) waits() bool {
	records := at.journal()
	last := records[len(records)-1].Type
	return last == "round.opened" || last == "betting.stopped"
}

// rounds returns how many rounds were settled.
func (at *table) rounds() (n int) {
	for _, r := range at.journal() {
		if r.Type == "round.settled" {
			n++
		}
	}
	return n
}
