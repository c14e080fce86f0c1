package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/store/tenancy"
)

func TestAPIKeysAreMadeListedReplacedAndRevokedOnTheCommandLineAndShownOnce(t *testing.T) {
	f := newCasino(t)
	type made struct {
		Key string
		tenancy.APIKeyInfo
	}
	for _, of := range []struct {
		owner  []string
		scopes []auth.Scope // that its keys can have, and
		more   auth.Scope   // one more than those that only read, if there is one
	}{{[]string{"--tenant", f.slug}, auth.KeyScopes(), auth.MoneyWrite}, {[]string{"--platform"}, auth.PlatformScopes(), auth.TenantsRead}} {
		owner := of.owner
		key := func(args ...string) string {
			t.Helper()
			return f.mustCLI(append(append([]string{"key", "api"}, args...), owner...)...)
		}
		var first, second made
		parse := func(text string, into *made) {
			t.Helper()
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if k, err := auth.ParseAPIKey(into.Key); err != nil || k.ID() != into.ID {
				t.Fatalf("%v: %s", err, text)
			}
		}
		parse(key("create", "--name", "robot", "--scope", "all-read", "--scope", string(of.more), "--address", "192.0.2.0/24", "--expires", "2099-01-31", "--reason", "a test", "--json"), &first)
		for _, s := range of.scopes {
			if want, got := strings.HasSuffix(string(s), ":read") || s == of.more, (auth.Principal{Role: auth.APIKey, Scopes: joined(first.Scopes)}).May(s); got != want {
				t.Errorf("%v: the key has %s: %t", owner, s, got)
			}
		}
		parse(key("rotate", first.ID, "--overlap", "1h", "--reason", "a test", "--json"), &second)
		if out := key("revoke", second.ID, "--reason", "a test"); out != "API key "+second.ID+" (robot) is revoked" {
			t.Error(out)
		}
		third := key("create", "--name", "reader", "--scope", "audit:read", "--reason", "a test")
		lists := key("list") + key("list", "--json")
		for _, id := range []string{first.ID, second.ID, "reader", "192.0.2.0/24", "replaced", "revoked", "active"} {
			if !strings.Contains(lists, id) {
				t.Errorf("%v: %s is not in\n%s", owner, id, lists)
			}
		}
		_, text, _ := strings.Cut(third, "key     ")
		text, _, once := strings.Cut(text, " (it is not shown again)")
		for _, secret := range []string{first.Key, second.Key, text} {
			if _, err := auth.ParseAPIKey(secret); err != nil || !once || strings.Contains(lists, secret[30:50]) {
				t.Errorf("%v: %q is none, or listed: %v", owner, secret, err)
			}
		}
	}
	list, err := f.store.APIKeys.List(t.Context(), f.tenant.ID)
	if err != nil || len(list) != 3 || !strings.HasPrefix(list[0].CreatedBy, "cli") {
		t.Errorf("the casino has %+v, %v", list, err)
	}

	create := []string{"key", "api", "create", "--tenant", f.slug, "--name", "x", "--reason", "a test"}
	for _, c := range []struct {
		want string
		args []string
	}{
		{`a key cannot have "rooms": want some of rooms:read, rooms:write`, append(create, "--scope", "rooms")},
		{"192.0.2.1/24 has bits beyond its range, which is 192.0.2.0/24", append(create, "--scope", "rooms:read", "--address", "192.0.2.1/24")},
		{"want a time to come", append(create, "--scope", "rooms:read", "--expires", "2020-01-01")},
		{"--expires: want a day", append(create, "--scope", "rooms:read", "--expires", "tomorrow")},
		{"no such API key: 0123456789; 'pitboss key api list --tenant casino-x' shows them", []string{"key", "api", "revoke", "0123456789", "--tenant", f.slug, "--reason", "x"}},
		{"'pitboss key api list --platform' shows them", []string{"key", "api", "rotate", "0123456789", "--platform", "--reason", "x"}},
		{"overlap: want 0 to 30 days", []string{"key", "api", "rotate", list[0].ID, "--overlap", "721h", "--tenant", f.slug, "--reason", "x"}},
		{"no such tenant", []string{"key", "api", "list", "--tenant", ""}},
	} {
		if out, err := f.cli(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("pitboss %s: %v, %q; want %q", strings.Join(c.args, " "), err, out, c.want)
		}
	}
}
