package operator

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// auditBody is a line of the audit log.
type auditBody struct {
	ID int64     `json:"id"`
	At wire.Time `json:"at"`
	rooms.Audit
}

// Audit answers with the audit log, the latest line first.
func (a *API) Audit(c echo.Context) error {
	return api.AnswerTable(a.lists, c, "entries", audit.Lines, 50, 500, func(ctx context.Context, q list.Query) (api.Page[auditBody], error) {
		lines, next, err := a.store.Audit.List(ctx, api.TenantOf(c).ID, q)
		out := api.Page[auditBody]{Next: next}
		for _, l := range lines {
			out.Rows = append(out.Rows, auditBody{l.ID, wire.At(l.At), l.Audit})
		}
		return out, err
	})
}
