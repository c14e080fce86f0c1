package web_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/redisbus/localredis"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/cache"
	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// owner returns what runs a statement on a casino's tables as their owner, who may do what no node may.
func owner(t *testing.T, c *webtest.Casino) (exec func(sql string, args ...any)) {
	t.Helper()
	conn := storetest.Owner(t, c.Admin)
	exec = func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`set search_path = ` + c.Tenant.ID.Schema())
	return exec
}

// finish adds rounds to the table, which are over and whose seeds are public.
func finish(exec func(string, ...any), rounds ...int) {
	seed := game.Seed{1}
	for _, n := range rounds {
		for i, e := range []struct{ typ, data string }{
			{"round.opened", fmt.Sprintf(`{"round":%d,"commitment":%q}`, n, seed.Commit())},
			{"round.settled", fmt.Sprintf(`{"round":%d,"next_at":"2026-01-02T03:04:05.000Z"}`, n)},
			{"seed.revealed", fmt.Sprintf(`{"round":%d,"since":%d,"commitment":%q,"seed":%q}`, n, n, seed.Commit(), seed.Hex())},
		} {
			exec(`insert into event (room, seq, epoch, at, type, round, reveals, data) values ($1, $2, 1, now(), $3, $4, $5, $6)`,
				webtest.Table, n*10+i, e.typ, n, i == 2, e.data)
		}
	}
}

func TestARoundThatOneNodeHasReadIsNotReadByAnotherUntilItIsFlushed(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	redis, err := localredis.Start(t.Context(), t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Kill)
	exec := owner(t, c)
	finish(exec, 100_000, 100_001)
	realm := c.Store.Realm()
	node := func() (look func(round int) *httptest.ResponseRecorder) {
		shared, err := cache.OpenRedis(cache.RedisOptions{URL: "redis://" + redis.Addr, Key: c.Store.Box.CacheKey(), Realm: realm[:], Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = shared.Close() })
		s := web.New(web.Options{
			Node: "another", Log: slog.New(slog.DiscardHandler), Tenants: c.Store.Tenants, Store: c.Store, Rooms: c.Rooms, Hub: c.Hub,
			Verifier: auth.NewVerifier(c.Store.Tenants, c.Store.Revocations), Registerer: prometheus.NewRegistry(), Edge: web.Edge{AddressRequests: -1},
			Cache: cache.New(cache.Options{Bytes: cache.MemoryBytes, Shared: shared, Epoch: c.Store.Tenants.Epoch, History: c.Store.History}),
		})
		return func(round int) *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/v1/rooms/%s/rounds/%d", webtest.Table, round), nil)
			r.Host = c.Tenant.Domains[0]
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
	}
	first, second := node(), node()
	read := first(100_000)
	if read.Code != http.StatusOK || read.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Fatalf("%d, %v: %s", read.Code, read.Header(), read.Body)
	}
	exec(`delete from event where round >= 100000`)
	for name, look := range map[string]func(int) *httptest.ResponseRecorder{"the same node": first, "another node": second} {
		if w := look(100_000); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), read.Body.Bytes()) || w.Header().Get("Cache-Control") != read.Header().Get("Cache-Control") {
			t.Errorf("%s: %d: %s", name, w.Code, w.Body)
		}
		if w := look(100_001); w.Code != http.StatusNotFound {
			t.Errorf("%s has a round that nobody looked up: %d: %s", name, w.Code, w.Body)
		}
	}
	if _, err := c.Admin.FlushCache(t.Context(), c.Tenant.Slug, "a test"); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]func(int) *httptest.ResponseRecorder{"the node": first, "the other node": second} {
		storetest.Eventually(t, name+" reads anew", func() bool { return look(100_000).Code == http.StatusNotFound })
	}
}

func TestAPageOfHistoryIsKeptIfItCannotChange(t *testing.T) {
	t.Parallel()
	c := webtest.New(t)
	operator := c.Token("olivia", auth.Operator)
	c.Player("rosa", 1000)
	rounds := []int{100_000, 100_001, 100_002, 100_003, 100_004, 100_005}
	exec := owner(t, c)
	finish(exec, rounds...)
	for _, n := range rounds {
		exec(`insert into transfer (debit, credit, amount, kind, ref, room, seq, player, at)
			select id, (select id from account where kind = 'house'), 100, 'stake', $1, $2, $3, 'rosa', now() from account where owner = 'rosa'`, fmt.Sprint("round ", n), webtest.Table, n*10)
	}
	var round, transaction struct{ Next string }
	c.Get(operator, "/v1/players/rosa/rounds?limit=2").Into(&round)
	c.Get(operator, "/v1/players/rosa/transactions?limit=2").Into(&transaction)
	// read returns the pages after the first ones.
	read := func() string {
		t.Helper()
		return string(c.Get(operator, "/v1/players/rosa/rounds?limit=2&cursor="+round.Next).Want(http.StatusOK, "").Body) +
			string(c.Get(operator, "/v1/players/rosa/transactions?limit=2&cursor="+transaction.Next).Want(http.StatusOK, "").Body)
	}
	before := read()
	exec(`update transfer set amount = 200 where player = 'rosa' and kind = 'stake'`)
	after := read()
	if before != after || !strings.Contains(before, `"staked":100,`) || !strings.Contains(before, `"amount":-100,`) {
		t.Errorf("pages were read again: %s, and then %s", before, after)
	}
	// A first page is never kept, nor one that is not over.
	if body := c.Get(operator, "/v1/players/rosa/rounds?limit=2").Body; !bytes.Contains(body, []byte(`"staked":200,`)) {
		t.Errorf("the first page is %s", body)
	}
	var first struct{ Next string }
	c.Get(operator, "/v1/players/rosa/rounds?limit=3").Into(&first)
	exec(`delete from event where type in ('round.settled', 'seed.revealed') and round = $1`, slices.Min(rounds))
	open := "/v1/players/rosa/rounds?limit=3&cursor=" + first.Next
	if body := c.Get(operator, open).Body; !bytes.Contains(body, []byte(`"staked":200,`)) || !bytes.Contains(body, []byte(`"open"`)) {
		t.Errorf("%s", body)
	}
	exec(`update transfer set amount = 300 where player = 'rosa' and kind = 'stake'`)
	if body := c.Get(operator, open).Body; !bytes.Contains(body, []byte(`"staked":300,`)) {
		t.Errorf("a page with a round that is open was kept: %s", body)
	}
	// Nor is one found for anybody else, or of another casino.
	c.Player("rose", 1000)
	if body := c.Get(operator, "/v1/players/rose/rounds?limit=2&cursor="+first.Next).Body; bytes.Contains(body, []byte("staked")) {
		t.Errorf("rose has %s", body)
	}
}
