package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

// cli runs a command as a person would, on the floor's database.
func (f *floor) cli(args ...string) (string, error) {
	f.t.Helper()
	var out bytes.Buffer
	args = append(args, "--dir", f.t.TempDir(), "--database-url", f.appURL, "--admin-database-url", f.adminURL, "--master-key", f.masterKey)
	err := run(soon(f.t), args, streams{&out, io.Discard}, seams{})
	return strings.TrimSpace(out.String()), err
}

func (f *floor) mustCLI(args ...string) string {
	f.t.Helper()
	out, err := f.cli(args...)
	if err != nil {
		f.t.Fatalf("pitboss %s: %v", strings.Join(args, " "), err)
	}
	return out
}

func TestACasinoIsSetUpFromTheCommandLineWhileTheNodeRuns(t *testing.T) {
	x := newFloor(t)
	x.startNode()
	x.mustCLI("tenant", "create", "--slug", "new-house", "--name", "New House", "--domain", "new.localhost", "--domain", "www.new.localhost",
		"--on-trial", "--paid-until", "2030-01-01", "--frame-ancestor", "https://partner.example")
	var shown tenantInfo
	if err := json.Unmarshal([]byte(x.mustCLI("tenant", "show", "new-house", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Status != "trial" || shown.Domains[0] != "new.localhost" || len(shown.Domains) != 2 || !shown.OnTrial || shown.PaidUntil.Year() != 2030 {
		t.Errorf("%+v", shown)
	}
	x.mustCLI("room", "open", "first", "--tenant", "new-house", "--name", "First", "--settings", `{"min_bet": 500}`)
	x.mustCLI("tenant", "fund", "--tenant", "new-house", "--player", "zoe", "--amount", "12.50")
	token := x.mustCLI("token", "--tenant", "new-house", "--subject", "zoe")

	y := *x
	y.host = "new.localhost"
	eventually(t, "the running node serves the new casino and its table", func() bool {
		status, _, body := y.do("GET", "/v1/rooms", token, "")
		return status == 200 && strings.Contains(string(body), `"first"`)
	})
	events := &mailbox{method: wire.PushRoomEvent}
	c := y.dial(soon(t), token, events.push)
	var balance wire.Balance
	if err := c.call(soon(t), wire.MethodWalletBalance, struct{}{}, &balance); err != nil || balance.Balance != 1250 {
		t.Errorf("%+v, %v", balance, err)
	}
	if err := c.call(soon(t), wire.MethodRoomJoin, wire.RoomJoin{Room: "first"}, nil); err != nil {
		t.Fatal(err)
	}
	x.mustCLI("room", "close", "first", "--tenant", "new-house", "--reason", "test")
	eventually(t, "the running node closes it", func() bool { return events.has("room.closed") })
	if out := x.mustCLI("room", "list", "--tenant", "new-house"); !strings.Contains(out, "closed") {
		t.Error(out)
	}
	if out := x.mustCLI("tenant", "trial-balance", "new-house"); !strings.Contains(out, "sum") || !strings.HasSuffix(out, "0.00") {
		t.Error(out)
	}
	if out := x.mustCLI("tenant", "list"); !strings.Contains(out, "new-house") || !strings.Contains(out, "casino-x") {
		t.Error(out)
	}
}

func TestNonsenseOnTheCommandLineIsRefusedInASentence(t *testing.T) {
	f := newFloor(t)
	for _, c := range []struct {
		want string
		args []string
	}{
		{"a tenant of this slug exists", []string{"tenant", "create", "--slug", "casino-x", "--name", "a", "--domain", "a.localhost"}},
		{"belongs to a tenant already", []string{"tenant", "create", "--slug", "other", "--name", "a", "--domain", "casino-x.localhost"}},
		{"a slug is", []string{"tenant", "create", "--slug", "Casino X", "--name", "a", "--domain", "a.localhost"}},
		{"there is no tenant", []string{"tenant", "fund", "--tenant", "nobody", "--player", "a", "--amount", "1"}},
		{"not an amount", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a", "--amount", "1.005"}},
		{"a player's id", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a b", "--amount", "1"}},
		{"insufficient funds", []string{"tenant", "fund", "--tenant", "casino-x", "--player", "a", "--amount", "-1"}},
		{"a room's id", []string{"room", "open", "Table 1", "--tenant", "casino-x"}},
		{"no such game", []string{"room", "open", "a", "--tenant", "casino-x", "--game", "chess"}},
		{"min_bet", []string{"room", "open", "a", "--tenant", "casino-x", "--settings", `{"min_bet": -1}`}},
		{"a room of this id", []string{"room", "open", "roulette-1", "--tenant", "casino-x"}},
		{"no such room", []string{"room", "close", "nowhere", "--tenant", "casino-x", "--reason", "a"}},
		{"the lobby stays open", []string{"room", "close", "lobby", "--tenant", "casino-x", "--reason", "a"}},
		{"expired", []string{"token", "--tenant", "casino-x", "--subject", "a", "--ttl", "-1h"}},
	} {
		out, err := f.cli(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pitboss %s: %v, %q; want %q", strings.Join(c.args, " "), err, out, c.want)
		}
	}
}
