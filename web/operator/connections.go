package operator

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// connectionBody is a socket, and where it is.
type connectionBody struct {
	Connection  string    `json:"connection"`
	Node        string    `json:"node"`
	Player      string    `json:"player"`
	Name        string    `json:"name"`
	Role        string    `json:"role"`
	Rooms       []string  `json:"rooms"`
	Address     string    `json:"address"`
	Since       wire.Time `json:"since"`
	QueuedBytes int       `json:"queued_bytes"`
}

// ConnectionTable is the list of Connections.
var ConnectionTable = list.Table{
	Fields: []list.Field{
		{Name: "connection", Sort: true}, {Name: "node", Sort: true}, {Name: "player", Sort: true}, {Name: "name", Sort: true}, {Name: "role", Sort: true},
		{Name: "address", Sort: true}, {Name: "since", Type: list.Time, Sort: true}, {Name: "queued_bytes", Type: list.Number, Sort: true},
	},
	Key: "connection", Order: "since",
}

// nodeConnections is what a node says of a tenant's sockets: the first of those that were asked for, and how many sockets
// there are at all.
type nodeConnections struct {
	Connections []connectionBody `json:"connections"`
	Total       int              `json:"total"`
}

// Connections answers with the sockets of the tenant on all nodes, the oldest first, how many there are at all, and
// whether all nodes said theirs.
func (a *API) Connections(c echo.Context) error {
	return api.AnswerTable(a.lists, c, "connections", ConnectionTable, 1000, 5000, func(ctx context.Context, q list.Query) (api.Page[connectionBody], error) {
		var out api.Page[connectionBody]
		more := q
		more.Limit++ // says whether there is another page
		ask := nodeQuestion{Tenant: api.TenantOf(c).ID, List: more.Asked}
		answers, complete := askNodes(ctx, a, callConnections, ask, func(nodeQuestion) nodeConnections { return a.connectionsHere(ask.Tenant, more) })
		if !complete && api.WantsAll(c) {
			return out, api.Fail(http.StatusServiceUnavailable, wire.CodeUnavailable, "A server does not say which connections it has; try again in a moment.")
		}
		var rows []connectionBody
		total := 0
		for _, x := range answers {
			rows = append(rows, x.Connections...)
			total += x.Total
		}
		out.Rows, out.Next = list.Rows(q, rows)
		out.With = map[string]any{"total": total, "complete": complete}
		return out, nil
	})
}

// connectionsHere returns the sockets of this node that are asked for.
func (a *API) connectionsHere(id tenant.ID, q list.Query) nodeConnections {
	here := a.hub.Connections(id)
	rows := make([]connectionBody, 0, len(here))
	for _, x := range here {
		since := wire.At(x.Since.Truncate(time.Millisecond)) // as other nodes are told it
		b := connectionBody{x.ID, a.node, x.Player, x.Name, x.Role, []string{}, x.Address, since, x.QueuedBytes}
		for _, topic := range x.Topics {
			if topic.Kind() == "room" && topic.Key() != rooms.LobbyID {
				b.Rooms = append(b.Rooms, topic.Key())
			}
		}
		rows = append(rows, b)
	}
	rows, _ = list.Rows(q, rows)
	return nodeConnections{rows, len(here)}
}

// onlineHere returns those of some players who have a socket on this node.
func (a *API) onlineHere(q nodeQuestion) []string {
	return slices.DeleteFunc(slices.Clone(q.Players), func(p string) bool { return !a.hub.Plays(q.Tenant, p) })
}
