package web

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/rooms/changes"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// changedBy returns what a request may change that takes a scope: the thing of the scope, the audit log, and what else hangs on it.
func changedBy(needs auth.Scope) changes.Set {
	switch needs {
	case auth.MoneyWrite, auth.ApprovalsRead, auth.ApprovalsWrite:
		return changes.Money | changes.Players | changes.Approvals | changes.Audit
	case auth.AccessRevoke:
		return changes.Players | changes.Connections | changes.Audit
	case auth.RoundsVoid:
		return changes.Rooms | changes.Money | changes.Players | changes.Audit
	}
	thing, _, _ := strings.Cut(string(needs), ":")
	return changes.Of(thing) | changes.Audit
}

// noted notes what a request may have changed, however it was answered: it may be done although that is not known.
func (s *Server) noted(what changes.Set) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			defer s.changes.Note(api.TenantOf(c).ID, what)
			return next(c)
		}
	}
}
