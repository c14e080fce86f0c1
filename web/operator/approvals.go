package operator

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/hub/wire"
	"github.com/pitboss-hub/pitboss/hub/wire/strict"
	"github.com/pitboss-hub/pitboss/rooms/game"
	"github.com/pitboss-hub/pitboss/store/approvals"
	"github.com/pitboss-hub/pitboss/store/journal"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// approvalBody is what waits for a second person, and the answer.
type approvalBody struct {
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
		ID: x.ID, Kind: x.Kind, Target: x.Target, Request: x.Request, Reason: x.Reason, State: x.State,
		AskedBy: x.AskedBy.Actor(), People: x.People, AskedAt: wire.At(x.AskedAt), ExpiresAt: wire.At(x.ExpiresAt),
	}
	if !x.AnsweredAt.IsZero() {
		out.Answer = &answerBody{x.AnsweredBy.Actor(), wire.At(x.AnsweredAt), x.AnswerReason, x.Result}
	}
	return out
}

// Approvals answers with a page of approvals, of one state or all, the latest first.
func (a *API) Approvals(c echo.Context) error {
	cursor, err := api.Number(c, "cursor", 0, 1, 1<<62)
	if err != nil {
		return err
	}
	limit, err := api.Number(c, "limit", 50, 1, 100)
	if err != nil {
		return err
	}
	name := c.QueryParam("state")
	state, ok := approvals.ParseState(name)
	if name != "" && !ok {
		return api.Fail(http.StatusBadRequest, wire.CodeInvalidParams, "state: want open, approved, refused, withdrawn or expired")
	}
	ctx, cancel := api.WithPatience(c)
	defer cancel()
	list, err := a.store.Approvals.List(ctx, api.TenantOf(c).ID, state, cursor, int(limit)+1)
	if err != nil {
		return err
	}
	out := struct {
		Approvals []approvalBody `json:"approvals"`
		Next      string         `json:"next,omitempty"`
	}{Approvals: []approvalBody{}}
	if len(list) > int(limit) {
		list = list[:limit]
		out.Next = strconv.FormatInt(list[limit-1].N, 10)
	}
	for _, x := range list {
		out.Approvals = append(out.Approvals, approvalOf(x))
	}
	return c.JSON(http.StatusOK, out)
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
	if err := api.Read(c, &in); err != nil {
		return err
	}
	if err := checkReason(&in.Reason); err != nil {
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
