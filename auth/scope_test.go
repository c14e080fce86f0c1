package auth_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
)

func TestARoleHasTheScopesOfTheTableAndAKeyItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[auth.Scope]bool{}
	for _, rule := range auth.Scopes() {
		if thing, verb, ok := strings.Cut(string(rule.Scope), ":"); !ok || thing == "" || verb == "" || seen[rule.Scope] || rule.Text == "" {
			t.Errorf("the scope %+v is not in its form, has no text, or is there twice", rule)
		}
		seen[rule.Scope] = true
		for _, role := range []auth.Role{auth.Player, auth.Operator, auth.Service, auth.Support, auth.APIKey} {
			if got, want := (auth.Principal{Role: role}).May(rule.Scope), slices.Contains(rule.Roles, role); got != want {
				t.Errorf("%s may %s: %t", role, rule.Scope, got)
			}
		}
		if got := (auth.Principal{Role: auth.APIKey, Scopes: "a:b " + string(rule.Scope)}).May(rule.Scope); !got {
			t.Errorf("a key that has %s may not", rule.Scope)
		}
		if strings.HasSuffix(string(rule.Scope), ":read") || rule.Scope == auth.SocketOpen {
			continue
		}
		for _, role := range []auth.Role{auth.Player, auth.Support} {
			if slices.Contains(rule.Roles, role) {
				t.Errorf("%s, who changes nothing, has %s", role, rule.Scope)
			}
		}
	}
	for _, no := range []string{"keys:write", "approvals:write", "own:read", "", "*", "rooms"} {
		if slices.Contains(auth.KeyScopes(), auth.Scope(no)) || slices.Contains(auth.PlatformScopes(), auth.Scope(no)) {
			t.Errorf("a key can have %q", no)
		}
	}
	if slices.Contains(auth.KeyScopes(), auth.TenantsRead) || slices.Contains(auth.PlatformScopes(), auth.MoneyWrite) {
		t.Error("the keys of casinos and of the platform can have each other's scopes")
	}
	if (auth.Principal{Role: "somebody"}).May(auth.RoomsRead) {
		t.Error("an unknown role has a scope")
	}
}

var update = flag.Bool("update", false, "write the table of scopes into docs/scopes.md")

func TestThePageOfScopesIsTheTableOfScopes(t *testing.T) {
	t.Parallel()
	const file, head = "../docs/scopes.md", "|---|---|---|---|---|---|---|---|\n"
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(raw), head)
	if !found {
		t.Fatalf("%s has no table that begins with %s", file, head)
	}
	mark := func(yes bool) string {
		if yes {
			return "yes"
		}
		return "–"
	}
	var want strings.Builder
	want.WriteString(before + head)
	for _, r := range auth.Scopes() {
		fmt.Fprintf(&want, "| `%s` | %s |", r.Scope, r.Text)
		for _, role := range []auth.Role{auth.Player, auth.Operator, auth.Service, auth.Support} {
			fmt.Fprintf(&want, " %s |", mark(slices.Contains(r.Roles, role)))
		}
		fmt.Fprintf(&want, " %s | %s |\n", mark(r.Keys), mark(r.Platform))
	}
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(raw) != want.String() {
		t.Errorf("%s is not (run the test with -update)\n%s", file, want.String())
	}
}
