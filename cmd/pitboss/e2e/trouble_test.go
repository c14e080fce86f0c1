package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/localpg"
	"github.com/pitboss-hub/pitboss/web"
)

// super runs statements as the superuser.
func super(t *testing.T, cluster *localpg.Cluster, sql ...string) {
	t.Helper()
	if err := cluster.Super(soon(t), sql...); err != nil {
		t.Fatal(err)
	}
}

// full makes every write to a schema's tables fail as on a full disk.
func full(schema string) string {
	return `do $do$ declare t text; begin
		create or replace function public.full() returns trigger language plpgsql as $$ begin
			raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
		for t in select tablename from pg_tables where schemaname = '` + schema + `' loop
			execute format('create trigger full_disk before insert or update or delete on ` + schema + `.%I for each statement execute function public.full()', t);
		end loop; end $do$`
}

func newCluster(t *testing.T) *localpg.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := localpg.Start(ctx, localpg.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	return cluster
}

// TestADatabaseInTroubleIsUnavailableAndNothingElse goes over all routes and all methods of a
// socket while PostgreSQL is away, takes no writes, or has no room for them: what may be decided
// later never answers that it will not be.
func TestADatabaseInTroubleIsUnavailableAndNothingElse(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(f *casino, cluster *localpg.Cluster){
		"away": func(f *casino, cluster *localpg.Cluster) {
			if err := cluster.Stop(); err != nil {
				f.t.Fatal(err)
			}
		},
		"read-only": func(f *casino, cluster *localpg.Cluster) {
			super(f.t, cluster, `alter system set default_transaction_read_only = on`, `select pg_reload_conf()`)
			eventually(f.t, "writes are refused", func() bool { return f.store.Audit.Write(soon(f.t), f.tenant.ID, rooms.Audit{Actor: "test"}) != nil })
		},
		"full": func(f *casino, cluster *localpg.Cluster) {
			super(f.t, cluster, full(f.tenant.ID.Schema()), full("platform"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			f := newCasinoIn(t, cluster.AppURL(), cluster.AdminURL())
			f.openRoom("roulette-2", crashSettings)
			f.startNode()
			player, other, operator := f.token("alice"), f.mint("bob", auth.Player), f.mint("olivia", auth.Operator)
			c := f.dial(soon(t), player, nil)
			if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
				t.Fatal(err)
			}
			spoil(f, cluster)
			var asking sync.WaitGroup
			f.askEveryRoute(&asking, other, operator)
			f.askEveryMethod(&asking, c, player)
			asking.Wait()
			eventually(t, "readiness is red", func() bool { status, _, _ := f.do("GET", "/readyz", "", ""); return status == 503 })
		})
	}
}

// request describes a request to a route; must says that it cannot be done without a write, or
// without the database at all.
type request struct {
	path, body string
	must       bool
}

// routes returns the routes that a node serves, from a server that is never started.
func (f *casino) routes() []string {
	log, metrics := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	sockets := hub.New(hub.Options{Bus: membus.New(), Node: "routes", Log: log, Registerer: metrics})
	return web.New(web.Options{Node: "routes", Log: log, Tenants: f.store.Tenants, Store: f.store, Hub: sockets, Registerer: metrics}).Routes()
}

func (f *casino) askEveryRoute(asking *sync.WaitGroup, player, operator string) {
	f.t.Helper()
	id := func() string { return uuid.NewString() }
	requests := map[string]request{
		"GET /healthz": {}, "GET /readyz": {}, "GET /": {}, "GET /play": {}, "GET /play/history": {}, "GET /play/t/:room": {path: "/play/t/roulette-1"}, "GET /console": {}, "GET /console/:section": {path: "/console/players"}, "GET /console/:section/:id": {path: "/console/players/alice"}, "GET /verify": {}, "GET /api": {}, "GET /v1/openapi.json": {},
		"GET /assets/*":                     {path: "/assets/none"},
		"GET /v1/rooms/:room/rounds/:round": {path: "/v1/rooms/roulette-1/rounds/1"},
		"GET /v1/session":                   {}, "GET /v1/rooms": {}, "GET /v1/games": {}, "GET /v1/connections": {}, "GET /v1/players": {}, "GET /v1/promotions": {}, "GET /v1/audit": {},
		"GET /v1/ledger/trial-balance": {},
		"GET /brand.css":               {},
		"GET /brand/logo":              {},
		"GET /v1/casino":               {}, "GET /v1/nodes": {}, "GET /v1/limits": {},
		"GET /v1/brand":            {},
		"PUT /v1/brand":            {body: `{"style":{"radius":4},"reason":"test"}`, must: true},
		"PUT /v1/brand/logo":       {body: `{"image":"","reason":"test"}`, must: true},
		"GET /v1/keys":             {},
		"POST /v1/keys":            {body: `{"name":"robot","scopes":["rooms:read"],"reason":"test"}`, must: true},
		"POST /v1/keys/:id/rotate": {path: "/v1/keys/0123456789/rotate", body: `{"overlap_seconds":0,"reason":"test"}`},
		"POST /v1/keys/:id/revoke": {path: "/v1/keys/0123456789/revoke", body: `{"reason":"test"}`},
		"GET /v1/session/rounds":   {}, "GET /v1/session/transactions": {},
		"GET /v1/players/:player/rounds": {path: "/v1/players/alice/rounds"}, "GET /v1/players/:player/transactions": {path: "/v1/players/alice/transactions"},
		"GET /ws":                         {},
		"POST /v1/tickets":                {body: `{}`},
		"POST /v1/rooms":                  {body: `{"room":"roulette-9","game":"roulette","name":"Nine","settings":{}}`, must: true},
		"POST /v1/rooms/:room/close":      {path: "/v1/rooms/roulette-2/close", body: `{"reason":"test"}`, must: true},
		"POST /v1/rooms/:room/void":       {path: "/v1/rooms/roulette-2/void", body: fmt.Sprintf(`{"reason":"test","command_id":%q}`, id())},
		"POST /v1/players/:player/credit": {path: "/v1/players/alice/credit", body: fmt.Sprintf(`{"amount":5,"reason":"test","command_id":%q}`, id()), must: true},
		"POST /v1/players/:player/kick":   {path: "/v1/players/mallory/kick", body: `{"reason":"test"}`, must: true},
		"POST /v1/staff/:subject/kick":    {path: "/v1/staff/mallory/kick", body: `{"reason":"test"}`, must: true},
		"POST /v1/tokens/revoke":          {body: `{"jti":"abc","reason":"test"}`, must: true},
		"POST /v1/promotions": {body: fmt.Sprintf(`{"title":"T","text":"x","ends_at":%q,"command_id":%q}`,
			time.Now().Add(time.Hour).UTC().Format(time.RFC3339), id()), must: true},
		"POST /v1/promotions/:id/withdraw": {path: "/v1/promotions/" + id() + "/withdraw", body: fmt.Sprintf(`{"command_id":%q}`, id()), must: true},
	}
	hook := "/v1/webhooks/" + id() // which is not there, as a database that can be read says
	for route, r := range map[string]request{
		"GET /v1/webhooks":                                  {},
		"GET /v1/webhooks/:id":                              {path: hook},
		"GET /v1/webhooks/:id/deliveries":                   {path: hook + "/deliveries"},
		"POST /v1/webhooks":                                 {body: `{"url":"https://receiver.example/","reason":"test"}`, must: true},
		"PUT /v1/webhooks/:id":                              {path: hook, body: `{"url":"https://receiver.example/","reason":"test"}`},
		"DELETE /v1/webhooks/:id":                           {path: hook, body: `{"reason":"test"}`},
		"POST /v1/webhooks/:id/rotate":                      {path: hook + "/rotate", body: `{"reason":"test"}`},
		"POST /v1/webhooks/:id/test":                        {path: hook + "/test", body: `{"reason":"test"}`},
		"POST /v1/webhooks/:id/pause":                       {path: hook + "/pause", body: `{"reason":"test"}`},
		"POST /v1/webhooks/:id/resume":                      {path: hook + "/resume", body: `{"reason":"test"}`},
		"POST /v1/webhooks/:id/deliveries/:delivery/replay": {path: hook + "/deliveries/1/replay", body: `{"reason":"test"}`},
		"GET /v1/ledger/postings":                           {},
		"GET /v1/approvals":                                 {},
		"GET /v1/approvals/:id":                             {path: "/v1/approvals/" + id()},
		"POST /v1/approvals/:id/approve":                    {path: "/v1/approvals/" + id() + "/approve", body: `{"reason":"test"}`},
		"POST /v1/approvals/:id/refuse":                     {path: "/v1/approvals/" + id() + "/refuse", body: `{"reason":"test"}`},
		"POST /v1/approvals/:id/withdraw":                   {path: "/v1/approvals/" + id() + "/withdraw", body: `{"reason":"test"}`},
		"POST /v1/credits/:command/reverse":                 {path: "/v1/credits/" + id() + "/reverse", body: fmt.Sprintf(`{"reason":"test","command_id":%q}`, id())},
	} {
		requests[route] = r
	}
	for _, route := range f.routes() {
		r, ok := requests[strings.Replace(route, "HEAD ", "GET ", 1)]
		if !ok {
			f.t.Errorf("%s is not asked here", route)
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		if r.path != "" {
			path = r.path
		}
		asking.Go(func() {
			var status int
			var code string
			var raw []byte
			if path == "/ws" {
				status, code = f.upgrade(player)
			} else {
				status, code, raw = f.do(method, path, operator, r.body)
			}
			busy := code == wire.CodeUnavailable || code == wire.CodeBusy
			if code == wire.CodeInternal || status >= 500 && status != 503 || r.must && !busy {
				f.t.Errorf("%s: %d %s %s", route, status, code, raw)
			}
			if r.must && strings.Contains(r.body, "command_id") && !strings.Contains(string(raw), "send it again") {
				f.t.Errorf("%s does not say what to do: %s", route, raw)
			}
		})
	}
}

// requestForm is where docs/asyncapi.yaml, which the wire package holds to its word, names what a
// socket may ask.
var requestForm = regexp.MustCompile(`(?m)^    request\.([a-z.]+):$`)

func (f *casino) askEveryMethod(asking *sync.WaitGroup, c *rpc, token string) {
	f.t.Helper()
	api, err := os.ReadFile("../../../docs/asyncapi.yaml")
	if err != nil {
		f.t.Fatal(err)
	}
	bet := json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`)
	params := map[string]any{
		wire.MethodRoomList:            struct{}{},
		wire.MethodRoomJoin:            wire.RoomJoin{Room: "roulette-2"},
		wire.MethodRoomLeave:           wire.RoomLeave{Room: "lobby"},
		wire.MethodRoomCommand:         wire.RoomCommand{Room: f.room, CommandID: uuid.NewString(), Command: bet},
		wire.MethodChatSend:            wire.ChatSend{Room: f.room, Text: "hello"},
		wire.MethodSessionRenew:        wire.SessionRenew{Token: token},
		wire.MethodWalletBalance:       struct{}{},
		wire.MethodHistoryRounds:       struct{}{},
		wire.MethodHistoryTransactions: struct{}{},
		wire.MethodStaffWatch:          wire.StaffWatch{Of: []string{"rooms"}},
		wire.MethodPing:                struct{}{},
	}
	must := map[string]bool{wire.MethodRoomCommand: true}
	methods := requestForm.FindAllStringSubmatch(string(api), -1)
	if len(methods) == 0 {
		f.t.Fatal("docs/asyncapi.yaml names no requests")
	}
	for _, m := range methods {
		p, ok := params[m[1]]
		if !ok {
			f.t.Errorf("%s is not asked here", m[1])
			continue
		}
		ch, err := c.start(soon(f.t), m[1], p)
		if err != nil {
			f.t.Fatal(err)
		}
		asking.Go(func() {
			r, ok := <-ch
			switch {
			case !ok:
				f.t.Errorf("%s: the socket ended", m[1])
			case r.Error == nil && must[m[1]]:
				f.t.Errorf("%s was done", m[1])
			case r.Error != nil && r.Error.Data.Code == wire.CodeInternal,
				r.Error != nil && must[m[1]] && r.Error.Data.Code != wire.CodeUnavailable && r.Error.Data.Code != wire.CodeBusy:
				f.t.Errorf("%s: %v", m[1], r.Error)
			}
		})
	}
}

// TestALockedCasinoAnswersUnavailableAndItsRoomsGoOn locks a casino's journal for longer than a
// lock is waited for: its bets are unavailable, its rooms make no claim, and another casino of the
// same node plays on.
func TestALockedCasinoAnswersUnavailableAndItsRoomsGoOn(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t)
	x := newCasinoIn(t, cluster.AppURL(), cluster.AdminURL())
	y := x.addTenant("lucky-star")
	y.openRoom(y.room, crashSettings)
	x.startNode()
	epoch := func(f *casino) int64 {
		info, err := f.store.Rooms.Get(soon(t), rooms.Ref{Tenant: f.tenant.ID, Room: f.room})
		if err != nil {
			t.Fatal(err)
		}
		return info.Epoch
	}
	place := func(c *rpc, f *casino) error {
		return c.call(soon(t), wire.MethodRoomCommand, wire.RoomCommand{
			Room: f.room, CommandID: uuid.NewString(), Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":100}]}`),
		}, nil)
	}
	decided := func(err error) bool { return err == nil || strings.Contains(err.Error(), game.CodeBettingClosed) }
	conns := map[*casino]*rpc{}
	for _, f := range []*casino{x, y} {
		conns[f] = f.dial(soon(t), f.token("alice"), nil)
		eventually(t, "the room is open", func() bool {
			return conns[f].call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil) == nil
		})
		eventually(t, "a bet is accepted", func() bool { return place(conns[f], f) == nil })
	}
	before := epoch(x)
	unlock, err := cluster.Lock(soon(t), x.tenant.ID.Schema()+".event")
	if err != nil {
		t.Fatal(err)
	}
	if err := place(conns[x], x); err == nil || !strings.Contains(err.Error(), wire.CodeUnavailable) {
		t.Errorf("a bet of the locked casino: %v", err)
	}
	for range 20 {
		began := time.Now()
		if err := place(conns[y], y); !decided(err) || time.Since(began) > 2*time.Second {
			t.Errorf("a bet of the other casino: %v after %v", err, time.Since(began))
		}
	}
	unlock()
	eventually(t, "bets are accepted again", func() bool { return place(conns[x], x) == nil })
	if now := epoch(x); now != before {
		t.Errorf("the room was claimed anew: epoch %d after %d", now, before)
	}
}
