package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
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

const envKillPoint = "PITBOSS_TEST_KILL" // "append.before bet.placed 3": at the third such moment

// saboteur kills the process that it is in at one moment.
type saboteur struct {
	step, event []byte
	left        atomic.Int64
}

func newSaboteur(point string) *saboteur {
	var step, event string
	var n int64
	if _, err := fmt.Sscan(point, &step, &event, &n); err != nil {
		return &saboteur{}
	}
	s := &saboteur{step: []byte(step), event: []byte(event)}
	s.left.Store(n)
	return s
}

func (s *saboteur) at(step string, has func(event []byte) bool) {
	if string(s.step) == step && has(s.event) && s.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type killingJournal struct {
	rooms.Journal
	*saboteur
}

func (k killingJournal) Append(ctx context.Context, ref rooms.Ref, b rooms.Batch) ([]rooms.Answer, error) {
	has := func(event []byte) bool {
		for _, e := range b.Entries {
			for _, r := range e.Records {
				if r.Type == string(event) {
					return true
				}
			}
		}
		return false
	}
	k.at("append.before", has)
	answers, err := k.Journal.Append(ctx, ref, b)
	if err == nil {
		k.at("append.after", has)
	}
	return answers, err
}

type killingPublisher struct {
	rooms.Publisher
	*saboteur
}

func (k killingPublisher) Publish(ctx context.Context, m hub.Message) error {
	has := func(event []byte) bool { return bytes.Contains(m.Frame, append([]byte(`"type":"`), event...)) }
	k.at("publish.before", has)
	err := k.Publisher.Publish(ctx, m)
	k.at("publish.after", has)
	return err
}

// runChild is what the test binary does when it is started as a server.
func runChild(point string) int {
	s := newSaboteur(point)
	return start(os.Args[1:], seams{
		journal:   func(j rooms.Journal) rooms.Journal { return killingJournal{j, s} },
		publisher: func(p rooms.Publisher) rooms.Publisher { return killingPublisher{p, s} },
	})
}

func TestMain(m *testing.M) {
	if point, child := os.LookupEnv(envKillPoint); child {
		os.Exit(runChild(point))
	}
	os.Exit(m.Run())
}

// server is a node in a process of its own.
type server struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	died chan struct{}
}

func (f *floor) startServer(point string) *server {
	f.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	s := &server{cmd: exec.Command(exe, "serve", "--listen", f.address, "--admin-listen", "", "--node", "child"), log: &bytes.Buffer{}, died: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), envKillPoint+"="+point,
		"PITBOSS_DATABASE_URL="+f.appURL, "PITBOSS_ADMIN_DATABASE_URL="+f.adminURL, "PITBOSS_MASTER_KEY="+f.masterKey,
		"PITBOSS_ADDRESS_REQUESTS=0") // all come from one address
	s.cmd.Stdout, s.cmd.Stderr = io.Discard, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { // ends with the process, which stop kills
		_ = s.cmd.Wait()
		close(s.died)
	}()
	return s
}

func (s *server) kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.died
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
	t.Logf("replay with: go test ./cmd/pitboss -run %s -seed=%d", t.Name(), seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	f := newFloor(t)

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
				t.Fatalf("%q was never reached:\n%s", nth, tail(s.log))
			}
			kills[point]++
		}
		s.kill()
	}

	// The last server lives: every question gets its answer and every round its end.
	s := f.startServer("none none 0")
	defer s.kill()
	for _, p := range players {
		p.finish()
	}
	running.Wait()
	end()
	f.compare(players)
	t.Logf("kills: %v", kills)
}

func tail(b *bytes.Buffer) string {
	s := b.String()
	return s[max(0, len(s)-4000):]
}

// bet is a command that a player gave, and what it was told.
type bet struct {
	id       string
	kind     string // bet, undo or clear
	bets     []position
	answered bool
	accepted bool
	seq      int64
	code     string
}

type position struct {
	Position string     `json:"position"`
	Amount   game.Money `json:"amount"`
}

func (b *bet) command() any {
	if b.kind == "bet" {
		return map[string]any{"type": "bet", "bets": b.bets}
	}
	return map[string]any{"type": b.kind}
}

// retriable are the codes that are no answers.
func retriable(code string) bool {
	return code == "busy" || code == "unavailable" || code == "rate_limited"
}

// seen is an event as a player was told it.
type seen struct {
	Room  string          `json:"room"`
	Epoch int64           `json:"epoch"`
	Seq   int64           `json:"seq"`
	Type  string          `json:"type"`
	Data  json.RawMessage `json:"data"`
}
