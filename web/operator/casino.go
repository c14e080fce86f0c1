package operator

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// casinoBody is what those who run the platform have set of a casino.
type casinoBody struct {
	Slug                string         `json:"slug"`
	Name                string         `json:"name"`
	Status              tenancy.Status `json:"status"`
	CreatedOn           wire.Time      `json:"created_on"`
	OnTrial             bool           `json:"on_trial"`
	PaidUntil           wire.Time      `json:"paid_until,omitzero"` // missing: no end
	Currency            string         `json:"currency"`
	Exponent            int            `json:"exponent"`
	Domains             []string       `json:"domains"` // the primary one first
	CreditApprovalAbove *int64         `json:"credit_approval_above,omitempty"`
	Plan                string         `json:"plan,omitempty"`
	Jurisdiction        string         `json:"jurisdiction,omitempty"`
	Games               []string       `json:"games,omitempty"` // that the plan and the jurisdiction allow; missing: all
}

// Casino answers with how the casino is set up.
func (a *API) Casino(c echo.Context) error {
	t := api.TenantOf(c)
	return c.JSON(http.StatusOK, casinoBody{
		Slug: string(t.Slug), Name: t.Name, Status: t.Status(a.store.Tenants.Now()), CreatedOn: wire.At(t.CreatedOn), OnTrial: t.OnTrial, PaidUntil: timeOrZero(t.PaidUntil),
		Currency: t.Currency, Exponent: t.Exponent, Domains: t.Domains, CreditApprovalAbove: t.CreditApprovalAbove,
		Plan: t.Plan.Name, Jurisdiction: t.Jurisdiction.Name, Games: both(t.Plan.Games, t.Jurisdiction.Games),
	})
}

// both returns what is in both lists; nil stands for everything.
func both(a, b []string) []string {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return !slices.Contains(b, x) })
}

// nodeReport is what a node says of itself, and of one tenant. Nobody learns of other tenants by it.
type nodeReport struct {
	Node    string       `json:"node"`
	Version string       `json:"version"`
	Since   wire.Time    `json:"since"`
	Sockets int          `json:"sockets"`
	Players int          `json:"players"` // with a socket
	Rooms   int          `json:"rooms"`   // the lobby aside
	Hits    []tenant.Hit `json:"hits"`
}

// reportHere returns what this node says.
func (a *API) reportHere(q nodeQuestion) nodeReport {
	return nodeReport{
		a.node, a.version, wire.At(a.since), len(a.hub.Connections(q.Tenant)), a.hub.Online(q.Tenant), a.rooms.Here(q.Tenant), a.store.Hits.Of(q.Tenant),
	}
}

// nodeBody is a node that serves the casino, and what of the casino is on it.
type nodeBody struct {
	Node    string    `json:"node"`
	Answers bool      `json:"answers"` // what follows is missing unless it does
	Version string    `json:"version,omitempty"`
	Since   wire.Time `json:"since,omitzero"`
	Sockets int       `json:"sockets"`
	Players int       `json:"players"`
	Rooms   int       `json:"rooms"`
}

// Nodes answers with the nodes that live, and what of the casino is on each.
func (a *API) Nodes(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	reports, complete := askNodes(ctx, a, callNode, nodeQuestion{Tenant: api.TenantOf(c).ID}, a.reportHere)
	nodes := []nodeBody{}
	for _, r := range reports {
		nodes = append(nodes, nodeBody{r.Node, true, r.Version, r.Since, r.Sockets, r.Players, r.Rooms})
	}
	for _, name := range a.rooms.Nodes() {
		if !slices.ContainsFunc(nodes, func(n nodeBody) bool { return n.Node == name }) {
			nodes = append(nodes, nodeBody{Node: name})
		}
	}
	slices.SortFunc(nodes, func(a, b nodeBody) int { return cmp.Compare(a.Node, b.Node) })
	return c.JSON(http.StatusOK, map[string]any{"nodes": nodes, "complete": complete})
}

// limitBody is a limit of the casino's: of its plan, or one that it met.
type limitBody struct {
	Limit string    `json:"limit"`
	Value int64     `json:"value,omitempty"` // what the plan allows; missing: no plan says
	Used  *int64    `json:"used,omitempty"`  // now; missing: it is not known
	Hits  int64     `json:"hits"`            // on all nodes, in the last tenant.HitHours
	Last  wire.Time `json:"last_at,omitzero"`
}

// Limits answers with the limits of the casino's plan, and those that it met on any node in the last hours, the most
// often met first.
func (a *API) Limits(c echo.Context) error {
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	reports, complete := askNodes(ctx, a, callNode, nodeQuestion{Tenant: t.ID}, a.reportHere)
	var players int64
	for _, r := range reports {
		players += int64(r.Players)
	}
	open := int64(len(slices.DeleteFunc(a.rooms.List(t.ID), func(r rooms.Info) bool { return r.Room == rooms.LobbyID })))
	limits := []limitBody{
		{Limit: "plan_sockets", Value: t.Plan.Sockets, Used: &players},
		{Limit: "rooms", Value: t.Plan.Rooms, Used: &open},
		{Limit: "plan_commands_per_second", Value: t.Plan.CommandsPerSecond},
		{Limit: "tenant_connections", Value: t.Plan.DBConnections},
		{Limit: rooms.LimitStorage, Value: t.Plan.StorageBytes},
	}
	if t.Plan.StorageBytes > 0 {
		used := a.store.Storage.Used(t.ID)
		limits[len(limits)-1].Used = &used
	}
	for _, r := range reports {
		for _, h := range r.Hits {
			i := slices.IndexFunc(limits, func(l limitBody) bool { return l.Limit == h.Limit })
			if i < 0 {
				i = len(limits)
				limits = append(limits, limitBody{Limit: h.Limit})
			}
			l := &limits[i]
			l.Hits += h.Count
			if h.Last.After(l.Last.Time) {
				l.Last = wire.At(h.Last)
			}
		}
	}
	slices.SortStableFunc(limits, func(a, b limitBody) int { return cmp.Compare(b.Hits, a.Hits) })
	return c.JSON(http.StatusOK, map[string]any{"limits": limits, "hours": tenant.HitHours, "complete": complete})
}
