package operator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pitboss-hub/pitboss/store/storetest"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

type nodes struct {
	Nodes []struct {
		Node                    string
		Answers                 bool
		Since                   time.Time
		Sockets, Players, Rooms int
	}
	Complete bool
}

// theCasino holds that staff is told how its casino is set up, and what of it, and of no other, is on each node.
func theCasino(t *testing.T, c *webtest.Casino) {
	other := c.Another("set-up")
	operator, _, support := other.Staff()
	storetest.NeedApproval(t, other.Store, other.Admin, other.Tenant.ID, 5000)
	if err := other.Store.Tenants.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	var is struct {
		Slug, Name, Status, Currency string
		Domains                      []string
		CreditApprovalAbove          int64 `json:"credit_approval_above"`
	}
	other.Get(support, "/v1/casino").Want(http.StatusOK, "").Into(&is)
	if is.Slug != "set-up" || is.Status != "active" || is.Currency != "EUR" || len(is.Domains) == 0 || is.CreditApprovalAbove != 5000 {
		t.Errorf("the casino is %+v", is)
	}
	c.Dial("paula", c.Player("paula", 100)).Await("session.welcome") // another casino's
	other.Dial("peter", other.Player("peter", 100)).Await("session.welcome")
	other.Dial("olivia", operator).Await("session.welcome")
	var said nodes
	other.Get(support, "/v1/nodes").Want(http.StatusOK, "").Into(&said)
	if n := said.Nodes; !said.Complete || len(n) != 1 || !n[0].Answers || n[0].Since.IsZero() || n[0].Sockets != 2 || n[0].Players != 1 {
		t.Errorf("the nodes are %+v", said)
	}
}

// limitsMet holds that a limit that a casino met is counted for it, and for no other.
func limitsMet(t *testing.T, c *webtest.Casino) {
	other, third := c.Another("at-limits"), c.Another("within-limits")
	operator, _, support := other.Staff()
	type limit struct {
		Limit       string
		Value, Hits int64
		Used        *int64
		Last        time.Time `json:"last_at"`
	}
	limits := func(c *webtest.Casino, token string) map[string]limit {
		var said struct {
			Limits   []limit
			Hours    int
			Complete bool
		}
		c.Get(token, "/v1/limits").Want(http.StatusOK, "").Into(&said)
		if said.Hours != 24 || !said.Complete {
			t.Errorf("the limits are %+v", said)
		}
		out := map[string]limit{}
		for _, l := range said.Limits {
			out[l.Limit] = l
		}
		return out
	}
	before := limits(other, support)
	if l := before["rooms"]; l.Value != 0 || l.Used == nil || l.Hits != 0 {
		t.Errorf("a casino without a plan has the limit %+v", l)
	}
	for range 2 {
		other.Post(operator, "/v1/keys", `{"name":"`+strings.Repeat("x", 41)+`","scopes":["rooms:read"],"reason":"x"}`).Want(http.StatusBadRequest, "invalid_params")
	}
	if l := limits(other, support)["api_key_name"]; l.Hits != 2 || time.Since(l.Last) > time.Hour {
		t.Errorf("after two names that were too long: %+v", l)
	}
	_, _, stranger := third.Staff()
	if l, ok := limits(third, stranger)["api_key_name"]; ok {
		t.Errorf("another casino met %+v", l)
	}
}
