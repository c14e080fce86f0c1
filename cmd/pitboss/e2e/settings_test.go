package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
)

// policy returns the Content-Security-Policy of a page.
func (f *casino) policy(path string) string {
	f.t.Helper()
	req, err := http.NewRequestWithContext(soon(f.t), http.MethodGet, "http://"+f.address+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Host = f.host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header.Get("Content-Security-Policy")
}

func TestSettingsSetOnTheCommandLineReachRunningNodes(t *testing.T) {
	f := newCasino(t)
	a, b, _ := f.pair()
	token, operator := f.mint("alice", auth.Player), f.mint("olivia", auth.Operator)
	said := func(x *casino) (s struct {
		Name     string `json:"tenant_name"`
		Currency string
		Exponent int
	}) {
		_, _, raw := x.do("GET", "/v1/session", token, "")
		_ = json.Unmarshal(raw, &s)
		return s
	}
	c := b.dial(soon(t), token, nil)
	var shown tenantInfo
	out := f.mustCLI("tenant", "set", f.slug, "--name", "Grand Casino", "--currency", "JPY", "--frame-ancestor", "https://portal.example", "--on-trial", "--paid-until", "2031-02-03", "--reason", "contract 17", "--json")
	if err := json.Unmarshal([]byte(out), &shown); err != nil || shown.Name != "Grand Casino" || shown.Exponent != 0 || shown.Status != "trial" || shown.PaidUntil.Year() != 2031 || len(shown.FrameAncestors) != 1 {
		t.Errorf("%s, %v", out, err)
	}
	if code := c.closedWith(t); code != websocket.StatusCode(wire.CloseOverloaded.Code) {
		t.Errorf("a socket that was told another currency is closed with %d", code)
	}
	for _, x := range []*casino{a, b} {
		eventually(t, "the node has the settings", func() bool { s := said(x); return s.Name == "Grand Casino" && s.Currency == "JPY" && s.Exponent == 0 })
		if policy := x.policy("/play"); !strings.Contains(policy, "https://portal.example") {
			t.Errorf("the page's policy is %q", policy)
		}
	}
	if _, _, raw := a.do("GET", "/v1/audit", operator, ""); !strings.Contains(string(raw), `"action":"tenant.set"`) || !strings.Contains(string(raw), `"reason":"contract 17"`) {
		t.Errorf("no audit line: %s", raw)
	}

	f.mustCLI("tenant", "set", f.slug, "--paid-until", "2020-01-01", "--reason", "not paid")
	for _, x := range []*casino{a, b} {
		eventually(t, "the casino is shut", func() bool { _, code, _ := x.do("GET", "/v1/session", token, ""); return code == "tenant_unpaid" })
	}
	if out := f.mustCLI("tenant", "set", f.slug, "--paid-until", "never", "--no-on-trial", "--no-frame-ancestors", "--reason", "paid"); !strings.Contains(out, "active") || !strings.Contains(out, "JPY, 0 digits") {
		t.Errorf("%s", out)
	}
	for _, x := range []*casino{a, b} {
		eventually(t, "the casino is open", func() bool { status, _, _ := x.do("GET", "/v1/session", token, ""); return status == 200 })
	}

	f.mustCLI("tenant", "fund", "--tenant", f.slug, "--player", "alice", "--amount", "1000")
	for args, want := range map[string]string{
		"--currency EUR":          "money was moved",
		"--currency yen":          "ISO 4217",
		"--paid-until soon":       "2026-12-31",
		"--paid-until 0001-01-01": "before 2000",
		"":                        "nothing to set",
		"--frame-ancestor https://x --no-frame-ancestors": "contradict",
		"--frame-ancestor x":                              "origin",
	} {
		all := append([]string{"tenant", "set", f.slug, "--reason", "r"}, strings.Fields(args)...)
		if out, err := f.cli(all...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", args, out, err)
		}
	}
}

func TestACasinoIsMadeAtAHostAndInACurrencyThatExist(t *testing.T) {
	f := newCasino(t)
	create := func(slug, domain, currency string) (string, error) {
		return f.cli("tenant", "create", "--slug", slug, "--name", slug, "--domain", domain, "--currency", currency, "--json")
	}
	for _, bad := range [][3]string{{"https://x", "EUR", "give the host alone, as x"}, {"x.localhost", "XBT", "ISO 4217"}, {f.host, "EUR", f.host + " is " + f.slug + "'s"}} {
		if out, err := create("casino-y", bad[0], bad[1]); err == nil || !strings.Contains(err.Error(), bad[2]) {
			t.Errorf("%v: %q, %v", bad, out, err)
		}
	}
	out, err := create("casino-y", "Y.localhost.", "JPY")
	var shown tenantInfo
	if err != nil || json.Unmarshal([]byte(out), &shown) != nil || shown.Exponent != 0 || shown.Domains[0] != "y.localhost" {
		t.Errorf("%s, %v", out, err)
	}
	if out := f.mustCLI("tenant", "fund", "--tenant", "casino-y", "--player", "alice", "--amount", "1000"); !strings.Contains(out, "1000 JPY") {
		t.Errorf("%s", out)
	}
}
