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
	foreignWindow   = flag.Duration("foreign.window", 4*time.Second, "how long each of its windows is")
	foreignSockets  = flag.Int("foreign.sockets", 16, "the sockets of the casino that disturbs, one for each of its players")
	foreignCommands = flag.Int("foreign.commands", 500, "the commands a second that each of them sends; a player may send 50")
	foreignRequests = flag.Int("foreign.requests", 2000, "the requests a second of its operator; a person may send 200")
	foreignConnects = flag.Int("foreign.connects", 20, "how often a second each of its players connects; a player may twice")
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

// BenchmarkForeignLoad measures what a casino at ten times its limits costs the bets of another one on the same node: commands, connects,
// the API's heaviest lists, bets and new tables when its storage is used up, and a lock on its tables while it bets and asks for
// lists. Windows take turns, and each is compared with the quiet one of its turn. Bets are timed from when they were due. The
// clients of the casino that disturbs are a process of the lowest priority, since they would be on other machines; what they take of
// this one all the same is in the figures.
func BenchmarkForeignLoad(b *testing.B) {
	c := webtest.New(b)
	storetest.Durable(b, storetest.Empty(b))
	served := httptest.NewServer(c.Server)
	b.Cleanup(served.Close)
	other := c.Another("greedy")
	g := greedy{URL: served.URL, Host: other.Tenant.Domains[0], Commands: *foreignCommands, Connects: *foreignConnects, Requests: *foreignRequests}
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
		quiet, p99s, ratios, sent := &apiPhase{}, map[string][]float64{}, map[string][]float64{}, map[string]int64{}
		for range *foreignTurns {
			l.turn(players, quiet, false, false)
			alone := quiet.P99s[len(quiet.P99s)-1]
			for _, kind := range foreignKinds {
				after := func() {}
				if kind.before != nil {
					after = kind.before(b, other)
				}
				g.Does = kind.does
				stop := g.start(b)
				p := &apiPhase{}
				l.turn(players, p, false, false)
				sent[kind.name] += stop()
				after()
				p99s[kind.name] = append(p99s[kind.name], p.P99s[0])
				ratios[kind.name] = append(ratios[kind.name], p.P99s[0]/alone)
			}
		}
		b.ReportMetric(median(quiet.P99s), "quiet-p99-ms")
		for _, kind := range foreignKinds {
			b.ReportMetric(median(p99s[kind.name]), kind.name+"-p99-ms")
			b.ReportMetric(100*(median(ratios[kind.name])-1), kind.name+"-rise-%")
			b.ReportMetric(float64(sent[kind.name])/float64(*foreignTurns)/foreignWindow.Seconds(), kind.name+"/s")
		}
	}
}

// fillStorage limits the storage of a casino to a tenth of what one takes that has hardly been played in.
func fillStorage(b *testing.B, c *webtest.Casino) func() {
	buy(b, c, func(p *tenancy.TenantPlan) { p.StorageBytes = 60_000 })
	if err := c.Store.Storage.Measure(b.Context()); err != nil {
		b.Fatal(err)
	}
	return func() { buy(b, c, func(*tenancy.TenantPlan) {}) }
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
