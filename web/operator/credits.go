package operator

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// Credit adds to a player's balance, or takes from it. It makes the player's account unless ?create=0 says not
// to: a player has none before the first credit, so whoever does not know that parameter needs it made.
func (a *API) Credit(c echo.Context) error {
	var in struct {
		Amount    int64       `json:"amount"`
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if in.Amount == 0 {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "amount: want minor units, not zero")
	}
	if !auth.ValidSubject(api.Param(c, "player")) {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "player: want 1 to 64 printable characters without spaces")
	}
	create, err := api.Number(c, "create", 1, 0, 1)
	if err != nil {
		return err
	}
	return a.give(c, journal.Credit{
		Player: game.PlayerID(api.Param(c, "player")), Amount: game.Money(in.Amount), Reason: in.Reason, CommandID: in.CommandID, Existing: create == 0,
	})
}

// ReverseCredit moves the amount of a credit back, once.
func (a *API) ReverseCredit(c echo.Context) error {
	var in struct {
		Reason    strict.Line `json:"reason"`
		CommandID string      `json:"command_id,omitempty"`
	}
	if err := api.Read(c, &in); err != nil {
		return err
	}
	return a.give(c, journal.Credit{Reverses: api.Param(c, "command"), Reason: in.Reason, CommandID: in.CommandID})
}

// posting is one transfer of a dry run.
type posting struct {
	Debit  string `json:"debit"`
	Credit string `json:"credit"`
	Amount int64  `json:"amount"`
	Kind   string `json:"kind"`
}

// give does a credit, asks for a second person, or says what would happen.
func (a *API) give(c echo.Context, credit journal.Credit) error {
	if err := checkReason(&credit.Reason); err != nil {
		return err
	}
	dry, err := api.Number(c, "dry_run", 0, 0, 1)
	if err != nil {
		return err
	}
	if dry == 1 && credit.CommandID == "" && c.Request().Header.Get("Idempotency-Key") == "" {
		credit.CommandID = uuid.NewString() // nobody's: it is not kept
	}
	id, err := api.CommandID(c, credit.CommandID)
	if err != nil {
		return err
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	credit.Currency, credit.Exponent, credit.CommandID, credit.DryRun = t.Currency, t.Exponent, id, dry == 1
	credit.Actor, credit.Origin = api.OwnerOf(c), api.OriginOf(c)
	out, err := a.store.Ledger.Give(ctx, t.ID, credit)
	if errors.Is(err, approvals.ErrTooMany) {
		a.limits.Hit(api.TenantOf(c).ID, api.LimitApprovals)
	}
	if err != nil {
		return err
	}
	switch {
	case credit.DryRun:
		postings := []posting{}
		for _, p := range out.Postings {
			postings = append(postings, posting{p.Debit, p.Credit, int64(p.Amount), p.Kind})
		}
		return c.JSON(http.StatusOK, map[string]any{
			"dry_run": true, "balance_before": out.Before, "balance_after": out.Balance, "created": out.Created,
			"postings": postings, "needs_approval": out.NeedsApproval,
		})
	case out.NeedsApproval:
		asked, err := a.store.Approvals.Get(ctx, t.ID, id)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, map[string]any{"approval": approvalOf(asked)})
	}
	a.tellBalance(ctx, t, out.Player, wire.Balance{Balance: int64(out.Balance), Currency: t.Currency, Version: out.Version})
	return c.JSON(http.StatusOK, map[string]any{"balance": out.Balance, "version": out.Version, "created": out.Created})
}
