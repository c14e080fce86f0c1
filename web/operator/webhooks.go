package operator

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/store/webhooks"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// webhookBody is an endpoint of webhooks.
type webhookBody struct {
	ID           uuid.UUID      `json:"id"`
	URL          string         `json:"url"`
	Description  string         `json:"description"`
	Types        []string       `json:"types"` // none: all
	State        webhooks.State `json:"state"`
	Reason       string         `json:"reason,omitempty"` // of the state
	Since        wire.Time      `json:"since"`
	FailingSince wire.Time      `json:"failing_since,omitzero"`
	FormerUntil  wire.Time      `json:"former_until,omitzero"` // until when the former secret signs too
	CreatedAt    wire.Time      `json:"created_at"`
	Secret       string         `json:"secret,omitempty"` // when it is new
	Detail       string         `json:"detail,omitempty"` // why a new one is missing
}

// secretNotKept is the Detail of an endpoint that is answered with again.
const secretNotKept = "The secret was in the first answer and is not kept. If it is lost, rotate it."

// answerWebhook answers with an endpoint, or with what was done to one. A secret is shown once.
func answerWebhook(c echo.Context, status int, out any) error {
	w, ok := out.(webhookBody)
	if !ok || w.Secret == "" {
		return c.JSON(status, out)
	}
	kept := w
	kept.Secret, kept.Detail = "", secretNotKept
	return api.ShowOnce(c, status, w, kept)
}

func bodyOf(e webhooks.Endpoint, secret string) webhookBody {
	return webhookBody{
		e.ID, e.URL, e.Description, e.Types, e.State, e.Reason, wire.At(e.Since), timeOrZero(e.FailingSince), timeOrZero(e.FormerUntil), wire.At(e.CreatedAt), secret, "",
	}
}

// timeOrZero returns a time that may be missing.
func timeOrZero(t time.Time) (out wire.Time) {
	if !t.IsZero() {
		out = wire.At(t)
	}
	return out
}

// WebhookTable is the list of Webhooks.
var WebhookTable = list.Table{
	Fields: []list.Field{
		{Name: "id", Sort: true}, {Name: "url", Sort: true}, {Name: "description", Sort: true},
		{Name: "state", Values: []string{string(webhooks.Active), string(webhooks.Paused), string(webhooks.Disabled)}, Sort: true},
		{Name: "since", Type: list.Time, Sort: true}, {Name: "failing_since", Type: list.Time}, {Name: "created_at", Type: list.Time, Sort: true},
	},
	Key: "id", Order: "created_at",
}

// Webhooks answers with the casino's endpoints, the oldest first.
func (a *API) Webhooks(c echo.Context) error {
	return api.AnswerRows(a.lists, c, "webhooks", WebhookTable, webhooks.EndpointsMax, func(ctx context.Context) (rows []webhookBody, err error) {
		all, err := a.store.Webhooks.List(ctx, api.TenantOf(c).ID)
		for _, e := range all {
			rows = append(rows, bodyOf(e, ""))
		}
		return rows, err
	})
}

// webhookID returns the endpoint that the path names.
func webhookID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(api.Param(c, "id"))
	if err != nil {
		return id, webhooks.ErrNoEndpoint
	}
	return id, nil
}

// Webhook answers with one endpoint.
func (a *API) Webhook(c echo.Context) error {
	endpoint, err := webhookID(c)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	e, err := a.store.Webhooks.Get(ctx, api.TenantOf(c).ID, endpoint)
	if err != nil {
		return err
	}
	return api.AnswerTagged(c, bodyOf(e, ""))
}

// webhookSpec is what people say of an endpoint.
type webhookSpec struct {
	URL         string      `json:"url"`
	Description strict.Line `json:"description,omitempty"`
	Types       []string    `json:"types,omitempty"`
	Reason      strict.Line `json:"reason"`
}

func (in webhookSpec) spec() webhooks.Spec {
	return webhooks.Spec{URL: in.URL, Description: in.Description, Types: in.Types}
}

// CreateWebhook adds an endpoint. It answers with its secret, which is not shown again.
func (a *API) CreateWebhook(c echo.Context) error {
	var in webhookSpec
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	e, secret, err := a.store.Webhooks.Create(ctx, api.TenantOf(c).ID, in.spec(), webhookBy(c, in.Reason))
	if err != nil {
		return a.countWebhookLimits(c, err)
	}
	return answerWebhook(c, http.StatusCreated, bodyOf(e, secret))
}

// countWebhookLimits counts what was beyond a limit.
func (a *API) countWebhookLimits(c echo.Context, err error) error {
	switch {
	case errors.Is(err, webhooks.ErrTooManyEndpoints):
		a.limits.Hit(api.TenantOf(c).ID, api.LimitWebhooks)
	case errors.Is(err, webhooks.ErrURLTooLong):
		a.limits.Hit(api.TenantOf(c).ID, api.LimitWebhookURL)
	}
	return err
}

func webhookBy(c echo.Context, reason strict.Line) webhooks.By {
	return webhooks.By{Actor: api.OwnerOf(c), Origin: api.OriginOf(c), Reason: reason}
}

// ChangeWebhook gives an endpoint another URL, description and types.
func (a *API) ChangeWebhook(c echo.Context) error {
	var in webhookSpec
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusOK, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		unchanged := func(e webhooks.Endpoint) error { return api.CheckMatch(c, bodyOf(e, "")) }
		e, err := a.store.Webhooks.Change(ctx, id, endpoint, in.spec(), unchanged, by)
		return bodyOf(e, ""), err
	})
}

// changeWebhook changes the endpoint that the path names, and answers with what change returns.
func (a *API) changeWebhook(c echo.Context, reason strict.Line, status int, change func(context.Context, tenant.ID, uuid.UUID, webhooks.By) (any, error)) error {
	endpoint, err := webhookID(c)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	out, err := change(ctx, api.TenantOf(c).ID, endpoint, webhookBy(c, reason))
	if err != nil {
		return a.countWebhookLimits(c, err)
	}
	return answerWebhook(c, status, out)
}

// reasoned is a body of nothing but a reason.
type reasoned struct {
	Reason strict.Line `json:"reason"`
}

// DeleteWebhook removes an endpoint.
func (a *API) DeleteWebhook(c echo.Context) error {
	var in reasoned
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusOK, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		unchanged := func(e webhooks.Endpoint) error { return api.CheckMatch(c, bodyOf(e, "")) }
		return struct{}{}, a.store.Webhooks.Delete(ctx, id, endpoint, unchanged, by)
	})
}

// RotateWebhook gives an endpoint a new secret, with which it answers. The former one signs too for a while,
// unless it is to be dropped at once.
func (a *API) RotateWebhook(c echo.Context) error {
	var in struct {
		DropFormer bool        `json:"drop_former,omitempty"`
		Reason     strict.Line `json:"reason"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusOK, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		e, secret, err := a.store.Webhooks.Rotate(ctx, id, endpoint, in.DropFormer, by)
		return bodyOf(e, secret), err
	})
}

// TestWebhook lets an endpoint be told of a webhook.test, within seconds.
func (a *API) TestWebhook(c echo.Context) error {
	var in reasoned
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusAccepted, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		message, err := a.store.Webhooks.Test(ctx, id, endpoint, by)
		return map[string]uuid.UUID{"webhook_id": message}, err
	})
}

// PauseWebhook lets an endpoint's deliveries wait.
func (a *API) PauseWebhook(c echo.Context) error { return a.stateOfWebhook(c, a.store.Webhooks.Pause) }

// ResumeWebhook lets them go on.
func (a *API) ResumeWebhook(c echo.Context) error {
	return a.stateOfWebhook(c, a.store.Webhooks.Resume)
}

func (a *API) stateOfWebhook(c echo.Context, change func(context.Context, tenant.ID, uuid.UUID, webhooks.By) (webhooks.Endpoint, error)) error {
	var in reasoned
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusOK, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		e, err := change(ctx, id, endpoint, by)
		return bodyOf(e, ""), err
	})
}

// deliveryBody is a delivery.
type deliveryBody struct {
	ID        int64     `json:"id"`
	WebhookID uuid.UUID `json:"webhook_id"`
	Type      string    `json:"type"`
	Player    string    `json:"player,omitempty"`
	State     string    `json:"state"` // pending, delivered, dropped
	Attempts  int       `json:"attempts"`
	Status    int       `json:"status,omitempty"` // of the last answer
	Error     string    `json:"error,omitempty"`  // of the last attempt
	TookMS    int64     `json:"took_ms"`          // the last attempt
	NextAt    wire.Time `json:"next_at,omitzero"` // missing: not pending, or behind another of the same player
	Attempted wire.Time `json:"attempted_at,omitzero"`
	CreatedAt wire.Time `json:"created_at"`
}

// WebhookDeliveries answers with what an endpoint was told, the latest first.
func (a *API) WebhookDeliveries(c echo.Context) error {
	endpoint, err := webhookID(c)
	if err != nil {
		return err
	}
	return api.AnswerTable(a.lists, c, "deliveries", webhooks.DeliveryTable, 50, 500, func(ctx context.Context, q list.Query) (api.Page[deliveryBody], error) {
		page, next, err := a.store.Webhooks.Deliveries(ctx, api.TenantOf(c).ID, endpoint, q)
		out := api.Page[deliveryBody]{Next: next}
		for _, d := range page {
			out.Rows = append(out.Rows, deliveryBody{
				d.ID, d.WebhookID, d.Type, d.Player, d.State, d.Attempts, d.Status, d.Error, d.Took.Milliseconds(),
				timeOrZero(d.NextAt), timeOrZero(d.Attempted), wire.At(d.CreatedAt),
			})
		}
		return out, err
	})
}

// ReplayWebhook lets an endpoint be told once more of something.
func (a *API) ReplayWebhook(c echo.Context) error {
	var in reasoned
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	return a.changeWebhook(c, in.Reason, http.StatusAccepted, func(ctx context.Context, id tenant.ID, endpoint uuid.UUID, by webhooks.By) (any, error) {
		delivery, err := strconv.ParseInt(api.Param(c, "delivery"), 10, 64)
		if err != nil {
			return nil, webhooks.ErrNoDelivery
		}
		return struct{}{}, a.store.Webhooks.Replay(ctx, id, endpoint, delivery, by)
	})
}
