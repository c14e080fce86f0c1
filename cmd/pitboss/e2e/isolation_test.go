package e2e

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

func (f *casino) key() auth.Key { return f.store.Tenants.Keys(f.tenant.ID)[0] }

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
	x := newCasino(t)
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
	x := newCasino(t)
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

func TestSuspensionClosesSocketsAndDoorsWithinASecond(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	token := f.token("alice")
	c := f.dial(soon(t), token, nil)
	admin := f.openAdmin()
	began := time.Now()
	if err := admin.Suspend(soon(t), tenant.Slug(f.slug), "test"); err != nil {
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
	if err := admin.Resume(soon(t), tenant.Slug(f.slug)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the door is open again", func() bool {
		status, _, _ := f.do("GET", "/v1/session", token, "")
		return status == 200
	})
}

func TestOneCommandIDOneStakeWhateverIsSent(t *testing.T) {
	f := newCasino(t)
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
