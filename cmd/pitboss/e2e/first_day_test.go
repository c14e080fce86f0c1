package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestTheFirstDayOfTheDocsIsAsTheySay runs docs/examples/first-day.sh as a stranger would, with a key of no more scopes
// than it names.
func TestTheFirstDayOfTheDocsIsAsTheySay(t *testing.T) {
	t.Parallel()
	f := newCasino(t)
	f.startNode("--webhook-allow-address", "127.0.0.1/32")
	var made struct{ Key string }
	args := []string{"key", "api", "create", "--tenant", f.slug, "--name", "first day", "--reason", "a test", "--json"}
	for _, scope := range []string{"rooms:write", "money:write", "players:read", "webhooks:write"} {
		args = append(args, "--scope", scope)
	}
	if err := json.Unmarshal([]byte(f.mustCLI(args...)), &made); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node knows the key", func() bool { status, _, _ := f.do("GET", "/v1/session", made.Key, ""); return status == 200 })
	_, port, _ := strings.Cut(f.address, ":")
	day := exec.CommandContext(soon(t), "sh", "../../../docs/examples/first-day.sh", "http://"+f.host+":"+port, "http://"+freePort(t))
	day.Env = append(os.Environ(), "PITBOSS_KEY="+made.Key, "PITBOSS="+program)
	out, err := day.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		`"status":"open"`, `{"type":"player.credited",`, `"tenant":"casino-x","data":{`, `"amount":5000`, "room,game,round,state,", "id,at,kind,amount,",
		"credit,5000,EUR,5000",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %s: %s", want, out)
		}
	}
	_, _, hooks := f.do("GET", "/v1/webhooks", f.mint("olivia", "operator"), "")
	if strings.Contains(string(hooks), `"id"`) {
		t.Errorf("it leaves %s", hooks)
	}
}
