package platform

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Session answers with what the key is that asks: its name, and what it may do.
func (a *API) Session(c echo.Context) error {
	p := api.PrincipalOf(c)
	return c.JSON(http.StatusOK, struct {
		Key       string    `json:"key"`
		Name      string    `json:"name"`
		Scopes    []string  `json:"scopes"`
		ExpiresAt wire.Time `json:"expires_at,omitzero"`
	}{p.Subject, p.Name, strings.Fields(p.Scopes), timeOrZero(p.ExpiresAt)})
}
