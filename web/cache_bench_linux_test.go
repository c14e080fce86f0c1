package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/internal/api"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

const (
	cachedRounds = 500  // of the table that is looked up
	cachedBets   = 40   // of each round: as much as a table with ten players has
	benchPlayed  = 1000 // players who were in a hundred rounds each
)

// BenchmarkCache is what an answer costs when it is computed, and what one costs that another node, or this one, has
// kept. One caller asks at a time. cpu-µs/op is the time of this process, of PostgreSQL and of Redis together, whose
// clock ticks a hundred times a second: it takes some thousand operations to tell.
//
//   - round: a finished round, as HTTP answers it.
//   - rounds, transactions: a page of a player's history, of twenty; version is what it would take to know that a
//     first page of transactions is still true.
//   - trial balance: of all transfers there are.
func BenchmarkCache(b *testing.B) {
	server, err := localredis.Start(b.Context(), b.TempDir(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Kill)
	c := benchCasino(b)
	realm := c.Store.Realm()
	shared, err := cache.OpenRedis(cache.RedisOptions{URL: "redis://" + server.Addr, Key: c.Store.Box.CacheKey(), Realm: realm[:]})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = shared.Close() })
	for _, kind := range []struct {
		name string
		cache.Options
	}{
		{"round/database", cache.Options{}},
		{"round/redis", cache.Options{Shared: shared}},
		{"round/memory", cache.Options{Bytes: 4 * cache.MemoryBytes, Shared: shared}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			o := kind.Options
			o.Epoch, o.History = c.Store.Tenants.Epoch, c.Store.History
			s := web.New(web.Options{
				Node: "bench", Log: slog.New(slog.DiscardHandler), Tenants: c.Store.Tenants, Store: c.Store, Rooms: c.Rooms, Hub: c.Hub, Verifier: auth.NewVerifier(c.Store.Tenants, c.Store.Revocations),
				Registerer: prometheus.NewRegistry(), Cache: cache.New(o), Edge: web.Edge{AddressRequests: -1},
			})
			look := func(i int) {
				r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/v1/rooms/%s/rounds/%d", webtest.Table, 10_000+i%cachedRounds), nil)
				r.Host = c.Tenant.Domains[0]
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != http.StatusOK || w.Body.Len() < 1000 || !strings.HasSuffix(w.Header().Get("Cache-Control"), "immutable") {
					b.Fatalf("%d, %v: %.200s", w.Code, w.Header(), w.Body)
				}
			}
			if o.Shared != nil {
				for i := range cachedRounds {
					look(i)
				}
			}
			measure(b, look)
		})
	}

	history := api.NewHistory(c.Store, c.Rooms, api.NewLimits(prometheus.NewRegistry(), nil), nil, cache.New(cache.Options{
		Bytes: cache.MemoryBytes, Epoch: c.Store.Tenants.Epoch, History: c.Store.History,
	}))
	limit := 20
	asked := func(i int) api.Asked { // each time by somebody else, since a person may ask for little
		return api.Asked{
			Tenant: c.Tenant, By: auth.Principal{Role: auth.Operator, Subject: strconv.Itoa(i)},
			Player: game.PlayerID(fmt.Sprint("player-", i%benchPlayed)), Page: wire.HistoryPage{Limit: &limit},
		}
	}
	done := func(_ any, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, kind := range []struct {
		name string
		ask  func(api.Asked) (next string, err error)
	}{
		{"rounds", func(q api.Asked) (string, error) { page, err := history.Rounds(b.Context(), q); return page.Next, err }},
		{"transactions", func(q api.Asked) (string, error) {
			page, err := history.Transactions(b.Context(), q)
			return page.Next, err
		}},
	} {
		cursors := make([]string, benchPlayed)
		b.Run(kind.name+"/first page", func(b *testing.B) { measure(b, func(i int) { done(kind.ask(asked(i))) }) })
		for i := range cursors {
			if cursors[i], err = kind.ask(asked(i)); err != nil || cursors[i] == "" {
				b.Fatal(cursors[i], err)
			}
		}
		turn := 0
		b.Run(kind.name+"/later page, read", func(b *testing.B) {
			measure(b, func(i int) {
				q := asked(i)
				most := 19 - (turn+i)/benchPlayed%10 // another page than before
				q.Page.Cursor, q.Page.Limit = cursors[i%benchPlayed], &most
				done(kind.ask(q))
			})
			turn += b.N
		})
		second := func(i int) {
			q := asked(i)
			q.Page.Cursor = cursors[i%20]
			q.Player = game.PlayerID(fmt.Sprint("player-", i%20))
			done(kind.ask(q))
		}
		b.Run(kind.name+"/later page, kept", func(b *testing.B) { measure(b, second) })
	}
	b.Run("transactions/version", func(b *testing.B) {
		measure(b, func(i int) {
			if _, _, err := c.Store.Ledger.Balance(b.Context(), c.Tenant.ID, asked(i).Player); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("trial balance/database", func(b *testing.B) {
		measure(b, func(int) {
			if _, err := c.Store.Ledger.TrialBalance(b.Context(), c.Tenant.ID); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// measure times f, and the CPU time of whatever this process has started.
func measure(b *testing.B, f func(int)) {
	b.Helper()
	used, i := cpuTime(b), 0
	for b.Loop() {
		f(i)
		i++
	}
	b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(i), "cpu-µs/op")
}

// cpuTime returns the CPU time of this process and all that descend from it (proc(5)), those that have ended too.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	const tick = 10 * time.Millisecond // USER_HZ
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parent, ticks := map[int]int{}, map[int]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parent[pid], _ = strconv.Atoi(fields[1])
		for _, f := range fields[11:15] { // of itself, and of children that have ended
			n, _ := strconv.Atoi(f)
			ticks[pid] += n
		}
	}
	sum := 0
	for pid, n := range ticks {
		for at := pid; at > 1; at = parent[at] {
			if at == os.Getpid() {
				sum += n
				break
			}
		}
	}
	return time.Duration(sum) * tick
}

// benchCasino returns a casino with rounds of a table that nobody plays at, and a ledger of 200,000 transfers.
func benchCasino(b *testing.B) *webtest.Casino {
	b.Helper()
	c := webtest.New(b)
	seed := game.Seed{1}
	must := func(sql string, args ...any) {
		b.Helper()
		if err := storetest.Exec(b, c.Store, c.Tenant.ID, sql, args...); err != nil {
			b.Fatal(err)
		}
	}
	must(`insert into event (room, seq, epoch, at, type, round, reveals, data)
		select $1, 1000000 + n * 100 + e.k, 1, now(), e.type, 10000 + n, e.k = 91, replace(e.data, 'ROUND', (10000 + n)::text)::json
		from generate_series(0, $2 - 1) n, (
			select 0 as k, 'round.opened' as type, '{"round":ROUND,"commitment":"' || $3 || '"}' as data
			union all select k, 'bet.placed', '{"round":ROUND,"seat":' || k || ',"sum":500}' from generate_series(1, $4) k
			union all select 90, 'round.settled', '{"round":ROUND,"next_at":"2026-01-02T03:04:05.000Z"}'
			union all select 91, 'seed.revealed', '{"round":ROUND,"since":ROUND,"commitment":"' || $3 || '","seed":"' || $5 || '"}') e
		order by n, k`, webtest.Table, cachedRounds, seed.Commit().String(), cachedBets, seed.Hex())
	must(`insert into account (kind, owner) select 'player', 'player-' || n from generate_series(0, $1 - 1) n`, benchPlayed)
	must(`insert into transfer (debit, credit, amount, kind, ref, room, seq, player, at)
		select p.id, 1, 100, k.kind, 'round ' || 10000 + r, $1, 1000000 + r * 100 + 1, p.owner, now()
		from generate_series(1, 100) r, (values ('stake'), ('payout')) k(kind), (select id, owner from account where kind = 'player' and owner like 'player-%' and owner ~ '[0-9]') p
		order by r, p.id`, webtest.Table)
	return c
}
