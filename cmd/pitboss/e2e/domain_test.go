package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestDomainsComeAndGoFromTheCommandLineAndReachRunningNodes(t *testing.T) {
	f := newCasino(t)
	y := f.addTenant("lucky-star")
	a, b, _ := f.pair()
	token, operator := f.mint("alice", auth.Player), f.mint("olivia", auth.Operator)
	at := func(x *casino, host string) *casino {
		other := *x
		other.host = host
		return &other
	}
	names := func(out string) (list []string) {
		t.Helper()
		var all []struct {
			Domain  string
			Primary bool
		}
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for i, d := range all {
			if d.Primary != (i == 0) {
				t.Errorf("the primary one is not the first: %s", out)
			}
			list = append(list, d.Domain)
		}
		return list
	}
	domain := func(command, name string) []string {
		t.Helper()
		return names(f.mustCLI("domain", command, "--tenant", f.slug, name, "--reason", "moved", "--json"))
	}
	served := func(host string, want int) {
		t.Helper()
		began := time.Now()
		for _, x := range []*casino{a, b} {
			eventually(t, "every node knows the domain", func() bool {
				status, _, _ := at(x, host).do("GET", "/v1/session", token, "")
				return status == want
			})
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s took %v", host, took)
		}
	}

	if got := domain("add", "Play.Casino.example."); !slices.Equal(got, []string{f.host, "play.casino.example"}) {
		t.Errorf("%v", got)
	}
	served("play.casino.example", 200)
	if got := domain("primary", "play.casino.example"); !slices.Equal(got, []string{"play.casino.example", f.host}) {
		t.Errorf("%v", got)
	}

	came, page := at(b, "play.casino.example").dial(soon(t), f.mint("bob", auth.Player), nil), at(b, f.host)
	stays := page.dial(soon(t), token, nil)
	domain("primary", f.host)
	domain("remove", "play.casino.example")
	came.gone(t, time.Now(), wire.CloseOverloaded)
	served("play.casino.example", 404)
	if err := stays.call(soon(t), wire.MethodPing, struct{}{}, nil); err != nil {
		t.Errorf("who came by the other domain: %v", err)
	}
	// The same by a wildcard.
	domain("add", "*.wild.example")
	served("play.wild.example", 200)
	served("a.play.wild.example", 404)
	wild := at(a, "play.wild.example").dial(soon(t), f.mint("carol", auth.Player), nil)
	domain("remove", "*.wild.example")
	wild.gone(t, time.Now(), wire.CloseOverloaded)
	served("play.wild.example", 404)

	if got := names(f.mustCLI("domain", "list", "--tenant", f.slug, "--json")); !slices.Equal(got, []string{f.host}) {
		t.Errorf("%v", got)
	}
	if out := f.mustCLI("domain", "list", "--tenant", f.slug); !strings.Contains(out, f.host+"  yes") {
		t.Errorf("%s", out)
	}

	for args, want := range map[string]string{
		"add " + y.host:       y.host + " is lucky-star's",
		"add " + f.host:       f.host + " is " + f.slug + "'s",
		"add https://x":       "give the host alone",
		"add *.co.uk":         "not one owner's",
		"remove " + y.host:    y.host + " is lucky-star's",
		"remove nowhere.test": "it has " + f.host,
		"remove " + f.host:    "primary",
		"primary " + y.host:   y.host + " is lucky-star's",
	} {
		words := strings.Fields(args)
		if out, err := f.cli("domain", words[0], "--tenant", f.slug, words[1], "--reason", "r"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("domain %s: %q, %v", args, out, err)
		}
	}
	if _, err := f.cli("domain", "add", "--tenant", "nobody", "x.localhost", "--reason", "r"); err == nil || !strings.Contains(err.Error(), "no such tenant") {
		t.Errorf("of nobody: %v", err)
	}
	_, _, raw := a.do("GET", "/v1/audit", operator, "")
	for _, action := range []string{"domain.add", "domain.primary", "domain.remove"} {
		if !strings.Contains(string(raw), `"action":"`+action+`"`) {
			t.Errorf("no %s in %s", action, raw)
		}
	}
}

func TestADomainIsServedOnceItIsVerifiedIfTheNodeAsksForThat(t *testing.T) {
	f := newCasino(t)
	f.startNode("--require-verified-domains")
	token := f.mint("alice", auth.Player)
	there := *f
	there.host = "play.casino.example"
	dns := storetest.NewNameServer(t)
	var list []struct {
		Domain     string
		Primary    bool
		VerifiedAt *time.Time `json:"verified_at"`
		Record     *struct{ Name, Type, Value string }
	}
	read := func(args ...string) {
		t.Helper()
		list = nil
		if err := json.Unmarshal([]byte(f.mustCLI(append([]string{"domain"}, append(args, "--tenant", f.slug, "--json")...)...)), &list); err != nil || len(list) != 2 {
			t.Fatalf("%v: %+v", err, list)
		}
	}
	read("add", there.host, "--reason", "moved")
	if d := list[1]; list[0].Record != nil || d.VerifiedAt != nil || d.Record == nil || d.Record.Name != "_pitboss-challenge."+there.host || d.Record.Type != "TXT" || len(d.Record.Value) != 32 {
		t.Fatalf("%+v", list)
	}
	record := list[1].Record
	if out := f.mustCLI("domain", "list", "--tenant", f.slug); !strings.Contains(out, record.Name+" = "+record.Value) || !strings.Contains(out, "not needed") {
		t.Errorf("%s", out)
	}
	if status, _, _ := f.do("GET", "/v1/session", token, ""); status != 200 {
		t.Errorf("below localhost: %d", status)
	}
	verify := []string{"verify", there.host, "--dns", dns.Address}
	if _, err := f.cli(append([]string{"domain"}, append(verify, "--tenant", f.slug, "--json")...)...); err == nil || !strings.Contains(err.Error(), "set it to "+record.Value) {
		t.Errorf("without a record: %v", err)
	}
	if _, err := f.cli("domain", "verify", there.host, "--tenant", f.slug, "--dns", "nowhere"); err == nil || !strings.Contains(err.Error(), "--dns is a host and a port") {
		t.Errorf("no name server: %v", err)
	}
	if status, _, _ := there.do("GET", "/v1/session", token, ""); status != 404 {
		t.Errorf("not verified: %d", status)
	}
	dns.Set(record.Name, record.Value)
	read(verify...)
	if list[1].VerifiedAt == nil {
		t.Errorf("%+v", list)
	}
	eventually(t, "it is served", func() bool {
		status, _, _ := there.do("GET", "/v1/session", token, "")
		return status == 200
	})
}

func TestANodeServesFoldersUnknownHostsAndForwardedHostsAsItsFlagsSay(t *testing.T) {
	f := newCasino(t)
	f.startNode("--subfolder-host", "127.0.0.1", "--unknown-host", "page", "--trusted-proxy", "127.0.0.1/32", "--forwarded-host", "x-forwarded-host")
	token := f.mint("alice", auth.Player)
	there := *f
	for _, c := range []struct {
		host, path, forwarded string
		want                  int
		text                  string
	}{
		{f.host, "/v1/session", "", 200, f.slug},
		{f.address, "/t/" + f.slug + "/v1/session", "", 200, f.slug},
		{"10.0.0.1", "/v1/session", f.host, 200, f.slug},
		{f.host, "/v1/session", "nobody.example", 404, "nothing at this address"},
		{"nobody.example", "/", "", 404, "nothing at this address"},
	} {
		there.host = c.host
		header := []string{"Accept", "text/html, */*"}
		if c.forwarded != "" {
			header = append(header, "X-Forwarded-Host", c.forwarded)
		}
		if status, _, body := there.do("GET", c.path, token, "", header...); status != c.want || !strings.Contains(string(body), c.text) {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
}
