package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// greedyEnv has a greedy, for a process that is its clients.
const greedyEnv = "PITBOSS_TEST_GREEDY"

// greedyBurst delays a window after its clients begin, so that they have used up what a casino may do at once.
const greedyBurst = 2 * time.Second

// listPause separates an answer to a client from its next question.
const listPause = 50 * time.Millisecond

// greedy is a casino that takes more than it may, as its clients know it.
type greedy struct {
	URL, Host, Operator string
	Players             []string // tokens
	Commands, Connects  int      // a second, of all players
	Lists               int      // at once
	Does                []string
	Elsewhere           bool // ask a server that refuses everything

	sent atomic.Int64
}

// beGreedy is a process that is a casino's clients until its input ends; then it prints how often they asked for something.
func beGreedy(text string) int {
	var g greedy
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if g.Elsewhere {
		refusing := httptest.NewServer(http.HandlerFunc(refuse))
		defer refusing.Close()
		g.URL = refusing.URL
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	used := time.AfterFunc(greedyBurst, func() { fmt.Println("begun") })
	defer used.Stop()
	var wg sync.WaitGroup
	for _, what := range g.Does {
		wg.Go(func() {
			map[string]func(context.Context){"commands": g.commands, "connects": g.connects, "lists": g.lists, "rooms": g.rooms}[what](ctx)
		})
	}
	wg.Wait()
	fmt.Println(g.sent.Load())
	return 0
}

// refuse opens sockets and sends every message back, and refuses all other requests.
func refuse(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws" {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		_, text, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), websocket.MessageText, text) != nil {
			return
		}
	}
}

// dial opens a socket as one of the players, and returns nil if it is refused.
func (g *greedy) dial(ctx context.Context, player int) *websocket.Conn {
	conn, _, err := websocket.Dial(ctx, g.URL+"/ws", &websocket.DialOptions{
		Host: g.Host, Subprotocols: []string{wire.Subprotocol, wire.BearerPrefix + g.Players[player]},
	})
	if err != nil {
		return nil
	}
	conn.SetReadLimit(8 << 20)
	return conn
}

// each calls do for each of the players at the same time, and returns when all have ended.
func (g *greedy) each(do func(player int)) {
	var wg sync.WaitGroup
	for i := range g.Players {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// commands sends bets as fast as it was told to, and comes back when it is thrown out.
func (g *greedy) commands(ctx context.Context) {
	g.each(func(player int) {
		every(ctx, time.Second*time.Duration(len(g.Players))/time.Duration(g.Connects), 0, func(time.Time) {
			conn := g.dial(ctx, player)
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
			every(own, time.Second*time.Duration(len(g.Players))/time.Duration(g.Commands), 0, func(time.Time) {
				n++
				text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"room.command","params":{"room":%q,"command_id":"b%d","command":{"type":"bet","bets":[{"position":"red","amount":1}]}}}`, n, webtest.Table, n)
				if n == 1 {
					text = fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"room.join","params":{"room":%q}}`, webtest.Table)
				}
				if conn.Write(own, websocket.MessageText, []byte(text)) != nil {
					cancel()
					return
				}
				g.sent.Add(1)
			})
		})
	})
}

// connects opens sockets and closes them.
func (g *greedy) connects(ctx context.Context) {
	g.each(func(player int) {
		every(ctx, time.Second*time.Duration(len(g.Players))/time.Duration(g.Connects), 0, func(time.Time) {
			g.sent.Add(1)
			if conn := g.dial(ctx, player); conn != nil {
				_ = conn.CloseNow()
			}
		})
	})
}

// heaviest are the lists of the API that read the most.
var heaviest = []string{"/v1/ledger/postings?limit=200", "/v1/ledger/trial-balance", "/v1/audit?limit=200", "/v1/players?limit=200&sort=-balance"}

// lists asks for lists.
func (g *greedy) lists(ctx context.Context) {
	g.requests(ctx, func(i int) { g.ask(ctx, http.MethodGet, heaviest[i%len(heaviest)], "") })
}

// rooms opens tables.
func (g *greedy) rooms(ctx context.Context) {
	g.requests(ctx, func(i int) {
		g.ask(ctx, http.MethodPost, "/v1/rooms", fmt.Sprintf(`{"room":"greedy-%d","game":"roulette"}`, i))
	})
}

// requests calls ask over as many connections as it was told to, each a little after it was answered.
func (g *greedy) requests(ctx context.Context, ask func(i int)) {
	var wg sync.WaitGroup
	for i := range g.Lists {
		wg.Go(func() {
			every(ctx, listPause, 0, func(time.Time) { ask(i); i += g.Lists })
		})
	}
	wg.Wait()
}

// ask sends a request of the casino's operator, and reads what is answered, whatever it is.
func (g *greedy) ask(ctx context.Context, method, path, body string) {
	r, err := http.NewRequestWithContext(ctx, method, g.URL+path, strings.NewReader(body))
	if err != nil {
		return
	}
	r.Host = g.Host
	r.Header.Set("Authorization", "Bearer "+g.Operator)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if res, err := http.DefaultClient.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		g.sent.Add(1)
	}
}
