package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// house is what "pitboss dev" runs, as a stranger has it.
type house struct {
	t    *testing.T
	dir  string
	port string
}

// newHouse starts "pitboss dev".
func newHouse(t *testing.T) *house {
	t.Helper()
	address, dir, out := freePort(t), openDir(t), &said{}
	startProgram(t, nil, out, "dev", "--listen", address, "--admin-listen", freePort(t), "--dir", dir)
	eventuallyWithin(t, 2*time.Minute, "the links are printed", func() bool { return strings.Contains(out.String(), "#token=") })
	_, port, _ := strings.Cut(address, ":")
	eventually(t, "the platform's console is linked", func() bool {
		return strings.Contains(out.String(), "http://platform.localhost:"+port+"/platform#key=pitboss_")
	})
	return &house{t, dir, port}
}

// run runs a command in the house's folder, and returns what it printed.
func (h *house) run(args ...string) (string, error) {
	h.t.Helper()
	cmd := exec.CommandContext(soon(h.t), program, append([]string{"--dir", h.dir}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// must runs a command that has to succeed.
func (h *house) must(args ...string) string {
	h.t.Helper()
	out, err := h.run(args...)
	if err != nil {
		h.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// play plays a round with the client of the docs.
func (h *house) play(slug, token string) string {
	h.t.Helper()
	cmd := exec.CommandContext(soon(h.t), "node", "../../../docs/client.mjs", "--url", "http://"+slug+".localhost:"+h.port, "--room", "roulette-1", "--token", token)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestAThirdCasinoLivesAndEndsByThePlatformsAPIAsTheDocsSay runs docs/examples/third-casino.sh as a stranger would.
func TestAThirdCasinoLivesAndEndsByThePlatformsAPIAsTheDocsSay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(h.must("key", "api", "create", "--platform", "--name", "script", "--reason", "a test", "--json",
		"--scope", "tenants:read", "--scope", "tenants:write", "--scope", "tenants:end")), &made); err != nil {
		t.Fatal(err)
	}
	script := exec.CommandContext(soon(t), "sh", "../../../docs/examples/third-casino.sh", "http://127.0.0.1:"+h.port, "platform.localhost")
	script.Env = append(os.Environ(), "PITBOSS_KEY="+made.Key)
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{`"status":"active"`, "joined roulette-1", "staked 1.00 EUR", `"status":"suspended"`, `.sql.gz"`, `"status":"archived"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %s: %s", want, out)
		}
	}
}

func TestAThirdCasinoLivesAndEndsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.must("tenant", "create", "--slug", "third", "--name", "The Third House", "--domain", "third.localhost")
	h.must("room", "open", "--tenant", "third", "--game", "roulette", "roulette-1", "--name", "First table", "--settings", `{"betting_ms": 5000, "spin_ms": 1000}`)
	h.must("tenant", "fund", "--tenant", "third", "--player", "alice", "--amount", "50.00")
	token := strings.TrimSpace(h.must("token", "--tenant", "third", "--subject", "alice", "--role", "player"))
	if out := h.play("third", token); !strings.Contains(out, "staked 1.00 EUR") {
		t.Errorf("%s", out)
	}
	status := func(want string) {
		t.Helper()
		var now struct {
			Slug, Status string
			Schema       string `json:"schema_name"`
		}
		if err := json.Unmarshal([]byte(h.must("tenant", "show", "third", "--json")), &now); err != nil || now.Status != want {
			t.Errorf("it is %+v, want %s (%v)", now, want, err)
		}
	}
	h.must("tenant", "suspend", "third", "--reason", "an audit")
	status("suspended")
	h.must("tenant", "resume", "third")
	status("active")
	h.must("tenant", "maintenance", "third", "--for", "30m", "--reason", "new tables")
	status("maintenance")
	if out, err := h.run("tenant", "purge", "third", "--confirm", "third", "--reason", "x"); err == nil || !strings.Contains(out, "it is maintenance") {
		t.Errorf("purged: %v, %s", err, out)
	}
	if out := h.must("tenant", "archive", "third", "--reason", "the licence ended"); !strings.Contains(out, ".sql.gz, sha256 ") {
		t.Errorf("%s", out)
	}
	status("archived")
	for want, args := range map[string][]string{
		"type the slug again":      {"tenant", "purge", "third", "--reason", "x"},
		"not the tenant's":         {"tenant", "purge", "third", "--reason", "x", "--confirm", "fourth"},
		"cannot be purged yet":     {"tenant", "purge", "third", "--reason", "x", "--confirm", "third"},
		"what can be done is":      {"tenant", "suspend", "third", "--reason", "x"},
		"no such tenant":           {"tenant", "rename", "nobody", "somebody", "--reason", "x"},
		"has, or had, this slug":   {"tenant", "rename", "casino-x", "third", "--reason", "x"},
		"resume it first":          {"tenant", "rename", "third", "fourth", "--reason", "x"},
		"serve the platform's API": {"tenant", "create", "--slug", "fourth", "--name", "Fourth", "--domain", "platform.localhost"},
		"passed already":           {"tenant", "maintenance", "casino-x", "--until", "2020-01-01T00:00:00Z", "--reason", "x"},
	} {
		if out, err := h.run(args...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v: %s; want %q", strings.Join(args, " "), err, out, want)
		}
	}
	h.must("tenant", "resume", "third")
	status("active")
	if out := h.play("third", token); !strings.Contains(out, "staked 1.00 EUR") {
		t.Errorf("after it came back: %s", out)
	}
}
