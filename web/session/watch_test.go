package session

import (
	"errors"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/rooms/game"
)

func TestAKindIsWatchedByWhoHasTheScopeThatReadsIt(t *testing.T) {
	t.Parallel()
	for _, role := range []auth.Role{auth.Operator, auth.Service, auth.Support} {
		for _, kind := range changes.All.Names() {
			_, err := watchable(auth.Principal{Role: role}, []string{kind})
			if may := (auth.Principal{Role: role}).May(auth.Scope(kind + ":read")); may != (err == nil) {
				t.Errorf("%s watches %s: %v", role, kind, err)
			}
		}
	}
	some := auth.Principal{Role: auth.APIKey, Scopes: "rooms:read money:write"}
	if got, err := watchable(some, []string{"rooms"}); got != changes.Rooms || err != nil {
		t.Errorf("%v, %v", got.Names(), err)
	}
	for _, of := range [][]string{{"rooms", "audit"}, {"money"}} {
		got, err := watchable(some, of)
		if refused, ok := errors.AsType[*wire.Error](err); got != 0 || !ok || refused.Data.Code != game.CodeForbidden {
			t.Errorf("%v is watched: %v", of, err)
		}
	}
}
