package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

var (
	foreignTurns    = flag.Int("foreign.turns", 8, "how often BenchmarkForeignLoad takes turns")
	foreignWindow   = flag.Duration("foreign.window", 5*time.Second, "how long each of its windows is")
	foreignOnly     = flag.String("foreign.only", "", "the one kind that BenchmarkForeignLoad measures")
	foreignSockets  = flag.Int("foreign.sockets", 16, "the sockets that the plan of the casino that disturbs allows, one for each of its players")
	foreignCommands = flag.Int("foreign.commands", 50, "the commands a second that its plan allows")
	foreignConns    = flag.Int("foreign.conns", 1, "the database connections at once that its plan allows; so many times as many lists are asked for at once")
	foreignTimes    = flag.Int("foreign.times", 10, "how many times its limits it tries to take")
)

// foreignKinds are what the casino that disturbs does in a window: what its clients do, and what is arranged for it, which
// what before returns undoes.
var foreignKinds = []struct {
	name   string
	does   []string
	before func(b *testing.B, c *webtest.Casino) (after func())
}{
	{"commands", []string{"commands"}, nil},
	{"connects", []string{"connects"}, nil},
	{"lists", []string{"lists"}, nil},
	{"storage", []string{"commands", "rooms"}, fillStorage},
	{"lock", []string{"commands", "lists"}, lockAccounts},
}

// foreignPlan limits the casino that disturbs.
func foreignPlan(p *tenancy.TenantPlan) {
	p.Sockets, p.Rooms, p.CommandsPerSecond, p.DBConnections = int64(*foreignSockets), 2, int64(*foreignCommands), int64(*foreignConns)
}

// BenchmarkForeignLoad measures what a casino at ten times the limits of its plan costs the bets of another one on the same node:
// commands, connects, the API's heaviest lists, bets and new tables when its storage is used up, and a lock on its tables while it
// bets and asks for lists. Windows take turns, each after what the casino may do at once is used up. Bets are timed from when they
// were due, and a figure is of the bets of all its windows: those of one are too few.
//
// The clients of the casino that disturbs are a process of the lowest priority, since they would be on other machines. What they cost
// the machine all the same is measured too: in windows in which they ask a server that refuses everything, in their own process.
func BenchmarkForeignLoad(b *testing.B) {
	c := webtest.New(b)
	storetest.Durable(b, storetest.Empty(b))
	served := httptest.NewServer(c.Server)
	b.Cleanup(served.Close)
	other := c.Another("greedy")
	buy(b, other, foreignPlan)
	g := greedy{
		URL: served.URL, Host: other.Tenant.Domains[0],
		Commands: *foreignTimes * *foreignCommands, Connects: *foreignTimes * *foreignSockets, Lists: *foreignTimes * *foreignConns,
	}
	g.Operator, _, _ = other.Staff()
	for _, list := range heaviest {
		other.Get(g.Operator, list).Want(http.StatusOK, "")
	}
	for i := range *foreignSockets {
		g.Players = append(g.Players, other.Player(fmt.Sprint("greedy-", i), 1_000_000))
	}
	var players []*webtest.Socket
	for i := range benchPlayers {
		name := fmt.Sprint("bettor-", i)
		players = append(players, c.Dial(name, c.Player(name, 1_000_000)))
	}
	l := &apiLoad{b: b, c: c}
	*apiWindow = *foreignWindow
	for b.Loop() {
		quiet, beside, here, sent := &apiPhase{}, map[string]*apiPhase{}, map[string]*apiPhase{}, map[string]int64{}
		for _, kind := range foreignKinds {
			beside[kind.name], here[kind.name] = &apiPhase{}, &apiPhase{}
		}
		for range *foreignTurns {
			l.turn(players, quiet, false, false)
			for _, kind := range foreignKinds {
				if *foreignOnly != "" && kind.name != *foreignOnly {
					continue
				}
				after := func() {}
				if kind.before != nil {
					after = kind.before(b, other)
				}
				g.Does = kind.does
				for _, w := range []struct {
					elsewhere bool
					phase     *apiPhase
				}{{true, beside[kind.name]}, {false, here[kind.name]}} {
					g.Elsewhere = w.elsewhere
					stop := g.start(b)
					l.turn(players, w.phase, false, false)
					if n := stop(); !w.elsewhere {
						sent[kind.name] += n
					}
				}
				after()
			}
		}
		b.ReportMetric(percentile(quiet.bets, 99), "quiet-p99-ms")
		for _, kind := range foreignKinds {
			if len(here[kind.name].bets) == 0 {
				continue
			}
			clients, both := percentile(beside[kind.name].bets, 99), percentile(here[kind.name].bets, 99)
			b.ReportMetric(clients, kind.name+"-clients-p99-ms")
			b.ReportMetric(both, kind.name+"-p99-ms")
			b.ReportMetric(100*(both/clients-1), kind.name+"-rise-%")
			b.ReportMetric(float64(sent[kind.name])/float64(*foreignTurns)/(*foreignWindow+greedyBurst).Seconds(), kind.name+"/s")
		}
	}
}

// fillStorage limits the storage of a casino to a tenth of what one takes that has hardly been played in.
func fillStorage(b *testing.B, c *webtest.Casino) func() {
	buy(b, c, func(p *tenancy.TenantPlan) {
		foreignPlan(p)
		p.StorageBytes = 60_000
	})
	if err := c.Store.Storage.Measure(b.Context()); err != nil {
		b.Fatal(err)
	}
	return func() { buy(b, c, foreignPlan) }
}

// lockAccounts holds the casino's accounts.
func lockAccounts(b *testing.B, c *webtest.Casino) func() {
	owner := storetest.Owner(b, c.Admin)
	if _, err := owner.Exec(b.Context(), `begin; lock table `+c.Tenant.ID.Schema()+`.account in access exclusive mode`); err != nil {
		b.Fatal(err)
	}
	return func() { _ = owner.Close(context.WithoutCancel(b.Context())) }
}

// start starts the clients, and returns when they have begun, with what stops them and returns how many commands, connects and
// requests they sent.
func (g *greedy) start(b *testing.B) (stop func() int64) {
	raw, err := json.Marshal(g)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "nice", "-n", "19", os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), greedyEnv+"="+string(raw)), os.Stderr
	in, err := cmd.StdinPipe() // whose end is theirs
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	told := bufio.NewScanner(out)
	if !told.Scan() {
		b.Fatalf("the clients ended: %v", cmd.Wait())
	}
	return func() int64 {
		_ = in.Close()
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		n, err := strconv.ParseInt(strings.TrimSpace(string(rest)), 10, 64)
		if err != nil || n == 0 {
			b.Fatalf("the clients sent %q: %v", rest, err)
		}
		return n
	}
}
