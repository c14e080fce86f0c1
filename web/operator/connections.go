package operator

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
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

// connectionsBody is the oldest of a tenant's sockets, on one node or on all; Complete says whether
// every node answered.
type connectionsBody struct {
	Connections []connectionBody `json:"connections"`
	Total       int              `json:"total"`
	Complete    bool             `json:"complete"`
}

// Connections answers with the oldest sockets of the tenant on all nodes.
func (a *API) Connections(c echo.Context) error {
	limit, err := api.Number(c, "limit", 1000, 1, 5000)
	if err != nil {
		return err
	}
	q := nodeQuestion{Tenant: api.TenantOf(c).ID, Limit: int(limit)}
	answers, complete := askNodes(c.Request().Context(), a, callConnections, q, a.connectionsHere)
	out := connectionsBody{Connections: []connectionBody{}, Complete: complete}
	for _, a := range answers {
		out.Connections = append(out.Connections, a.Connections...)
		out.Total += a.Total
	}
	slices.SortFunc(out.Connections, func(a, b connectionBody) int {
		return cmp.Or(a.Since.Compare(b.Since.Time), cmp.Compare(a.Connection, b.Connection))
	})
	out.Connections = out.Connections[:min(len(out.Connections), q.Limit)]
	return c.JSON(http.StatusOK, out)
}

// connectionsHere returns those of this node, the oldest first.
func (a *API) connectionsHere(q nodeQuestion) connectionsBody {
	list := a.hub.Connections(q.Tenant)
	out := connectionsBody{Total: len(list), Complete: true}
	for _, x := range list[:min(len(list), q.Limit)] {
		b := connectionBody{x.ID, a.node, x.Player, x.Name, x.Role, []string{}, x.Address, wire.At(x.Since), x.QueuedBytes}
		for _, topic := range x.Topics {
			if topic.Kind() == "room" && topic.Key() != rooms.LobbyID {
				b.Rooms = append(b.Rooms, topic.Key())
			}
		}
		out.Connections = append(out.Connections, b)
	}
	return out
}

// onlineHere returns those of some players who have a socket on this node.
func (a *API) onlineHere(q nodeQuestion) []string {
	return slices.DeleteFunc(slices.Clone(q.Players), func(p string) bool { return !a.hub.Plays(q.Tenant, p) })
}
