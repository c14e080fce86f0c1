package auth_test

import (
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
		if _, ok := auth.KeyScope(no); ok {
			t.Errorf("a key can have %q", no)
		}
	}
	if (auth.Principal{Role: "somebody"}).May(auth.RoomsRead) {
		t.Error("an unknown role has a scope")
	}
}
