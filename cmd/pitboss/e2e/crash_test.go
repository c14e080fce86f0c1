package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	crashSeconds = flag.Int("crash.seconds", 60, "how long TestNothingIsLostWhenTheServerIsKilled goes on")
	seedFlag     = flag.Uint64("seed", 0, "replays a random test; 0 draws a new seed")
)

// killPoints are the moments of a round at which the server is killed: before or after
// the transaction that holds such an event, or before or after such an event was told
// to the sockets.
var killPoints = []string{
	"append.before bet.placed", "append.after bet.placed", "publish.before bet.placed", "publish.after bet.placed",
	"append.before bet.removed", "append.after bet.removed",
	"append.before round.opened", "append.after round.opened",
	"append.before betting.closed", "append.after betting.closed",
	"append.before wheel.spun", "append.after wheel.spun", "publish.after wheel.spun",
	"append.before round.settled", "append.after round.settled", "publish.before round.settled", "publish.after round.settled",
	"any moment", // by the parent, while bets are in flight
}

// TestNothingIsLostWhenTheServerIsKilled kills the server again and again, at a chosen
// step of a round, with bets in flight, and then compares what players were told with
// what the database holds.
func TestNothingIsLostWhenTheServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Log("short: one kill at each point")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with: go test ./cmd/pitboss/e2e -run %s -seed=%d", t.Name(), seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := newCasino(t)

	life, end := context.WithCancel(context.Background())
	defer end()
	var running sync.WaitGroup
	var players []*crashPlayer
	for i := range 6 {
		p := newCrashPlayer(f, fmt.Sprintf("player-%d", i), rand.New(rand.NewPCG(seed, uint64(i+2))))
		players = append(players, p)
		running.Go(func() { p.play(life) })
	}

	deadline := time.Now().Add(time.Duration(*crashSeconds) * time.Second)
	kills := map[string]int{}
	for i := 0; ; i++ {
		enough := i >= len(killPoints) && (testing.Short() || time.Now().After(deadline))
		if enough {
			break
		}
		point := killPoints[i%len(killPoints)]
		nth := fmt.Sprintf("%s %d", point, 1+rnd.IntN(3))
		s := f.startServer(nth)
		wait := 15 * time.Second
		if point == "any moment" {
			wait = time.Duration(300+rnd.IntN(1500)) * time.Millisecond
		}
		select {
		case <-s.died:
			if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
				t.Fatalf("the server ended by itself at %q:\n%s", nth, s.log)
			}
			kills[point]++
		case <-time.After(wait):
			if point != "any moment" {
				s.kill()
				t.Fatalf("%q was never reached:\n%s", nth, s.log.last(4000))
			}
			kills[point]++
		}
		s.kill()
	}

	// The last server lives: every question gets its answer and every round its end.
	s := f.startServer("")
	defer s.kill()
	for _, p := range players {
		p.finish()
	}
	running.Wait()
	end()
	f.compare(players)
	t.Logf("kills: %v", kills)
}
