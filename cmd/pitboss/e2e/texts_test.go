package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

// odd are texts as JSON writes them.
var odd = []struct {
	literal string
	line    bool // a Line may hold it
	text    bool // a Text may
}{
	{`"می\u200cخواهم"`, true, true},
	{`"👨\u200d👩\u200d👧"`, true, true},
	{`"\u2067אבג\u2069"`, true, true},
	{`"O'Neill\"; drop table room; -- \\u0000 <b>%s{{.}}"`, true, true},
	{`"\ufffd\uffff"`, true, true},
	{`"a\nb"`, false, true},
	{`"a\u0000b"`, false, false},
	{`"a\u001b[2Jb"`, false, false},
	{`"a\u0085b"`, false, false},
	{`"a\r\nb"`, false, false},
	{`"a\u202eb"`, false, false},
	{`"a\u2028b"`, false, false},
	{`"\ud800"`, false, false},
	{"\"a\x00b\"", false, false},
	{"\"\xff\"", false, false},
	{"\"\xed\xa0\x80\"", false, false},
	{`null`, false, false},
	{`7`, false, false},
	{`"` + strings.Repeat("a", 20<<10) + `"`, false, false},
}

// spoken returns the text of a literal in the form that the tests compare.
func spoken(literal string) (s string) {
	_ = json.Unmarshal([]byte(literal), &s) // not all of them are JSON
	return s
}

// lobbyEpoch rises whenever the lobby is restarted.
func (f *casino) lobbyEpoch() int64 {
	f.t.Helper()
	info, err := f.store.Rooms.Get(soon(f.t), rooms.Ref{Tenant: f.tenant.ID, Room: rooms.LobbyID})
	if err != nil {
		f.t.Fatal(err)
	}
	return info.Epoch
}

func TestEveryTextOverHTTPIsRefusedOrKeptAsItWas(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	_ = f.token("alice")
	f.dial(soon(t), f.token("bystander"), nil) // the lobby runs
	epoch := f.lobbyEpoch()

	ends := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	publish := func() string {
		id := uuid.NewString()
		body := fmt.Sprintf(`{"title":"T","text":"x","ends_at":%q,"command_id":%q}`, ends, id)
		if status, code, raw := f.do("POST", "/v1/promotions", operator, body); status != 201 {
			t.Fatalf("%d %s %s", status, code, raw)
		}
		return id
	}
	// has reports whether a list that GET path answers with has an element whose member is want.
	has := func(path, list, member, want string) bool {
		_, _, raw := f.do("GET", path, operator, "")
		var all map[string]json.RawMessage
		var elements []map[string]any
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(all[list], &elements); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(elements, func(e map[string]any) bool { return e[member] == want })
	}
	var made struct{ ID string }
	status, _, raw := f.do("POST", "/v1/webhooks", operator, `{"url":"https://receiver.example/","reason":"r"}`)
	if err := json.Unmarshal(raw, &made); err != nil || status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	hook := "/v1/webhooks/" + made.ID
	audited := func(want string) bool { return has("/v1/audit", "entries", "reason", want) }
	n := 0
	fresh := func() string { n++; return fmt.Sprintf("table-%d", n) }
	for _, field := range []struct {
		name string
		text bool // of several lines
		path func() string
		body string // with one %s for the literal
		kept func(want string) bool
	}{
		{"room name", false, func() string { return "/v1/rooms" }, `{"room":"ROOM","game":"roulette","name":%s}`,
			func(want string) bool { return has("/v1/rooms", "rooms", "name", want) }},
		{"room id", false, func() string { return "/v1/rooms" }, `{"room":%s,"game":"roulette"}`, nil},
		{"room game", false, func() string { return "/v1/rooms" }, `{"room":"ROOM","game":%s}`, nil},
		{"room settings", false, func() string { return "/v1/rooms" }, `{"room":"ROOM","game":"roulette","settings":{"la_partage":%s}}`, nil},
		{"a setting's name", false, func() string { return "/v1/rooms" }, `{"room":"ROOM","game":"roulette","settings":{"max_by_kind":{%s:100}}}`, nil},
		{"close reason", false, func() string {
			room := fresh()
			if status, code, raw := f.do("POST", "/v1/rooms", operator, fmt.Sprintf(`{"room":%q,"game":"roulette","settings":%s}`, room, crashSettings)); status != 201 {
				t.Fatalf("%d %s %s", status, code, raw)
			}
			return "/v1/rooms/" + room + "/close"
		}, `{"reason":%s}`, audited},
		{"credit reason", false, func() string { return "/v1/players/alice/credit" }, `{"amount":100,"reason":%s,"command_id":"ID"}`, audited},
		{"credit command_id", false, func() string { return "/v1/players/alice/credit" }, `{"amount":100,"reason":"r","command_id":%s}`, nil},
		{"kick reason", false, func() string { return "/v1/players/nobody/kick" }, `{"reason":%s}`, audited},
		{"staff kick reason", false, func() string { return "/v1/staff/nobody/kick" }, `{"reason":%s}`, audited},
		{"webhook reason", false, func() string { return hook + "/rotate" }, `{"reason":%s}`, audited},
		{"webhook url", false, func() string { return "/v1/webhooks" }, `{"url":%s,"reason":"r"}`, nil},
		{"revoke reason", false, func() string { return "/v1/tokens/revoke" }, `{"jti":"j","reason":%s}`, audited},
		{"promotion title", false, func() string { return "/v1/promotions" }, `{"title":%s,"text":"x","ends_at":"ENDS","command_id":"ID"}`,
			func(want string) bool { return has("/v1/promotions", "promotions", "title", want) }},
		{"promotion text", true, func() string { return "/v1/promotions" }, `{"title":"T","text":%s,"ends_at":"ENDS","command_id":"ID"}`,
			func(want string) bool { return has("/v1/promotions", "promotions", "text", want) }},
		{"promotion end", false, func() string { return "/v1/promotions" }, `{"title":"T","text":"x","ends_at":%s,"command_id":"ID"}`, nil},
		{"withdraw reason", false, func() string { return "/v1/promotions/" + publish() + "/withdraw" }, `{"reason":%s,"command_id":"ID"}`, audited},
	} {
		for _, x := range odd {
			body := strings.NewReplacer("ROOM", fresh(), "ID", uuid.NewString(), "ENDS", ends).Replace(field.body)
			body = strings.Replace(body, "%s", x.literal, 1)
			status, code, raw := f.do("POST", field.path(), operator, body)
			ok := field.kept != nil && (x.line || field.text && x.text)
			switch {
			case ok && (status < 200 || status > 299):
				t.Errorf("%s %.40q: %d %s %s", field.name, x.literal, status, code, raw)
			case ok && !field.kept(spoken(x.literal)):
				t.Errorf("%s %.40q is not kept as it was", field.name, x.literal)
			case !ok && (status < 400 || status > 499 || code == wire.CodeInternal || code == wire.CodeUnavailable):
				t.Errorf("%s %.40q: %d %s %s", field.name, x.literal, status, code, raw)
			}
		}
	}
	for _, x := range odd {
		player, id := url.PathEscape(spoken(x.literal)), uuid.NewString()
		if x.literal[0] != '"' || player == "" {
			player = url.PathEscape(strings.Trim(x.literal, `"`))
		}
		for path, body := range map[string]string{
			"/v1/players/" + player + "/credit":      fmt.Sprintf(`{"amount":100,"reason":"r","command_id":%q}`, id),
			"/v1/players/" + player + "/kick":        `{"reason":"r"}`,
			"/v1/promotions/" + player + "/withdraw": fmt.Sprintf(`{"command_id":%q}`, uuid.NewString()),
			"/v1/rooms/" + player + "/close":         `{"reason":"r"}`,
		} {
			if status, code, raw := f.do("POST", path, operator, body); status > 499 || code == wire.CodeUnavailable {
				t.Errorf("%.80s: %d %s %s", path, status, code, raw)
			}
		}
		if status, code, raw := f.do("GET", "/v1/players?player.prefix="+player, operator, ""); status > 499 {
			t.Errorf("prefix %.40q: %d %s %s", x.literal, status, code, raw)
		}
		jti, err := json.Marshal(spoken(x.literal))
		if err != nil {
			t.Fatal(err)
		}
		if status, code, raw := f.do("POST", "/v1/tokens/revoke", operator, fmt.Sprintf(`{"jti":%s,"reason":"r"}`, jti)); status > 499 {
			t.Errorf("jti %.40q: %d %s %s", x.literal, status, code, raw)
		}
	}
	if now := f.lobbyEpoch(); now != epoch {
		t.Errorf("the lobby was restarted: epoch %d, then %d", epoch, now)
	}
	f.dial(soon(t), f.token("late"), nil)

	// What is kept as JSON, PostgreSQL can read.
	var kept []json.RawMessage
	lines, err := storetest.LastLines(soon(t), f.store, f.tenant.ID, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		kept = append(kept, l.After)
	}
	events, err := f.store.Journal.Since(soon(t), rooms.Ref{Tenant: f.tenant.ID, Room: rooms.LobbyID}, 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		kept = append(kept, e.Data)
	}
	for _, raw := range kept {
		var all map[string]any
		if err := strict.Decode(raw, &all); raw != nil && err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if len(lines) < 50 || len(events) < 30 {
		t.Errorf("only %d lines and %d events", len(lines), len(events))
	}
}

func TestEveryTextOverASocketIsRefusedOrToldAsItWas(t *testing.T) {
	f := newCasino(t)
	f.openRoom("table", `{"betting_ms": 600000}`)
	f.startNode()
	chat := &mailbox{method: wire.PushChatMessage}
	hears := f.dial(soon(t), f.token("hears"), chat.push)
	if err := hears.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "table"}, nil); err != nil {
		t.Fatal(err)
	}
	epoch := f.lobbyEpoch()
	for i, x := range odd {
		if len(x.literal) > 10<<10 {
			continue // longer than a frame may be
		}
		c, err := dial(soon(t), f.address, f.host, f.token(fmt.Sprintf("player-%d", i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(method, params string) string {
			frame := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":%s}`, method, params)
			if err := c.conn.Write(soon(t), websocket.MessageText, []byte(frame)); err != nil {
				t.Fatalf("%s: %v", params, err)
			}
			return answer(t, soon(t), c.conn)
		}
		if code := ask("room.join", `{"room":"table"}`); code != "" {
			t.Fatal(code)
		}
		command := func(body string) string {
			return fmt.Sprintf(`{"room":"table","command_id":%q,"command":%s}`, uuid.NewString(), body)
		}
		for _, params := range []struct{ method, params string }{
			{"room.join", `{"room":` + x.literal + `}`},
			{"room.leave", `{"room":` + x.literal + `}`},
			{"room.command", command(`{"type":` + x.literal + `}`)},
			{"room.command", command(`{"type":"bet","bets":[{"position":` + x.literal + `,"amount":100}]}`)},
			{"room.command", command(`{"type":"bet","bets":[{"position":"red","amount":100}],"note":` + x.literal + `}`)},
			{"room.command", `{"room":"table","command_id":` + x.literal + `,"command":{"type":"undo"}}`},
			{"session.renew", `{"token":` + x.literal + `}`},
			{x.literal, `{}`},
		} {
			if code := ask(params.method, params.params); code == "" || code == wire.CodeInternal || code == wire.CodeUnavailable {
				t.Errorf("%s %s: %q", params.method, params.params, code)
			}
		}
		code := ask("chat.send", `{"room":"table","text":`+x.literal+`}`)
		if (code == "") != x.line || code != "" && code != wire.CodeInvalidParams && code != wire.CodeParse {
			t.Errorf("chat %q: %q", x.literal, code)
		}
		if x.line {
			eventually(t, "it is told as it was", func() bool {
				chat.mu.Lock()
				defer chat.mu.Unlock()
				return slices.ContainsFunc(chat.got, func(raw json.RawMessage) bool {
					var m wire.ChatMessage
					return json.Unmarshal(raw[len(wire.PushChatMessage)+1:], &m) == nil && m.Text == spoken(x.literal)
				})
			})
		}
		if code := ask("room.command", command(`{"type":"bet","bets":[{"position":"red","amount":100}]}`)); code != "" {
			t.Errorf("after %q a bet is refused: %s", x.literal, code)
		}
		_ = c.conn.CloseNow()
	}
	if now := f.lobbyEpoch(); now != epoch {
		t.Errorf("the lobby was restarted: epoch %d, then %d", epoch, now)
	}
	info, err := f.store.Rooms.Get(soon(t), rooms.Ref{Tenant: f.tenant.ID, Room: "table"})
	if err != nil || info.Epoch != 1 {
		t.Errorf("the table was restarted: epoch %d, %v", info.Epoch, err)
	}
}

func TestTwoAmountsAreNoBet(t *testing.T) {
	f := newCasino(t)
	f.openRoom("table", `{"betting_ms": 600000}`)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	c, err := dial(soon(t), f.address, f.host, f.token("alice"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.conn.CloseNow() }()
	ask := func(frame string) string {
		if err := c.conn.Write(soon(t), websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		return answer(t, soon(t), c.conn)
	}
	if code := ask(`{"jsonrpc":"2.0","id":1,"method":"room.join","params":{"room":"table"}}`); code != "" {
		t.Fatal(code)
	}
	for stake, want := range map[string]string{
		`"amount":100,"Amount":50000`:      "invalid_command",
		`"AMOUNT":50000,"amount":100`:      "invalid_command",
		`"amount":100,"amount":50000`:      wire.CodeParse,
		`"amount":100,"\u0061mount":50000`: wire.CodeParse,
	} {
		frame := fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"room.command","params":{"room":"table","command_id":%q,"command":{"type":"bet","bets":[{"position":"red",%s}]}}}`, uuid.NewString(), stake)
		if code := ask(frame); code != want {
			t.Errorf("%s: %q, want %q", stake, code, want)
		}
	}
	for path, body := range map[string]string{
		"/v1/players/alice/credit": fmt.Sprintf(`{"amount":100,"Amount":50000,"reason":"r","command_id":%q}`, uuid.NewString()),
		"/v1/players/alice/kick":   `{"reason":"r","reason":"r"}`,
		"/v1/rooms":                `{"room":"other","game":"roulette","settings":{"min_bet":100,"Min_bet":1}}`,
		"/v1/promotions":           fmt.Sprintf(`{"title":"a","Title":"b","text":"x","ends_at":"2030-01-01T00:00:00Z","command_id":%q}`, uuid.NewString()),
	} {
		if status, code, raw := f.do("POST", path, operator, body); status != 400 || code != wire.CodeInvalidParams {
			t.Errorf("%s %s: %d %s", path, body, status, raw)
		}
	}
	if b, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, "alice"); err != nil || b != crashFunds {
		t.Errorf("alice has %d, %v", b, err)
	}
}

func TestTheCommandLineTakesOnlyTextsThatCanBeKept(t *testing.T) {
	f := newCasino(t)
	for _, text := range []string{"a\x1b[2Jb", "a\nb", "a\u202eb", strings.Repeat("a", 501)} {
		for _, args := range [][]string{
			{"tenant", "create", "--slug", "other", "--domain", "other.localhost", "--name", text},
			{"tenant", "suspend", f.slug, "--reason", text},
			{"tenant", "set", f.slug, "--name", text, "--reason", "r"},
			{"tenant", "set", f.slug, "--on-trial", "--reason", text},
			{"domain", "add", "--tenant", f.slug, "other.localhost", "--reason", text},
			{"tenant", "fund", "--tenant", f.slug, "--player", "alice", "--amount", "1", "--reason", text},
			{"tenant", "kick", "--tenant", f.slug, "--player", "alice", "--reason", text},
			{"tenant", "kick", "--tenant", f.slug, "--staff", "olivia", "--reason", text},
			{"key", "rotate", "--tenant", f.slug, "--reason", text},
			{"key", "add", "--tenant", f.slug, "--jwks", "https://casino.example/jwks", "--reason", text},
			{"key", "add", "--tenant", f.slug, "--jwks", "https://casino.example/jwks", "--reason", "r", "--kid", text},
			{"key", "retire", "--tenant", f.slug, text, "--reason", "r"},
			{"token", "revoke", "--tenant", f.slug, "--id", "j", "--reason", text},
			{"room", "open", "second", "--tenant", f.slug, "--name", text},
			{"room", "close", f.room, "--tenant", f.slug, "--reason", text},
		} {
			if out, err := f.cli(args...); err == nil {
				t.Errorf("pitboss %.60q: %s", args, out)
			} else if strings.Contains(err.Error(), "SQLSTATE") {
				t.Errorf("pitboss %.60q: %v", args, err)
			}
		}
	}
	f.mustCLI("tenant", "fund", "--tenant", f.slug, "--player", "alice", "--amount", "1", "--reason", "می\u200cخواهم")
}
