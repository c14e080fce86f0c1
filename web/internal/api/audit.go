package api

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/store/audit"
	"github.com/pitboss-hub/pitboss/store/list"
)

// auditBody is a line of an audit log.
type auditBody struct {
	ID int64     `json:"id"`
	At wire.Time `json:"at"`
	rooms.Audit
}

// AnswerAudit answers a request for a part of an audit log, which is the table t.
func AnswerAudit(l *Lists, c echo.Context, t list.Table, read func(context.Context, list.Query) ([]audit.Line, string, error)) error {
	return AnswerTable(l, c, "entries", t, 50, 500, func(ctx context.Context, q list.Query) (Page[auditBody], error) {
		lines, next, err := read(ctx, q)
		out := Page[auditBody]{Next: next}
		for _, l := range lines {
			out.Rows = append(out.Rows, auditBody{l.ID, wire.At(l.At), l.Audit})
		}
		return out, err
	})
}
