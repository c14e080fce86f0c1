package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// answerTo sends a request and returns the answer with its body.
func (f *casino) answerTo(method, path, token, body string, header ...string) (*http.Response, string) {
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
	res, err := http.DefaultTransport.RoundTrip(req) // redirections are answers too
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, "" // a socket, whose body does not end
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res, string(raw)
}

// finishedRound plays until a round is over, and returns its number.
func (f *casino) finishedRound() int64 {
	f.t.Helper()
	f.seatBystander().bet()
	for _, r := range f.settled() {
		if r.Type == "round.settled" {
			return r.Round
		}
	}
	var round int64
	eventually(f.t, "a round is settled", func() bool {
		for _, r := range f.journal() {
			if r.Type == "round.settled" {
				round = r.Round
			}
		}
		return round > 0
	})
	return round
}

// handshake returns the headers of a WebSocket handshake.
func handshake(change ...string) []string {
	return append([]string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Protocol", wire.Subprotocol,
	}, change...)
}

func TestHEADIsAnsweredWhereverGETIs(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	round := f.finishedRound()
	operator := f.mint("olivia", auth.Operator)
	for _, path := range []string{
		"/healthz", "/readyz", "/", "/play", "/console", "/console/players", "/console/players/alice", "/verify", "/api", "/v1/openapi.json", "/v1/session", "/v1/rooms", fmt.Sprintf("/v1/rooms/%s/rounds/%d", f.room, round),
		"/v1/games", "/v1/connections", "/v1/players", "/v1/players/alice/rounds", "/v1/players/alice/transactions", "/v1/session/rounds", "/v1/session/transactions", "/v1/promotions", "/v1/audit", "/v1/ledger/trial-balance", "/v1/brand", "/v1/keys", "/v1/webhooks", "/v1/webhooks/nowhere", "/v1/webhooks/nowhere/deliveries", "/brand.css", "/brand/logo", "/nowhere", "/v1/rooms/nowhere/rounds/1", "/v1/audit?limit=x",
	} {
		get, body := f.answerTo("GET", path, operator, "")
		head, none := f.answerTo("HEAD", path, operator, "")
		if body == "" && path != "/" || none != "" || get.StatusCode != head.StatusCode || get.Header.Get("Content-Type") != head.Header.Get("Content-Type") ||
			get.Header.Get("Cache-Control") != head.Header.Get("Cache-Control") {
			t.Errorf("%s: GET is %s with %d bytes, HEAD %s with %d", path, get.Status, len(body), head.Status, len(none))
		}
	}
	for _, header := range [][]string{nil, handshake()} {
		if res, body := f.answerTo("HEAD", "/ws", f.token("alice"), "", header...); res.StatusCode != http.StatusUpgradeRequired || body != "" {
			t.Errorf("HEAD /ws: %s %q", res.Status, body)
		}
	}
}

func TestARefusedHandshakeIsTheDocumentedError(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	token := f.token("alice")
	for name, c := range map[string]struct {
		header []string
		status int
		code   string
	}{
		"no handshake":       {nil, 426, "upgrade_required"},
		"no subprotocol":     {handshake("Sec-WebSocket-Protocol", "chat"), 400, "invalid_params"},
		"no upgrade":         {handshake("Upgrade", "h2c", "Connection", "Upgrade"), 426, "upgrade_required"},
		"no connection":      {handshake("Connection", "keep-alive"), 426, "upgrade_required"},
		"an old version":     {handshake("Sec-WebSocket-Version", "8"), 400, "invalid_params"},
		"a short key":        {handshake("Sec-WebSocket-Key", "abc"), 400, "invalid_params"},
		"<script> for a key": {handshake("Sec-WebSocket-Key", "<script>"), 400, "invalid_params"},
		"no key":             {handshake("Sec-WebSocket-Key", ""), 400, "invalid_params"},
	} {
		header := append([]string{"Sec-WebSocket-Protocol", wire.Subprotocol}, c.header...)
		res, body := f.answerTo("GET", "/ws", token, "", header...)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || res.StatusCode != c.status || e.Error.Code != c.code || e.Error.Message == "" ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") || strings.Contains(body, "script") {
			t.Errorf("%s: %s %s %q, want %d %s", name, res.Status, res.Header.Get("Content-Type"), body, c.status, c.code)
		}
	}
	f.dial(soon(t), token, nil) // what is as it should be opens a socket
}

var moment = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
var moments = regexp.MustCompile(`^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$`)

func TestEveryAnswerOfTheAPIIsForNoCacheAndHasTimesOfThreeDigits(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	round := f.finishedRound()
	operator, alice := f.mint("olivia", auth.Operator), f.token("alice")
	f.dial(soon(t), alice, nil)
	ends := time.Now().Add(time.Hour).In(time.FixedZone("", 3600)).Truncate(time.Second).Format(time.RFC3339)
	id := uuid.NewString()
	seen := 0
	for _, c := range []struct {
		method, path, token, body string
		status                    int
	}{
		{"GET", "/healthz", "", "", 200},
		{"GET", "/readyz", "", "", 200},
		{"GET", "/v1/session", alice, "", 200},
		{"GET", "/v1/session", "", "", 401},
		{"GET", "/v1/nowhere", "", "", 404},
		{"DELETE", "/v1/rooms", operator, "", 404},
		{"GET", "/ws", alice, "", 400},
		{"POST", "/v1/tickets", alice, "", 201},
		{"GET", "/v1/rooms", alice, "", 200},
		{"GET", "/v1/players", alice, "", 403},
		{"POST", "/v1/rooms", operator, `{"room":"evening","game":"roulette","name":"Evening"}`, 201},
		{"POST", "/v1/rooms", operator, `{"room":"evening","game":"roulette","name":"Evening"}`, 409},
		{"POST", "/v1/players/alice/credit", operator, `{"amount":5,"reason":"x","command_id":"` + uuid.NewString() + `"}`, 200},
		{"POST", "/v1/promotions", operator, `{"title":"T","text":"x","ends_at":"` + ends + `","command_id":"` + id + `"}`, 201},
		{"POST", "/v1/promotions", operator, `{"title":"U","text":"x","ends_at":"` + ends + `","command_id":"` + uuid.NewString() + `"}`, 201},
		{"GET", "/v1/promotions", operator, "", 200},
		{"POST", "/v1/promotions/" + id + "/withdraw", operator, `{"command_id":"` + uuid.NewString() + `"}`, 200},
		{"GET", "/v1/promotions", operator, "", 200},
		{"GET", "/v1/games", operator, "", 200},
		{"GET", "/v1/connections", operator, "", 200},
		{"GET", "/v1/players", operator, "", 200},
		{"GET", "/v1/players/alice/rounds", operator, "", 200},
		{"GET", "/v1/players/alice/transactions", operator, "", 200},
		{"GET", "/v1/session/rounds", alice, "", 200},
		{"GET", "/v1/session/transactions", alice, "", 200},
		{"GET", "/v1/session/rounds", operator, "", 403},
		{"GET", "/v1/session/transactions?cursor=x", alice, "", 400},
		{"GET", "/v1/ledger/trial-balance", operator, "", 200},
		{"POST", "/v1/tokens/revoke", operator, `{"jti":"x","reason":"x"}`, 200},
		{"POST", "/v1/players/bob/kick", operator, `{"reason":"x"}`, 200},
		{"POST", "/v1/rooms/evening/close", operator, `{"reason":"x"}`, 202},
		{"PUT", "/v1/brand", operator, `{"style":{"radius":4},"reason":"x"}`, 200},
		{"PUT", "/v1/brand/logo", operator, `{"image":"","reason":"x"}`, 200},
		{"GET", "/v1/brand", operator, "", 200},
		{"POST", "/v1/webhooks", operator, `{"url":"https://receiver.example/","reason":"x"}`, 201},
		{"POST", "/v1/webhooks", operator, `{"url":"receiver.example","reason":"x"}`, 400},
		{"GET", "/v1/webhooks", operator, "", 200},
		{"GET", "/v1/webhooks", alice, "", 403},
		{"GET", "/v1/webhooks/nowhere", operator, "", 404},
		{"POST", "/v1/keys", operator, `{"name":"robot","scopes":["rooms:read"],"expires_at":"` + ends + `","reason":"x"}`, 201},
		{"GET", "/v1/keys", operator, "", 200},
		{"GET", "/v1/audit", operator, "", 200},
		{"GET", fmt.Sprintf("/v1/rooms/%s/rounds/999999", f.room), "", "", 404},
	} {
		res, body := f.answerTo(c.method, c.path, c.token, c.body)
		if res.StatusCode != c.status || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: %s %v %s", c.method, c.path, res.Status, res.Header, body)
		}
		for _, m := range moment.FindAllString(body, -1) {
			seen++
			if !moments.MatchString(m) {
				t.Errorf("%s %s has the time %s", c.method, c.path, m)
			}
		}
	}
	if seen < 15 {
		t.Errorf("there were only %d times", seen)
	}
	res, body := f.answerTo("GET", fmt.Sprintf("/v1/rooms/%s/rounds/%d", f.room, round), "", "")
	if res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a round that is over: %v", res.Header)
	}
	for _, m := range moment.FindAllString(body, -1) {
		if !moments.MatchString(m) {
			t.Errorf("a round has the time %s", m)
		}
	}
}

func TestEverybodyMayLookOneRoundUpAtOnce(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	round := f.finishedRound()
	path := fmt.Sprintf("/v1/rooms/%s/rounds/%d", f.room, round)
	_, want := f.answerTo("GET", path, "", "")
	var asking sync.WaitGroup
	for i := range 200 {
		asking.Go(func() {
			p, status := path, 200
			if i%2 == 1 { // nobody has asked for that one yet
				p, status = fmt.Sprintf("/v1/rooms/%s/rounds/%d", f.room, round+1_000_000), 404
			}
			if res, body := f.answerTo("GET", p, "", ""); res.StatusCode != status || status == 200 && body != want {
				t.Errorf("%s: %s %s", p, res.Status, body)
			}
		})
	}
	asking.Wait()
	if !strings.Contains(want, `"type":"round.settled"`) || strings.Contains(want, "bystander") {
		t.Errorf("%s", want)
	}
}

func TestStrangersAreNotToldWhyAnOperatorIsSuspended(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	admin := f.openAdmin()
	if err := admin.Suspend(soon(t), tenant.Slug(f.slug), "owes us money"); err != nil {
		t.Fatal(err)
	}
	if out := f.mustCLI("tenant", "show", f.slug); !strings.Contains(out, "suspended: owes us money") {
		t.Errorf("whoever runs the platform is not told why:\n%s", out)
	}
	for _, path := range []string{"/play", "/v1/session", "/ws", "/v1/rooms/roulette-1/rounds/1"} {
		eventually(t, path+" is refused", func() bool {
			res, body := f.answerTo("GET", path, f.mint("alice", auth.Player), "")
			if strings.Contains(body, "owes") {
				t.Fatalf("%s: %s", path, body)
			}
			return res.StatusCode == http.StatusForbidden && strings.Contains(body, "tenant_suspended")
		})
	}
}

func TestATokenThatDemandsAnExtensionIsRefused(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	now := time.Now()
	for _, crit := range []any{[]string{"exp"}, []string{}, "b64", nil, []string{"urn:example:pop"}} {
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "t", "sub": "alice", "aud": auth.Audience(tenant.Slug(f.slug)), "tid": f.slug, "role": "player",
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
		token.Header["kid"], token.Header["crit"] = f.key().ID, crit
		signed, err := token.SignedString(f.key().Secret)
		if err != nil {
			t.Fatal(err)
		}
		if status, code, _ := f.do("GET", "/v1/session", signed, ""); status != 401 || code != "token_crit" {
			t.Errorf("crit %v: %d %s", crit, status, code)
		}
		if status, code := f.upgrade(signed); status != 401 || code != "token_crit" {
			t.Errorf("crit %v: a socket: %d %s", crit, status, code)
		}
	}
}

func TestSettingsAreRefusedInTheGamesWords(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	for body, want := range map[string]string{
		`{"room":"a","game":"roulette","settings":{"min_bet":-1}}`:                            "roulette settings: min_bet is -1 and must be from 1 to 100000000000",
		`{"room":"a","game":"roulette","settings":{"betting":1}}`:                             "roulette settings: ",
		`{"room":"a","game":"roulette","name":"` + strings.Repeat("x", 81) + `"}`:             "a room's name has at most 80 characters",
		`{"room":"a","game":"roulette","settings":{"x":"` + strings.Repeat("x", 9000) + `"}}`: "settings have at most 8192 bytes",
		`{"room":"a","game":"chess"}`:                                                         "There is no such game.",
	} {
		status, code, raw := f.do("POST", "/v1/rooms", operator, body)
		var e struct{ Error struct{ Message string } }
		if err := json.Unmarshal(raw, &e); err != nil || status != 400 || code != wire.CodeInvalidParams || !strings.HasPrefix(e.Error.Message, want) {
			t.Errorf("%.80s: %d %s %q", body, status, code, e.Error.Message)
		}
	}
	if _, err := f.cli("room", "open", "a", "--tenant", f.slug, "--settings", `{"min_bet":-1}`); err == nil || !strings.HasPrefix(err.Error(), "roulette settings: min_bet") {
		t.Errorf("on the command line: %v", err)
	}
}
