package web_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

var (
	foreignTurns    = flag.Int("foreign.turns", 5, "how often BenchmarkForeignLoad takes turns")
	foreignWindow   = flag.Duration("foreign.window", 4*time.Second, "how long each of its windows is")
	foreignSockets  = flag.Int("foreign.sockets", 16, "the sockets of the casino that disturbs, one for each of its players")
	foreignCommands = flag.Int("foreign.commands", 500, "the commands a second that each of them sends; a player may send 50")
	foreignConnects = flag.Int("foreign.connects", 20, "how often a second each of its players connects; a player may twice")
)

// foreign is a casino that takes more than it may.
type foreign struct {
	b        *testing.B
	c        *webtest.Casino
	served   *httptest.Server
	players  []string // tokens
	operator string
	sent     atomic.Int64 // commands, connects or requests
}

// foreignKinds are what it does in a window, until ctx ends.
var foreignKinds = []struct {
	name string
	run  func(f *foreign, ctx context.Context)
}{
	{"commands", (*foreign).commands},
	{"connects", (*foreign).connects},
	{"lists", (*foreign).lists},
	{"lock", (*foreign).lock},
}

// BenchmarkForeignLoad is what a casino at ten times its limits costs the bets of another one on the same node: commands, connects,
// the API's heaviest lists, and a lock on its tables while it bets and asks for them. Windows take turns, and each is compared with
// the quiet one of its turn. Bets are timed from when they were due. Node, clients and PostgreSQL share the machine, so that what
// the clients themselves take is in the figures.
func BenchmarkForeignLoad(b *testing.B) {
	c := webtest.New(b)
	storetest.Durable(b, storetest.Empty(b))
	served := httptest.NewServer(c.Server)
	b.Cleanup(served.Close)
	f := &foreign{b: b, c: c.Another("greedy"), served: served}
	f.operator, _, _ = f.c.Staff()
	for _, list := range heaviest {
		f.c.Get(f.operator, list).Want(http.StatusOK, "")
	}
	for i := range *foreignSockets {
		f.players = append(f.players, f.c.Player(fmt.Sprint("greedy-", i), 1_000_000))
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
				ctx, cancel := context.WithCancel(b.Context())
				var wg sync.WaitGroup
				f.sent.Store(0)
				wg.Go(func() { kind.run(f, ctx) })
				p := &apiPhase{}
				l.turn(players, p, false, false)
				cancel()
				wg.Wait()
				p99s[kind.name] = append(p99s[kind.name], p.P99s[0])
				ratios[kind.name] = append(ratios[kind.name], p.P99s[0]/alone)
				sent[kind.name] += f.sent.Load()
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

// dial opens a socket as one of the players, and returns nil if it is refused.
func (f *foreign) dial(ctx context.Context, player int) *websocket.Conn {
	conn, _, err := websocket.Dial(ctx, f.served.URL+"/ws", &websocket.DialOptions{
		Host: f.c.Tenant.Domains[0], Subprotocols: []string{wire.Subprotocol, wire.BearerPrefix + f.players[player]},
	})
	if err != nil {
		return nil
	}
	conn.SetReadLimit(8 << 20)
	return conn
}

// each calls do for each of the players at the same time, and returns when all have ended.
func (f *foreign) each(do func(player int)) {
	var wg sync.WaitGroup
	for i := range f.players {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// commands sends bets as fast as it was told to, and comes back when it is thrown out.
func (f *foreign) commands(ctx context.Context) {
	f.each(func(player int) {
		every(ctx, time.Second/time.Duration(*foreignConnects), 0, func(time.Time) {
			conn := f.dial(ctx, player)
			if conn == nil {
				return
			}
			defer func() { _ = conn.CloseNow() }()
			go func() { // what is answered is read, so that it is not slow
				for {
					if _, _, err := conn.Read(ctx); err != nil {
						return
					}
				}
			}()
			own, cancel := context.WithCancel(ctx)
			defer cancel()
			n := 0
			every(own, time.Second/time.Duration(*foreignCommands), 0, func(time.Time) {
				n++
				text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"room.command","params":{"room":%q,"command_id":"b%d","command":{"type":"bet","bets":[{"position":"red","amount":1}]}}}`, n, webtest.Table, n)
				if n == 1 {
					text = fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"room.join","params":{"room":%q}}`, webtest.Table)
				}
				if conn.Write(own, websocket.MessageText, []byte(text)) != nil {
					cancel()
					return
				}
				f.sent.Add(1)
			})
		})
	})
}

// connects opens sockets and closes them.
func (f *foreign) connects(ctx context.Context) {
	f.each(func(player int) {
		every(ctx, time.Second/time.Duration(*foreignConnects), 0, func(time.Time) {
			f.sent.Add(1)
			if conn := f.dial(ctx, player); conn != nil {
				_ = conn.CloseNow()
			}
		})
	})
}

// heaviest are the lists of the API that read the most.
var heaviest = []string{"/v1/ledger/postings?limit=200", "/v1/ledger/trial-balance", "/v1/audit?limit=200", "/v1/players?limit=200&sort=-balance"}

// lists asks for lists without a pause.
func (f *foreign) lists(ctx context.Context) {
	f.each(func(player int) {
		for i := player; ctx.Err() == nil; i++ {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.served.URL+heaviest[i%len(heaviest)], nil)
			if err != nil {
				f.b.Error(err)
				return
			}
			r.Host = f.c.Tenant.Domains[0]
			r.Header.Set("Authorization", "Bearer "+f.operator)
			if res, err := f.served.Client().Do(r); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				f.sent.Add(1)
			}
		}
	})
}

// lock holds the casino's accounts while it bets and asks for lists.
func (f *foreign) lock(ctx context.Context) {
	owner := storetest.Owner(f.b, f.c.Admin)
	if _, err := owner.Exec(f.b.Context(), `begin; lock table `+f.c.Tenant.ID.Schema()+`.account in access exclusive mode`); err != nil {
		f.b.Error(err)
		return
	}
	defer func() { _ = owner.Close(context.WithoutCancel(ctx)) }()
	var wg sync.WaitGroup
	wg.Go(func() { f.commands(ctx) })
	wg.Go(func() { f.lists(ctx) })
	wg.Wait()
}
