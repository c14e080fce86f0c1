package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web"
	"github.com/pitboss-hub/pitboss/web/webtest"
)

func TestRequestsAreLimitedByPersonAndByCasinoFromWherever(t *testing.T) {
	t.Parallel()
	c := webtest.New(t, func(o *web.Options) { o.Edge = web.Edge{PersonRequests: 1, TenantRequests: 2} })
	ask := func(who string, role auth.Role) webtest.Answer { return c.Get(c.Token(who, role), "/v1/session") }
	for i := range 10 {
		a := ask("olivia", auth.Operator).Want(http.StatusOK, "")
		if got := a.Header.Get("RateLimit"); i == 0 && !strings.HasPrefix(got, `"person";r=9;t=1, "casino";r=19;t=1`) {
			t.Errorf("what is left is told as %s", got)
		}
		if got := a.Header.Get("RateLimit-Policy"); got != `"person";q=10;w=10, "casino";q=20;w=10` {
			t.Errorf("the policy is told as %s", got)
		}
	}
	no := ask("olivia", auth.Operator).Want(http.StatusTooManyRequests, "rate_limited") // by another token of hers
	if no.Header.Get("Retry-After") != "1" || !strings.HasPrefix(no.Header.Get("RateLimit"), `"person";r=0;`) {
		t.Errorf("who is refused is told %v", no.Header)
	}
	ask("olivia", auth.Player).Want(http.StatusOK, "") // a player of the same name
	for range 9 {
		ask("robot", auth.Service).Want(http.StatusOK, "")
	}
	ask("sam", auth.Support).Want(http.StatusTooManyRequests, "rate_limited")
}
