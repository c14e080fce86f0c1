package operator

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/rooms"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Audit answers with a page of the audit log, the latest line first.
func (a *API) Audit(c echo.Context) error {
	before, err := api.Number(c, "before", 0, 1, 1<<62)
	if err != nil {
		return err
	}
	limit, err := api.Number(c, "limit", 50, 1, 500)
	if err != nil {
		return err
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	lines, err := a.store.Audit.Lines(ctx, api.TenantOf(c).ID, before, int(limit))
	if err != nil {
		return err
	}
	type entry struct {
		ID int64     `json:"id"`
		At wire.Time `json:"at"`
		rooms.Audit
	}
	out := struct {
		Entries []entry `json:"entries"`
		Next    int64   `json:"next,omitempty"`
	}{Entries: []entry{}}
	for _, l := range lines {
		out.Entries = append(out.Entries, entry{l.ID, wire.At(l.At), l.Audit})
	}
	if len(lines) == int(limit) {
		out.Next = lines[len(lines)-1].ID
	}
	return c.JSON(http.StatusOK, out)
}
