package operator

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Audit answers with the audit log, the latest line first.
func (a *API) Audit(c echo.Context) error {
	return api.AnswerAudit(a.lists, c, audit.Lines, func(ctx context.Context, q list.Query) ([]audit.Line, string, error) {
		return a.store.Audit.List(ctx, api.TenantOf(c).ID, q)
	})
}
