package platform

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/tenancy"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// API answers what the platform's operator asks; each of its handlers is one route. Make it with New.
type API struct{ o Options }

// Options are what an API needs.
type Options struct {
	Store *store.Store
	Rooms *rooms.Directory
	Lists *api.Lists
	// OwnHosts are no casino's domains.
	OwnHosts tenancy.OwnHosts
	// Answer is what a client may take to read an answer.
	Answer time.Duration
}

// New returns an API.
func New(o Options) *API { return &API{o} }

// tenantBody is a casino as the platform's operator sees it.
type tenantBody struct {
	ID           string         `json:"id,omitempty"` // of its schema, and the target of its lines in the audit log; "": it cannot be read
	Slug         tenant.Slug    `json:"slug"`
	Name         string         `json:"name"`
	Status       tenancy.Status `json:"status"`
	StatusReason string         `json:"status_reason,omitempty"` // why, unless it is active
	BackAt       wire.Time      `json:"back_at,omitzero"`        // of maintenance: when it is likely to be over
	OutOfOrder   string         `json:"out_of_order,omitempty"`  // why, if it is
	OnTrial      bool           `json:"on_trial"`
	PaidUntil    wire.Time      `json:"paid_until,omitzero"`
	CreatedOn    wire.Time      `json:"created_on,omitzero"`
	Currency     string         `json:"currency"`
	Exponent     int            `json:"exponent"`
	Domains      []string       `json:"domains"` // the primary one first
	Plan         string         `json:"plan,omitempty"`
	Jurisdiction string         `json:"jurisdiction,omitempty"`

	FrameAncestors      []string `json:"frame_ancestors"`
	CreditApprovalAbove *int64   `json:"credit_approval_above,omitempty"` // nil: no credit needs a second person
}

// bodyOf returns a casino as it is at a moment.
func bodyOf(t *tenancy.Tenant, now time.Time) tenantBody {
	id := ""
	if !t.ID.IsZero() {
		id = t.ID.String()
	}
	return tenantBody{
		id, t.Slug, t.Name, t.Status(now), t.StatusReason, timeOrZero(t.BackAt), t.OutOfOrder, t.OnTrial, timeOrZero(t.PaidUntil), timeOrZero(t.CreatedOn), t.Currency, t.Exponent,
		append([]string{}, t.Domains...), t.Plan.Name, t.Jurisdiction.Name,
		append([]string{}, t.FrameAncestors...), t.CreditApprovalAbove,
	}
}

// tenantsMax bounds the casinos of a page.
const tenantsMax = 10_000

// TenantTable is the list of casinos.
var TenantTable = list.Table{
	Fields: []list.Field{
		{Name: "slug", Sort: true}, {Name: "name", Sort: true},
		{Name: "status", Values: []string{
			string(tenancy.Provisioning), string(tenancy.Active), string(tenancy.Trial), string(tenancy.Grace), string(tenancy.Unpaid), string(tenancy.Maintenance), string(tenancy.Suspended),
			string(tenancy.Archived), string(tenancy.OutOfOrder),
		}},
		{Name: "created_on", Type: list.Time}, {Name: "paid_until", Type: list.Time},
	},
	Key: "slug", Order: "slug",
}

// Tenants answers with casinos, from memory.
func (a *API) Tenants(c echo.Context) error {
	return api.AnswerRows(a.o.Lists, c, "tenants", TenantTable, tenantsMax, func(context.Context) ([]tenantBody, error) {
		var out []tenantBody
		now := a.o.Store.Tenants.Now()
		for _, t := range a.o.Store.Tenants.Listed() {
			out = append(out, bodyOf(t, now))
		}
		return out, nil
	})
}

// timeOrZero returns a time that may be missing.
func timeOrZero(t time.Time) (out wire.Time) {
	if !t.IsZero() {
		out = wire.At(t)
	}
	return out
}

// Audit answers with the platform's audit log, the latest line first.
func (a *API) Audit(c echo.Context) error {
	return api.AnswerAudit(a.o.Lists, c, audit.PlatformLines, a.o.Store.Audit.ListPlatform)
}
