package operator

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// postingBody is a transfer of the ledger.
type postingBody struct {
	ID        int64     `json:"id"`
	At        wire.Time `json:"at"`
	Kind      string    `json:"kind"`
	Player    string    `json:"player"`
	Amount    int64     `json:"amount"`
	Room      string    `json:"room,omitempty"`
	Ref       string    `json:"ref"`
	CommandID string    `json:"command_id,omitempty"`
	Reverses  string    `json:"reverses,omitempty"` // the command_id of a credit
}

// Postings answers with the transfers of the casino's ledger, the latest first.
func (a *API) Postings(c echo.Context) error {
	return api.AnswerTable(a.lists, c, "postings", journal.Postings, 100, 1000, func(ctx context.Context, q list.Query) (api.Page[postingBody], error) {
		page, next, err := a.store.Ledger.ListPostings(ctx, api.TenantOf(c).ID, q)
		out := api.Page[postingBody]{Next: next}
		for _, p := range page {
			out.Rows = append(out.Rows, postingBody{p.ID, wire.At(p.At), p.Kind, string(p.Player), int64(p.Amount), p.Room, p.Ref, p.Command, p.Reverses})
		}
		return out, err
	})
}

// TrialBalance answers with the sums of the ledger's accounts.
func (a *API) TrialBalance(c echo.Context) error {
	free, ok := a.trials.Acquire(api.TenantOf(c).ID) // it reads all of the ledger
	if !ok {
		a.limits.Hit(api.TenantOf(c).ID, api.LimitTrialBalances)
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
