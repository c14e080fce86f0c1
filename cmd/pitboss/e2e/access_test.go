package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/rooms/placement"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// jti returns the id of a token without verifying it.
func jti(t *testing.T, token string) string {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.ID
}

func TestARevokedTokenAndAKickedPlayerAreGoneFromEveryNodeWithinASecondAndStayOut(t *testing.T) {
	f := newCasino(t)
	a, b, stop := f.pair()
	operator := f.mint("olivia", auth.Operator)
	stolen, alices, bobs := f.token("alice"), f.mint("alice", auth.Player), f.token("bob")
	refused := func(when string, x *casino, token string) {
		t.Helper()
		if status, code := x.upgrade(token); status != 401 || code != "token_revoked" {
			t.Errorf("%s: %d %s", when, status, code)
		}
	}

	c := b.dial(soon(t), stolen, nil)
	if status, _, raw := a.do("POST", "/v1/tokens/revoke", operator, fmt.Sprintf(`{"jti":%q,"reason":"stolen"}`, jti(t, stolen))); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	c.gone(t, time.Now(), wire.CloseRevoked)
	refused("revoked", b, stolen)
	other := b.dial(soon(t), alices, nil) // her other token is as good as before
	if err := other.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Error(err)
	}

	c = b.dial(soon(t), bobs, nil)
	if status, _, raw := a.do("POST", "/v1/players/bob/kick", operator, `{"reason":"cheats"}`); status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	c.gone(t, time.Now(), wire.CloseRevoked)
	refused("kicked", b, bobs)
	if err := other.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("who was not kicked: %v", err)
	}

	stop()
	a, b, _ = f.pair()
	for _, x := range []*casino{a, b} {
		refused("revoked, after a restart", x, stolen)
		refused("kicked, after a restart", x, bobs)
	}
	_, _, raw := a.do("GET", "/v1/audit", operator, "")
	for _, line := range []string{`"action":"token.revoke","target":"` + jti(t, stolen) + `","reason":"stolen"`, `"actor":"operator:olivia","action":"player.kick","target":"bob","reason":"cheats"`} {
		if strings.Count(string(raw), line) != 1 || !strings.Contains(string(raw), `"address":"127.0.0.1"`) {
			t.Errorf("%s is not in the audit log: %s", line, raw)
		}
	}
}

func TestWhateverTheRoleAKickOrARevocationClosesEverySocketAndRefusesEveryRequest(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	boss := f.mint("boss", auth.Operator)
	for _, role := range []auth.Role{auth.Operator, auth.Support, auth.Service, auth.Player} {
		for _, way := range []string{"kick", "revoke", "kick on the command line", "revoke on the command line"} {
			subject := string(role) + "-" + strings.Fields(way)[0] + fmt.Sprint(len(way))
			token := f.mint(subject, role)
			offer := a.ticket(token)
			sockets := []*rpc{b.dial(soon(t), token, nil)}
			if role != auth.Player { // who has one socket
				sockets = append(sockets, a.dial(soon(t), token, nil))
			}
			path, flag := "/v1/staff/", "--staff"
			if role == auth.Player {
				path, flag = "/v1/players/", "--player"
			}
			switch way {
			case "kick":
				if status, _, raw := a.do("POST", path+subject+"/kick", boss, `{"reason":"r"}`); status != 200 {
					t.Fatalf("%d %s", status, raw)
				}
			case "revoke":
				if status, _, raw := a.do("POST", "/v1/tokens/revoke", boss, fmt.Sprintf(`{"jti":%q,"reason":"r"}`, jti(t, token))); status != 200 {
					t.Fatalf("%d %s", status, raw)
				}
			case "kick on the command line":
				f.mustCLI("tenant", "kick", "--tenant", f.slug, flag, subject, "--reason", "r")
			default:
				f.mustCLI("token", "revoke", "--tenant", f.slug, "--id", jti(t, token), "--reason", "r")
			}
			began := time.Now()
			for _, c := range sockets {
				c.gone(t, began, wire.CloseRevoked)
			}
			for _, x := range []*casino{a, b} {
				eventually(t, "the node refuses the token", func() bool { _, code, _ := x.do("GET", "/v1/session", token, ""); return code == "token_revoked" })
				if status, code := x.upgrade("", offer...); status != 401 || code != "token_revoked" {
					t.Errorf("%s %s: its ticket: %d %s", role, way, status, code)
				}
			}
		}
	}
	// Nobody else was meant.
	if status, code, _ := b.do("GET", "/v1/session", boss, ""); status != 200 {
		t.Errorf("%d %s", status, code)
	}
	claims := jwt.MapClaims{"iss": "t", "sub": "boss", "aud": auth.Audience(tenant.Slug(f.slug)), "tid": f.slug, "role": "operator", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	if status, code, _ := b.do("GET", "/v1/session", forge(t, jwt.SigningMethodHS256, f.key().Secret, f.key().ID, claims), ""); status != 401 || code != "token_jti" {
		t.Errorf("an operator's token without a jti: %d %s", status, code)
	}
	for _, args := range [][]string{{}, {"--player", "a", "--staff", "b"}} {
		if _, err := f.cli(append([]string{"tenant", "kick", "--tenant", f.slug, "--reason", "r"}, args...)...); err == nil {
			t.Errorf("kick %v", args)
		}
	}
}

func TestARenewedSocketGoesWithItsNewTokenOnly(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator, first, second := f.mint("olivia", auth.Operator), f.token("alice"), f.mint("alice", auth.Player)
	c := f.dial(soon(t), first, nil)
	if err := c.call(soon(t), wire.MethodSessionRenew, wire.SessionRenew{Token: second}, nil); err != nil {
		t.Fatal(err)
	}
	revoke := func(token string) {
		t.Helper()
		if status, _, raw := f.do("POST", "/v1/tokens/revoke", operator, fmt.Sprintf(`{"jti":%q,"reason":"x"}`, jti(t, token))); status != 200 {
			t.Fatalf("%d %s", status, raw)
		}
	}
	revoke(first)
	if err := c.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("the token that it had before: %v", err)
	}
	if err := c.call(soon(t), wire.MethodSessionRenew, wire.SessionRenew{Token: first}, nil); err == nil || !strings.Contains(err.Error(), "token_revoked") {
		t.Errorf("back to the revoked one: %v", err)
	}
	revoke(second)
	c.gone(t, time.Now(), wire.CloseRevoked)
}

func TestOnlyWritersRevokeAndOnlyWithAReason(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	operator := f.mint("olivia", auth.Operator)
	for _, path := range []string{"/v1/tokens/revoke", "/v1/players/alice/kick", "/v1/staff/olivia/kick"} {
		for _, token := range []string{f.token("mallory"), f.mint("sam", auth.Support)} {
			if status, code, _ := f.do("POST", path, token, `{"jti":"x","reason":"x"}`); status != 403 {
				t.Errorf("%s: %d %s", path, status, code)
			}
		}
	}
	for _, bad := range [][2]string{
		{"/v1/tokens/revoke", `{"jti":"x"}`}, {"/v1/tokens/revoke", `{"jti":"","reason":"x"}`}, {"/v1/tokens/revoke", `{"jti":"a\u0000","reason":"x"}`},
		{"/v1/tokens/revoke", `{"token":"x","reason":"x"}`}, {"/v1/players/alice/kick", `{"reason":" "}`}, {"/v1/players/a%20b/kick", `{"reason":"x"}`},
		{"/v1/staff/olivia/kick", `{}`}, {"/v1/staff/a%20b/kick", `{"reason":"x"}`},
	} {
		if status, code, _ := f.do("POST", bad[0], operator, bad[1]); status != 400 || code != wire.CodeInvalidParams {
			t.Errorf("%s %s: %d %s", bad[0], bad[1], status, code)
		}
	}
}

func TestTokensAreRevokedAndPlayersKickedFromTheCommandLine(t *testing.T) {
	f := newCasino(t)
	f.startNode()
	alice, bob := f.mustCLI("token", "--tenant", f.slug, "--subject", "alice"), f.mustCLI("token", "mint", "--tenant", f.slug, "--subject", "bob")
	a, b := f.dial(soon(t), alice, nil), f.dial(soon(t), bob, nil)
	f.mustCLI("token", "revoke", "--tenant", f.slug, "--id", jti(t, alice), "--reason", "stolen")
	a.gone(t, time.Now(), wire.CloseRevoked)
	f.mustCLI("tenant", "kick", "--tenant", f.slug, "--player", "bob", "--reason", "cheats")
	b.gone(t, time.Now(), wire.CloseRevoked)
	if _, err := f.cli("tenant", "kick", "--tenant", f.slug, "--player", "bob"); err == nil {
		t.Error("without a reason")
	}
	if _, err := f.cli("token", "--tenant", f.slug, "--subject", "alice", "--ttl", "721h"); err == nil || !strings.Contains(err.Error(), "30 days") {
		t.Errorf("for too long: %v", err)
	}
}

func TestSuspensionClosesTheSocketsOfEveryNodeWithinASecond(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	ca, cb := a.dial(soon(t), f.token("alice"), nil), b.dial(soon(t), f.token("bob"), func(string, json.RawMessage) {})
	admin := f.openAdmin()
	if err := admin.Suspend(soon(t), tenant.Slug(f.slug), "test"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	ca.gone(t, began, wire.CloseSuspended)
	cb.gone(t, began, wire.CloseSuspended)
}

// ticket gets a ticket, and the header that offers it.
func (f *casino) ticket(token string) []string {
	f.t.Helper()
	status, _, body := f.do("POST", "/v1/tickets", token, "")
	var ticket struct{ Ticket string }
	if err := json.Unmarshal(body, &ticket); err != nil || status != 201 {
		f.t.Fatalf("%d %s", status, body)
	}
	return []string{"Sec-WebSocket-Protocol", wire.Subprotocol + ", " + wire.TicketPrefix + ticket.Ticket}
}

func TestATicketOpensOneSocketOnWhateverNode(t *testing.T) {
	f := newCasino(t)
	y := f.addTenant("lucky-star")
	a, b, _ := f.pair()
	token := f.token("alice")
	offer := a.ticket(token)
	elsewhere := *b
	elsewhere.host = y.host
	if status, code := elsewhere.upgrade("", offer...); status != 401 || code != "ticket_invalid" {
		t.Fatalf("at another casino: %d %s", status, code)
	}
	if status, code := b.upgrade("", offer...); status != 101 {
		t.Fatalf("first: %d %s", status, code)
	}
	for _, x := range []*casino{a, b} {
		if status, code := x.upgrade("", offer...); status != 401 || code != "ticket_invalid" {
			t.Fatalf("again: %d %s", status, code)
		}
	}
	offer = a.ticket(token)
	f.mustCLI("token", "revoke", "--tenant", f.slug, "--id", jti(t, token), "--reason", "stolen")
	eventually(t, "the ticket of a revoked token is refused", func() bool {
		status, _, _ := b.do("GET", "/v1/session", token, "")
		return status == 401
	})
	if status, code := b.upgrade("", offer...); status != 401 || code != "token_revoked" {
		t.Fatalf("of a revoked token: %d %s", status, code)
	}
}

func TestAPlayerHasOneSeatOverAllNodes(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	token := f.token("alice")
	casinos := []*casino{a, b}
	wallet := &mailbox{method: wire.PushWalletBalance}
	last := a.dial(soon(t), token, wallet.push)
	for i := range 4 {
		eventually(t, "the socket has its seat", func() bool { return wallet.has(fmt.Sprint(crashFunds)) })
		began := time.Now()
		wallet = &mailbox{method: wire.PushWalletBalance}
		next := casinos[(i+1)%2].dial(soon(t), token, wallet.push)
		last.gone(t, began, wire.CloseSuperseded)
		last = next
	}
	if err := last.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Error(err)
	}
	// Many at once, on both: one of them is left.
	var all []*rpc
	for i := range 12 {
		all = append(all, casinos[i%2].dial(soon(t), token, nil))
	}
	left := func() (n int) {
		for _, c := range all {
			c.mu.Lock()
			if c.ended == nil {
				n++
			}
			c.mu.Unlock()
		}
		return n
	}
	eventually(t, "one is left", func() bool { return left() <= 1 })
	for _, c := range all {
		if err := c.call(soon(t), wire.MethodPing, struct{}{}, nil); err == nil {
			return
		}
	}
	t.Error("none is left")
}

func TestConnectionsAndWhoIsOnlineAreThoseOfAllNodes(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	operator := f.mint("olivia", auth.Operator)
	a.dial(soon(t), f.token("alice"), nil)
	b.dial(soon(t), f.token("bob"), nil)
	f.token("carol") // has money, and is not here
	for _, x := range []*casino{a, b} {
		_, _, raw := x.do("GET", "/v1/connections", operator, "")
		var all struct {
			Connections []struct{ Player, Node string }
			Total       int
			Complete    bool
		}
		if err := json.Unmarshal(raw, &all); err != nil || !all.Complete || all.Total != 2 || len(all.Connections) != 2 ||
			all.Connections[0].Player != "alice" || all.Connections[0].Node != "node-0" || all.Connections[1].Player != "bob" || all.Connections[1].Node != "node-1" {
			t.Errorf("%v: %s", err, raw)
		}
		for _, list := range []struct{ query, want string }{{"", "alice bob"}, {"&sort=-since", "bob alice"}, {"&sort=node", "alice bob"}, {"&player=bob", "bob"}, {"&role=operator", ""}} {
			var got []string
			for cursor, first := "", true; first || cursor != ""; first = false {
				all.Connections = nil
				var page struct{ Next string }
				_, _, raw := x.do("GET", "/v1/connections?limit=1&cursor="+cursor+list.query, operator, "")
				if err := errors.Join(json.Unmarshal(raw, &all), json.Unmarshal(raw, &page)); err != nil || all.Total != 2 || len(all.Connections) > 1 {
					t.Fatalf("%v: %s", err, raw)
				}
				for _, c := range all.Connections {
					got = append(got, c.Player)
				}
				cursor = page.Next
			}
			if strings.Join(got, " ") != list.want {
				t.Errorf("the pages of %q have %v", list.query, got)
			}
		}
		_, _, raw = x.do("GET", "/v1/players", operator, "")
		var players struct {
			Players []struct {
				Player string
				Online bool
			}
			Complete bool
		}
		if err := json.Unmarshal(raw, &players); err != nil || !players.Complete || len(players.Players) != 3 ||
			!players.Players[0].Online || !players.Players[1].Online || players.Players[2].Online {
			t.Errorf("%v: %s", err, raw)
		}
	}
	eventually(t, "both nodes are listed, with all rooms between them", func() bool {
		var said struct {
			Nodes []struct {
				Node  string
				Rooms int
			}
			Lost int `json:"rooms_without_node"`
		}
		err := json.Unmarshal([]byte(f.mustCLI("node", "list", "--json")), &said)
		return err == nil && len(said.Nodes) == 2 && said.Nodes[0].Node == "node-0" && said.Nodes[0].Rooms+said.Nodes[1].Rooms == 2 && said.Lost == 0
	})
	if out := f.mustCLI("room", "list", "--tenant", f.slug); !strings.Contains(out, f.assignment().Node) {
		t.Errorf("no owner in:\n%s", out)
	}
	// A node that is said to live and does not answer.
	mute := placement.Lease{Node: "mute", Incarnation: uuid.NewString(), Draining: true, Starting: true}
	if _, _, err := f.store.Leases.Renew(soon(t), mute, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the answer says that a node is missing", func() bool {
		began := time.Now()
		_, _, raw := a.do("GET", "/v1/connections", operator, "")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("the answer took %v", took)
		}
		return strings.Contains(string(raw), `"complete":false`) && strings.Contains(string(raw), `"bob"`)
	})
	if status, code, raw := a.do("GET", "/v1/connections", operator, "", "Accept", "text/csv"); status != http.StatusServiceUnavailable || code != wire.CodeUnavailable {
		t.Errorf("all connections, of which some are not known: %d %s", status, raw)
	}
	if _, _, raw := b.do("GET", "/v1/players", operator, ""); !strings.Contains(string(raw), `"complete":false`) {
		t.Errorf("%s", raw)
	}
}

func TestEverySocketIsToldOfATableThatOpensAndCloses(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	operator := f.mint("olivia", auth.Operator)
	var told []*mailbox
	for i, at := range []*casino{a, b} {
		m := &mailbox{method: wire.PushLobbyRooms}
		c := at.dial(soon(t), f.token(fmt.Sprint("player-", i)), m.push)
		if err := c.call(soon(t), wire.MethodRoomList, wire.Empty{}, nil); err != nil {
			t.Fatal(err)
		}
		told = append(told, m)
	}
	if status, _, raw := a.do("POST", "/v1/rooms", operator, `{"room":"evening","game":"roulette","name":"Evening table","settings":`+crashSettings+`}`); status != 201 {
		t.Fatalf("%d %s", status, raw)
	}
	for i, m := range told {
		eventually(t, fmt.Sprintf("player %d hears of it", i), func() bool { return m.has(`"room":"evening","game":"roulette","name":"Evening table","status":"open"`) })
	}
	if status, _, raw := b.do("POST", "/v1/rooms/evening/close", operator, `{"reason":"end of shift"}`); status != 202 {
		t.Fatalf("%d %s", status, raw)
	}
	for i, m := range told {
		eventually(t, fmt.Sprintf("player %d hears that it closed", i), func() bool { return m.has(`"status":"closed"`) })
	}
}

// presenceOf adds up what a socket is told of who is here.
type presenceOf struct {
	mu     sync.Mutex
	online int
	rooms  map[string]int
}

func (p *presenceOf) push(method string, params json.RawMessage) {
	var news wire.LobbyPresence
	if method != wire.PushLobbyPresence || json.Unmarshal(params, &news) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if news.Full {
		p.rooms = map[string]int{}
	}
	p.online = news.Online
	for room, n := range news.Rooms {
		p.rooms[room] = n
	}
}

func (p *presenceOf) is(online int, room string, players int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.online == online && p.rooms[room] == players
}

func TestPresenceIsThatOfAllNodesAndADeadNodesPlayersLeaveWithIt(t *testing.T) {
	p := newNodeCluster(t, clusterSize{nodes: 2, tenants: 1, tables: 1, pace: calm, again: time.Minute})
	f := p.first()
	var all []*presenceOf
	for i, n := range p.nodes {
		seen := &presenceOf{rooms: map[string]int{}}
		direct := *f
		direct.address = n.address
		c := direct.dial(soon(t), f.token(fmt.Sprint("player-", i)), seen.push)
		if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: f.room}, nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, seen)
	}
	for i, seen := range all {
		eventually(t, fmt.Sprintf("player %d sees both", i), func() bool { return seen.is(2, f.room, 2) })
	}
	for _, n := range p.nodes {
		direct := *f
		direct.address = n.address
		if _, _, raw := direct.do("GET", "/v1/rooms", f.mint("olivia", auth.Operator), ""); !strings.Contains(string(raw), `"players":2`) {
			t.Errorf("%s lists %s", n.name, raw)
		}
	}
	began := time.Now()
	p.nodes[0].signal(syscall.SIGKILL) // its players cannot even say goodbye
	eventually(t, "the dead node's player is gone", func() bool { return all[1].is(1, f.room, 1) })
	if took := time.Since(began); took > placement.LeaseTTL+3*time.Second {
		t.Errorf("after %v", took)
	}
}
