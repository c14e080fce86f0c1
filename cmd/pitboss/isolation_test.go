package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/membus"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web"
)

// startNode runs a node in this process, race detector and all, until the test ends.
func (f *floor) startNode() {
	f.t.Helper()
	f.startNodeWith(seams{})
}

func (f *floor) startNodeWith(test seams) {
	f.t.Helper()
	f.startNodeBehind(web.Edge{ConnectionsPerAddress: -1}, slog.DiscardHandler, nil, test)
}

// startNodeBehind is startNode with limits of its own, a log that is read, and an admin listener.
func (f *floor) startNodeBehind(edge web.Edge, log slog.Handler, admin net.Listener, test seams) {
	f.t.Helper()
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := newNode(nodeOptions{name: "test", store: f.store, bus: membus.New(), log: slog.New(log), edge: edge, published: f.published, test: test})
	f.node = n
	up, down := make(chan struct{}), make(chan error, 1)
	go func() { down <- n.run(ctx, l, admin, func() { close(up) }) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-down; err != nil {
			f.t.Errorf("the node ended with %v", err)
		}
	})
	select {
	case <-up:
	case err := <-down:
		f.t.Fatalf("the node did not start: %v", err)
	case <-time.After(testPatience):
		f.t.Fatal("the node did not start")
	}
}

// addTenant makes a second casino in the same database.
func (f *floor) addTenant(slug string) *floor {
	f.t.Helper()
	p := &program{ctx: soon(f.t), log: slog.New(slog.NewTextHandler(io.Discard, nil)), globals: &globals{
		Dir: f.t.TempDir(), Database: f.appURL, Admin: f.adminURL, MasterKey: f.masterKey,
	}}
	admin, err := p.openAdmin()
	if err != nil {
		f.t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.CreateTenant(p.ctx, tenancy.NewTenant{
		Slug: tenant.Slug(slug), Name: strict.Line(slug), Domains: []string{slug + ".localhost"}, Currency: "EUR",
	}); err != nil {
		f.t.Fatal(err)
	}
	other := *f
	other.slug, other.host = slug, slug+".localhost"
	p.ctx = context.Background()
	if other.store, err = p.openStore(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(other.store.Close)
	if err := f.store.Tenants.Reload(p.ctx); err != nil {
		f.t.Fatal(err)
	}
	other.tenant, _ = other.store.Tenants.BySlug(tenant.Slug(slug))
	return &other
}

// get asks the node over HTTP and returns status, the error's code, and the body.
func (f *floor) do(method, path, token string, body string, header ...string) (int, string, []byte) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(soon(f.t), method, "http://"+f.address+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Host = f.host
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, "", nil // a socket, whose body does not end
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var e struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &e)
	return res.StatusCode, e.Error.Code, raw
}

// upgrade tries to open a socket and returns status and code of the refusal.
func (f *floor) upgrade(token string, header ...string) (int, string) {
	f.t.Helper()
	status, code, _ := f.do("GET", "/ws", token, "", append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol", wire.Subprotocol,
	}, header...)...)
	return status, code
}

func (f *floor) key() auth.Key { return f.store.Tenants.Keys(f.tenant.ID)[0] }

func forge(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATenantsTokensOpenNothingElsewhere(t *testing.T) {
	x := newFloor(t)
	y := x.addTenant("lucky-star")
	x.startNode()
	claims := func(slug string) jwt.MapClaims {
		now := time.Now()
		return jwt.MapClaims{"iss": "t", "sub": "mallory", "aud": auth.Audience(tenant.Slug(slug)), "tid": slug, "role": "player",
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	}
	with := func(c jwt.MapClaims, name string, v any) jwt.MapClaims { c[name] = v; return c }
	hs := jwt.SigningMethodHS256
	good := x.mint("mallory", auth.Player)
	for name, c := range map[string]struct {
		token  string
		header []string
		status int
		code   string
	}{
		"token of another tenant":     {y.mint("mallory", auth.Player), nil, 401, "token_kid"},
		"another tenant's kid":        {forge(t, hs, y.key().Secret, y.key().ID, claims("casino-x")), nil, 401, "token_kid"},
		"our kid, another's secret":   {forge(t, hs, y.key().Secret, x.key().ID, claims("casino-x")), nil, 401, "token_signature"},
		"our secret, another's tid":   {forge(t, hs, x.key().Secret, x.key().ID, with(claims("casino-x"), "tid", "lucky-star")), nil, 401, "token_tenant"},
		"alg none":                    {forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, x.key().ID, claims("casino-x")), nil, 401, "token_alg"},
		"wrong audience":              {forge(t, hs, x.key().Secret, x.key().ID, with(claims("casino-x"), "aud", "pitboss/lucky-star")), nil, 401, "token_audience"},
		"expired":                     {forge(t, hs, x.key().Secret, x.key().ID, with(claims("casino-x"), "exp", time.Now().Add(-time.Minute).Unix())), nil, 401, "token_expired"},
		"no token":                    {"", nil, 401, "token_missing"},
		"forged origin":               {good, []string{"Origin", "http://evil.example"}, 403, "origin_forbidden"},
		"origin of another tenant":    {good, []string{"Origin", "http://lucky-star.localhost"}, 403, "origin_forbidden"},
		"origin null":                 {good, []string{"Origin", "null"}, 403, "origin_forbidden"},
		"a ticket that nobody issued": {"", []string{"Sec-WebSocket-Protocol", wire.Subprotocol + ", " + wire.TicketPrefix + "abc"}, 401, "ticket_invalid"},
	} {
		if status, code := x.upgrade(c.token, c.header...); status != c.status || code != c.code {
			t.Errorf("%s: socket: %d %s, want %d %s", name, status, code, c.status, c.code)
		}
		if c.status == 401 && c.code != "ticket_invalid" {
			if status, code, _ := x.do("GET", "/v1/session", c.token, ""); status != c.status || code != c.code {
				t.Errorf("%s: API: %d %s, want %d %s", name, status, code, c.status, c.code)
			}
		}
	}
	elsewhere := *x
	elsewhere.host = "nobody.localhost"
	if status, code := elsewhere.upgrade(good); status != 404 || code != "unknown_host" {
		t.Errorf("unknown host: %d %s", status, code)
	}
	// The header that django-tenants' Go kin believes.
	if status, code, body := x.do("GET", "/v1/session", good, "", "X-Tenant", "lucky-star", "X-Forwarded-Host", "lucky-star.localhost"); status != 200 || !strings.Contains(string(body), "casino-x") {
		t.Errorf("a header moved the tenant: %d %s %s", status, code, body)
	}
}

func TestARoomOfAnotherTenantDoesNotExist(t *testing.T) {
	x := newFloor(t)
	y := x.addTenant("lucky-star")
	y.openRoom("only-there", crashSettings)
	x.startNode()
	ctx := soon(t)
	c := x.dial(ctx, x.token("alice"), nil)
	for _, room := range []string{"only-there", y.tenant.ID.String() + "/only-there", "../only-there", "", "nowhere"} {
		var e *wire.Error
		if err := c.call(ctx, wire.MethodRoomJoin, wire.RoomJoin{Room: room}, nil); !errors.As(err, &e) || e.Data.Code != wire.CodeRoomNotFound {
			t.Errorf("%q: %v", room, err)
		}
	}
	if status, code, _ := x.do("GET", "/v1/rooms/only-there/rounds/1", "", ""); status != 404 || code != wire.CodeRoomNotFound {
		t.Errorf("rounds: %d %s", status, code)
	}
}

// dial opens a socket as its test's own, read until the test ends.
func (f *floor) dial(ctx context.Context, token string, push func(string, json.RawMessage)) *rpc {
	f.t.Helper()
	if push == nil {
		push = func(string, json.RawMessage) {}
	}
	c, err := dial(ctx, f.address, f.host, token, push)
	if err != nil {
		f.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { c.read(context.WithoutCancel(ctx)); close(done) }()
	f.t.Cleanup(func() { _ = c.conn.CloseNow(); <-done })
	return c
}

func TestSuspensionClosesSocketsAndDoorsWithinASecond(t *testing.T) {
	f := newFloor(t)
	f.startNode()
	token := f.token("alice")
	c := f.dial(soon(t), token, nil)
	p := &program{ctx: soon(t), log: slog.New(slog.NewTextHandler(io.Discard, nil)), globals: &globals{
		Dir: t.TempDir(), Database: f.appURL, Admin: f.adminURL, MasterKey: f.masterKey,
	}}
	admin, err := p.openAdmin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	began := time.Now()
	if err := admin.Suspend(p.ctx, tenant.Slug(f.slug), "test"); err != nil {
		t.Fatal(err)
	}
	if code := c.closedWith(t); code != websocket.StatusCode(wire.CloseSuspended.Code) {
		t.Errorf("closed with %d", code)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the socket was closed after %v", took)
	}
	if status, code := f.upgrade(token); status != 403 || code != "tenant_suspended" {
		t.Errorf("%d %s", status, code)
	}
	if err := admin.Resume(p.ctx, tenant.Slug(f.slug)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the door is open again", func() bool {
		status, _, _ := f.do("GET", "/v1/session", token, "")
		return status == 200
	})
}

// closedWith waits for the end of the socket and returns its close code.
func (c *rpc) closedWith(t *testing.T) websocket.StatusCode {
	t.Helper()
	var code websocket.StatusCode
	eventually(t, "the socket closes", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ended == nil {
			return false
		}
		code = websocket.CloseStatus(c.ended)
		return true
	})
	return code
}

// eventually waits for a fact that no channel tells.
func eventually(t *testing.T, fact string, is func() bool) {
	t.Helper()
	eventuallyWithin(t, testPatience, fact, is)
}

func eventuallyWithin(t *testing.T, patience time.Duration, fact string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", fact)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestOneCommandIDOneStakeWhateverIsSent(t *testing.T) {
	f := newFloor(t)
	f.startNode()
	ctx := soon(t)
	c := f.dial(ctx, f.token("alice"), nil)
	if err := c.call(ctx, wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
		t.Fatal(err)
	}
	id := uuid.NewString()
	command := wire.RoomCommand{Room: f.room, CommandID: id, Command: json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":500}]}`)}
	var replies []<-chan reply
	for range 20 {
		ch, err := c.start(ctx, wire.MethodRoomCommand, command)
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, ch)
	}
	var first wire.RoomCommandResult
	for i, ch := range replies {
		r := <-ch
		var got wire.RoomCommandResult
		if r.Error != nil || json.Unmarshal(r.Result, &got) != nil {
			t.Fatalf("answer %d: %+v", i, r)
		}
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatalf("answer %d is %+v, the first was %+v", i, got, first)
		}
	}
	if first.Balance != int64(crashFunds)-500 {
		t.Fatalf("balance %d", first.Balance)
	}
	command.Command = json.RawMessage(`{"type":"bet","bets":[{"position":"red","amount":50000}]}`)
	var e *wire.Error
	if err := c.call(ctx, wire.MethodRoomCommand, command, nil); !errors.As(err, &e) || e.Data.Code != wire.CodeCommandReused {
		t.Fatalf("another bet under the same id: %v", err)
	}
}
