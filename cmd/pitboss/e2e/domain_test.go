package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
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
