package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

// mailbox keeps the pushes of one method.
type mailbox struct {
	method string
	mu     sync.Mutex
	got    []json.RawMessage
}

func (m *mailbox) push(method string, params json.RawMessage) {
	if strings.HasPrefix(method, m.method) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got = append(m.got, append(json.RawMessage(method+" "), params...))
	}
}

func (m *mailbox) has(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.got {
		if strings.Contains(string(g), text) {
			return true
		}
	}
	return false
}

func (m *mailbox) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

func TestPromotionReachesEveryPlayerOfItsTenantAndNobodyElse(t *testing.T) {
	x := newCasino(t)
	y := x.addTenant("lucky-star")
	x.startNode()
	alice, bob, carol := &mailbox{method: "promotion."}, &mailbox{method: "promotion."}, &mailbox{method: "promotion."}
	x.dial(soon(t), x.token("alice"), alice.push)
	x.dial(soon(t), x.token("bob"), bob.push)
	c := y.dial(soon(t), y.token("carol"), carol.push)
	operator := x.mint("olivia", auth.Operator)

	id := uuid.NewString()
	body := fmt.Sprintf(`{"title":"Happy hour","text":"Twice the fun","ends_at":%q,"command_id":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), id)
	began := time.Now()
	for range 2 { // sent twice: published once
		if status, code, raw := x.do("POST", "/v1/promotions", operator, body); status != 201 {
			t.Fatalf("%d %s %s", status, code, raw)
		}
	}
	eventually(t, "alice and bob are told", func() bool { return alice.has("Happy hour") && bob.has("Happy hour") })
	if took := time.Since(began); took > time.Second {
		t.Errorf("after %v", took)
	}
	late := &mailbox{method: "promotion."}
	x.dial(soon(t), x.token("late"), late.push)
	eventually(t, "who comes later is told", func() bool { return late.has(`"seq":0`) && late.has("Happy hour") })

	if status, code, raw := x.do("POST", "/v1/promotions/"+id+"/withdraw", operator, fmt.Sprintf(`{"command_id":%q}`, uuid.NewString())); status != 200 {
		t.Fatalf("%d %s %s", status, code, raw)
	}
	eventually(t, "it is taken back", func() bool { return alice.has(wire.PushPromotionWithdrawn) && late.has(wire.PushPromotionWithdrawn) })
	after := &mailbox{method: "promotion."}
	afterConn := x.dial(soon(t), x.token("after"), after.push)
	for _, conn := range []*rpc{afterConn, c} { // a reply after the socket's first pushes
		if err := conn.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if after.count() != 0 || carol.count() != 0 {
		t.Errorf("told: after %v, carol %v", after.got, carol.got)
	}
	if n := alice.count(); n != 2 {
		t.Errorf("alice got %d pushes: %s", n, alice.got)
	}

	_, _, raw := x.do("GET", "/v1/audit", operator, "")
	for _, action := range []string{"promotion.publish", "promotion.withdraw"} {
		if n := strings.Count(string(raw), `"action":"`+action+`"`); n != 1 {
			t.Errorf("%s is %d times in the audit log: %s", action, n, raw)
		}
	}
}

func TestOperatorsAPIRefusesWhoIsNotOne(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	player, support := f.token("alice"), f.mint("sam", auth.Support)
	for _, x := range []struct {
		method, path, token, body string
		status                    int
	}{
		{"GET", "/v1/players", player, "", 403},
		{"GET", "/v1/audit", player, "", 403},
		{"POST", "/v1/players/alice/credit", player, `{"amount":1}`, 403},
		{"POST", "/v1/players/alice/credit", support, `{"amount":1}`, 403},
		{"POST", "/v1/rooms", support, `{}`, 403},
		{"GET", "/v1/players", support, "", 200},
		{"GET", "/v1/players", "", "", 401},
		{"GET", "/v1/nothing", player, "", 404},
	} {
		if status, code, raw := f.do(x.method, x.path, x.token, x.body); status != x.status {
			t.Errorf("%s %s: %d %s %s, want %d", x.method, x.path, status, code, raw, x.status)
		}
	}
}

func TestCreditIsAuditedPushedAndNeverDoubled(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	wallet := &mailbox{method: wire.PushWalletBalance}
	f.dial(soon(t), f.token("alice"), wallet.push)
	credit := fmt.Sprintf(`{"amount":2500,"reason":"goodwill","command_id":%q}`, uuid.NewString())
	for range 3 {
		status, code, raw := f.do("POST", "/v1/players/alice/credit", operator, credit)
		if want := fmt.Sprintf(`"balance":%d`, crashFunds+2500); status != 200 || !strings.Contains(string(raw), want) {
			t.Fatalf("%d %s %s", status, code, raw)
		}
	}
	eventually(t, "alice sees it", func() bool { return wallet.has(fmt.Sprint(crashFunds + 2500)) })
	take := fmt.Sprintf(`{"amount":%d,"reason":"too much","command_id":%q}`, -10*crashFunds, uuid.NewString())
	if status, code, _ := f.do("POST", "/v1/players/alice/credit", operator, take); status != 409 || code != "insufficient_funds" {
		t.Errorf("taking more than there is: %d %s", status, code)
	}
	for _, bad := range []string{`{"amount":1.5,"reason":"a","command_id":"x"}`, `{"amount":5,"reason":"","command_id":"x"}`, `{"amount":0,"reason":"a"}`, `{"amount":5,"reason":"a","command_id":"x"}`, `{"sum":5}`, `[`} {
		if status, code, _ := f.do("POST", "/v1/players/alice/credit", operator, bad); status != 400 || code != "invalid_params" {
			t.Errorf("%s: %d %s", bad, status, code)
		}
	}
	if _, _, raw := f.do("GET", "/v1/audit", operator, ""); strings.Count(string(raw), "goodwill") != 1 {
		t.Errorf("audit: %s", raw)
	}
	if _, _, raw := f.do("GET", "/v1/ledger/trial-balance", operator, ""); !strings.Contains(string(raw), `"ok":true`) {
		t.Errorf("trial balance: %s", raw)
	}
}

func TestOperatorOpensAndClosesATable(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	table := `{"room":"roulette-9","game":"roulette","name":"Nine","settings":` + crashSettings + `}`
	if status, code, raw := f.do("POST", "/v1/rooms", operator, table); status != 201 {
		t.Fatalf("%d %s %s", status, code, raw)
	}
	if status, code, _ := f.do("POST", "/v1/rooms", operator, table); status != 409 || code != "room_exists" {
		t.Errorf("twice: %d %s", status, code)
	}
	for _, bad := range []string{
		`{"room":"UPPER","game":"roulette","name":"a","settings":{}}`, `{"room":"a","game":"chess","name":"a","settings":{}}`,
		`{"room":"a","game":"roulette","name":"a","settings":{"min_bet":-1}}`, `{"room":"a","game":"roulette","name":"a","settings":{"colour":"red"}}`,
		`{"room":"a","game":"lobby","name":"a","settings":{}}`,
	} {
		if status, code, raw := f.do("POST", "/v1/rooms", operator, bad); status != 400 {
			t.Errorf("%s: %d %s %s", bad, status, code, raw)
		}
	}
	events := &mailbox{method: wire.PushRoomEvent}
	c := f.dial(soon(t), f.token("alice"), events.push)
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "roulette-9"}, nil); err != nil {
		t.Fatal(err)
	}
	if status, code, raw := f.do("POST", "/v1/rooms/roulette-9/close", operator, `{"reason":"end of shift"}`); status != 202 {
		t.Fatalf("%d %s %s", status, code, raw)
	}
	eventually(t, "the table closes", func() bool { return events.has("room.closed") })
	_, _, raw := f.do("GET", "/v1/audit", operator, "")
	for _, action := range []string{"room.open", "room.close"} {
		if !strings.Contains(string(raw), action) {
			t.Errorf("%s is not in the audit log: %s", action, raw)
		}
	}
}

func TestCreditReachesThePlayerWhoseIDWasEscaped(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	for escaped, player := range map[string]game.PlayerID{"bob%40example.com": "bob@example.com", "a%2Fb": "a/b", "a%25b": "a%b", "a%25b@c": "a%b@c", "plain": "plain"} {
		status, code, raw := f.do("POST", "/v1/players/"+escaped+"/credit", operator, fmt.Sprintf(`{"amount":100,"reason":"test","command_id":%q}`, uuid.NewString()))
		if status != 200 {
			t.Fatalf("%s: %d %s %s", escaped, status, code, raw)
		}
		if b, _, err := f.store.Ledger.Balance(soon(t), f.tenant.ID, player); err != nil || b != 100 {
			t.Errorf("%s has %d, %v", player, b, err)
		}
	}
}

func TestAReusedCommandIDDoesNotPassForAnotherPromotion(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator, id := f.mint("olivia", auth.Operator), uuid.NewString()
	ends := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	publish := func(title string) (int, string) {
		status, code, _ := f.do("POST", "/v1/promotions", operator, fmt.Sprintf(`{"title":%q,"text":"x","ends_at":%q,"command_id":%q}`, title, ends, id))
		return status, code
	}
	if status, code := publish("10 % bonus"); status != 201 {
		t.Fatalf("%d %s", status, code)
	}
	if status, code := publish("1000 % bonus"); status != 409 || code != "command_id_reused" {
		t.Errorf("another text: %d %s", status, code)
	}
	if status, code, _ := f.do("POST", "/v1/promotions/"+id+"/withdraw", operator, fmt.Sprintf(`{"command_id":%q}`, id)); status != 409 || code != "command_id_reused" {
		t.Errorf("withdrawn under the id of the publication: %d %s", status, code)
	}
	if status, code, _ := f.do("POST", "/v1/promotions/"+id+"/withdraw", operator, fmt.Sprintf(`{"reason":"a mistake","command_id":%q}`, uuid.NewString())); status != 200 {
		t.Errorf("%d %s", status, code)
	}
	_, _, raw := f.do("GET", "/v1/audit", operator, "")
	if !strings.Contains(string(raw), `"actor":"operator:olivia","action":"promotion.withdraw","target":"`+id+`","reason":"a mistake"`) {
		t.Errorf("audit: %s", raw)
	}
}

func TestWhatCanNotBeStoredIsRefused(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	for _, x := range []struct{ path, body string }{
		{"/v1/players/alice/credit", fmt.Sprintf(`{"amount":100,"reason":"a\u0000b","command_id":%q}`, uuid.NewString())},
		{"/v1/players/alice/credit", fmt.Sprintf(`{"amount":9000000000000000,"reason":"a","command_id":%q}`, uuid.NewString())},
		{"/v1/players/a%00b/credit", fmt.Sprintf(`{"amount":100,"reason":"a","command_id":%q}`, uuid.NewString())},
		{"/v1/rooms", `{"room":"ghost","game":"roulette","name":"a\u0000b"}`},
		{"/v1/rooms", `{"room":"ghost","game":"roulette"} {}`},
	} {
		if status, code, raw := f.do("POST", x.path, operator, x.body); status != 400 || code != "invalid_params" {
			t.Errorf("%s %s: %d %s", x.path, x.body, status, raw)
		}
	}
	if status, _, _ := f.do("GET", "/v1/players?player=%00", operator, ""); status != 400 {
		t.Errorf("player: %d", status)
	}
}
