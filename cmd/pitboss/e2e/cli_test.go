package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/hub/wire"
)

func TestACasinoIsSetUpFromTheCommandLineWhileTheNodeRuns(t *testing.T) {
	x := newCasino(t)
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
