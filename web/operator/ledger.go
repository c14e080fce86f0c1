package operator

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// TrialBalance answers with the sums of the ledger's accounts.
func (a *API) TrialBalance(c echo.Context) error {
	free, ok := a.trials.Acquire(api.TenantOf(c).ID) // it reads all of the ledger
	if !ok {
		a.limits.Hit(api.LimitTrialBalances)
		return api.ErrManyTrials
	}
	defer free()
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	tb, err := a.store.Ledger.TrialBalance(ctx, api.TenantOf(c).ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tb)
}
