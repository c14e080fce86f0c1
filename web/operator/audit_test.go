package operator_test

import (
	"net/http"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

// changesAreAudited holds that what was done is in the audit log, with who did it, from where and why,
// and that what was refused is not.
func changesAreAudited(t *testing.T, c *webtest.Casino) {
	operator, support := c.Token("audrey", auth.Operator), c.Token("sam", auth.Support)
	c.Post(support, "/v1/rooms/"+webtest.Table+"/close", reason).Want(http.StatusForbidden, game.CodeForbidden)
	c.Post(operator, "/v1/rooms/nowhere/close", reason).Want(http.StatusNotFound, wire.CodeRoomNotFound)
	c.Post(operator, "/v1/players/anna/credit", withID(`"amount":500,"reason":"welcome"`)).Want(http.StatusOK, "")
	var log struct {
		Entries []struct{ Actor, Action, Target, Reason, Address string }
	}
	c.Get(operator, "/v1/audit?limit=500").Into(&log)
	found := 0
	for _, e := range log.Entries {
		if e.Actor != string(auth.Operator)+":audrey" {
			continue
		}
		found++
		if e.Target != "anna" || e.Reason != "welcome" || e.Address == "" {
			t.Errorf("the audit log has %+v", e)
		}
	}
	if found != 1 {
		t.Errorf("the audit log has %d lines of audrey, want 1: %+v", found, log.Entries)
	}
}
