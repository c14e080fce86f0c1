package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/web/operator"
	"github.com/pitboss-hub/pitboss/web/session"
)

func TestEveryRequestThatChangesSomethingIsSignalledToWhoWatchesIt(t *testing.T) {
	t.Parallel()
	s := &Server{sessions: &session.Service{}}
	for _, r := range s.apiRoutes(&operator.API{}) {
		if r.method == http.MethodGet || r.needs == auth.SocketOpen {
			continue
		}
		what := changedBy(r.needs)
		if what&changes.Audit == 0 || what == changes.Audit {
			t.Errorf("%s %s, which takes %s, changes %v", r.method, r.path, r.needs, what.Names())
		}
		thing, _, _ := strings.Cut(string(r.needs), ":")
		if own := changes.Of(thing); own != 0 && what&own == 0 {
			t.Errorf("%s %s does not change %s", r.method, r.path, thing)
		}
	}
}
