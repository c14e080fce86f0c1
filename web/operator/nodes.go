package operator

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

const (
	// nodesWithin is how long other nodes are waited for; one that does not answer is left out,
	// and the answer says so.
	nodesWithin = time.Second
	// nodeQuestionsMax is how many questions of other nodes are worked on at once; more are
	// refused.
	nodeQuestionsMax = 8
)

// What nodes ask each other.
var (
	callConnections = hub.Call[nodeQuestion, nodeConnections]{Name: "web.sockets", Within: nodesWithin}
	callOnline      = hub.Call[nodeQuestion, []string]{Name: "web.online", Within: nodesWithin}
	callNode        = hub.Call[nodeQuestion, nodeReport]{Name: "web.node", Within: nodesWithin}
)

// nodeQuestion is what a node asks the others about a tenant.
type nodeQuestion struct {
	Tenant  tenant.ID  `json:"tenant"`
	List    list.Asked `json:"list,omitzero"`     // of connections
	Players []string   `json:"players,omitempty"` // of whom those online are asked for
}

// answerNodes answers what other nodes ask, from now on.
func (a *API) answerNodes() {
	ctx := context.Background() // the answers take no time that could be cut short
	slots := hub.NewSlots(nodeQuestionsMax, func() { a.limits.Hit(tenant.ID{}, api.LimitNodeQuestions) })
	callConnections.Serve(ctx, a.hub, slots, func(_ context.Context, q nodeQuestion) (nodeConnections, error) {
		asked, err := ConnectionTable.Parse(q.List)
		if err != nil {
			return nodeConnections{}, err
		}
		return a.connectionsHere(q.Tenant, asked), nil
	})
	callOnline.Serve(ctx, a.hub, slots, func(_ context.Context, q nodeQuestion) ([]string, error) { return a.onlineHere(q), nil })
	callNode.Serve(ctx, a.hub, slots, func(_ context.Context, q nodeQuestion) (nodeReport, error) { return a.reportHere(q), nil })
}

// askNodes asks every node that lives, this one by here, and reports whether all answered.
func askNodes[T any](ctx context.Context, a *API, call hub.Call[nodeQuestion, T], q nodeQuestion, here func(nodeQuestion) T) (answers []T, complete bool) {
	others := slices.DeleteFunc(a.rooms.Nodes(), func(node string) bool { return node == a.node })
	answers, err := call.AskAll(ctx, a.hub, others, q)
	if err != nil && ctx.Err() == nil {
		a.seldom.Log(slog.LevelWarn, "not every node says which sockets it has", "error", err)
	}
	return append(answers, here(q)), err == nil
}
