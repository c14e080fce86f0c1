package operator

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/store/list"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// approvalBody is what waits for a second person, and the answer.
type approvalBody struct {
	N         int64           `json:"n"`  // a later one has a larger one
	ID        string          `json:"id"` // the command_id of what was asked for
	Kind      string          `json:"kind"`
	Target    string          `json:"target"`
	Request   json.RawMessage `json:"request"`
	Reason    string          `json:"reason"`
	State     approvals.State `json:"state"`
	AskedBy   string          `json:"asked_by"`
	People    []string        `json:"people"` // behind who asked
	AskedAt   wire.Time       `json:"asked_at"`
	ExpiresAt wire.Time       `json:"expires_at"`

	Answer *answerBody `json:"answer,omitempty"`
}

type answerBody struct {
	By     string          `json:"by"`
	At     wire.Time       `json:"at"`
	Reason string          `json:"reason"`
	Result json.RawMessage `json:"result,omitempty"`
}

func approvalOf(x approvals.Approval) approvalBody {
	out := approvalBody{
		N: x.N, ID: x.ID, Kind: x.Kind, Target: x.Target, Request: x.Request, Reason: x.Reason, State: x.State,
		AskedBy: x.AskedBy.Actor(), People: x.People, AskedAt: wire.At(x.AskedAt), ExpiresAt: wire.At(x.ExpiresAt),
	}
	if !x.AnsweredAt.IsZero() {
		out.Answer = &answerBody{x.AnsweredBy.Actor(), wire.At(x.AnsweredAt), x.AnswerReason, x.Result}
	}
	return out
}

// Approvals answers with the approvals, the latest first.
func (a *API) Approvals(c echo.Context) error {
	return api.AnswerTable(a.lists, c, "approvals", approvals.Table, 50, 500, func(ctx context.Context, q list.Query) (api.Page[approvalBody], error) {
		page, next, err := a.store.Approvals.List(ctx, api.TenantOf(c).ID, q)
		out := api.Page[approvalBody]{Next: next}
		for _, x := range page {
			out.Rows = append(out.Rows, approvalOf(x))
		}
		return out, err
	})
}

// Approval answers with one approval.
func (a *API) Approval(c echo.Context) error {
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	x, err := a.store.Approvals.Get(ctx, api.TenantOf(c).ID, api.Param(c, "id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"approval": approvalOf(x)})
}

// Approve agrees to what another person asked for, and does it.
func (a *API) Approve(c echo.Context) error { return a.answer(c, approvals.Approved) }

// Refuse ends what another person asked for, without doing it.
func (a *API) Refuse(c echo.Context) error { return a.answer(c, approvals.Refused) }

// Withdraw takes back what one asked for oneself.
func (a *API) Withdraw(c echo.Context) error { return a.answer(c, approvals.Withdrawn) }

func (a *API) answer(c echo.Context, to approvals.State) error {
	var in struct {
		Reason strict.Line `json:"reason"`
	}
	if err := readReasoned(c, &in, &in.Reason); err != nil {
		return err
	}
	t := api.TenantOf(c)
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	x, err := a.store.Approvals.Answer(ctx, t.ID, api.Param(c, "id"), approvals.Answer{To: to, By: api.PrincipalOf(c), Origin: api.OriginOf(c), Reason: in.Reason})
	if err != nil {
		return err
	}
	if x.Kind == journal.KindCredit && x.State == approvals.Approved {
		var done struct {
			Balance int64 `json:"balance"`
			Version int64 `json:"version"`
		}
		if err := strict.DecodeKnown(x.Result, &done); err == nil { // else the player sees it later
			a.tellBalance(ctx, t, game.PlayerID(x.Target), wire.Balance{Balance: done.Balance, Currency: t.Currency, Version: done.Version})
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"approval": approvalOf(x)})
}
